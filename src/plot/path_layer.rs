//! One path through space, told from others by its look.

use super::chart::{self, Chart, Entry};
use super::error::PlotError;
use super::error_curves::SeriesStyle;

/// A path with a marker at its end, in a [`Scatter`](super::Scatter).
#[derive(Clone, Debug, PartialEq)]
pub struct PathLayer {
    /// The name in the legend; an empty name has no entry.
    pub name: String,
    /// Its states. One that is not finite breaks the line.
    pub points: Vec<[f64; 2]>,
    /// The look of the line, and the marker at its end.
    pub style: SeriesStyle,
    /// The width of the line in pixels.
    pub width: f64,
}

impl PathLayer {
    /// A path in this look, of the width of a curve.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>, style: SeriesStyle) -> Self {
        Self { name: name.into(), points, style, width: 2.0 }
    }

    pub(crate) fn draw_line(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        chart::draw_line(chart, &self.points, self.style.line, self.style.color, self.width)
    }

    pub(crate) fn draw_end(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        if let Some(&[x, y]) = self.points.last().filter(|&&end| chart::shows(chart, end)) {
            chart.draw_series([self.style.marker.mark(self.style.color).at((x, y))])?;
        }
        Ok(())
    }

    pub(crate) fn entry(&self) -> Option<Entry> {
        (!self.name.is_empty()).then(|| Entry::new(&self.name, self.style.sign()))
    }
}
