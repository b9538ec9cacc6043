//! Samples over the shape they should fill.

use super::axis::{self, Frame, LARGE, Scale, TICK_ROOM};
use super::error::PlotError;
use super::legend;
use super::picture::{Area, Picture};
use super::range::Window;
use super::space::{self, Limits, Outline, PointLayer};
use super::{MARGIN, Plot};

/// Samples over an outline, in a frame with one unit along both axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scatter {
    /// The title, above the frame.
    pub title: String,
    /// The points, drawn in order, earlier layers below later ones.
    pub layers: Vec<PointLayer>,
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

    /// Sets the outline.
    #[must_use]
    pub fn outline(mut self, outline: Outline) -> Self {
        self.outline = Some(outline);
        self
    }

    fn window(&self) -> Result<Window, PlotError> {
        let points = self.layers.iter().flat_map(|layer| &layer.points);
        space::window(&self.title, self.limits, self.outline.as_ref(), points)
    }

    fn draw(&self, picture: &mut Picture, frame: &Frame) {
        if let Some(outline) = &self.outline {
            outline.draw(picture, frame);
        }
        for layer in &self.layers {
            layer.draw(picture, frame);
        }
        space::note_outside(picture, frame, &self.layers);
    }
}

impl Plot for Scatter {
    fn picture(&self) -> Result<Picture, PlotError> {
        let panels = vec![self.clone()];
        grid_picture("", &panels, 1, 720.0)
    }
}

/// Several [`Scatter`] panels in one picture, all with the same axes, so that
/// they can be compared at a glance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScatterGrid {
    /// The title above all panels; may be empty.
    pub title: String,
    /// The panels, row by row.
    pub panels: Vec<Scatter>,
    /// Panels side by side; 0 takes up to three.
    pub columns: usize,
}

impl ScatterGrid {
    /// Panels in rows of up to three.
    pub fn new(title: impl Into<String>, panels: Vec<Scatter>) -> Self {
        Self { title: title.into(), panels, columns: 0 }
    }
}

impl Plot for ScatterGrid {
    fn picture(&self) -> Result<Picture, PlotError> {
        let columns = match self.columns {
            0 => self.panels.len().clamp(1, 3),
            columns => columns.min(self.panels.len().max(1)),
        };
        let width = match columns {
            1 => 720.0,
            2 | 3 => 1200.0,
            _ => 400.0 * columns as f64,
        };
        grid_picture(&self.title, &self.panels, columns, width)
    }
}

const BETWEEN_PANELS: f64 = 22.0;
const PANEL_TITLE_ROOM: f64 = 34.0;
const PANEL_TITLE: f64 = 16.0;

fn grid_picture(
    title: &str,
    panels: &[Scatter],
    columns: usize,
    width: f64,
) -> Result<Picture, PlotError> {
    let window =
        panels.iter().map(Scatter::window).reduce(|a, b| Ok(a?.union(b?))).unwrap_or_else(
            || {
                Err(PlotError::Empty {
                    title: title.to_owned(),
                    reason: "a grid needs at least one panel".to_owned(),
                })
            },
        )?;
    let left_room = axis::left_room(window.y, Scale::Linear, 300.0, false) + 6.0;
    let gaps = BETWEEN_PANELS * (columns - 1) as f64;
    let panel_width = ((width - 2.0 * MARGIN - left_room - gaps) / columns as f64).floor();
    let panel_height = space::fitting_height(&window, panel_width);
    let row_height = PANEL_TITLE_ROOM + panel_height + TICK_ROOM + 14.0;
    let title_room = if title.is_empty() { 0.0 } else { 40.0 };

    let entries = space::without_repeats(panels.iter().flat_map(|panel| {
        let outline = panel.outline.as_ref().and_then(Outline::entry);
        outline.into_iter().chain(panel.layers.iter().filter_map(PointLayer::entry))
    }));
    let legend_height = legend::flow_height(&entries, width - 2.0 * MARGIN - left_room);
    let rows = panels.len().div_ceil(columns) as f64;
    let height = MARGIN + title_room + rows * row_height + legend_height + MARGIN;

    let mut picture = Picture::new(width, height);
    let left = MARGIN + left_room;
    if !title.is_empty() {
        picture.title(title, left, MARGIN + LARGE, width - MARGIN, LARGE);
    }
    for (index, panel) in panels.iter().enumerate() {
        let (row, column) = (index / columns, index % columns);
        let corner = [
            left + column as f64 * (panel_width + BETWEEN_PANELS),
            MARGIN + title_room + row as f64 * row_height + PANEL_TITLE_ROOM,
        ];
        let area = Area {
            left: corner[0],
            top: corner[1],
            right: corner[0] + panel_width,
            bottom: corner[1] + panel_height,
        };
        let size = if columns == 1 { LARGE } else { PANEL_TITLE };
        picture.title(&panel.title, area.left, area.top - 11.0, area.right, size);
        let frame = Frame::of_space(area, window);
        panel.draw(&mut picture, &frame);
        frame.draw_border(&mut picture, true, column == 0);
    }
    let legend_top = MARGIN + title_room + rows * row_height;
    let legend_width = width - MARGIN - left;
    legend::draw_flow(&mut picture, &entries, [left, legend_top], legend_width);
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Color, OutlineForm};

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
    fn limits_must_be_intervals() {
        let mut scatter = Scatter::new("limits").layer(layer(vec![[0.0, 0.0]]));
        scatter.limits = Some([1.0, 0.0, 0.0, 1.0]);
        assert!(matches!(scatter.picture(), Err(PlotError::InvalidLimits { what: "x", .. })));
    }

    #[test]
    fn a_circle_of_samples_is_a_circle_on_the_picture() {
        use crate::plot::picture::Shape;
        let scatter = Scatter::new("axes").layer(layer(vec![
            [-1.0, 0.0],
            [1.0, 0.0],
            [0.0, -1.0],
            [0.0, 1.0],
        ]));
        let picture = scatter.picture().unwrap();
        let centers: Vec<_> = picture
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Disc { center, radius, .. } if *radius == 1.75 => Some(*center),
                _ => None,
            })
            .collect();
        let across = centers[1][0] - centers[0][0];
        let upward = centers[2][1] - centers[3][1];
        assert!((across - upward).abs() < 1e-9 && across > 100.0);
    }
}
