//! Errors of many problems side by side, on axes that they share.

use super::Plot;
use super::canvas::px;
use super::chart::{self, LEGEND_ROW, MARGIN, TITLE_ROOM};
use super::error::PlotError;
use super::error_curves::{Curve, EndNames, ErrorCurves, SeriesStyle};
use super::font::MEDIUM;
use super::picture::Picture;
use super::range::Range;
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
const BETWEEN_PANELS: f64 = 14.0;
/// The least that a panel needs across.
const LEAST_PANEL: f64 = 260.0;

impl Plot for ErrorCurvesGrid {
    fn picture(&self) -> Result<Picture<'_>, PlotError> {
        self.laid_out(None)
    }

    fn picture_of_width(&self, width: f64) -> Result<Picture<'_>, PlotError> {
        self.laid_out(Some(width))
    }
}

impl ErrorCurvesGrid {
    /// In a width, or as wide as its panels usually are.
    fn laid_out(&self, width: Option<f64>) -> Result<Picture<'_>, PlotError> {
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
        let y_ranges = panels.iter().map(|(panel, curves)| panel.y_range(curves, FRAME_HEIGHT));
        let y_ranges: Vec<Range> = y_ranges.collect::<Result<_, _>>()?;
        let x_ranges = panels.iter().map(|(panel, curves)| panel.x_range(curves));
        let x = x_ranges.reduce(Range::union).unwrap_or(y_ranges[0]);
        let y = y_ranges.into_iter().reduce(Range::union).unwrap_or(x);
        let (x, y) = ((x, first.x_scale), (y, first.y_scale));

        let entries =
            distinct(panels.iter().flat_map(|(_, curves)| curves.iter().map(Curve::entry)));
        let columns = match self.columns {
            0 => panels.len().min(3),
            columns => columns.min(panels.len()),
        };
        let usual = WIDTH.max(380.0 * columns as f64) + chart::legend_room(&entries);
        let width = width.unwrap_or(usual);
        let [beside, under] = chart::legend_rooms(&entries, width);
        let columns = columns.min((((width - beside) / LEAST_PANEL) as usize).max(1));
        let rows = panels.len().div_ceil(columns);
        let left = chart::left_room(y, FRAME_HEIGHT, true);
        let below = chart::lower_room(true);
        let row_height = TITLE_ROOM + FRAME_HEIGHT + below + BETWEEN_PANELS;
        let title = chart::title_within(&self.title, width);
        let title_room = if title.is_empty() { 0.0 } else { TITLE_ROOM };
        let signs = if under > 0.0 { 0.0 } else { entries.len() as f64 * LEGEND_ROW };
        let inner = (rows as f64 * row_height).max(signs);
        let height = 2.0 * MARGIN + title_room + inner + under;

        Ok(Picture::new(width, height, move |page| {
            let body = chart::titled(page, title)?;
            let body = chart::with_legend(&body, &entries, under > 0.0)?;
            let (body, _) = body.split_vertically(px(rows as f64 * row_height));
            for (index, area) in body.split_evenly((rows, columns)).into_iter().enumerate() {
                let Some((panel, curves)) = panels.get(index) else { break };
                let area = area.margin(0, px(BETWEEN_PANELS), 0, px(BETWEEN_PANELS));
                let area = chart::headed(&area, &panel.title, MEDIUM)?;
                // What is up says the row's first panel.
                let upward = if index % columns == 0 { first.y_label.as_str() } else { "" };
                panel.draw(
                    &area,
                    curves,
                    [x, y],
                    [&first.x_label, upward],
                    left,
                    EndNames::None,
                )?;
            }
            Ok(())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Series;

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
        let grid = ErrorCurvesGrid::new("All", panels);
        assert_eq!(grid.panels[0].series[1].style, grid.panels[1].series[0].style);
        let svg = grid.to_svg_string().unwrap();
        for (text, times) in [("euler", 1), ("heun", 1), ("rk4", 1), ("vp", 1), ("bridge", 1)] {
            assert_eq!(svg.matches(&format!("\n{text}\n")).count(), times, "{text}");
        }
        // Both panels reach from the least error to the largest.
        assert_eq!(svg.matches("\n0.01\n").count(), 2, "{svg}");
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
