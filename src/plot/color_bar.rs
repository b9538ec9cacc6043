//! What the colours along time mean: a bar of them with times beside it.

use plotters::element::{PathElement, Rectangle};
use plotters::style::TextStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Axis, Scale};
use super::canvas::{fill, pen, px};
use super::chart::{LEGEND_GAP, LEGEND_ROW};
use super::color::Color;
use super::error::PlotError;
use super::font::{self, SMALL, Weight};
use super::picture::Page;
use super::range::Range;

/// The bar: its breadth and its length, in pixels.
const BREADTH: f64 = 14.0;
const LENGTH: f64 = 180.0;
const TICK: f64 = 5.0;
const SLICES: i32 = 64;

/// The height of a bar that lies, with its times.
pub(crate) const LYING: f64 = BREADTH + TICK + 24.0;

/// A bar from the colour of the first time to that of the last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColorBar {
    /// Where along it times stand, from 0 to 1, and what they are.
    ticks: Vec<(f64, String)>,
}

impl ColorBar {
    /// Of times in their order, if they have a beginning and another end.
    pub(crate) fn of(times: &[f64]) -> Option<Self> {
        let (first, last) = (*times.first()?, *times.last()?);
        let range = Range { low: first.min(last), high: first.max(last) };
        if ![first, last].into_iter().all(|time| Scale::Linear.shows(time)) || range.span() <= 0.0 {
            return None;
        }
        let labelled = |wanted: usize| Axis::new(range, Scale::Linear, wanted).labelled().to_vec();
        let counts = |ticks: &Vec<(f64, String)>| (3..=5).contains(&ticks.len());
        let ticks = [5, 4, 6, 3, 8].into_iter().map(labelled).find(counts).unwrap_or_default();
        let share = |(time, label): (f64, String)| ((time - first) / (last - first), label);
        Some(ColorBar { ticks: ticks.into_iter().map(share).collect() })
    }

    /// Stands in a legend of some room at the right of an area, below so many entries.
    pub(crate) fn draw_beside(
        &self,
        area: &Page<'_>,
        room: f64,
        entries: usize,
    ) -> Result<(), PlotError> {
        let (width, height) = area.dim_in_pixel();
        let left = width as i32 - px(room - LEGEND_GAP);
        let top = px((entries as f64 + 1.4) * LEGEND_ROW);
        let length = px(LENGTH).min(height as i32 - top - px(LEGEND_ROW));
        let title = style(HPos::Left, VPos::Bottom);
        area.draw_text(TITLE, &title, (left, top - px(4.0)))?;
        let labels = (style(HPos::Left, VPos::Center), 4.0);
        self.draw(area, length, labels, |along, across| (left + across, top + along))
    }

    /// Lies at the upper left of an area.
    pub(crate) fn draw_below(&self, area: &Page<'_>) -> Result<(), PlotError> {
        let (left, top) = (px(20.0), px(2.0));
        let length = px(LENGTH).min(area.dim_in_pixel().0 as i32 - 2 * left);
        let title = style(HPos::Left, VPos::Center);
        area.draw_text(TITLE, &title, (px(4.0), (top + px(2.0 + BREADTH)) / 2))?;
        let labels = (style(HPos::Center, VPos::Top), 2.0);
        self.draw(area, length, labels, |along, across| (left + along, top + across))
    }

    /// The colours, and its times so far from their ticks; `place` is where so much along the bar and
    /// across it is.
    fn draw(
        &self,
        area: &Page<'_>,
        length: i32,
        (style, gap): (TextStyle<'_>, f64),
        place: impl Fn(i32, i32) -> (i32, i32),
    ) -> Result<(), PlotError> {
        let at = |share: f64| (share * f64::from(length)).round() as i32;
        let breadth = px(BREADTH);
        for slice in 0..SLICES {
            // Each to the end, or seams would show.
            let from = at(f64::from(slice) / f64::from(SLICES));
            let color = Color::gradient(f64::from(slice) / f64::from(SLICES - 1));
            let corners = [place(from, 0), place(length, breadth)];
            area.draw(&Rectangle::new(corners, fill(color)))?;
        }
        for (share, label) in &self.ticks {
            let (along, end) = (at(*share), breadth + px(TICK));
            let tick = [place(along, breadth), place(along, end)];
            area.draw(&PathElement::new(tick, pen(Color::FRAME, 1.0)))?;
            area.draw_text(label, &style, place(along, end + px(gap)))?;
        }
        Ok(())
    }
}

fn style(horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    font::style(SMALL, Weight::Regular, Color::INK).pos(Pos::new(horizontal, vertical))
}

const TITLE: &str = "t";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_three_to_five_times() {
        for (first, last) in
            [(1.0, 1e-3), (0.999, 0.001), (80.0, 0.002), (0.9946, 1e-3), (1e-5, 1.0), (0.5, 0.05)]
        {
            let bar = ColorBar::of(&[first, last]).unwrap();
            assert!((3..=5).contains(&bar.ticks.len()), "{first} to {last}: {bar:?}");
            assert!(bar.ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.0)), "{bar:?}");
        }
        let bar = ColorBar::of(&[1.0, 0.9, 0.001]).unwrap();
        let tick = bar.ticks.iter().find(|tick| tick.1 == "0.4").unwrap();
        assert!((tick.0 - 0.6 / 0.999).abs() < 1e-9, "{bar:?}");
    }

    #[test]
    fn no_times_have_none() {
        for times in [&[][..], &[1.0], &[1.0, 0.5, 1.0], &[f64::NAN, 1.0]] {
            assert_eq!(ColorBar::of(times), None);
        }
    }
}
