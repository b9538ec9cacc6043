//! The loss of a training run.

use super::axis::{self, Frame, LARGE, Scale, TITLE_ROOM};
use super::color::Color;
use super::error::PlotError;
use super::legend::{self, Entry, Key, ROW};
use super::picture::{Area, Picture};
use super::range::{Range, drawable, drawable_log};
use super::stroke::{self, LineStyle};
use super::{MARGIN, Plot};

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
        sums.push(if drawable(value) { (sum + value, count + 1) } else { (sum, count) });
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
const LOSS_HEIGHT: f64 = 440.0;
const RATE_HEIGHT: f64 = 120.0;
const RAW: Color = Color::hex(0xA9CCE6);

/// Draws a column of values; those that cannot be drawn are left out.
fn draw(picture: &mut Picture, frame: &Frame, points: Vec<[f64; 2]>, width: f64, color: Color) {
    let path: Vec<_> = thinned(points, frame.area.width() as usize)
        .into_iter()
        .map(|point| frame.place(point))
        .collect();
    for part in stroke::clipped(&path, &frame.area) {
        picture.line(part, width, color);
    }
}

impl Plot for LossCurve {
    fn picture(&self) -> Result<Picture, PlotError> {
        self.check_lengths()?;
        let column = |values: &[f64], accept: fn(f64) -> bool| -> Vec<[f64; 2]> {
            let points = self.steps.iter().zip(values).map(|(&step, &value)| [step, value]);
            points.filter(|point| drawable(point[0]) && accept(point[1])).collect()
        };
        let raw = column(&self.raw, drawable_log);
        let smoothed = column(self.smoothed.as_deref().unwrap_or_default(), drawable_log);
        let rate = column(self.learning_rate.as_deref().unwrap_or_default(), drawable);
        let around = |axis: usize, points: &[[f64; 2]]| {
            Range::around(points.iter().map(|point| point[axis]))
        };
        let (Some(steps), Some(losses)) = (around(0, &raw), around(1, &raw)) else {
            return Err(self.empty("no loss is finite and positive; check the training run"));
        };
        let steps = if steps.span() > 0.0 { steps } else { steps.padded(0.0) };
        let losses = losses.padded_log(0.04);
        let rates = around(1, &rate)
            .map(|range| Range { low: range.low.min(0.0), high: range.high.max(0.0) }.padded(0.06));

        let room = axis::left_room(losses, Scale::Logarithmic, LOSS_HEIGHT, true);
        let rate_room =
            rates.map_or(0.0, |rates| axis::left_room(rates, Scale::Linear, RATE_HEIGHT, true));
        let left = (MARGIN + room.max(rate_room)).floor();
        let right = WIDTH - MARGIN - 12.0;
        let line = |color, width| Key::Line { color, width, style: LineStyle::Solid, marker: None };
        let mut entries = vec![Entry::new(line(RAW, 2.0), "loss")];
        if !smoothed.is_empty() {
            entries.push(Entry::new(line(Color::nth(0), 2.5), "smoothed"));
        }
        let mut validation = self.validation.clone();
        validation.retain(|point| drawable(point[0]) && drawable_log(point[1]));
        if !validation.is_empty() {
            entries.push(Entry::new(line(Color::nth(2), 2.5), "on other data"));
        }
        let top = MARGIN + 34.0 + ROW + 6.0;
        let loss_area = Area { left, top, right, bottom: top + LOSS_HEIGHT };
        let rate_top = loss_area.bottom + 20.0;
        let rate_area = Area { top: rate_top, bottom: rate_top + RATE_HEIGHT, ..loss_area };
        let lowest = if rates.is_some() { rate_area.bottom } else { loss_area.bottom };

        let mut picture = Picture::new(WIDTH, lowest + TITLE_ROOM + MARGIN - 8.0);
        picture.title(&self.title, left, MARGIN + LARGE, right, LARGE);
        legend::draw_flow(&mut picture, &entries, [left, MARGIN + 32.0], right - left);
        let across = (steps, Scale::Linear);
        let frame = Frame::new(loss_area, across, (losses, Scale::Logarithmic));
        frame.draw_grid(&mut picture);
        let raw_color = if smoothed.is_empty() { Color::nth(0) } else { RAW };
        draw(&mut picture, &frame, raw, 1.25, raw_color);
        draw(&mut picture, &frame, smoothed, 2.5, Color::nth(0));
        draw(&mut picture, &frame, validation, 2.5, Color::nth(2));
        frame.draw_border(&mut picture, rates.is_none(), true);
        frame.draw_titles(&mut picture, if rates.is_none() { "step" } else { "" }, "loss", MARGIN);
        if let Some(rates) = rates {
            let frame = Frame::new(rate_area, across, (rates, Scale::Linear));
            frame.draw_grid(&mut picture);
            draw(&mut picture, &frame, rate, 2.0, Color::nth(1));
            frame.draw_border(&mut picture, true, true);
            frame.draw_titles(&mut picture, "step", "learning rate", MARGIN);
        }
        Ok(picture)
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
