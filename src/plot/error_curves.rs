//! Error against cost, for many methods at once.

use super::axis::{self, Frame, LARGE, SMALL, Scale, TITLE_ROOM};
use super::color::{Color, PALETTE};
use super::error::PlotError;
use super::floors;
use super::legend::{self, Entry, Key, MARKER_RADIUS, ROW};
use super::marker::Marker;
use super::picture::{Anchor, Area, Picture, Pixel, Shape};
use super::range::{Range, drawable, drawable_log};
use super::stroke::{self, LineStyle};
use super::{MARGIN, Plot};

/// The look of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesStyle {
    /// The colour of line and markers.
    pub color: Color,
    /// The marker at every point.
    pub marker: Marker,
    /// The line between points.
    pub line: LineStyle,
}

impl SeriesStyle {
    /// The `index`-th style: colour and marker both differ among the first
    /// twenty, then lines are dashed.
    pub const fn nth(index: usize) -> Self {
        Self {
            color: Color::nth(index),
            marker: Marker::nth(index),
            line: if index < PALETTE.len() { LineStyle::Solid } else { LineStyle::Dashed },
        }
    }
}

/// One method's errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// Cost and error.
    pub points: Vec<(f64, f64)>,
    /// The spread of each error (such as one standard deviation), drawn as a
    /// bar to both sides.
    pub spread: Option<Vec<f64>>,
    /// The look; `None` takes [`SeriesStyle::nth`] of the place in the list, so
    /// that a method keeps its look in every picture with the same list.
    pub style: Option<SeriesStyle>,
}

impl Series {
    /// A series with automatic style and no spread.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, ..Self::default() }
    }
}

/// A level errors cannot be expected to go below.
#[derive(Clone, Debug, PartialEq)]
pub struct Floor {
    /// What the level is.
    pub label: String,
    /// The level.
    pub value: f64,
}

/// Error against the number of function evaluations, or time, or anything.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorCurves {
    /// The title, above the frame.
    pub title: String,
    /// What the horizontal axis is, such as `"NFE"`.
    pub x_label: String,
    /// What the vertical axis is.
    pub y_label: String,
    /// How the horizontal axis is divided.
    pub x_scale: Scale,
    /// How the vertical axis is divided.
    pub y_scale: Scale,
    /// The curves. Points that cannot be drawn are left out, and a series with
    /// none left is dropped.
    pub series: Vec<Series>,
    /// Horizontal dashed lines.
    pub floors: Vec<Floor>,
    /// Limits of the vertical axis; curves are cut there.
    pub y_limits: Option<(f64, f64)>,
}

impl ErrorCurves {
    /// A picture with two logarithmic axes and nothing on them.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            x_label: x_label.into(),
            y_label: y_label.into(),
            x_scale: Scale::Logarithmic,
            y_scale: Scale::Logarithmic,
            series: Vec::new(),
            floors: Vec::new(),
            y_limits: None,
        }
    }

    /// The series that have something to show.
    fn curves(&self) -> Result<Vec<Curve<'_>>, PlotError> {
        let mut curves = Vec::new();
        for (index, series) in self.series.iter().enumerate() {
            if let Some(spread) = &series.spread
                && spread.len() != series.points.len()
            {
                return Err(PlotError::LengthMismatch {
                    title: self.title.clone(),
                    what: format!("the spread of \"{}\"", series.name),
                    per: "point",
                    expected: series.points.len(),
                    found: spread.len(),
                });
            }
            let points: Vec<_> = series
                .points
                .iter()
                .enumerate()
                .filter(|(_, (x, y))| fits(*x, self.x_scale) && fits(*y, self.y_scale))
                .map(|(index, &(x, y))| {
                    let spread = series.spread.as_ref().map_or(0.0, |spread| spread[index]);
                    (x, y, if drawable(spread) { spread.abs() } else { 0.0 })
                })
                .collect();
            if !points.is_empty() {
                let style = series.style.unwrap_or(SeriesStyle::nth(index));
                curves.push(Curve { name: &series.name, points, style });
            }
        }
        if curves.is_empty() {
            return Err(PlotError::Empty {
                title: self.title.clone(),
                reason: "no series holds a point that its axes can show \
                         (finite, and positive where the axis is logarithmic)"
                    .to_owned(),
            });
        }
        Ok(curves)
    }

    fn floors(&self) -> impl Iterator<Item = &Floor> {
        self.floors.iter().filter(|floor| fits(floor.value, self.y_scale))
    }

    fn y_range(&self, curves: &[Curve<'_>]) -> Result<Range, PlotError> {
        if let Some((low, high)) = self.y_limits {
            let logarithmic = self.y_scale == Scale::Logarithmic;
            if low < high && fits(low, self.y_scale) && fits(high, self.y_scale) {
                return Ok(Range { low, high });
            }
            return Err(PlotError::InvalidLimits {
                title: self.title.clone(),
                what: "y",
                low,
                high,
                and_positive: if logarithmic { " and positive" } else { "" },
            });
        }
        let ends = curves.iter().flat_map(|curve| &curve.points).flat_map(|&(_, y, spread)| {
            // A bar that reaches down to zero must not stretch the axis to it.
            let below = y - spread;
            let low = if self.y_scale == Scale::Logarithmic { below.max(y / 3.0) } else { below };
            [low, y + spread]
        });
        let range = Range::around(ends.chain(self.floors().map(|floor| floor.value)));
        Ok(padded(range.unwrap_or(Range { low: 1.0, high: 1.0 }), self.y_scale, 0.05))
    }

    fn draw_floors(&self, picture: &mut Picture, frame: &Frame, curves: &[Curve<'_>]) {
        let Area { left, right, .. } = frame.area;
        let shown: Vec<_> = self
            .floors()
            .filter(|floor| frame.y.range.contains(floor.value))
            .map(|floor| (floor.label.clone(), frame.y.place(floor.value)))
            .collect();
        for (_, y) in &shown {
            let y = y.floor() + 0.5;
            for dash in stroke::dashes(&[[left, y], [right, y]], 7.0, 5.0) {
                picture.line(dash, 1.5, FLOOR);
            }
        }
        let points: Vec<_> =
            curves.iter().flat_map(|curve| floors::sampled(&curve.path(frame))).collect();
        let boxes = floors::place_labels(&shown, &points, &frame.area);
        for ((label, _), area) in shown.iter().zip(boxes) {
            picture.shapes.push(Shape::Rectangle {
                low: [area.left, area.top + 1.0],
                high: [area.right, area.bottom - 1.0],
                fill: Color::WHITE.with_opacity(0.8),
            });
            picture.text(label, floors::baseline(&area), SMALL, Anchor::Start);
        }
    }
}

const FLOOR: Color = Color::hex(0x555555);
const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 720.0;

fn fits(value: f64, scale: Scale) -> bool {
    match scale {
        Scale::Linear => drawable(value),
        Scale::Logarithmic => drawable_log(value),
    }
}

fn padded(range: Range, scale: Scale, share: f64) -> Range {
    match scale {
        Scale::Linear => range.padded(share),
        Scale::Logarithmic => range.padded_log(share),
    }
}

/// A series with what cannot be drawn taken out: x, y and spread.
struct Curve<'a> {
    name: &'a str,
    points: Vec<(f64, f64, f64)>,
    style: SeriesStyle,
}

impl Curve<'_> {
    fn path(&self, frame: &Frame) -> Vec<Pixel> {
        self.points.iter().map(|&(x, y, _)| frame.place([x, y])).collect()
    }

    fn draw_spread(&self, picture: &mut Picture, frame: &Frame) {
        let color = Color::WHITE.mixed(self.style.color, 0.55);
        let Area { top, bottom, .. } = frame.area;
        for &(x, y, spread) in self.points.iter().filter(|(_, _, spread)| *spread > 0.0) {
            let x = frame.x.place(x);
            let high = frame.y.place(y + spread);
            let below = y - spread;
            let low = if fits(below, frame.y.scale) { frame.y.place(below) } else { bottom };
            let (from, to) = (high.clamp(top, bottom), low.clamp(top, bottom));
            picture.line(vec![[x, from], [x, to]], 1.25, color);
            for end in [high, low] {
                // No cap where the bar is cut: it does not end there.
                if top < end && end < bottom {
                    picture.line(vec![[x - 4.0, end], [x + 4.0, end]], 1.25, color);
                }
            }
        }
    }

    fn draw_line(&self, picture: &mut Picture, frame: &Frame) {
        for part in stroke::clipped(&self.path(frame), &frame.area) {
            for piece in self.style.line.pieces(part) {
                picture.line(piece, 2.0, self.style.color);
            }
        }
    }

    fn draw_markers(&self, picture: &mut Picture, frame: &Frame) {
        for place in self.path(frame) {
            if frame.area.contains(place) {
                self.style.marker.draw(picture, place, MARKER_RADIUS, self.style.color);
            }
        }
    }

    fn entry(&self) -> Entry {
        let SeriesStyle { color, marker, line } = self.style;
        Entry::new(Key::Line { color, width: 2.0, style: line, marker: Some(marker) }, self.name)
    }
}

impl Plot for ErrorCurves {
    fn picture(&self) -> Result<Picture, PlotError> {
        let curves = self.curves()?;
        let x_values = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.0));
        let x_range = Range::around(x_values).unwrap_or(Range { low: 1.0, high: 1.0 });
        let x_range = padded(x_range, self.x_scale, 0.03);
        let y_range = self.y_range(&curves)?;
        let entries: Vec<_> = curves.iter().map(Curve::entry).collect();

        let legend_height = entries.len() as f64 * ROW;
        let top = MARGIN + 38.0;
        let height = HEIGHT.max(top + legend_height + MARGIN);
        let bottom = height - MARGIN - TITLE_ROOM + 8.0;
        let left = MARGIN + axis::left_room(y_range, self.y_scale, bottom - top, true);
        let right = (WIDTH - MARGIN - legend::column_width(&entries) - 22.0).floor();
        let area = Area { left: left.floor(), top, right, bottom };
        let frame = Frame::new(area, (x_range, self.x_scale), (y_range, self.y_scale));

        let mut picture = Picture::new(WIDTH, height);
        picture.title(&self.title, area.left, MARGIN + LARGE, WIDTH - MARGIN, LARGE);
        frame.draw_grid(&mut picture);
        for curve in &curves {
            curve.draw_spread(&mut picture, &frame);
        }
        for curve in &curves {
            curve.draw_line(&mut picture, &frame);
        }
        for curve in &curves {
            curve.draw_markers(&mut picture, &frame);
        }
        self.draw_floors(&mut picture, &frame, &curves);
        frame.draw_border(&mut picture, true, true);
        frame.draw_titles(&mut picture, &self.x_label, &self.y_label, MARGIN);
        legend::draw_column(&mut picture, &entries, [right + 22.0, top]);
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(points: Vec<(f64, f64)>) -> ErrorCurves {
        let mut plot = ErrorCurves::new("Error", "NFE", "RMS error");
        plot.series.push(Series::new("heun & co", points));
        plot
    }

    #[test]
    fn labels_names_and_decades_are_written() {
        let mut plot = curves(vec![(4.0, 3e-4), (100.0, 0.5), (1500.0, 2.0)]);
        plot.floors.push(Floor { label: "sampling floor".to_owned(), value: 0.01 });
        let svg = plot.to_svg_string().unwrap();
        let parsed = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<_> =
            parsed.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        for label in
            ["Error", "NFE", "RMS error", "heun & co", "sampling floor", "10", "1000", "1e-3"]
        {
            assert!(texts.contains(&label), "{label} is missing from {texts:?}");
        }
    }

    #[test]
    fn what_a_logarithm_cannot_show_is_left_out() {
        let mut plot = curves(vec![(10.0, 0.0), (20.0, f64::NAN), (30.0, -1.0), (-1.0, 1.0)]);
        assert!(matches!(plot.picture(), Err(PlotError::Empty { .. })));
        plot.series.push(Series::new("kept", vec![(10.0, 1.0), (20.0, f64::INFINITY)]));
        plot.floors.push(Floor { label: "zero floor".to_owned(), value: 0.0 });
        let svg = plot.to_svg_string().unwrap();
        assert!(svg.contains("kept") && !svg.contains("heun") && !svg.contains("zero floor"));
    }

    #[test]
    fn degenerate_ranges_are_drawn() {
        for points in [vec![(10.0, 1.0)], vec![(5.0, 2.0); 3], vec![(1e-99, 1e99), (1e99, 1e-99)]] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let mut plot = curves(points.clone());
                (plot.x_scale, plot.y_scale) = (scale, scale);
                plot.series[0].spread = Some(vec![f64::NAN; points.len()]);
                plot.to_png_bytes().unwrap();
            }
        }
    }

    #[test]
    fn spread_needs_one_value_per_point() {
        let mut plot = curves(vec![(1.0, 1.0), (2.0, 1.0)]);
        plot.series[0].spread = Some(vec![0.1]);
        assert!(matches!(
            plot.picture(),
            Err(PlotError::LengthMismatch { expected: 2, found: 1, .. })
        ));
    }

    #[test]
    fn limits_cut_and_must_be_positive() {
        let mut plot = curves(vec![(1.0, 1e9), (10.0, 1.0)]);
        plot.y_limits = Some((1e-3, 10.0));
        plot.to_svg_string().unwrap();
        plot.y_limits = Some((0.0, 10.0));
        let message = plot.picture().unwrap_err().to_string();
        assert!(message.contains("finite and positive"), "{message}");
    }

    #[test]
    fn a_long_legend_makes_the_picture_higher() {
        let mut plot = curves(vec![(1.0, 1.0)]);
        plot.series = (0..45).map(|i| Series::new(format!("m{i}"), vec![(1.0, 1.0)])).collect();
        assert!(plot.picture().unwrap().size().1 > 1000);
    }
}
