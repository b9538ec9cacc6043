//! Legends: which sign stands for what.

use super::axis::SMALL;
use super::color::Color;
use super::font::{self, Weight};
use super::marker::Marker;
use super::picture::{Anchor, Picture, Pixel};
use super::stroke::LineStyle;

/// The sign before a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key {
    /// A piece of line with an optional marker on it.
    Line { color: Color, width: f64, style: LineStyle, marker: Option<Marker> },
    /// A dot, filled or hollow.
    Dot { color: Color, radius: f64, filled: bool },
    /// The gradient that stands for time.
    Gradient,
}

/// A sign and its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub key: Key,
    pub name: String,
}

/// Height of one line of a legend.
pub(crate) const ROW: f64 = 23.0;
const GAP: f64 = 8.0;
const BETWEEN: f64 = 24.0;
const LONGEST_NAME: f64 = 280.0;

impl Key {
    fn width(&self) -> f64 {
        match self {
            Self::Line { .. } => 34.0,
            Self::Dot { .. } => 12.0,
            Self::Gradient => 60.0,
        }
    }

    fn draw(&self, picture: &mut Picture, [left, middle]: Pixel) {
        let right = left + self.width();
        match *self {
            Self::Line { color, width, style, marker } => {
                for piece in style.pieces(vec![[left, middle], [right, middle]]) {
                    picture.line(piece, width, color);
                }
                if let Some(marker) = marker {
                    marker.draw(picture, [(left + right) / 2.0, middle], MARKER_RADIUS, color);
                }
            }
            Self::Dot { color, radius, filled } => {
                dot(picture, [left + 6.0, middle], radius.clamp(3.5, 6.0), color, filled);
            }
            Self::Gradient => {
                let steps = 30;
                let step = self.width() / f64::from(steps);
                for index in 0..steps {
                    let low = [left + f64::from(index) * step, middle - 5.0];
                    // Half a step of overlap, or the seams would show.
                    let high = [(low[0] + 1.5 * step).min(right), middle + 5.0];
                    let fill = Color::gradient(f64::from(index) / f64::from(steps - 1));
                    picture.polygon(vec![low, [high[0], low[1]], high, [low[0], high[1]]], fill);
                }
            }
        }
    }
}

/// The radius of markers, on curves and in legends.
pub(crate) const MARKER_RADIUS: f64 = 4.5;

/// A disc in a colour, or a white one with an edge of that colour.
pub(crate) fn dot(picture: &mut Picture, center: Pixel, radius: f64, color: Color, filled: bool) {
    picture.disc(center, radius, color);
    if !filled {
        picture.disc(center, radius - 1.5, Color::WHITE);
    }
}

impl Entry {
    pub fn new(key: Key, name: &str) -> Self {
        Self { key, name: font::fit(name, SMALL, Weight::Regular, LONGEST_NAME) }
    }

    fn width(&self) -> f64 {
        self.key.width() + GAP + font::width(&self.name, SMALL, Weight::Regular)
    }

    fn draw(&self, picture: &mut Picture, [left, middle]: Pixel) {
        self.key.draw(picture, [left, middle]);
        let position = [left + self.key.width() + GAP, middle + SMALL * 0.36];
        picture.text(&self.name, position, SMALL, Anchor::Start);
    }
}

/// The width of a legend with one entry above another.
pub(crate) fn column_width(entries: &[Entry]) -> f64 {
    entries.iter().map(Entry::width).fold(0.0, f64::max)
}

/// Draws one entry above another, from `top_left` down.
pub(crate) fn draw_column(picture: &mut Picture, entries: &[Entry], [left, top]: Pixel) {
    for (index, entry) in entries.iter().enumerate() {
        entry.draw(picture, [left, top + (index as f64 + 0.5) * ROW]);
    }
}

/// Where each entry of a legend written along lines goes, relative to its
/// corner: broken into as many lines as the width needs.
fn flow(entries: &[Entry], width: f64) -> Vec<Pixel> {
    let (mut x, mut y) = (0.0, 0.0);
    entries
        .iter()
        .map(|entry| {
            if x > 0.0 && x + entry.width() > width {
                (x, y) = (0.0, y + ROW);
            }
            let here = [x, y];
            x += entry.width() + BETWEEN;
            here
        })
        .collect()
}

/// The height of a legend written along lines.
pub(crate) fn flow_height(entries: &[Entry], width: f64) -> f64 {
    flow(entries, width).last().map_or(0.0, |last| last[1] + ROW)
}

/// Draws entries along lines, from `top_left` on.
pub(crate) fn draw_flow(picture: &mut Picture, entries: &[Entry], [left, top]: Pixel, width: f64) {
    for (entry, [x, y]) in entries.iter().zip(flow(entries, width)) {
        entry.draw(picture, [left + x, top + y + ROW / 2.0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_break_into_lines_and_never_overlap() {
        let key = Key::Dot { color: Color::INK, radius: 3.0, filled: true };
        let entries: Vec<_> = (0..9)
            .map(|index| Entry::new(key.clone(), &format!("a layer named {index}")))
            .collect();
        let places = flow(&entries, 500.0);
        for (entry, [x, _]) in entries.iter().zip(&places) {
            assert!(x + entry.width() <= 500.0);
        }
        for (pair, entry) in places.windows(2).zip(&entries) {
            assert!(pair[1][1] > pair[0][1] || pair[1][0] > pair[0][0] + entry.width());
        }
        assert_eq!(flow_height(&entries, 500.0), places[8][1] + ROW);
        assert_eq!(flow_height(&[], 500.0), 0.0);
    }
}
