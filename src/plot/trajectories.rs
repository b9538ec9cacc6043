//! Paths through space, from noise to data.

use super::axis::{self, Frame, LARGE, Scale, TICK_ROOM};
use super::color::Color;
use super::error::PlotError;
use super::legend::{self, Entry, Key, dot};
use super::picture::{Area, Picture};
use super::range::Window;
use super::space::{self, Limits, Outline, PointLayer};
use super::stroke;
use super::{MARGIN, Plot};

/// What the colour of a trajectory means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrajectoryColor {
    /// The progress along it, from its start (dark) to its end (light).
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
    fn window(&self) -> Result<Window, PlotError> {
        let drawn = self.lines.iter().flatten();
        let window = space::window(&self.title, self.limits, None, drawn)?;
        let context = self
            .outline
            .iter()
            .map(|outline| &outline.points)
            .chain(self.background.iter().map(|layer| &layer.points))
            .filter(|_| self.limits.is_none())
            .filter_map(Window::around);
        Ok(context.fold(window, Window::union))
    }

    fn entries(&self) -> Vec<Entry> {
        let mark = |filled| Key::Dot { color: Color::INK, radius: DOT, filled };
        let mut entries: Vec<_> = self.outline.iter().filter_map(Outline::entry).collect();
        entries.extend(self.background.iter().filter_map(PointLayer::entry));
        entries.push(Entry::new(mark(false), "start"));
        entries.push(Entry::new(mark(true), "end"));
        if self.color == TrajectoryColor::Time {
            entries.push(Entry::new(Key::Gradient, "from start to end"));
        }
        entries
    }

    fn draw_line(&self, picture: &mut Picture, frame: &Frame, lane: usize, line: &[[f64; 2]]) {
        let path: Vec<_> = line.iter().map(|&state| frame.place(state)).collect();
        let segments = path.len().saturating_sub(1);
        // Neighbouring segments of nearly one colour are drawn as one line.
        let pieces = match self.color {
            TrajectoryColor::Lane => segments.min(1),
            TrajectoryColor::Time => segments.min(48),
        };
        for piece in 0..pieces {
            let (first, last) = (piece * segments / pieces, (piece + 1) * segments / pieces);
            let color = self.color_at(lane, (piece as f64 + 0.5) / pieces as f64);
            for part in stroke::clipped(&path[first..=last], &frame.area) {
                picture.line(part, 1.75, color);
            }
        }
    }

    fn color_at(&self, lane: usize, progress: f64) -> Color {
        match self.color {
            TrajectoryColor::Time => Color::gradient(progress),
            TrajectoryColor::Lane => Color::nth(lane),
        }
    }

    fn draw_ends(&self, picture: &mut Picture, frame: &Frame, lane: usize, line: &[[f64; 2]]) {
        let ends = [(line.first(), 0.0, false), (line.last(), 1.0, true)];
        for (state, progress, filled) in ends {
            if let Some(&state) = state.filter(|&&state| frame.window().contains(state)) {
                let place = frame.place(state);
                // A white rim keeps the marker apart from the lines below it.
                picture.disc(place, DOT + 1.0, Color::WHITE);
                dot(picture, place, DOT, self.color_at(lane, progress), filled);
            }
        }
    }
}

const DOT: f64 = 4.5;

impl Plot for Trajectories {
    fn picture(&self) -> Result<Picture, PlotError> {
        let window = self.window()?;
        let width = 800.0;
        let left = MARGIN + axis::left_room(window.y, Scale::Linear, 500.0, false) + 6.0;
        let top = MARGIN + 38.0;
        let frame_width = width - MARGIN - left;
        let frame_height = space::fitting_height(&window, frame_width);
        let entries = self.entries();
        let bottom = top + frame_height;
        let legend_top = bottom + TICK_ROOM + 14.0;
        let height = legend_top + legend::flow_height(&entries, frame_width) + MARGIN;

        let mut picture = Picture::new(width, height);
        picture.title(&self.title, left, MARGIN + LARGE, width - MARGIN, LARGE);
        let frame = Frame::of_space(Area { left, top, right: left + frame_width, bottom }, window);
        if let Some(layer) = &self.background {
            layer.draw(&mut picture, &frame);
        }
        if let Some(outline) = &self.outline {
            outline.draw(&mut picture, &frame);
        }
        for (lane, line) in self.lines.iter().enumerate() {
            self.draw_line(&mut picture, &frame, lane, line);
        }
        for (lane, line) in self.lines.iter().enumerate() {
            self.draw_ends(&mut picture, &frame, lane, line);
        }
        frame.draw_border(&mut picture, true, true);
        legend::draw_flow(&mut picture, &entries, [left, legend_top], frame_width);
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn no_finite_state_is_an_error() {
        for lines in [vec![], vec![vec![]], vec![vec![[f64::NAN, 0.0]]]] {
            let outcome = Trajectories::new("paths", lines).to_svg_string();
            assert!(matches!(outcome, Err(PlotError::Empty { .. })));
        }
    }

    #[test]
    fn limits_cut_the_lines() {
        use crate::plot::picture::Shape;
        let mut plot = Trajectories::new("cut", vec![vec![[0.0, 0.0], [50.0, 0.0]]]);
        plot.limits = Some([-1.0, 1.0, -1.0, 1.0]);
        let picture = plot.picture().unwrap();
        for shape in &picture.shapes {
            if let Shape::Polyline { points, .. } = shape {
                assert!(points.iter().all(|point| point[0] <= picture.width));
            }
        }
    }
}
