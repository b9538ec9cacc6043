//! Axes, and the frame two of them span.

use super::color::Color;
use super::font::{self, Weight};
use super::picture::{Anchor, Area, Picture, Pixel};
use super::range::{Range, Window};
use super::ticks::{self, Ticks};

/// Size of tick labels and legends.
pub(crate) const SMALL: f64 = 14.0;
/// Size of axis titles.
pub(crate) const MEDIUM: f64 = 15.0;
/// Size of picture titles.
pub(crate) const LARGE: f64 = 19.0;
/// The room below a frame for tick labels.
pub(crate) const TICK_ROOM: f64 = 26.0;
/// The room below a frame for tick labels and an axis title.
pub(crate) const TITLE_ROOM: f64 = 52.0;

const TICK_LENGTH: f64 = 5.0;

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long; needs positive values.
    Logarithmic,
}

/// A range of values laid over a range of pixels.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub range: Range,
    pub scale: Scale,
    from: f64,
    to: f64,
}

impl Axis {
    pub fn new(range: Range, scale: Scale, from: f64, to: f64) -> Self {
        Self { range, scale, from, to }
    }

    pub fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.range.low) / self.range.span(),
            Scale::Logarithmic => {
                (value / self.range.low).ln() / (self.range.high / self.range.low).ln()
            }
        };
        self.from + share * (self.to - self.from)
    }

    /// Marks with `spacing` pixels for every label.
    fn ticks(&self, spacing: f64) -> Ticks {
        ticks_for(self.range, self.scale, (self.to - self.from).abs(), spacing)
    }
}

fn ticks_for(range: Range, scale: Scale, length: f64, spacing: f64) -> Ticks {
    let wanted = (length / spacing).floor().max(2.0) as usize;
    match scale {
        Scale::Linear => ticks::linear(range, wanted),
        Scale::Logarithmic => ticks::logarithmic(range, wanted),
    }
}

/// Pixels between labels: side by side they need more than one above another.
const ACROSS: f64 = 64.0;
const UPWARD: f64 = 44.0;

/// The room left of a frame for tick labels, and an axis title if there is one.
pub(crate) fn left_room(range: Range, scale: Scale, height: f64, titled: bool) -> f64 {
    let widest = ticks_for(range, scale, height, UPWARD)
        .major
        .iter()
        .map(|tick| font::width(&tick.label, SMALL, Weight::Regular))
        .fold(0.0, f64::max);
    widest + TICK_LENGTH + 12.0 + if titled { MEDIUM + 14.0 } else { 0.0 }
}

/// The rectangle data is drawn in.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub area: Area,
    pub x: Axis,
    pub y: Axis,
}

impl Frame {
    pub fn new(area: Area, x: (Range, Scale), y: (Range, Scale)) -> Self {
        Self {
            area,
            x: Axis::new(x.0, x.1, area.left, area.right),
            y: Axis::new(y.0, y.1, area.bottom, area.top),
        }
    }

    /// A frame for space: the window, widened until both axes have one unit.
    pub fn of_space(area: Area, window: Window) -> Self {
        let window = window.equal_aspect(&area);
        Self::new(area, (window.x, Scale::Linear), (window.y, Scale::Linear))
    }

    pub fn place(&self, point: [f64; 2]) -> Pixel {
        [self.x.place(point[0]), self.y.place(point[1])]
    }

    pub fn window(&self) -> Window {
        Window { x: self.x.range, y: self.y.range }
    }

    /// Grid lines, to be drawn before the data.
    pub fn draw_grid(&self, picture: &mut Picture) {
        let Area { left, top, right, bottom } = self.area;
        for tick in self.x.ticks(ACROSS).major {
            let x = self.x.place(tick.value);
            picture.rule([x, top], [x, bottom], Color::GRID);
        }
        for tick in self.y.ticks(UPWARD).major {
            let y = self.y.place(tick.value);
            picture.rule([left, y], [right, y], Color::GRID);
        }
    }

    /// Border and ticks; labels below and to the left where asked for.
    pub fn draw_border(&self, picture: &mut Picture, x_labels: bool, y_labels: bool) {
        let Area { left, top, right, bottom } = self.area;
        let soft = Color::hex(0x777777);
        for (from, to) in [
            ([left, top], [left, bottom]),
            ([right, top], [right, bottom]),
            ([left, top], [right, top]),
            ([left, bottom], [right, bottom]),
        ] {
            picture.rule(from, to, soft);
        }
        let across = self.x.ticks(ACROSS);
        for value in across.minor {
            let x = self.x.place(value);
            picture.rule([x, bottom], [x, bottom + TICK_LENGTH * 0.5], soft);
        }
        for tick in across.major {
            let x = self.x.place(tick.value);
            picture.rule([x, bottom], [x, bottom + TICK_LENGTH], soft);
            if x_labels {
                let baseline = bottom + TICK_LENGTH + 4.0 + SMALL * 0.8;
                picture.text(&tick.label, [x, baseline], SMALL, Anchor::Middle);
            }
        }
        let upward = self.y.ticks(UPWARD);
        for value in upward.minor {
            let y = self.y.place(value);
            picture.rule([left - TICK_LENGTH * 0.5, y], [left, y], soft);
        }
        for tick in upward.major {
            let y = self.y.place(tick.value);
            picture.rule([left - TICK_LENGTH, y], [left, y], soft);
            if y_labels {
                let position = [left - TICK_LENGTH - 4.0, y + SMALL * 0.36];
                picture.text(&tick.label, position, SMALL, Anchor::End);
            }
        }
    }

    /// What the axes are; `left` is the picture's left edge.
    pub fn draw_titles(&self, picture: &mut Picture, x_title: &str, y_title: &str, left: f64) {
        let Area { top, bottom, .. } = self.area;
        let middle = (self.area.left + self.area.right) / 2.0;
        let x_title = font::fit(x_title, MEDIUM, Weight::Regular, self.area.width());
        picture.text(&x_title, [middle, bottom + TITLE_ROOM - 6.0], MEDIUM, Anchor::Middle);
        let y_title = font::fit(y_title, MEDIUM, Weight::Regular, self.area.height());
        picture.upright_text(&y_title, [left + MEDIUM + 4.0, (top + bottom) / 2.0], MEDIUM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 10.0, top: 20.0, right: 410.0, bottom: 220.0 };

    #[test]
    fn ends_of_the_ranges_are_corners_of_the_area() {
        let range = Range { low: 1.0, high: 100.0 };
        let frame = Frame::new(AREA, (range, Scale::Logarithmic), (range, Scale::Linear));
        assert_eq!(frame.place([1.0, 1.0]), [10.0, 220.0]);
        assert_eq!(frame.place([100.0, 100.0]), [410.0, 20.0]);
        assert!((frame.place([10.0, 1.0])[0] - 210.0).abs() < 1e-9);
    }

    #[test]
    fn space_has_one_unit_along_both_axes() {
        let window = Window { x: Range { low: 0.0, high: 1.0 }, y: Range { low: 0.0, high: 3.0 } };
        let frame = Frame::of_space(AREA, window);
        let origin = frame.place([0.0, 0.0]);
        let moved = frame.place([1.0, 1.0]);
        assert!(((moved[0] - origin[0]) - (origin[1] - moved[1])).abs() < 1e-9);
        assert!(AREA.contains(frame.place([1.0, 3.0])) && AREA.contains(origin));
    }
}
