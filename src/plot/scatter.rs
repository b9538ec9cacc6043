//! Samples over the shape they should fill.

use super::axis::Scale;
use super::canvas::px;
use super::chart::{self, Entry, MARGIN};
use super::error::PlotError;
use super::font::MEDIUM;
use super::path_layer::PathLayer;
use super::picture::{Page, Picture};
use super::range::Range;
use super::space::{self, Limits, Outline, PointLayer};
use super::{Format, Plot};
use crate::distinct::distinct;

/// Samples over an outline, in a frame with one unit along both axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scatter {
    /// The title, above the frame.
    pub title: String,
    /// The points, drawn in order, earlier layers below later ones.
    pub layers: Vec<PointLayer>,
    /// Paths below the points, the first at the bottom; their ends are above all points, the
    /// first on top.
    pub paths: Vec<PathLayer>,
    /// The shape to compare with, drawn below all points.
    pub outline: Option<Outline>,
    /// What to show; without limits the outline's box and a quarter more, or
    /// the box of all points. Points outside are counted in a note.
    pub limits: Option<Limits>,
}

impl Scatter {
    /// A picture without points yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a layer above those before it.
    #[must_use]
    pub fn layer(mut self, layer: PointLayer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds a path above those before it.
    #[must_use]
    pub fn path(mut self, path: PathLayer) -> Self {
        self.paths.push(path);
        self
    }

    /// Sets the outline.
    #[must_use]
    pub fn outline(mut self, outline: Outline) -> Self {
        self.outline = Some(outline);
        self
    }

    fn window(&self) -> Result<[Range; 2], PlotError> {
        let paths = self.paths.iter().flat_map(|path| &path.points);
        let points = self.layers.iter().flat_map(|layer| &layer.points).chain(paths);
        space::window(&self.title, self.limits, self.outline.as_ref(), points)
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let outline = self.outline.as_ref().and_then(Outline::entry);
        let layers = self.layers.iter().filter_map(PointLayer::entry);
        let paths = self.paths.iter().filter_map(PathLayer::entry);
        outline.into_iter().chain(layers).chain(paths)
    }

    fn draw(&self, area: &Page<'_>, window: [Range; 2]) -> Result<(), PlotError> {
        let mut chart = chart::frame_of_space(area, window)?;
        if let Some(outline) = &self.outline {
            outline.draw(&mut chart)?;
        }
        for path in &self.paths {
            path.draw_line(&mut chart)?;
        }
        for layer in &self.layers {
            layer.draw(&mut chart)?;
        }
        for path in self.paths.iter().rev() {
            path.draw_end(&mut chart)?;
        }
        space::note_outside(&chart, &self.layers)?;
        chart::draw_border(&chart)
    }
}

impl Plot for Scatter {
    fn laid_out(&self, format: Format) -> Result<Picture<'_>, PlotError> {
        let panels = std::slice::from_ref(self);
        grid_picture(format.titles.of(&self.title), panels, (1, format.width), Panels::default())
    }
}

/// Several [`Scatter`] panels in one picture, all with the same axes unless they are to have
/// their own, so that they can be compared at a glance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScatterGrid {
    /// The title above all panels; may be empty.
    pub title: String,
    /// The panels, row by row.
    pub panels: Vec<Scatter>,
    /// Panels side by side; 0 takes up to three.
    pub columns: usize,
    /// Whether every panel shows its own window, as large as the others.
    pub own_axes: bool,
}

impl ScatterGrid {
    /// Panels in rows of up to three.
    pub fn new(title: impl Into<String>, panels: Vec<Scatter>) -> Self {
        Self { title: title.into(), panels, ..Self::default() }
    }
}

impl Plot for ScatterGrid {
    fn laid_out(&self, format: Format) -> Result<Picture<'_>, PlotError> {
        let title = format.titles.of(&self.title);
        let look = Panels { named: true, own_axes: self.own_axes };
        grid_picture(title, &self.panels, (self.columns(), format.width), look)
    }
}

impl ScatterGrid {
    fn columns(&self) -> usize {
        match self.columns {
            0 => self.panels.len().clamp(1, 3),
            columns => columns.min(self.panels.len().max(1)),
        }
    }
}

/// The width of so many panels side by side, if no other is asked for.
fn usual_width(columns: usize) -> f64 {
    match columns {
        1 => 720.0,
        2 | 3 => 1200.0,
        _ => 400.0 * columns as f64,
    }
}

const BETWEEN_PANELS: f64 = 16.0;
/// The least that a panel needs across.
const LEAST_PANEL: f64 = 180.0;

/// Whether panels have their titles above them, and axes of their own.
#[derive(Clone, Copy, Default)]
struct Panels {
    named: bool,
    own_axes: bool,
}

/// Panels of one window or each of its own, in rows; every name of a layer stands once in the
/// legend.
fn grid_picture<'a>(
    title: &'a str,
    panels: &'a [Scatter],
    (columns, width): (usize, Option<f64>),
    Panels { named, own_axes }: Panels,
) -> Result<Picture<'a>, PlotError> {
    let mut windows: Vec<_> = panels.iter().map(Scatter::window).collect::<Result<_, _>>()?;
    let all = windows.iter().copied().reduce(space::union);
    let window = all.ok_or_else(|| PlotError::Empty {
        title: title.to_owned(),
        reason: "a grid needs at least one panel".to_owned(),
    })?;
    if !own_axes {
        windows.fill(window);
    }
    let entries = distinct(panels.iter().flat_map(Scatter::entries));
    let page_width = width.unwrap_or(usual_width(columns) + chart::legend_room(&entries));
    let [beside, under] = match width {
        Some(width) => chart::legend_rooms(&entries, width),
        None => [chart::legend_room(&entries), 0.0],
    };
    let width = page_width - beside;
    let columns = columns.min(((width / LEAST_PANEL) as usize).max(1));
    let rows = panels.len().div_ceil(columns);
    let labels = chart::left_room((window[1], Scale::Linear), width / columns as f64, false);
    let frame_width = (width - 2.0 * MARGIN) / columns as f64 - labels - BETWEEN_PANELS;
    let heading = move |panel: &'a Scatter| if named { panel.title.as_str() } else { "" };
    let across = (width - 2.0 * MARGIN) / columns as f64 - BETWEEN_PANELS;
    let headings = panels.iter().map(|panel| chart::heading_room(heading(panel), MEDIUM, across));
    let headings = headings.fold(0.0, f64::max);
    let row_height =
        space::fitting_height(window, frame_width) + headings + chart::lower_room(false);
    let title_room = chart::title_room(title, page_width);
    let height = 2.0 * MARGIN + title_room + rows as f64 * (row_height + BETWEEN_PANELS);

    Ok(Picture::new(page_width, height + under, move |page| {
        let body = chart::titled(page, title)?;
        let body = chart::with_legend(&body, &entries, under > 0.0)?;
        let areas = body.split_evenly((rows, columns));
        for ((panel, area), window) in panels.iter().zip(areas).zip(&windows) {
            let area = area.margin(0, px(BETWEEN_PANELS), 0, px(BETWEEN_PANELS));
            let area = chart::headed(&area, heading(panel), MEDIUM, headings)?;
            panel.draw(&area, *window)?;
        }
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Color, OutlineForm, SeriesStyle};

    fn layer(points: Vec<[f64; 2]>) -> PointLayer {
        PointLayer::new("samples", points, Color::nth(0))
    }

    #[test]
    fn a_legend_names_each_layer_once() {
        let panel = Scatter::new("Heun").layer(layer(vec![[0.0, 0.0], [1.0, 1.0]]));
        let grid = ScatterGrid::new("All", vec![panel.clone(), panel]);
        let svg = grid.to_svg_string().unwrap();
        assert_eq!(svg.matches("samples").count(), 1);
        assert_eq!(svg.matches("Heun").count(), 2);
    }

    #[test]
    fn the_outline_decides_the_window_and_strays_are_counted() {
        let square = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
        let scatter = Scatter::new("Diverged")
            .layer(layer(vec![[0.5, 0.5], [1e9, 0.0], [f64::NAN, 0.0]]))
            .outline(Outline::new("data", square, OutlineForm::ClosedLine));
        assert!(scatter.to_svg_string().unwrap().contains("2 outside"));
    }

    #[test]
    fn degenerate_points_are_drawn_and_none_is_an_error() {
        for points in [vec![[2.0, 3.0]], vec![[0.0, 0.0]; 5], vec![[1e99, -1e99], [0.0, 0.0]]] {
            Scatter::new("few").layer(layer(points)).to_png_bytes().unwrap();
        }
        for scatter in [Scatter::new("none"), Scatter::new("NaN").layer(layer(vec![[f64::NAN; 2]]))]
        {
            assert!(matches!(scatter.to_svg_string(), Err(PlotError::Empty { .. })));
        }
        let empty = ScatterGrid::new("no panel", vec![]);
        assert!(matches!(empty.to_svg_string(), Err(PlotError::Empty { .. })));
    }

    #[test]
    fn panels_may_have_axes_of_their_own() {
        let style = SeriesStyle::nth(0);
        let panel = |reach: f64| {
            let path = PathLayer::new("heun", vec![[0.0, 0.0], [reach, reach]], style);
            Scatter::new("").path(path)
        };
        let mut grid = ScatterGrid::new("", vec![panel(1.0), panel(1000.0)]);
        let has = |grid: &ScatterGrid, text: &str| {
            grid.to_svg_string().unwrap().contains(&format!("\n{text}\n"))
        };
        assert!(has(&grid, "1000") && !has(&grid, "0.5") && has(&grid, "heun"));
        grid.own_axes = true;
        assert!(has(&grid, "1000") && has(&grid, "0.5"));
    }

    #[test]
    fn limits_must_be_intervals() {
        let mut scatter = Scatter::new("limits").layer(layer(vec![[0.0, 0.0]]));
        scatter.limits = Some([1.0, 0.0, 0.0, 1.0]);
        assert!(matches!(scatter.picture(), Err(PlotError::InvalidLimits { what: "x", .. })));
    }

    #[test]
    fn a_circle_of_samples_is_a_circle_on_the_picture() {
        let scatter = Scatter::new("axes").layer(layer(vec![
            [-1.0, 0.0],
            [1.0, 0.0],
            [0.0, -1.0],
            [0.0, 1.0],
        ]));
        let svg = scatter.to_svg_string().unwrap();
        let parsed = roxmltree::Document::parse(&svg).unwrap();
        let circles = parsed
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "circle")));
        // In quarters of a pixel.
        let centers: Vec<_> = circles
            .map(|node| {
                ["cx", "cy"].map(|name| node.attribute(name).unwrap().parse::<i32>().unwrap())
            })
            .collect();
        let across = centers[1][0] - centers[0][0];
        let upward = centers[2][1] - centers[3][1];
        assert!((across - upward).abs() <= 1 && across > 400, "{across} {upward}");
    }
}
