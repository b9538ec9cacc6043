//! The loss of a training run.

use super::axis::Scale;
use super::canvas::px;
use super::chart::{self, Axes, Chart, Entry, MARGIN, SIGN, Sides};
use super::color::Color;
use super::error::PlotError;
use super::marker::Mark;
use super::picture::Picture;
use super::range::Range;
use super::stroke::LineStyle;
use super::{Format, Plot};

/// Loss on a logarithmic axis against the training step, and below it the
/// learning rate if there is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossCurve {
    /// The title, above the frame.
    pub title: String,
    /// The training steps, ascending.
    pub steps: Vec<f64>,
    /// The loss at each step.
    pub raw: Vec<f64>,
    /// The smoothed loss at each step; drawn over the raw one.
    pub smoothed: Option<Vec<f64>>,
    /// The learning rate at each step; drawn in a frame of its own.
    pub learning_rate: Option<Vec<f64>>,
    /// Steps and losses on data not trained on.
    pub validation: Vec<[f64; 2]>,
}

impl LossCurve {
    /// A loss with its running mean over a fiftieth of the run.
    pub fn new(title: impl Into<String>, steps: Vec<f64>, raw: Vec<f64>) -> Self {
        let smoothed = Some(running_mean(&raw, (raw.len() / 50).max(1)));
        Self {
            title: title.into(),
            steps,
            raw,
            smoothed,
            learning_rate: None,
            validation: Vec::new(),
        }
    }

    fn columns(&self) -> impl Iterator<Item = (&'static str, &Vec<f64>)> {
        [("the loss", Some(&self.raw)), ("the smoothed loss", self.smoothed.as_ref())]
            .into_iter()
            .chain([("the learning rate", self.learning_rate.as_ref())])
            .filter_map(|(what, column)| column.map(|column| (what, column)))
    }

    fn check_lengths(&self) -> Result<(), PlotError> {
        match self.columns().find(|(_, column)| column.len() != self.steps.len()) {
            None => Ok(()),
            Some((what, column)) => Err(PlotError::LengthMismatch {
                title: self.title.clone(),
                what: what.to_owned(),
                per: "step",
                expected: self.steps.len(),
                found: column.len(),
            }),
        }
    }

    fn empty(&self, reason: &str) -> PlotError {
        PlotError::Empty { title: self.title.clone(), reason: reason.to_owned() }
    }
}

/// The mean of the `window` values around each, fewer at the ends. Values that
/// are not finite do not count.
fn running_mean(values: &[f64], window: usize) -> Vec<f64> {
    let reach = window / 2;
    // Prefix sums, or long runs would take forever.
    let mut sums = vec![(0.0, 0_usize)];
    for &value in values {
        let (sum, count) = sums[sums.len() - 1];
        sums.push(if Scale::Linear.shows(value) { (sum + value, count + 1) } else { (sum, count) });
    }
    (0..values.len())
        .map(|index| {
            let low = sums[index.saturating_sub(reach)];
            let high = sums[(index + reach + 1).min(values.len())];
            (high.0 - low.0) / (high.1 - low.1) as f64
        })
        .collect()
}

/// The lowest and highest of every run of points, in order, when there are
/// many more points than pixels: the same picture from fewer strokes.
fn thinned(points: Vec<[f64; 2]>, buckets: usize) -> Vec<[f64; 2]> {
    if points.len() <= 2 * buckets {
        return points;
    }
    let size = points.len().div_ceil(buckets);
    points
        .chunks(size)
        .flat_map(|chunk| {
            let by_value = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
            let mut ends: Vec<_> = [chunk.iter().min_by(by_value), chunk.iter().max_by(by_value)]
                .into_iter()
                .flatten()
                .copied()
                .collect();
            ends.sort_by(|a, b| a[0].total_cmp(&b[0]));
            ends
        })
        .collect()
}

const WIDTH: f64 = 1200.0;
const LOSS_HEIGHT: f64 = 480.0;
const RATE_HEIGHT: f64 = 200.0;
const RAW: Color = Color::hex(0xA9CCE6);

/// A line of the picture.
struct Column {
    name: &'static str,
    points: Vec<[f64; 2]>,
    color: Color,
    width: f64,
}

impl Column {
    fn draw(&self, chart: &mut Chart<'_>) -> Result<(), PlotError> {
        let points = thinned(self.points.clone(), WIDTH as usize);
        chart::draw_line(chart, &points, LineStyle::Solid, self.color, self.width)
    }

    fn entry(&self) -> Entry {
        let ends = vec![[-SIGN / 2.0, 0.0], [SIGN / 2.0, 0.0]];
        Entry::new(self.name, Mark::default().line(ends, self.color, self.width.max(2.0)))
    }

    fn around(&self, axis: usize) -> Option<Range> {
        Range::around(self.points.iter().map(|point| point[axis]))
    }
}

fn places(points: impl Iterator<Item = (f64, f64)>, scale: Scale) -> Vec<[f64; 2]> {
    let shown = points.filter(|&(step, value)| Scale::Linear.shows(step) && scale.shows(value));
    shown.map(|(step, value)| [step, scale.place(value)]).collect()
}

impl LossCurve {
    /// The places of a column that an axis can show.
    fn places(&self, values: &[f64], scale: Scale) -> Vec<[f64; 2]> {
        places(self.steps.iter().copied().zip(values.iter().copied()), scale)
    }

    /// The lines of losses that have something to show, the raw one first.
    fn losses(&self) -> Vec<Column> {
        let smoothed = self.smoothed.as_deref().unwrap_or_default();
        let smoothed = self.places(smoothed, Scale::Logarithmic);
        let raw_color = if smoothed.is_empty() { Color::nth(0) } else { RAW };
        let other = self.validation.iter().map(|&[step, loss]| (step, loss));
        let other = places(other, Scale::Logarithmic);
        let raw = self.places(&self.raw, Scale::Logarithmic);
        let mut columns = vec![
            Column { name: "loss", points: raw, color: raw_color, width: 1.25 },
            Column { name: "smoothed", points: smoothed, color: Color::nth(0), width: 2.5 },
            Column { name: "on other data", points: other, color: Color::nth(2), width: 2.5 },
        ];
        columns.retain(|column| !column.points.is_empty());
        columns
    }
}

impl Plot for LossCurve {
    fn laid_out(&self, format: Format) -> Result<Picture<'_>, PlotError> {
        self.check_lengths()?;
        let losses = self.losses();
        let raw = losses.first().filter(|column| column.name == "loss");
        let Some((steps, range)) = raw.and_then(|raw| raw.around(0).zip(raw.around(1))) else {
            return Err(self.empty("no loss is finite and positive; check the training run"));
        };
        let steps = if steps.span() > 0.0 { steps } else { steps.padded(0.0) };
        let x = (steps, Scale::Linear);
        let y = (Scale::Logarithmic.padded(range, 0.04), Scale::Logarithmic);
        let rate = self.learning_rate.as_deref().unwrap_or_default();
        let rate = Column {
            name: "learning rate",
            points: self.places(rate, Scale::Linear),
            color: Color::nth(1),
            width: 2.0,
        };
        let rate_range = rate.around(1).map(|range| {
            let zero = Range { low: 0.0, high: 0.0 };
            (range.union(zero).padded(0.06), Scale::Linear)
        });

        let rate_room = rate_range.map_or(0.0, |range| chart::left_room(range, RATE_HEIGHT, true));
        let left = chart::left_room(y, LOSS_HEIGHT, true).max(rate_room);
        let entries: Vec<_> = losses.iter().map(Column::entry).collect();
        let rate_height = if rate_range.is_some() { RATE_HEIGHT } else { 0.0 };
        let title = format.titles.of(&self.title);
        let width = format.width.unwrap_or(WIDTH);
        let [_, under] = chart::legend_rooms(&entries, width);
        let around = 2.0 * MARGIN + chart::title_room(title, width) + under;
        let height = around + LOSS_HEIGHT + rate_height;
        Ok(Picture::new(width, height, move |page| {
            let body = chart::titled(page, title)?;
            let body = chart::with_legend(&body, &entries, under > 0.0)?;
            let (loss_area, rate_area) = body.split_vertically(px(LOSS_HEIGHT));
            let x_title = if rate_range.is_some() { "" } else { "step" };
            let sides = Sides { titles: [x_title, "loss"], labelled: [true; 2], left };
            let axes = Axes { x, y, x_falls: false, sides, grid: true };
            let mut chart = chart::frame(&loss_area, &axes)?;
            losses.iter().try_for_each(|column| column.draw(&mut chart))?;
            chart::draw_border(&chart)?;
            if let Some(y) = rate_range {
                let sides = Sides { titles: ["step", rate.name], ..sides };
                let axes = Axes { y, sides, ..axes };
                let mut chart = chart::frame(&rate_area, &axes)?;
                rate.draw(&mut chart)?;
                chart::draw_border(&chart)?;
            }
            Ok(())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(count: usize) -> Vec<f64> {
        (0..count).map(|step| step as f64).collect()
    }

    #[test]
    fn running_mean_skips_what_is_not_finite() {
        assert_eq!(running_mean(&[1.0, 2.0, f64::NAN, 4.0], 3), [1.5, 1.5, 3.0, 4.0]);
        assert!(running_mean(&[f64::NAN], 1)[0].is_nan());
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let mut points: Vec<_> = (0..10_000).map(|i| [f64::from(i), 1.0]).collect();
        points[4321][1] = 9.0;
        points[5000][1] = -3.0;
        let few = thinned(points, 100);
        assert!(few.len() <= 200 && few.contains(&[4321.0, 9.0]) && few.contains(&[5000.0, -3.0]));
    }

    #[test]
    fn a_learning_rate_gets_its_own_frame() {
        let mut plot = LossCurve::new("run", steps(100), vec![0.5; 100]);
        let before = plot.picture().unwrap().size().1;
        plot.learning_rate = Some(vec![1e-3; 100]);
        assert!(plot.picture().unwrap().size().1 > before);
        assert!(plot.to_svg_string().unwrap().contains("learning rate"));
    }

    #[test]
    fn losses_on_other_data_have_their_own_line() {
        let mut plot = LossCurve::new("run", steps(100), vec![0.5; 100]);
        plot.validation = vec![[20.0, 0.6], [60.0, f64::NAN], [90.0, 0.55]];
        assert!(plot.to_svg_string().unwrap().contains("on other data"));
    }

    #[test]
    fn degenerate_runs() {
        LossCurve::new("one", vec![0.0], vec![1.0]).to_png_bytes().unwrap();
        LossCurve::new("holes", steps(4), vec![1.0, f64::NAN, 0.0, 2.0]).to_png_bytes().unwrap();
        let empty = LossCurve::new("none", steps(2), vec![f64::NAN, -1.0]);
        assert!(matches!(empty.picture(), Err(PlotError::Empty { .. })));
        let uneven = LossCurve::new("uneven", steps(3), vec![1.0]);
        assert!(matches!(uneven.picture(), Err(PlotError::LengthMismatch { .. })));
    }
}
