//! Error against cost, for many methods at once.

use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Plot;
use super::axis::Scale;
use super::canvas::{SCALE, fill, pen, px};
use super::chart::{self, Axes, Chart, Entry, LEGEND_ROW, MARGIN, SIGN, TITLE_ROOM};
use super::color::{Color, PALETTE};
use super::error::PlotError;
use super::floors::{self, Area};
use super::font::{self, SMALL, Weight};
use super::marker::{Mark, Marker};
use super::picture::{Page, Picture};
use super::range::Range;
use super::stroke::LineStyle;

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
                .filter(|(_, (x, y))| self.x_scale.shows(*x) && self.y_scale.shows(*y))
                .map(|(index, &(x, y))| {
                    let spread = series.spread.as_ref().map_or(0.0, |spread| spread[index]);
                    (x, y, if Scale::Linear.shows(spread) { spread.abs() } else { 0.0 })
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
        self.floors.iter().filter(|floor| self.y_scale.shows(floor.value))
    }

    fn y_range(&self, curves: &[Curve<'_>]) -> Result<Range, PlotError> {
        if let Some((low, high)) = self.y_limits {
            let logarithmic = self.y_scale == Scale::Logarithmic;
            if low < high && self.y_scale.shows(low) && self.y_scale.shows(high) {
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
        Ok(range.unwrap_or(Range { low: 1.0, high: 1.0 }).padded(self.y_scale, 0.05))
    }

    fn draw_floors(
        &self,
        page: &Page<'_>,
        chart: &mut Chart<'_>,
        curves: &[Curve<'_>],
    ) -> Result<(), PlotError> {
        let [x, y] = chart::window(chart);
        let shown: Vec<_> = self.floors().filter(|floor| y.contains(floor.value)).collect();
        for floor in &shown {
            let ends = [[x.low, floor.value], [x.high, floor.value]];
            chart::draw_line(chart, &ends, LineStyle::Dashed, FLOOR, 1.5)?;
        }
        let frame = chart.plotting_area();
        let pixel = |(x, y): (i32, i32)| [x, y].map(|place| f64::from(place) / f64::from(SCALE));
        let place = |x: f64, y: f64| pixel(frame.map_coordinate(&(x, y)));
        let [[left, top], [right, bottom]] = chart::corners(chart).map(pixel);
        let path = |curve: &Curve<'_>| -> Vec<_> {
            curve.points.iter().map(|&(x, y, _)| place(x, y)).collect()
        };
        let points: Vec<_> =
            curves.iter().flat_map(|curve| floors::sampled(&path(curve))).collect();
        let labels: Vec<_> =
            shown.iter().map(|floor| (floor.label.clone(), place(x.low, floor.value)[1])).collect();
        let boxes = floors::place_labels(&labels, &points, &Area { left, top, right, bottom });
        let style = font::style(SMALL, Weight::Regular, Color::INK);
        let style = style.pos(Pos::new(HPos::Left, VPos::Center));
        for ((label, _), area) in labels.iter().zip(boxes) {
            let ground =
                [(px(area.left), px(area.top + 1.0)), (px(area.right), px(area.bottom - 1.0))];
            page.draw(&Rectangle::new(ground, fill(Color::WHITE.with_opacity(0.8))))?;
            let middle = px((area.top + area.bottom) / 2.0);
            page.draw_text(label, &style, (px(area.left + floors::PADDING), middle))?;
        }
        Ok(())
    }
}

const FLOOR: Color = Color::hex(0x555555);
const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 720.0;

/// A series with what cannot be drawn taken out: x, y and spread.
struct Curve<'a> {
    name: &'a str,
    points: Vec<(f64, f64, f64)>,
    style: SeriesStyle,
}

impl Curve<'_> {
    fn draw_spread(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        let pen = pen(Color::WHITE.mixed(self.style.color, 0.55), 1.25);
        let range = chart::window(chart)[1];
        let reach = px(4.0);
        let mut bars: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut caps = Vec::new();
        for &(x, y, spread) in self.points.iter().filter(|(_, _, spread)| *spread > 0.0) {
            let ends = [y - spread, y + spread];
            let [low, high] = ends.map(|end| end.clamp(range.low, range.high));
            bars.push(vec![(x, low), (x, high)]);
            // No cap where the bar is cut: it does not end there.
            for end in ends.into_iter().filter(|&end| range.contains(end)) {
                let (place, down) = chart.plotting_area().map_coordinate(&(x, end));
                caps.push(PathElement::new([(place - reach, down), (place + reach, down)], pen));
            }
        }
        chart.draw_series(bars.into_iter().map(|bar| PathElement::new(bar, pen)))?;
        let page = chart.plotting_area().use_screen_coord();
        for cap in &caps {
            page.draw(cap)?;
        }
        Ok(())
    }

    fn draw_line(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        let path: Vec<_> = self.points.iter().map(|&(x, y, _)| [x, y]).collect();
        chart::draw_line(chart, &path, self.style.line, self.style.color, 2.0)
    }

    fn draw_markers(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        let mark = self.style.marker.mark(self.style.color);
        let shown = self.points.iter().filter(|&&(x, y, _)| chart::shows(chart, [x, y]));
        let marks: Vec<_> = shown.map(|&(x, y, _)| mark.clone().at((x, y))).collect();
        chart.draw_series(marks)?;
        Ok(())
    }

    fn entry(&self) -> Entry {
        let SeriesStyle { color, marker, line } = self.style;
        let reach = SIGN / 2.0;
        let stretches: &[[f64; 2]] = match line {
            LineStyle::Solid => &[[-reach, reach]],
            LineStyle::Dashed => &[[-reach, -reach + 9.0], [reach - 9.0, reach]],
            LineStyle::Dotted => {
                &[[-reach, -reach + 2.0], [-10.0, -8.0], [8.0, 10.0], [reach - 2.0, reach]]
            }
            LineStyle::None => &[],
        };
        let line = stretches.iter().fold(Mark::default(), |mark, &[from, to]| {
            mark.line(vec![[from, 0.0], [to, 0.0]], color, 2.0)
        });
        Entry::new(self.name, line.with(marker.mark(color)))
    }
}

impl Plot for ErrorCurves {
    fn picture(&self) -> Result<Picture<'_>, PlotError> {
        let curves = self.curves()?;
        let x_values = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.0));
        let x_range = Range::around(x_values).unwrap_or(Range { low: 1.0, high: 1.0 });
        let x = (x_range.padded(self.x_scale, 0.03), self.x_scale);
        let y = (self.y_range(&curves)?, self.y_scale);
        let entries: Vec<_> = curves.iter().map(Curve::entry).collect();
        let legend_height = entries.len() as f64 * LEGEND_ROW;
        let height = HEIGHT.max(2.0 * MARGIN + TITLE_ROOM + legend_height);
        let left = chart::left_room(y, height - 2.0 * MARGIN, true);

        Ok(Picture::new(WIDTH, height, move |page| {
            let body = chart::titled(page, &self.title)?;
            let body = chart::beside_legend(&body, &entries)?;
            let axes = Axes { x, y, titles: [&self.x_label, &self.y_label], left, grid: true };
            let mut chart = chart::frame(&body, &axes)?;
            for curve in &curves {
                curve.draw_spread(&mut chart)?;
            }
            for curve in &curves {
                curve.draw_line(&mut chart)?;
            }
            for curve in &curves {
                curve.draw_markers(&mut chart)?;
            }
            self.draw_floors(page, &mut chart, &curves)?;
            chart::draw_border(&chart)
        }))
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
