//! What pictures of space share: layers of points, outlines, and the choice of
//! the window they are seen through.

use plotters::element::{Circle, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Scale;
use super::canvas::{fill, px};
use super::chart::{self, Chart, Entry, SIGN};
use super::color::Color;
use super::error::PlotError;
use super::font::{self, SMALL, Weight};
use super::marker::Mark;
use super::range::Range;
use super::stroke::LineStyle;

/// Points drawn alike.
#[derive(Clone, Debug, PartialEq)]
pub struct PointLayer {
    /// The name in the legend; an empty name has no entry.
    pub name: String,
    /// Where the points are. Points that are not finite are left out.
    pub points: Vec<[f64; 2]>,
    /// The colour; an opacity below 1 shows density.
    pub color: Color,
    /// The radius in pixels.
    pub radius: f64,
}

impl PointLayer {
    /// Small, half-transparent points: right for some thousand samples.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>, color: Color) -> Self {
        Self { name: name.into(), points, color: color.with_opacity(0.45), radius: 1.75 }
    }

    pub(crate) fn draw(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        draw_points(chart, &self.points, self.radius, self.color)
    }

    pub(crate) fn entry(&self) -> Option<Entry> {
        let radius = self.radius.clamp(3.5, 6.0);
        let sign = Mark::dot(self.color.with_opacity(1.0), radius, true);
        (!self.name.is_empty()).then(|| Entry::new(&self.name, sign))
    }
}

/// The shape samples are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// The name in the legend; an empty name has no entry.
    pub name: String,
    /// The points of the outline.
    pub points: Vec<[f64; 2]>,
    /// Whether the points are joined, and how.
    pub form: OutlineForm,
    /// The colour.
    pub color: Color,
}

/// How the points of an [`Outline`] are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutlineForm {
    /// As dots: for points in no order.
    Dots,
    /// As a line through them. A point that is not finite breaks the line, so
    /// that several strokes fit in one outline.
    Line,
    /// As a line that returns to its first point.
    ClosedLine,
}

impl Outline {
    /// An outline in grey.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>, form: OutlineForm) -> Self {
        Self { name: name.into(), points, form, color: Color::CONTEXT }
    }

    pub(crate) fn draw(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        if self.form == OutlineForm::Dots {
            return draw_points(chart, &self.points, 1.25, self.color);
        }
        let mut path = self.points.clone();
        if self.form == OutlineForm::ClosedLine {
            path.extend(self.points.first());
        }
        chart::draw_line(chart, &path, LineStyle::Solid, self.color, 1.5)
    }

    pub(crate) fn entry(&self) -> Option<Entry> {
        let half = SIGN / 2.0;
        let sign = match self.form {
            OutlineForm::Dots => Mark::dot(self.color, 3.5, true),
            _ => Mark::default().line(vec![[-half, 0.0], [half, 0.0]], self.color, 2.0),
        };
        (!self.name.is_empty()).then(|| Entry::new(&self.name, sign))
    }
}

fn draw_points(
    chart: &mut Chart<'_>,
    points: &[[f64; 2]],
    radius: f64,
    color: Color,
) -> Result<(), PlotError> {
    let shown: Vec<_> =
        points.iter().filter(|&&point| chart::shows(chart, point)).map(|&[x, y]| (x, y)).collect();
    chart.draw_series(shown.into_iter().map(|at| Circle::new(at, px(radius), fill(color))))?;
    Ok(())
}

/// Limits along x and y in the data's units: `[x_low, x_high, y_low, y_high]`.
pub type Limits = [f64; 4];

/// The box around the drawable points, or none without any.
pub(crate) fn around<'a>(points: impl IntoIterator<Item = &'a [f64; 2]>) -> Option<[Range; 2]> {
    let drawable = |point: &&[f64; 2]| point.iter().all(|&value| Scale::Linear.shows(value));
    let boxes = points.into_iter().filter(drawable);
    boxes.map(|point| point.map(|value| Range { low: value, high: value })).reduce(union)
}

/// A box with room around it, so that nothing in it touches a frame.
pub(crate) fn with_margin(window: [Range; 2]) -> [Range; 2] {
    window.map(|range| range.padded(0.06))
}

/// The box around two boxes.
pub(crate) fn union(a: [Range; 2], b: [Range; 2]) -> [Range; 2] {
    [0, 1].map(|axis| a[axis].union(b[axis]))
}

/// The window asked for, or else the outline's box with a quarter more at each
/// side, or else the box of the points.
///
/// An outline decides because a diverged solver's samples would otherwise
/// shrink everything worth seeing to a dot.
pub(crate) fn window<'a>(
    title: &str,
    limits: Option<Limits>,
    outline: Option<&Outline>,
    points: impl IntoIterator<Item = &'a [f64; 2]>,
) -> Result<[Range; 2], PlotError> {
    if let Some([x_low, x_high, y_low, y_high]) = limits {
        for (what, low, high) in [("x", x_low, x_high), ("y", y_low, y_high)] {
            if !(low < high && Scale::Linear.shows(low) && Scale::Linear.shows(high)) {
                let title = title.to_owned();
                return Err(PlotError::InvalidLimits { title, what, low, high, and_positive: "" });
            }
        }
        return Ok([Range { low: x_low, high: x_high }, Range { low: y_low, high: y_high }]);
    }
    match outline.and_then(|outline| around(&outline.points)) {
        Some(window) => Ok(window.map(|range| range.padded(0.25))),
        None => around(points).map(with_margin).ok_or_else(|| PlotError::Empty {
            title: title.to_owned(),
            reason: "no layer holds a finite point; check the solver's outcome".to_owned(),
        }),
    }
}

/// Says in the lower right corner how many points the frame does not show, if any, on white so
/// that points do not blur it.
pub(crate) fn note_outside(chart: &Chart<'_>, layers: &[PointLayer]) -> Result<(), PlotError> {
    let points = layers.iter().flat_map(|layer| &layer.points);
    let outside = points.filter(|&&point| !chart::shows(chart, point)).count();
    if outside == 0 {
        return Ok(());
    }
    let note = format!("{outside} outside");
    let area = chart.plotting_area().strip_coord_spec();
    let (right, bottom) = area.dim_in_pixel();
    let (right, bottom) = (right as i32, bottom as i32);
    let length = font::width(&note, SMALL, Weight::Regular);
    let ground = [(right - px(length + 14.0), bottom - px(24.0)), (right, bottom)];
    area.draw(&Rectangle::new(ground, fill(Color::WHITE.with_opacity(0.85))))?;
    let style = font::style(SMALL, Weight::Regular, Color::INK);
    let style = style.pos(Pos::new(HPos::Right, VPos::Center));
    Ok(area.draw(&Text::new(note, (right - px(8.0), bottom - px(12.0)), style))?)
}

/// The height a frame of this width needs to fit the window closely, within
/// reason for very flat and very tall data.
pub(crate) fn fitting_height([x, y]: [Range; 2], width: f64) -> f64 {
    (width * y.span() / x.span()).clamp(0.55 * width, 1.3 * width).round()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drawable_has_no_window() {
        assert!(around(&[[f64::NAN, 0.0], [0.0, f64::INFINITY], [1e200, 0.0]]).is_none());
    }
}
