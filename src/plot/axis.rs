//! An axis as plotters asks for one: which values it shows, where, and what is marked on it.
//!
//! The marks of a logarithmic axis are our own: plotters marks powers of ten alone, so that an
//! axis from 0.02 to 0.08 would have no number on it.

use std::ops;

use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::ranged1d::{BoldPoints, KeyPointHint, NoDefaultFormatting, Ranged};
use plotters::coord::types::RangedCoordf64;

use super::font::{self, SMALL, Weight};
use super::range::Range;

/// Numbers beyond this are treated as not finite: a range between two of them
/// would overflow, and no axis is read there.
const LARGEST: f64 = 1e100;

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long; needs positive values.
    Logarithmic,
}

impl Scale {
    /// Whether a number can be placed on such an axis.
    pub(crate) fn shows(self, value: f64) -> bool {
        value.abs() < LARGEST && (self == Self::Linear || value > 1.0 / LARGEST)
    }

    /// Where a value is on the axis: its coordinate in a chart.
    pub(crate) fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.log10(),
        }
    }

    /// A range of places, at least a factor of two on a logarithmic axis, widened by a share of
    /// its length at both ends.
    pub(crate) fn padded(self, range: Range, share: f64) -> Range {
        match self {
            Self::Linear => range.padded(share),
            Self::Logarithmic => {
                range.with_span(range.span().max(std::f64::consts::LOG10_2)).padded(share)
            }
        }
    }
}

/// Marked places with their labels, and further places marked by a faint line.
#[derive(Clone, Debug, Default, PartialEq)]
struct Marks {
    labelled: Vec<(f64, String)>,
    faint: Vec<f64>,
}

/// A range of places along a side of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub range: Range,
    /// Whether it begins with its largest value.
    falling: bool,
    marks: Marks,
}

impl Axis {
    /// An axis with about so many labels, but at least three, for two do not say how it is divided.
    pub fn new(range: Range, scale: Scale, labels: usize) -> Self {
        let marks = match scale {
            Scale::Linear => three_of_linear(range, labels),
            Scale::Logarithmic => logarithmic(range, labels.max(FEWEST)),
        };
        Self { range, falling: false, marks }
    }

    /// The same, from its largest value to its least if so asked.
    pub fn falling(self, falling: bool) -> Self {
        Self { falling, ..self }
    }

    /// The same, its marks without labels unless so asked.
    pub fn labelled_if(mut self, labelled: bool) -> Self {
        if !labelled {
            self.marks.labelled.iter_mut().for_each(|mark| mark.1.clear());
        }
        self
    }

    /// Places that have a label, and the labels.
    pub fn labelled(&self) -> &[(f64, String)] {
        &self.marks.labelled
    }

    /// The width of the widest label, in pixels.
    pub fn label_width(&self) -> f64 {
        let width = |(_, label): &(f64, String)| font::width(label, SMALL, Weight::Regular);
        self.marks.labelled.iter().map(width).fold(0.0, f64::max)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, &value: &f64, (from, to): (i32, i32)) -> i32 {
        let Range { low, high } = self.range;
        let share = (if self.falling { high - value } else { value - low }) / self.range.span();
        let length = f64::from(to - from) * share;
        // Backends add to coordinates, which must not overflow.
        from + length.round().clamp(-1e6, 1e6) as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            self.marks.faint.clone()
        } else {
            self.marks.labelled.iter().map(|mark| mark.0).collect()
        }
    }

    fn range(&self) -> ops::Range<f64> {
        self.range.low..self.range.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let label = self.marks.labelled.iter().find(|mark| mark.0 == *value);
        label.map_or(String::new(), |mark| mark.1.clone())
    }
}

/// At least three: if so many as are wanted are fewer, every second of the next finer ones, unless that
/// leaves fewer again.
fn three_of_linear(range: Range, wanted: usize) -> Marks {
    let usual = linear(range, wanted.max(2));
    if usual.labelled.len() >= FEWEST {
        return usual;
    }
    let finer = (FEWEST..=12).map(|wanted| linear(range, wanted));
    let Some(mut finer) = finer.into_iter().find(|marks| marks.labelled.len() >= FEWEST) else {
        return usual;
    };
    if finer.labelled.len() > 2 * FEWEST - 2 {
        // With 0 among them, if it is there and three are left.
        let zero = finer.labelled.iter().position(|mark| mark.0 == 0.0);
        let left = |offset: usize| (finer.labelled.len() - offset).div_ceil(2);
        let offset = zero.map(|zero| zero % 2).filter(|&offset| left(offset) >= FEWEST);
        let offset = offset.unwrap_or(0);
        finer.labelled = finer.labelled.into_iter().skip(offset).step_by(2).collect();
    }
    finer
}

/// plotters' round numbers. It compares differences with 2e-16, so the range is first brought to
/// the magnitude of one.
fn linear(range: Range, wanted: usize) -> Marks {
    let unit = 10_f64.powf(range.span().log10().floor());
    let coordinate = RangedCoordf64::from(range.low / unit..range.high / unit);
    let points = coordinate.key_points(BoldPoints(wanted));
    let step = if points.len() > 1 { (points[1] - points[0]) * unit } else { unit };
    let values = points.into_iter().map(|point| {
        // A sum of steps rarely hits zero exactly.
        if point.abs() < 1e-9 { 0.0 } else { point * unit }
    });
    let labelled = values.map(|value| (value, linear_label(value, step, range))).collect();
    Marks { labelled, faint: Vec::new() }
}

/// As many digits as tell neighbours apart, and the sign that typographers use.
fn linear_label(value: f64, step: f64, range: Range) -> String {
    let magnitude = range.low.abs().max(range.high.abs());
    let label = if value == 0.0 && !(5e-3..1e6).contains(&magnitude) {
        "0".to_owned()
    } else if !(5e-3..1e6).contains(&magnitude) {
        // Rounded first, for the sum of steps has digits that mean nothing.
        format!("{:e}", format!("{value:.6e}").parse().unwrap_or(value))
    } else {
        let digits = (-(step * 1.001).log10().floor()).clamp(0.0, 9.0) as usize;
        format!("{value:.digits$}")
    };
    label.replace('-', "−").replace("e−", "e-")
}

/// The least room of a label that `wanted` are asked for, as a share of what each of those has.
const CLOSEST: f64 = 0.6;
/// Few labels are less than this.
const FEW: usize = 4;
/// And fewer than these do not say how an axis is divided.
const FEWEST: usize = 3;
/// Over so many decades labels between powers of ten are of use.
const SHORT: f64 = 2.3;

/// Powers of ten; over few decades their doubles and fives too, over fewer yet more of them, where there
/// is room, and whatever gives three labels where these do not.
fn logarithmic(range: Range, wanted: usize) -> Marks {
    let marks = |tenths: &[i32]| -> Vec<(i32, i32)> {
        let decades = range.low.floor() as i32..=range.high.ceil() as i32;
        let all = decades.flat_map(|exponent| tenths.iter().map(move |&m| (m, exponent)));
        all.filter(|&mark| range.contains(place_of(mark))).collect()
    };
    // Whether labels have room that are this factor apart.
    let fits = |factor: f64| factor.log10() / range.span() * wanted as f64 >= CLOSEST;
    let mut labelled = if range.span() <= SHORT && fits(2.0) {
        marks(&[10, 20, 50])
    } else {
        every(&marks(&[10]), wanted)
    };
    if labelled.len() < FEW && range.span() <= SHORT && fits(1.4) {
        labelled = marks(&[10, 15, 20, 30, 50, 70]);
    }
    if labelled.len() < FEWEST {
        let others = OTHERS.iter().filter(|(_, closest)| fits(*closest)).map(|o| marks(o.0));
        let apart = CLOSEST * range.span() / wanted as f64;
        let found = others.chain([thinned(marks, apart)]).find(|marks| marks.len() >= FEWEST);
        let Some(found) = found else { return linear_on_logarithmic(range, wanted) };
        labelled = found;
    }
    let fine: &[i32] =
        if range.span() <= 6.0 { &[10, 20, 30, 40, 50, 60, 70, 80, 90] } else { &[10] };
    let faint = marks(fine).into_iter().filter(|mark| !labelled.contains(mark));
    Marks {
        faint: faint.map(place_of).collect(),
        labelled: labelled.iter().map(|&mark| (place_of(mark), decade_label(mark))).collect(),
    }
}

/// Tenths of powers of ten that may be labelled where the usual ones are too few, and the least factor
/// between two of them.
const OTHERS: [(&[i32], f64); 6] = [
    (&[10], 10.0),
    (&[10, 30], 3.0),
    (&[30], 10.0),
    (&[20], 10.0),
    (&[50], 10.0),
    (&[10, 20, 50], 2.0),
];

/// Marks that are so far apart, the roundest first.
fn thinned(marks: impl Fn(&[i32]) -> Vec<(i32, i32)>, apart: f64) -> Vec<(i32, i32)> {
    let mut kept: Vec<(i32, i32)> = Vec::new();
    for tenths in [10, 20, 50, 30, 15, 70, 40, 60, 80, 90] {
        for mark in marks(&[tenths]) {
            let far = |&other: &(i32, i32)| (place_of(other) - place_of(mark)).abs() >= apart;
            if kept.iter().all(far) {
                kept.push(mark);
            }
        }
    }
    kept.sort_by(|a, b| place_of(*a).total_cmp(&place_of(*b)));
    kept
}

/// Powers of ten at equal distances, about as many as are wanted.
fn every(decades: &[(i32, i32)], wanted: usize) -> Vec<(i32, i32)> {
    let stride = decades.len().div_ceil(wanted).max(1) as i32;
    let from = |offset: i32| -> Vec<(i32, i32)> {
        let at = |&(_, exponent): &(i32, i32)| exponent.rem_euclid(stride) == offset;
        decades.iter().copied().filter(at).collect()
    };
    // Those with the power 0 among them, unless that leaves too few.
    let all = (0..stride).map(from).find(|marks| marks.len() >= FEWEST);
    all.unwrap_or_else(|| from(0))
}

/// Equal differences, for less than a decade.
fn linear_on_logarithmic(range: Range, wanted: usize) -> Marks {
    let values = Range { low: 10_f64.powf(range.low), high: 10_f64.powf(range.high) };
    let counts = wanted.min(8)..=12;
    let mut all = counts.map(|wanted| linear(values, wanted));
    let mut marks = all.find(|marks| marks.labelled.len() >= FEWEST).unwrap_or_default();
    marks.labelled.iter_mut().for_each(|mark| mark.0 = mark.0.log10());
    marks
}

fn place_of(mark: (i32, i32)) -> f64 {
    value_of(mark).log10()
}

/// So many tenths of a power of ten. Parsed rather than computed, so that 1e-3 is the number 0.001.
fn value_of((tenths, exponent): (i32, i32)) -> f64 {
    format!("{tenths}e{}", exponent - 1).parse().unwrap_or(0.0)
}

/// 0.01 to 70000 in full, all others with an exponent.
fn decade_label((tenths, exponent): (i32, i32)) -> String {
    match exponent {
        -2..=4 => value_of((tenths, exponent)).to_string(),
        _ => format!("{}e{exponent}", f64::from(tenths) / 10.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(marks: &Marks) -> Vec<&str> {
        marks.labelled.iter().map(|mark| mark.1.as_str()).collect()
    }

    fn decades(low: f64, high: f64, wanted: usize) -> Marks {
        logarithmic(Range { low: low.log10(), high: high.log10() }, wanted)
    }

    #[test]
    fn linear_marks_are_round() {
        let marks = linear(Range { low: -1.1, high: 1.1 }, 5);
        assert_eq!(labels(&marks), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        let marks = linear(Range { low: 0.0, high: 2.2e6 }, 5);
        assert_eq!(labels(&marks), ["0", "5e5", "1e6", "1.5e6", "2e6"]);
        let marks = linear(Range { low: 0.0, high: 1.05e-3 }, 3);
        assert_eq!(labels(&marks), ["0", "5e-4", "1e-3"]);
    }

    /// Those of a narrow picture of samples, and of a time.
    #[test]
    fn a_linear_axis_has_three_labels() {
        let of = |low: f64, high: f64, wanted: usize| {
            let axis = Axis::new(Range { low, high }, Scale::Linear, wanted);
            axis.labelled().iter().map(|mark| mark.1.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(-2.4, 2.4, 1), ["−2", "0", "2"]);
        for span in (1..=40).map(|i| 0.01 * 1.3_f64.powi(i)) {
            for low in (0..20).map(|i| -1.7 + 0.31 * f64::from(i)) {
                for wanted in 1..=8 {
                    let labels = of(low, low + span, wanted);
                    assert!((3..=14).contains(&labels.len()), "{low} {span} {wanted}: {labels:?}");
                }
            }
        }
    }

    #[test]
    fn decades_are_written_as_people_write_them() {
        let marks = decades(8e-5, 2e3, 12);
        assert_eq!(labels(&marks), ["1e-4", "1e-3", "0.01", "0.1", "1", "10", "100", "1000"]);
        assert!(marks.faint.contains(&9e-5_f64.log10()) || marks.faint.is_empty());
    }

    #[test]
    fn few_decades_get_doubles_and_fives() {
        let marks = decades(4.0, 220.0, 10);
        assert_eq!(labels(&marks), ["5", "10", "20", "50", "100", "200"]);
    }

    #[test]
    fn few_decades_have_more_than_powers_of_ten_wherever_there_is_room() {
        // A panel of an overview, 310 pixels wide.
        assert_eq!(labels(&decades(4.7, 128.0, 4)), ["5", "10", "20", "50", "100"]);
        assert_eq!(labels(&decades(2.1, 590.0, 3)), ["3", "30", "300"]);
        assert_eq!(labels(&decades(2.2e-3, 1.4e-2, 3)), ["3e-3", "5e-3", "0.01"]);
        let marks = decades(0.031, 0.11, 12);
        assert_eq!(labels(&marks), ["0.05", "0.07", "0.1"]);
        let marks = decades(0.0145, 0.11, 12);
        assert_eq!(labels(&marks), ["0.015", "0.02", "0.03", "0.05", "0.07", "0.1"]);
        assert_eq!(labels(&decades(1.4e-4, 3.1e-4, 12)), ["1.5e-4", "2e-4", "3e-4"]);
        // Four of 1, 2 and 5 are enough.
        assert_eq!(labels(&decades(4.0, 60.0, 12)), ["5", "10", "20", "50"]);
    }

    #[test]
    fn less_than_a_factor_of_two_is_marked_linearly() {
        let marks = decades(1.1, 1.3, 8);
        assert!(marks.labelled.len() >= 3, "{marks:?}");
        // As of the distances of the bridge.
        assert!(labels(&decades(0.046, 0.079, 12)).len() >= 3);
    }

    /// Whatever the range and the room: two labels do not say how an axis is divided.
    #[test]
    fn a_logarithmic_axis_has_three_labels_that_are_apart() {
        for span in (1..=60).map(|i| 0.01 * 1.13_f64.powi(i)).chain([20.0, 150.0]) {
            for low in (0..40).map(|i| -3.0 + 0.1713 * f64::from(i)) {
                for wanted in 1..=16 {
                    let range = Range { low, high: low + span };
                    let axis = Axis::new(range, Scale::Logarithmic, wanted);
                    let marks = axis.labelled();
                    let context = || format!("{range:?} {wanted}: {marks:?}");
                    assert!(marks.len() >= 3, "{}", context());
                    assert!(marks.iter().all(|mark| range.contains(mark.0)), "{}", context());
                    // One below another, each in as much room as its letters are high.
                    let room = span * 0.3 / wanted.max(3) as f64;
                    let apart = |pair: &[(f64, String)]| pair[1].0 - pair[0].0 > room;
                    assert!(marks.windows(2).all(apart), "{}", context());
                    let differ = |pair: &[(f64, String)]| pair[1].1 != pair[0].1;
                    assert!(marks.windows(2).all(differ), "{}", context());
                }
            }
        }
    }

    #[test]
    fn many_decades_are_thinned() {
        let marks = decades(1e-80, 1e80, 8);
        assert!((2..=8).contains(&marks.labelled.len()), "{marks:?}");
    }

    #[test]
    fn huge_and_tiny_linear_ranges_end() {
        for range in [
            Range { low: -1e100, high: 1e100 },
            Range { low: 1e15, high: 1e15 + 1.0 },
            Range { low: 0.0, high: 1e-95 },
        ] {
            assert!(linear(range, 6).labelled.len() <= 41);
        }
    }

    #[test]
    fn ends_of_the_range_are_ends_of_the_side() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let [low, middle, high] = [1.0, 10.0, 100.0].map(|value| scale.place(value));
            let axis = Axis::new(Range { low, high }, scale, 5);
            assert_eq!([low, high].map(|place| axis.map(&place, (10, 410))), [10, 410]);
            if scale == Scale::Logarithmic {
                assert_eq!(axis.map(&middle, (10, 410)), 210);
            }
        }
    }

    #[test]
    fn a_falling_axis_begins_with_its_largest_value() {
        let axis = Axis::new(Range { low: 0.0, high: 1.0 }, Scale::Linear, 5).falling(true);
        assert_eq!([1.0, 0.25, 0.0].map(|place| axis.map(&place, (10, 410))), [10, 310, 410]);
    }

    #[test]
    fn one_value_makes_a_factor_of_two_on_a_logarithmic_axis() {
        let value = Scale::Logarithmic.place(5.0);
        let range = Scale::Logarithmic.padded(Range { low: value, high: value }, 0.05);
        assert!(10_f64.powf(range.span()) >= 2.0 - 1e-4);
    }
}
