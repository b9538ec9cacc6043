//! Paths through space, from noise to data.

use super::axis::Scale;
use super::canvas::px;
use super::chart::{self, Chart, Entry, MARGIN, SIGN};
use super::color::Color;
use super::color_bar::{self, ColorBar};
use super::error::PlotError;
use super::marker::Mark;
use super::picture::Picture;
use super::range::Range;
use super::space::{self, Limits, Outline, PointLayer};
use super::stroke::LineStyle;
use super::{Format, Plot};

/// What the colour of a trajectory means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrajectoryColor {
    /// The time, from that of its start (dark) to that of its end (light); of trajectories without
    /// times the number of the step.
    #[default]
    Time,
    /// Which lane it is.
    Lane,
}

/// Trajectories in a frame with one unit along both axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectories {
    /// The title, above the frame.
    pub title: String,
    /// One list of states per lane. A state that is not finite breaks the line.
    pub lines: Vec<Vec<[f64; 2]>>,
    /// What the colours mean.
    pub color: TrajectoryColor,
    /// Points below the trajectories, such as the data.
    pub background: Option<PointLayer>,
    /// The shape the trajectories should end on.
    pub outline: Option<Outline>,
    /// The times of the states, for their colours and the bar that says which is which.
    pub times: Vec<f64>,
    /// What to show; without limits all trajectories. Lines are cut there.
    pub limits: Option<Limits>,
}

impl Trajectories {
    /// Trajectories coloured along time.
    pub fn new(title: impl Into<String>, lines: Vec<Vec<[f64; 2]>>) -> Self {
        Self { title: title.into(), lines, ..Self::default() }
    }

    /// The box of everything: unlike samples, noise lies far outside the
    /// outline on purpose.
    fn window(&self) -> Result<[Range; 2], PlotError> {
        let drawn = self.lines.iter().flatten();
        let window = space::window(&self.title, self.limits, None, drawn)?;
        let context = self
            .outline
            .iter()
            .map(|outline| &outline.points)
            .chain(self.background.iter().map(|layer| &layer.points))
            .filter(|_| self.limits.is_none())
            .filter_map(space::around)
            .map(space::with_margin);
        Ok(context.fold(window, space::union))
    }

    fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<_> = self.outline.iter().filter_map(Outline::entry).collect();
        entries.extend(self.background.iter().filter_map(PointLayer::entry));
        entries.push(Entry::new("start", Mark::dot(Color::INK, DOT, false)));
        entries.push(Entry::new("end", Mark::dot(Color::INK, DOT, true)));
        if self.color == TrajectoryColor::Time && self.bar().is_none() {
            entries.push(Entry::new("start to end", gradient()));
        }
        entries
    }

    /// What its colours mean, if they are times.
    fn bar(&self) -> Option<ColorBar> {
        if self.color == TrajectoryColor::Time { ColorBar::of(&self.times) } else { None }
    }

    /// How far the middle of a piece of a line is along its time, or without times along its steps.
    fn progress(&self, (first, last): (usize, usize), segments: usize) -> f64 {
        match (self.times.as_slice(), self.times.get(first).zip(self.times.get(last))) {
            ([begin, .., end], Some((from, to))) if begin != end => {
                (0.5 * (from + to) - begin) / (end - begin)
            }
            _ => 0.5 * (first + last) as f64 / segments as f64,
        }
    }

    fn draw_line(
        &self,
        chart: &mut Chart<'_>,
        lane: usize,
        line: &[[f64; 2]],
    ) -> Result<(), PlotError> {
        let segments = line.len().saturating_sub(1);
        // Neighbouring segments of nearly one colour are drawn as one line.
        let pieces = match self.color {
            TrajectoryColor::Lane => segments.min(1),
            TrajectoryColor::Time => segments.min(100),
        };
        for piece in 0..pieces {
            let (first, last) = (piece * segments / pieces, (piece + 1) * segments / pieces);
            let color = self.color_at(lane, self.progress((first, last), segments));
            chart::draw_line(chart, &line[first..=last], LineStyle::Solid, color, 1.75)?;
        }
        Ok(())
    }

    fn color_at(&self, lane: usize, progress: f64) -> Color {
        match self.color {
            TrajectoryColor::Time => Color::gradient(progress),
            TrajectoryColor::Lane => Color::nth(lane),
        }
    }

    fn draw_ends(
        &self,
        chart: &mut Chart<'_>,
        lane: usize,
        line: &[[f64; 2]],
    ) -> Result<(), PlotError> {
        let ends = [(line.first(), 0.0, false), (line.last(), 1.0, true)];
        for (state, progress, filled) in ends {
            if let Some(&state) = state.filter(|&&state| chart::shows(chart, state)) {
                // A white rim keeps the marker apart from the lines below it.
                let rim = Mark::dot(Color::WHITE, DOT + 1.0, true);
                let dot = Mark::dot(self.color_at(lane, progress), DOT, filled);
                chart.draw_series([rim.with(dot).at((state[0], state[1]))])?;
            }
        }
        Ok(())
    }
}

const DOT: f64 = 4.5;

/// The colours of progress as a sign of the legend.
fn gradient() -> Mark {
    const STEPS: u32 = 17;
    let step = SIGN / f64::from(STEPS);
    (0..STEPS).fold(Mark::default(), |mark, index| {
        let left = f64::from(index) * step - SIGN / 2.0;
        // Half a step of overlap, or the seams would show.
        let right = (left + 1.5 * step).min(SIGN / 2.0);
        let corners = vec![[left, -5.0], [right, -5.0], [right, 5.0], [left, 5.0]];
        mark.filled(corners, Color::gradient(f64::from(index) / f64::from(STEPS - 1)))
    })
}

impl Plot for Trajectories {
    fn laid_out(&self, format: Format) -> Result<Picture<'_>, PlotError> {
        const WIDTH: f64 = 800.0;
        let window = self.window()?;
        let entries = self.entries();
        let width = format.width.unwrap_or(WIDTH + chart::legend_room(&entries));
        let bar = self.bar();
        let [beside, mut under] = chart::legend_rooms(&entries, width);
        let is_below = under > 0.0;
        if is_below && bar.is_some() {
            under += color_bar::LYING;
        }
        let title = format.titles.of(&self.title);
        let frame = width - beside;
        let labels = chart::left_room((window[1], Scale::Linear), frame, false);
        let frame_height = space::fitting_height(window, frame - 2.0 * MARGIN - labels);
        let title_room = chart::title_room(title, width);
        let height = 2.0 * MARGIN + title_room + frame_height + chart::lower_room(false) + under;

        Ok(Picture::new(width, height, move |page| {
            let mut body = chart::titled(page, title)?;
            match &bar {
                Some(bar) if is_below => {
                    let height = body.dim_in_pixel().1 as i32 - px(color_bar::LYING);
                    let (above, strip) = body.split_vertically(height);
                    bar.draw_below(&strip)?;
                    body = above;
                }
                Some(bar) => bar.draw_beside(&body, beside, entries.len())?,
                None => {}
            }
            let body = chart::with_legend(&body, &entries, is_below)?;
            let mut chart = chart::frame_of_space(&body, window)?;
            if let Some(layer) = &self.background {
                layer.draw(&mut chart)?;
            }
            if let Some(outline) = &self.outline {
                outline.draw(&mut chart)?;
            }
            for (lane, line) in self.lines.iter().enumerate() {
                self.draw_line(&mut chart, lane, line)?;
            }
            for (lane, line) in self.lines.iter().enumerate() {
                self.draw_ends(&mut chart, lane, line)?;
            }
            chart::draw_border(&chart)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{OutlineForm, PictureStyle};

    /// Data that reaches beyond all paths stays clear of the frame, as paths do.
    #[test]
    fn an_outline_does_not_touch_the_frame() {
        let mut plot = Trajectories::new("paths", vec![vec![[0.0, 0.0], [1.0, 1.0]]]);
        let points = vec![[0.0, -1.0], [3.0, 2.0]];
        plot.outline = Some(Outline::new("data", points, OutlineForm::Dots));
        let [x, y] = plot.window().unwrap();
        assert!(x.high > 3.1 && y.low < -1.1 && y.high > 2.1, "{x:?} {y:?}");
    }

    #[test]
    fn degenerate_lines_are_drawn() {
        for lines in [
            vec![vec![[0.0, 0.0]]],
            vec![vec![[1.0, 1.0]; 4], vec![]],
            vec![vec![[0.0, 0.0], [f64::NAN, 1.0], [2.0, 2.0], [3.0, f64::INFINITY]]],
        ] {
            for color in [TrajectoryColor::Time, TrajectoryColor::Lane] {
                let plot = Trajectories { color, ..Trajectories::new("paths", lines.clone()) };
                assert!(plot.to_svg_string().unwrap().contains("start"));
                plot.to_png_bytes().unwrap();
            }
        }
    }

    #[test]
    fn the_colours_are_those_of_times_which_stand_beside_a_bar() {
        let line = vec![[0.0, 0.0], [1.0, 1.0], [2.0, 1.0]];
        let mut plot = Trajectories::new("paths", vec![line]);
        let steps = plot.progress((0, 1), 2);
        assert_eq!(steps, 0.25);
        assert!(plot.to_svg_string().unwrap().contains("start to end"));
        plot.times = vec![1.0, 0.9, 0.001];
        assert!((plot.progress((0, 1), 2) - 0.05).abs() < 1e-3);
        assert!((plot.progress((1, 2), 2) - 0.55).abs() < 1e-3);
        for width in [1000, 320] {
            let style = PictureStyle { width: Some(width), ..PictureStyle::default() };
            let svg = style.picture(&plot).unwrap().svg().unwrap();
            for label in ["t", "0.2", "0.8"] {
                assert!(svg.contains(&format!("\n{label}\n")), "{label}: {svg}");
            }
            assert!(!svg.contains("start to end"), "{svg}");
        }
    }

    #[test]
    fn no_finite_state_is_an_error() {
        for lines in [vec![], vec![vec![]], vec![vec![[f64::NAN, 0.0]]]] {
            let outcome = Trajectories::new("paths", lines).to_svg_string();
            assert!(matches!(outcome, Err(PlotError::Empty { .. })));
        }
    }

    #[test]
    fn limits_cut_the_lines() {
        let mut plot = Trajectories::new("cut", vec![vec![[0.0, 0.0], [50.0, 0.0]]]);
        plot.limits = Some([-1.0, 1.0, -1.0, 1.0]);
        let svg = plot.to_svg_string().unwrap();
        let parsed = roxmltree::Document::parse(&svg).unwrap();
        let width = 4.0 * f64::from(plot.picture().unwrap().size().0);
        let lines: Vec<_> =
            parsed.descendants().filter_map(|node| node.attribute("points")).collect();
        assert!(!lines.is_empty());
        for point in lines.iter().flat_map(|line| line.split_whitespace()) {
            let x: f64 = point.split_once(',').unwrap().0.parse().unwrap();
            assert!((0.0..=width).contains(&x), "{x}");
        }
    }
}
