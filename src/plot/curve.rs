//! A series as it is drawn: its points on the axes, their bars, and the line that is fitted to them.

use plotters::element::{EmptyElement, PathElement};
use plotters_backend::BackendCoord;

use super::canvas::{pen, px};
use super::chart::{self, Chart, Entry};
use super::color::Color;
use super::error::PlotError;
use super::error_curves::SeriesStyle;
use super::floors;
use super::range::Range;

/// A series with what cannot be drawn taken out.
#[derive(Debug)]
pub(crate) struct Curve<'a> {
    pub(crate) name: &'a str,
    pub(crate) points: Vec<Point>,
    pub(crate) style: SeriesStyle,
    pub(crate) fit: Option<Fit>,
}

/// A place in the frame, and the ends of the bar of its spread.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) at: [f64; 2],
    pub(crate) bar: Option<[f64; 2]>,
}

impl Curve<'_> {
    pub(crate) fn draw_spread(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        let pen = pen(Color::WHITE.mixed(self.style.color, 0.55), 1.25);
        let range = chart::window(chart)[1];
        let reach = px(4.0);
        for &Point { at: [x, _], bar } in &self.points {
            let Some(ends) = bar else { continue };
            let [low, high] = ends.map(|end| end.clamp(range.low, range.high));
            chart.draw_series([PathElement::new([(x, low), (x, high)], pen)])?;
            // No cap where the bar is cut: it does not end there.
            let caps = ends.into_iter().filter(|&end| range.contains(end));
            chart.draw_series(caps.map(|end| {
                EmptyElement::at((x, end)) + PathElement::new([(-reach, 0), (reach, 0)], pen)
            }))?;
        }
        Ok(())
    }

    pub(crate) fn draw_line(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        let path: Vec<_> = self.points.iter().map(|point| point.at).collect();
        chart::draw_line(chart, &path, self.style.line, self.style.color, 2.0)
    }

    pub(crate) fn draw_markers(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        let mark = self.style.marker.mark(self.style.color);
        let shown = self.points.iter().map(|point| point.at);
        let shown = shown.filter(|&at| chart::shows(chart, at));
        let marks: Vec<_> = shown.map(|[x, y]| mark.clone().at((x, y))).collect();
        chart.draw_series(marks)?;
        Ok(())
    }

    pub(crate) fn entry(&self) -> Entry {
        Entry::new(&self.whole_name(), self.style.sign())
    }

    /// The name, and the slope of the line that is fitted.
    pub(crate) fn whole_name(&self) -> String {
        match &self.fit {
            Some(Fit { slope, .. }) => {
                let slope = format!("{slope:.2}").replace('-', "−");
                format!("{}, slope {slope}", self.name)
            }
            None => self.name.to_owned(),
        }
    }
}

/// A line through points: its slope, and where it begins and ends.
#[derive(Debug)]
pub(crate) struct Fit {
    slope: f64,
    pub(crate) ends: [[f64; 2]; 2],
}

/// The most that the standard error of a slope may be of it: points further off are on no line.
const STRAIGHT: f64 = 0.1;

/// The line of least squares through three points or more, if they lie along it.
pub(crate) fn fitted(points: &[Point]) -> Option<Fit> {
    let n = points.len() as f64;
    let mean = |axis: usize| points.iter().map(|point| point.at[axis]).sum::<f64>() / n;
    let (x, y) = (mean(0), mean(1));
    let spread: f64 = points.iter().map(|point| (point.at[0] - x).powi(2)).sum();
    let both: f64 = points.iter().map(|point| (point.at[0] - x) * (point.at[1] - y)).sum();
    if points.len() < 3 || spread < 1e-9 {
        return None;
    }
    let slope = both / spread;
    let off = |point: &Point| (point.at[1] - y - slope * (point.at[0] - x)).powi(2);
    let off: f64 = points.iter().map(off).sum();
    if (off / ((n - 2.0) * spread)).sqrt() > STRAIGHT * slope.abs() {
        return None;
    }
    let range = Range::around(points.iter().map(|point| point.at[0]))?;
    let ends = [range.low, range.high].map(|end| [end, y + slope * (end - x)]);
    Some(Fit { slope, ends })
}

/// Points along all curves.
pub(crate) fn sampled(chart: &Chart<'_>, curves: &[Curve<'_>]) -> Vec<BackendCoord> {
    let of_curve = |curve: &Curve<'_>| {
        let path: Vec<_> =
            curve.points.iter().map(|point| chart::place_in(chart, point.at)).collect();
        floors::sampled(&path)
    };
    curves.iter().flat_map(of_curve).collect()
}

/// Points along all bars.
pub(crate) fn sampled_bars(chart: &Chart<'_>, curves: &[Curve<'_>]) -> Vec<BackendCoord> {
    let range = chart::window(chart)[1];
    let of_point = |point: &Point| {
        let ends = point.bar.map(|bar| bar.map(|end| end.clamp(range.low, range.high)));
        let path = ends.map(|ends| ends.map(|end| chart::place_in(chart, [point.at[0], end])));
        floors::sampled(path.as_ref().map_or(&[], |path| path.as_slice()))
    };
    curves.iter().flat_map(|curve| &curve.points).flat_map(of_point).collect()
}
