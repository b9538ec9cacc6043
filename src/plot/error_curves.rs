//! Error against cost, for many methods at once.

use std::cell::Cell;

use plotters::element::Rectangle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Scale;
use super::canvas::{fill, px};
use super::chart::{self, Axes, Chart, Entry, LEGEND_ROW, MARGIN, NARROW, SIGN, Sides};
use super::color::{Color, PALETTE};
use super::curve::{self, Curve, Point};
use super::end_labels::{self, EndNames};
use super::error::PlotError;
use super::floors::{self, Corners};
use super::font::{self, SMALL, Weight};
use super::marker::{Mark, Marker};
use super::picture::{Page, Picture};
use super::range::Range;
use super::stroke::LineStyle;
use super::{Format, Plot};

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

    /// A stretch of the line with the marker on it, for a legend.
    pub(crate) fn sign(self) -> Mark {
        line_sign(self.line, self.color, 2.0).with(self.marker.mark(self.color))
    }
}

/// A stretch of a line.
fn line_sign(line: LineStyle, color: Color, width: f64) -> Mark {
    let reach = SIGN / 2.0;
    let stretches: &[[f64; 2]] = match line {
        LineStyle::Solid => &[[-reach, reach]],
        LineStyle::Dashed => &[[-reach, -reach + 9.0], [reach - 9.0, reach]],
        LineStyle::Dotted => {
            &[[-reach, -reach + 2.0], [-10.0, -8.0], [8.0, 10.0], [reach - 2.0, reach]]
        }
        LineStyle::None => &[],
    };
    stretches.iter().fold(Mark::default(), |mark, &[from, to]| {
        mark.line(vec![[from, 0.0], [to, 0.0]], color, width)
    })
}

/// Where the names of floors stand.
#[derive(Clone, Copy)]
pub(super) enum FloorNames<'n> {
    /// At their lines.
    AtLines,
    /// In a legend, of which these are the names: each has a look of its own.
    InLegend(&'n [String]),
}

impl FloorNames<'_> {
    fn line(self, label: &str) -> LineStyle {
        match self {
            FloorNames::AtLines => LineStyle::Dashed,
            FloorNames::InLegend(names) => {
                let place = names.iter().position(|name| name == label);
                [LineStyle::Dashed, LineStyle::Dotted][place.unwrap_or(0) % 2]
            }
        }
    }

    /// What a legend says of one.
    pub(super) fn entry(self, label: &str) -> Entry {
        let line = self.line(label);
        // Where that of a curve has its marker.
        let between = match line {
            LineStyle::Dotted => [[-4.0, -2.0], [2.0, 4.0]],
            _ => [[-4.0, 0.0], [0.0, 4.0]],
        };
        let sign = between.iter().fold(line_sign(line, FLOOR, 1.5), |sign, &[from, to]| {
            sign.line(vec![[from, 0.0], [to, 0.0]], FLOOR, 1.5)
        });
        Entry::new(label, sign)
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
    /// Whether the line that is fitted to the points is drawn, dotted, with its slope in the
    /// legend: of three points or more between two logarithmic axes, unless the standard error of the
    /// slope is more than a tenth of it.
    pub fit: bool,
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
    /// Whether the horizontal axis begins with its largest value, as time does from noise to data.
    pub x_falls: bool,
    /// How the vertical axis is divided.
    pub y_scale: Scale,
    /// The curves. Points that cannot be drawn are left out, and a series with
    /// none left is dropped.
    pub series: Vec<Series>,
    /// Horizontal dashed lines.
    pub floors: Vec<Floor>,
    /// Limits of the vertical axis; curves are cut there.
    pub y_limits: Option<(f64, f64)>,
    /// Whether names stand at the ends of curves, where there is room; a picture that has room for all
    /// of them has no legend.
    pub end_labels: bool,
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
            x_falls: false,
            y_scale: Scale::Logarithmic,
            series: Vec::new(),
            floors: Vec::new(),
            y_limits: None,
            end_labels: true,
        }
    }

    /// The series that have something to show.
    pub(super) fn curves(&self) -> Result<Vec<Curve<'_>>, PlotError> {
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
                    let spread = if Scale::Linear.shows(spread) { spread.abs() } else { 0.0 };
                    let bar = (spread > 0.0).then_some([y - spread, y + spread]);
                    let place = |value: f64| self.y_scale.place(value);
                    Point { at: [self.x_scale.place(x), place(y)], bar: bar.map(|b| b.map(place)) }
                })
                .collect();
            if !points.is_empty() {
                let style = series.style.unwrap_or(SeriesStyle::nth(index));
                let logarithmic = [self.x_scale, self.y_scale] == [Scale::Logarithmic; 2];
                let fit = if series.fit && logarithmic { curve::fitted(&points) } else { None };
                curves.push(Curve { name: &series.name, points, style, fit });
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

    /// Labels and places of the floors that the axis can show.
    pub(super) fn floors(&self) -> impl Iterator<Item = (&str, f64)> {
        let shown = self.floors.iter().filter(|floor| self.y_scale.shows(floor.value));
        shown.map(|floor| (floor.label.as_str(), self.y_scale.place(floor.value)))
    }

    /// The range of the vertical axis of a frame of some height.
    pub(super) fn y_range(&self, curves: &[Curve<'_>], height: f64) -> Result<Range, PlotError> {
        let logarithmic = self.y_scale == Scale::Logarithmic;
        if let Some((low, high)) = self.y_limits {
            if low < high && self.y_scale.shows(low) && self.y_scale.shows(high) {
                let [low, high] = [low, high].map(|end| self.y_scale.place(end));
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
        // A bar that reaches down to zero must not stretch a logarithmic axis to it.
        let reach = if logarithmic { 3_f64.log10() } else { f64::INFINITY };
        let ends = curves.iter().flat_map(|curve| &curve.points).flat_map(|point| {
            let y = point.at[1];
            let [low, high] = point.bar.unwrap_or([y, y]);
            // What is negative has no place at all.
            [low.max(y - reach), high]
        });
        let range = Range::around(ends.chain(self.floors().map(|floor| floor.1)));
        let mut range = self.y_scale.padded(range.unwrap_or(NOTHING), 0.05);
        if let Some(lowest) = self.floors().map(|floor| floor.1).reduce(f64::min) {
            // Room for a label below the lowest floor, which has none above it if another is near.
            let share = (floors::BELOW / height).min(0.3);
            range.low = range.low.min((lowest - share * range.high) / (1.0 - share));
        }
        Ok(range)
    }

    pub(super) fn x_range(&self, curves: &[Curve<'_>]) -> Range {
        let values = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.at[0]));
        self.x_scale.padded(Range::around(values).unwrap_or(NOTHING), 0.03)
    }

    /// Draws the frame and all that is in it, with the axes in these ranges.
    /// Returns whether every curve has its name at its end.
    pub(super) fn draw(
        &self,
        area: &Page<'_>,
        curves: &[Curve<'_>],
        [x, y]: [(Range, Scale); 2],
        sides: Sides<'_>,
        (ends, names): (EndNames, FloorNames<'_>),
    ) -> Result<bool, PlotError> {
        let axes = Axes { x, y, x_falls: self.x_falls, sides, grid: true };
        let mut chart = chart::frame(area, &axes)?;
        // Below the curves, of which no label hides a part.
        let taken = self.draw_floors(&mut chart, curves, names)?;
        for curve in curves {
            curve.draw_spread(&mut chart)?;
        }
        for curve in curves {
            curve.draw_line(&mut chart)?;
            if let Some(fit) = &curve.fit {
                let color = Color::WHITE.mixed(curve.style.color, 0.7);
                chart::draw_line(&mut chart, &fit.ends, LineStyle::Dotted, color, 1.5)?;
            }
        }
        // A single point has nothing else to be seen by.
        let (single, others): (Vec<&Curve<'_>>, Vec<&Curve<'_>>) =
            curves.iter().partition(|curve| curve.points.len() == 1);
        for curve in others.into_iter().chain(single) {
            curve.draw_markers(&mut chart)?;
        }
        let all = end_labels::draw(&chart, curves, &taken, ends)?;
        chart::draw_border(&chart)?;
        Ok(all)
    }

    /// The layout whose curves have these at their ends, in a picture of this width with a frame of this
    /// height.
    fn layout(
        &self,
        curves: &[Curve<'_>],
        (width, frame): (f64, f64),
        ends: EndNames,
    ) -> Result<Layout, PlotError> {
        let mut x = self.x_range(curves);
        let names: Vec<String> = curves.iter().map(|curve| ends.of(curve)).collect();
        if ends != EndNames::None {
            // Curves tend to end at the same cost: room for what is written behind them.
            let room = end_labels::room(names.iter().map(String::as_str));
            let room = x.span() * (room / (0.6 * width)).min(0.2);
            match self.x_falls {
                true => x.low -= room,
                false => x.high += room,
            }
        }
        let y = (self.y_range(curves, frame)?, self.y_scale);
        let left = chart::left_room(y, frame, true);
        Ok(Layout { axes: [(x, self.x_scale), y], left, ends })
    }

    fn draw_laid_out(
        &self,
        area: &Page<'_>,
        curves: &[Curve<'_>],
        Layout { axes, left, ends }: Layout,
    ) -> Result<bool, PlotError> {
        let titles = [self.x_label.as_str(), &self.y_label];
        self.draw(
            area,
            curves,
            axes,
            Sides { titles, labelled: [true; 2], left },
            (ends, FloorNames::AtLines),
        )
    }

    /// The layout without a legend, if all that it would say has room at the ends of the curves.
    fn without_legend(
        &self,
        curves: &[Curve<'_>],
        size: (f64, f64),
        title: &str,
    ) -> Result<Option<Layout>, PlotError> {
        let around = 2.0 * MARGIN + chart::title_room(title, size.0) + chart::lower_room(true);
        let layout = self.layout(curves, (size.0, size.1 - around), EndNames::Whole)?;
        let all = Cell::new(false);
        // Where a name has room is known once all else is drawn.
        let trial = Picture::new(size.0, size.1, |page| {
            let body = chart::titled(page, title)?;
            all.set(self.draw_laid_out(&body, curves, layout)?);
            Ok(())
        });
        trial.svg()?;
        drop(trial);
        Ok(all.get().then_some(layout))
    }

    /// Returns where their labels are.
    fn draw_floors(
        &self,
        chart: &mut Chart<'_>,
        curves: &[Curve<'_>],
        names: FloorNames<'_>,
    ) -> Result<Vec<Corners>, PlotError> {
        let [x, y] = chart::window(chart);
        let shown: Vec<_> = self.floors().filter(|floor| y.contains(floor.1)).collect();
        for floor in &shown {
            let ends = [[x.low, floor.1], [x.high, floor.1]];
            chart::draw_line(chart, &ends, names.line(floor.0), FLOOR, 1.5)?;
        }
        if let FloorNames::InLegend(_) = names {
            return Ok(Vec::new());
        }
        let area = chart.plotting_area().strip_coord_spec();
        let place = |x: f64, y: f64| chart::place_in(chart, [x, y]);
        let labels: Vec<_> =
            shown.iter().map(|&(label, value)| (label.to_owned(), place(x.low, value).1)).collect();
        let (width, height) = area.dim_in_pixel();
        let mut points = curve::sampled(chart, curves);
        points.extend(curve::sampled_bars(chart, curves));
        let boxes = floors::place_labels(&labels, &points, (width as i32, height as i32));
        let style = font::style(SMALL, Weight::Regular, Color::INK);
        let style = style.pos(Pos::new(HPos::Left, VPos::Center));
        for ((label, _), &corners) in labels.iter().zip(&boxes) {
            area.draw(&Rectangle::new(corners, fill(Color::WHITE.with_opacity(0.8))))?;
            let [(left, top), (_, bottom)] = corners;
            area.draw_text(label, &style, (left + px(floors::PADDING), (top + bottom) / 2))?;
        }
        let lines = shown.iter().map(|&(_, value)| {
            let y = place(x.low, value).1;
            [(0, y - px(1.0)), (width as i32, y + px(1.0))]
        });
        Ok(boxes.into_iter().chain(lines).collect())
    }
}

/// Where a frame and what is in it go.
#[derive(Clone, Copy)]
struct Layout {
    axes: [(Range, Scale); 2],
    left: f64,
    ends: EndNames,
}

/// The range of an axis without values.
const NOTHING: Range = Range { low: 0.0, high: 0.0 };
const FLOOR: Color = Color::hex(0x555555);
const WIDTH: f64 = 1200.0;
/// Height of a wide picture as a share of its width.
const WIDE: f64 = 0.6;

impl Plot for ErrorCurves {
    /// A narrow one has its legend below the frame.
    fn laid_out(&self, format: Format) -> Result<Picture<'_>, PlotError> {
        let curves = self.curves()?;
        let title = format.titles.of(&self.title);
        let width = format.width.unwrap_or(WIDTH);
        let is_narrow = width < NARROW;
        let names = self.end_labels && !is_narrow;
        let around = 2.0 * MARGIN + chart::title_room(title, width);
        let below = chart::lower_room(true);
        let size = (width, WIDE * width);
        if names && let Some(layout) = self.without_legend(&curves, size, title)? {
            return Ok(Picture::new(size.0, size.1, move |page| {
                let body = chart::titled(page, title)?;
                self.draw_laid_out(&body, &curves, layout).map(drop)
            }));
        }
        let entries: Vec<_> = curves.iter().map(Curve::entry).collect();
        let (height, frame) = match is_narrow {
            true => {
                let legend = chart::below_room(&entries, width - 2.0 * MARGIN);
                (around + 0.62 * width + below + legend, 0.62 * width)
            }
            false => {
                let height = size.1.max(around + entries.len() as f64 * LEGEND_ROW);
                (height, height - around - below)
            }
        };
        let ends = if names { EndNames::Names } else { EndNames::None };
        let layout = self.layout(&curves, (width, frame), ends)?;

        Ok(Picture::new(width, height, move |page| {
            let body = chart::titled(page, title)?;
            let body = chart::with_legend(&body, &entries, is_narrow)?;
            self.draw_laid_out(&body, &curves, layout).map(drop)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::PictureStyle;

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
    fn a_fitted_line_has_its_slope_in_the_legend() {
        let mut plot = curves(vec![(10.0, 1e-2), (20.0, 2.5e-3), (40.0, 6.25e-4)]);
        plot.series[0].fit = true;
        assert!(plot.to_svg_string().unwrap().contains("heun &amp; co, slope −2.00"));
        // Neither of two points, nor where a power is no line.
        let mut linear = plot.clone();
        linear.y_scale = Scale::Linear;
        plot.series[0].points.pop();
        for plot in [plot, linear] {
            assert!(!plot.to_svg_string().unwrap().contains("slope"));
        }
    }

    #[test]
    fn points_on_no_line_have_none_and_no_slope() {
        let mut plot = curves(vec![(5.0, 0.13), (10.0, 0.22), (20.0, 0.07)]);
        plot.series[0].fit = true;
        assert!(!plot.to_svg_string().unwrap().contains("slope"));
        plot.series[0].points[1].1 = 0.097;
        assert!(plot.to_svg_string().unwrap().contains("slope −0.45"));
    }

    /// Of the same place as a point of a curve that comes after it.
    #[test]
    fn a_single_point_is_drawn_over_curves() {
        let mut plot = curves(vec![(20.0, 0.5)]);
        plot.series.push(Series::new("rk4", vec![(20.0, 0.5), (40.0, 0.1)]));
        plot.end_labels = false;
        let svg = plot.to_svg_string().unwrap().to_uppercase();
        let last = |index: usize| {
            let Color { red, green, blue, .. } = Color::nth(index);
            svg.rfind(&format!("#{red:02X}{green:02X}{blue:02X}"))
        };
        assert!(last(0) > last(1), "{svg}");
    }

    #[test]
    fn a_legend_says_nothing_that_all_curves_say_at_their_ends() {
        let mut plot = curves(vec![(10.0, 1.0), (20.0, 0.5), (40.0, 0.25)]);
        plot.series.push(Series::new("rk4", vec![(10.0, 0.1), (20.0, 0.01), (40.0, 0.001)]));
        plot.series[1].fit = true;
        let names = |plot: &ErrorCurves, name: &str| {
            plot.to_svg_string().unwrap().matches(&format!("\n{name}\n")).count()
        };
        assert_eq!(names(&plot, "heun &amp; co"), 1);
        assert_eq!(names(&plot, "rk4, slope −3.32"), 1);
        // One that has no room at its end needs the legend, which has all.
        let crowd = |i: i32| Series::new(format!("m{i}"), plot.series[0].points.clone());
        plot.series.extend((0..12).map(crowd).collect::<Vec<_>>());
        assert_eq!(names(&plot, "rk4, slope −3.32"), 1);
        assert_eq!((names(&plot, "rk4"), names(&plot, "m11")), (1, 1));
    }

    #[test]
    fn a_narrow_picture_has_its_legend_below() {
        let mut plot = curves(vec![(10.0, 1.0), (20.0, 0.5)]);
        plot.end_labels = false;
        let place = |width: Option<u32>| {
            let style = PictureStyle { width, ..PictureStyle::default() };
            let picture = style.picture(&plot).unwrap();
            let svg = picture.svg().unwrap();
            let parsed = roxmltree::Document::parse(&svg).unwrap();
            let name = |node: &roxmltree::Node<'_, '_>| {
                node.text().is_some_and(|text| text.trim() == "heun & co")
            };
            let names: Vec<_> =
                parsed.descendants().filter(|n| n.is_element() && name(n)).collect();
            assert_eq!(names.len(), 1);
            let at = |axis: &str| names[0].attribute(axis).unwrap().parse::<f64>().unwrap() / 4.0;
            let (width, height) = picture.size();
            [at("x") / f64::from(width), at("y") / f64::from(height)]
        };
        let [beside, below] = [place(None), place(Some(320))];
        assert!(beside[0] > 0.8 && beside[1] < 0.2, "{beside:?}");
        assert!(below[0] < 0.3 && below[1] > 0.8, "{below:?}");
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
