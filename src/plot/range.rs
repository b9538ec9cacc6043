//! Ranges of data: found, padded, and never empty.

use super::picture::Area;

/// Numbers beyond this are treated as not finite: a range between two of them
/// would overflow, and no axis is read there.
const LARGEST: f64 = 1e100;

/// Whether a number can be placed on a linear axis.
pub(crate) fn drawable(value: f64) -> bool {
    value.abs() < LARGEST
}

/// Whether a number can be placed on a logarithmic axis.
pub(crate) fn drawable_log(value: f64) -> bool {
    drawable(value) && value > 1.0 / LARGEST
}

/// A closed interval with `low < high`, apart from the moments when it is
/// being collected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub low: f64,
    pub high: f64,
}

impl Range {
    /// The smallest interval around the values, or none without values.
    pub fn around(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        values.into_iter().fold(None, |range, value| {
            Some(match range {
                None => Self { low: value, high: value },
                Some(Self { low, high }) => Self { low: low.min(value), high: high.max(value) },
            })
        })
    }

    pub fn span(&self) -> f64 {
        self.high - self.low
    }

    pub fn middle(&self) -> f64 {
        self.low + self.span() / 2.0
    }

    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Widened by a share of its span at both ends. A range too narrow for an
    /// axis (one value, or equal values) is first opened up around its middle.
    pub fn padded(self, share: f64) -> Self {
        let magnitude = self.low.abs().max(self.high.abs());
        let opened = if self.span() <= 1e-9 * magnitude || self.span() < 1e-90 {
            let reach = if magnitude < 1e-90 { 0.5 } else { 0.1 * magnitude };
            Self { low: self.middle() - reach, high: self.middle() + reach }
        } else {
            self
        };
        let extra = share * opened.span();
        Self { low: opened.low - extra, high: opened.high + extra }
    }

    /// The same for a logarithmic axis: at least a factor of two, and a share
    /// of the number of decades at both ends.
    pub fn padded_log(self, share: f64) -> Self {
        let (low, high) = (self.low.log10(), self.high.log10());
        let short = (std::f64::consts::LOG10_2 - (high - low)).max(0.0) / 2.0;
        let extra = share * (high - low + 2.0 * short) + short;
        Self { low: 10_f64.powf(low - extra), high: 10_f64.powf(high + extra) }
    }

    /// The same middle with another span.
    fn with_span(self, span: f64) -> Self {
        Self { low: self.middle() - span / 2.0, high: self.middle() + span / 2.0 }
    }
}

/// A rectangle in the data's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub x: Range,
    pub y: Range,
}

impl Window {
    /// The box around the drawable points, or none without any.
    pub fn around<'a>(points: impl IntoIterator<Item = &'a [f64; 2]>) -> Option<Self> {
        points.into_iter().filter(|point| drawable(point[0]) && drawable(point[1])).fold(
            None,
            |window, &[x, y]| {
                let here = Self { x: Range { low: x, high: x }, y: Range { low: y, high: y } };
                Some(window.map_or(here, |window: Self| window.union(here)))
            },
        )
    }

    pub fn union(self, other: Self) -> Self {
        let join = |a: Range, b: Range| Range { low: a.low.min(b.low), high: a.high.max(b.high) };
        Self { x: join(self.x, other.x), y: join(self.y, other.y) }
    }

    pub fn padded(self, share: f64) -> Self {
        Self { x: self.x.padded(share), y: self.y.padded(share) }
    }

    pub fn contains(&self, point: [f64; 2]) -> bool {
        self.x.contains(point[0]) && self.y.contains(point[1])
    }

    /// The smallest window around this one in which a unit is as many pixels
    /// along x as along y when it fills the area.
    pub fn equal_aspect(self, area: &Area) -> Self {
        let unit = (self.x.span() / area.width()).max(self.y.span() / area.height());
        Self { x: self.x.with_span(unit * area.width()), y: self.y.with_span(unit * area.height()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_still_makes_an_axis() {
        for value in [0.0, 3.0, -1e-30, 1e80, 1e-95] {
            let range = Range::around([value]).unwrap().padded(0.05);
            assert!(range.low < value && value < range.high, "{value}: {range:?}");
        }
        let range = Range { low: 5.0, high: 5.0 }.padded_log(0.05);
        assert!(range.high / range.low >= 2.0 - 1e-4);
    }

    #[test]
    fn nothing_drawable_has_no_window() {
        assert!(Window::around(&[[f64::NAN, 0.0], [0.0, f64::INFINITY], [1e200, 0.0]]).is_none());
    }

    #[test]
    fn equal_aspect_widens_one_side_only() {
        let area = Area { left: 0.0, top: 0.0, right: 400.0, bottom: 200.0 };
        let window = Window { x: Range { low: -1.0, high: 1.0 }, y: Range { low: 0.0, high: 4.0 } };
        let equal = window.equal_aspect(&area);
        assert_eq!(equal.y, window.y);
        assert!((equal.x.span() - 8.0).abs() < 1e-12 && equal.x.middle().abs() < 1e-12);
        assert!((equal.x.span() / area.width() - equal.y.span() / area.height()).abs() < 1e-15);
    }
}
