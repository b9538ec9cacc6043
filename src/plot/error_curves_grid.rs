//! Errors of many problems side by side, on axes that they share.

use super::axis::Scale;
use super::canvas::px;
use super::chart::{self, BARE, LEGEND_ROW, MARGIN, Sides};
use super::curve::Curve;
use super::end_labels::EndNames;
use super::error::PlotError;
use super::error_curves::{ErrorCurves, FloorNames, SeriesStyle};
use super::font::MEDIUM;
use super::picture::Picture;
use super::range::Range;
use super::{Format, Plot};
use crate::distinct::distinct;

/// Panels of [`ErrorCurves`] in rows, on the same axes and with one legend.
///
/// The first panel says how the axes are divided and what they are called. A series has the same
/// look in every panel: that of its name's first place in any list. A panel with nothing to show
/// stays out.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorCurvesGrid {
    /// The title, above all panels.
    pub title: String,
    /// The panels, whose titles stand above each.
    pub panels: Vec<ErrorCurves>,
    /// Panels in a row; 0 for up to three.
    pub columns: usize,
}

impl ErrorCurvesGrid {
    /// Panels in rows of up to three, on the axes of the first.
    pub fn new(title: impl Into<String>, mut panels: Vec<ErrorCurves>) -> Self {
        let series = panels.iter().flat_map(|panel| &panel.series);
        let names = distinct(series.map(|series| series.name.clone()));
        let scales = panels.first().map(|panel| (panel.x_scale, panel.y_scale));
        for panel in &mut panels {
            // Panels are small, and one legend has one name for a series.
            panel.end_labels = false;
            (panel.x_scale, panel.y_scale) = scales.unwrap_or((panel.x_scale, panel.y_scale));
            for series in &mut panel.series {
                let place = names.iter().position(|name| *name == series.name);
                series.fit = false;
                series.style = series.style.or(place.map(SeriesStyle::nth));
            }
        }
        Self { title: title.into(), panels, columns: 0 }
    }
}

const WIDTH: f64 = 1200.0;
const FRAME_HEIGHT: f64 = 270.0;
/// The height of a frame as a share of its width in a width that is asked for, and the least.
const SHARE: f64 = 0.8;
const LEAST_HEIGHT: f64 = 110.0;
const BETWEEN_PANELS: f64 = 14.0;
/// The least that a panel needs across.
const LEAST_PANEL: f64 = 160.0;

impl Plot for ErrorCurvesGrid {
    fn laid_out(&self, format: Format) -> Result<Picture<'_>, PlotError> {
        let mut panels: Vec<(&ErrorCurves, Vec<Curve<'_>>)> = Vec::new();
        for panel in &self.panels {
            match panel.curves() {
                Ok(curves) => panels.push((panel, curves)),
                Err(PlotError::Empty { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        let Some(&(first, _)) = panels.first() else {
            let reason = "no panel has anything to show".to_owned();
            return Err(PlotError::Empty { title: self.title.clone(), reason });
        };
        // In no panel is room for the name of a floor.
        let y_ranges = panels.iter().map(|(panel, curves)| panel.y_range(curves, f64::INFINITY));
        let y_ranges: Vec<Range> = y_ranges.collect::<Result<_, _>>()?;
        let x_ranges = panels.iter().map(|(panel, curves)| panel.x_range(curves));
        let x = x_ranges.reduce(Range::union).unwrap_or(y_ranges[0]);
        let y = y_ranges.into_iter().reduce(Range::union).unwrap_or(x);
        // A panel whose own range is short has but a little room above its highest marker.
        let y = if first.y_limits.is_some() { y } else { y.padded(0.02) };
        let (x, y) = ((x, first.x_scale), (y, first.y_scale));

        let floors = panels.iter().flat_map(|(panel, _)| panel.floors().map(|floor| floor.0));
        let floors = distinct(floors.map(str::to_owned));
        let signs = panels.iter().flat_map(|(_, curves)| curves.iter().map(Curve::entry));
        let names = FloorNames::InLegend(&floors);
        let entries = distinct(signs.chain(floors.iter().map(|floor| names.entry(floor))));
        let columns = match self.columns {
            0 => panels.len().min(3),
            columns => columns.min(panels.len()),
        };
        let usual = WIDTH.max(380.0 * columns as f64) + chart::legend_room(&entries);
        let width = format.width.unwrap_or(usual);
        let [beside, under] = chart::legend_rooms(&entries, width);
        let inner = width - beside - 2.0 * MARGIN;
        let columns = columns.min(((inner / LEAST_PANEL) as usize).max(1));
        let places = Places::of(panels.len(), columns, inner, (y, format.width.is_some()));
        let room = |(index, (panel, _)): (usize, &(&ErrorCurves, _))| {
            let width = places.left_of(index) + places.frame.0;
            chart::heading_room(&panel.title, MEDIUM, width)
        };
        let headings = panels.iter().enumerate().map(room).fold(0.0, f64::max);
        let title = format.titles.of(&self.title);
        let signs = if under > 0.0 { 0.0 } else { entries.len() as f64 * LEGEND_ROW };
        let rows: f64 = (0..places.rows()).map(|row| places.row_height(row, headings)).sum();
        let around = 2.0 * MARGIN + chart::title_room(title, width) + under;
        let height = around + (rows - BETWEEN_PANELS).max(signs);

        Ok(Picture::new(width, height, move |page| {
            let body = chart::titled(page, title)?;
            let body = chart::with_legend(&body, &entries, under > 0.0)?;
            for (index, (panel, curves)) in panels.iter().enumerate() {
                let (corner, size, sides) = places.of_panel(index, headings, first);
                let area = body.clone().shrink(corner.map(px).into(), size.map(px).into());
                let area = chart::headed(&area, &panel.title, MEDIUM, headings)?;
                let names = FloorNames::InLegend(&floors);
                panel.draw(&area, curves, [x, y], sides, (EndNames::None, names))?;
            }
            Ok(())
        }))
    }
}

/// Where panels are: frames of one size in rows, labelled at the left of a row and below the last of a
/// column, for all have the same axes.
#[derive(Clone, Copy)]
struct Places {
    panels: usize,
    columns: usize,
    /// The room left of the first frame of a row.
    left: f64,
    /// Width and height of a frame.
    frame: (f64, f64),
}

impl Places {
    /// In a width; of a picture whose width is asked for frames are as high as is usual of narrow ones.
    fn of(panels: usize, columns: usize, inner: f64, (y, asked): ((Range, Scale), bool)) -> Self {
        let between = (columns - 1) as f64 * (BETWEEN_PANELS + BARE);
        let with_height = |height: f64| {
            let left = chart::left_room(y, height, true);
            let width = (inner - left - between) / columns as f64;
            Places { panels, columns, left, frame: (width, height) }
        };
        let usual = with_height(FRAME_HEIGHT);
        match asked {
            true => with_height((SHARE * usual.frame.0).clamp(LEAST_HEIGHT, FRAME_HEIGHT)),
            false => usual,
        }
    }

    fn rows(&self) -> usize {
        self.panels.div_ceil(self.columns)
    }

    /// The room left of the frame of a panel.
    fn left_of(&self, index: usize) -> f64 {
        if index.is_multiple_of(self.columns) { self.left } else { BARE }
    }

    /// Whether no panel is below this one.
    fn is_last(&self, index: usize) -> bool {
        index + self.columns >= self.panels
    }

    /// The height of a row with the room below it.
    fn row_height(&self, row: usize, headings: f64) -> f64 {
        let last = (row + 1) * self.columns - 1;
        let below = if self.is_last(last) { chart::lower_room(true) } else { BARE };
        headings + self.frame.1 + below + BETWEEN_PANELS
    }

    /// Where a panel is, its size, and what stands beside its frame.
    fn of_panel<'t>(
        &self,
        index: usize,
        headings: f64,
        first: &'t ErrorCurves,
    ) -> ([f64; 2], [f64; 2], Sides<'t>) {
        let (row, column) = (index / self.columns, index % self.columns);
        let labelled = [self.is_last(index), column == 0];
        let title = |title: &'t str, is_there: bool| if is_there { title } else { "" };
        let titles = [title(&first.x_label, labelled[0]), title(&first.y_label, labelled[1])];
        let sides = Sides { titles, labelled, left: self.left_of(index) };
        let across = match column {
            0 => 0.0,
            column => {
                let each = self.frame.0 + BETWEEN_PANELS;
                self.left - BARE + column as f64 * (each + BARE)
            }
        };
        let down: f64 = (0..row).map(|row| self.row_height(row, headings)).sum();
        let size = [sides.left + self.frame.0, headings + self.frame.1 + sides.below()];
        ([across, down], size, sides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Floor, Series};

    fn panel(title: &str, names: &[&str], error: f64) -> ErrorCurves {
        let mut panel = ErrorCurves::new(title, "NFE", "solver error");
        panel.series = names
            .iter()
            .map(|&name| Series::new(name, vec![(10.0, error), (20.0, 0.5 * error)]))
            .collect();
        panel
    }

    #[test]
    fn a_series_has_one_look_and_one_name_in_all_panels() {
        let panels =
            vec![panel("vp", &["euler", "heun"], 1.0), panel("bridge", &["heun", "rk4"], 0.01)];
        let mut grid = ErrorCurvesGrid::new("All", panels);
        assert_eq!(grid.panels[0].series[1].style, grid.panels[1].series[0].style);
        let svg = grid.to_svg_string().unwrap();
        for (text, times) in [("euler", 1), ("heun", 1), ("rk4", 1), ("vp", 1), ("bridge", 1)] {
            assert_eq!(svg.matches(&format!("\n{text}\n")).count(), times, "{text}");
        }
        // Both panels reach from the least error to the largest, which is said once in a row.
        let said = |svg: &str| [svg.matches("\n0.01\n").count(), svg.matches("\nNFE\n").count()];
        assert_eq!(said(&svg), [1, 2]);
        grid.columns = 1;
        assert_eq!(said(&grid.to_svg_string().unwrap()), [2, 1]);
    }

    /// Small panels have no room for names beside the curves.
    #[test]
    fn a_floor_has_its_name_in_the_legend_once() {
        let mut grid = ErrorCurvesGrid::new(
            "All",
            vec![panel("vp", &["heun"], 1.0), panel("ve", &["heun"], 0.1)],
        );
        for panel in &mut grid.panels {
            for (label, value) in [("model floor", 0.02), ("sampling floor", 0.01)] {
                panel.floors.push(Floor { label: label.to_owned(), value });
            }
        }
        let svg = grid.to_svg_string().unwrap();
        for label in ["model floor", "sampling floor"] {
            assert_eq!(svg.matches(&format!("\n{label}\n")).count(), 1, "{label}");
        }
    }

    #[test]
    fn panels_without_anything_stay_out_and_none_is_an_error() {
        let empty = panel("empty", &[], 1.0);
        let grid = ErrorCurvesGrid::new("One", vec![empty.clone(), panel("vp", &["heun"], 1.0)]);
        assert!(!grid.to_svg_string().unwrap().contains("\nempty\n"));
        let grid = ErrorCurvesGrid::new("None", vec![empty]);
        assert!(matches!(grid.to_svg_string(), Err(PlotError::Empty { .. })));
        let grid = ErrorCurvesGrid::new("None", Vec::new());
        assert!(matches!(grid.to_svg_string(), Err(PlotError::Empty { .. })));
    }
}
