//! Where an axis is marked, and what is written there.

use super::range::Range;

/// A marked value with its label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub value: f64,
    pub label: String,
}

/// The marks of an axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ticks {
    pub major: Vec<Tick>,
    pub minor: Vec<f64>,
}

/// Marks at round numbers, about as many as asked for.
pub(crate) fn linear(range: Range, wanted: usize) -> Ticks {
    let rough = range.span() / wanted.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let first = (range.low / step).ceil();
    let count = ((range.high / step).floor() - first).clamp(0.0, 40.0) as usize;
    let major = (0..=count)
        .map(|index| (first + index as f64) * step)
        .filter(|&value| range.contains(value))
        .map(|value| Tick { value, label: linear_label(value, step, range) })
        .collect();
    Ticks { major, minor: Vec::new() }
}

fn linear_label(value: f64, step: f64, range: Range) -> String {
    // A sum of steps rarely hits zero exactly.
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    let magnitude = range.low.abs().max(range.high.abs());
    let label = if !(5e-3..1e6).contains(&magnitude) {
        let digits = (value.abs().log10().floor() - step.log10().floor()).clamp(0.0, 6.0) as usize;
        if value == 0.0 { "0".to_owned() } else { trimmed_exponent(&format!("{value:.digits$e}")) }
    } else {
        let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        format!("{value:.digits$}")
    };
    label.replace('-', "−").replace("e−", "e-")
}

/// `1.50e5` to `1.5e5`.
fn trimmed_exponent(number: &str) -> String {
    match number.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => {
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            format!("{mantissa}e{exponent}")
        }
        _ => number.to_owned(),
    }
}

/// Marks at powers of ten; over few decades at their doubles and fives too.
/// `wanted` bounds the number of labels, not of marks.
pub(crate) fn logarithmic(range: Range, wanted: usize) -> Ticks {
    let (low, high) = (range.low.log10(), range.high.log10());
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    let within = |mantissa: i32| {
        (first..=last).map(move |exponent| (mantissa, exponent)).filter(
            move |&(mantissa, exponent)| {
                range.contains(f64::from(mantissa) * power_of_ten(exponent))
            },
        )
    };
    let decades: Vec<_> = within(1).collect();
    let wanted = wanted.max(2);
    let labelled: Vec<(i32, i32)> = if decades.len() >= 2 && (high - low > 2.3 || wanted < 5) {
        let stride = decades.len().div_ceil(wanted) as i32;
        decades.into_iter().filter(|(_, exponent)| exponent.rem_euclid(stride) == 0).collect()
    } else {
        [1, 2, 5].into_iter().flat_map(within).collect()
    };
    if labelled.len() < 2 {
        return linear(range, wanted.min(5));
    }
    let mut major: Vec<Tick> = labelled
        .iter()
        .map(|&(mantissa, exponent)| Tick {
            value: f64::from(mantissa) * power_of_ten(exponent),
            label: decade_label(mantissa, exponent),
        })
        .collect();
    major.sort_by(|a, b| a.value.total_cmp(&b.value));
    let fine = if high - low <= 6.0 { 1..=9 } else { 1..=1 };
    let minor = fine
        .flat_map(within)
        .filter(|mark| !labelled.contains(mark))
        .map(|(mantissa, exponent)| f64::from(mantissa) * power_of_ten(exponent))
        .collect();
    Ticks { major, minor }
}

/// Parsed rather than computed, so that 1e-3 is the number 0.001.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(0.0)
}

/// 0.01 to 50000 in full, all others with an exponent.
fn decade_label(mantissa: i32, exponent: i32) -> String {
    match exponent {
        0..=4 => format!("{mantissa}{}", "0".repeat(exponent as usize)),
        -2..=-1 => format!("0.{}{mantissa}", "0".repeat((-exponent - 1) as usize)),
        _ => format!("{mantissa}e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> Vec<&str> {
        ticks.major.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        let ticks = linear(Range { low: -1.1, high: 1.1 }, 5);
        assert_eq!(labels(&ticks), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        let ticks = linear(Range { low: 0.0, high: 2.2e6 }, 5);
        assert_eq!(labels(&ticks), ["0", "5e5", "1e6", "1.5e6", "2e6"]);
        let ticks = linear(Range { low: 0.0, high: 1.05e-3 }, 3);
        assert_eq!(labels(&ticks), ["0", "5e-4", "1e-3"]);
    }

    #[test]
    fn decades_are_written_as_people_write_them() {
        let ticks = logarithmic(Range { low: 8e-5, high: 2e3 }, 12);
        assert_eq!(labels(&ticks), ["1e-4", "1e-3", "0.01", "0.1", "1", "10", "100", "1000"]);
        assert!(ticks.minor.contains(&9e-5) || ticks.minor.is_empty());
    }

    #[test]
    fn few_decades_get_doubles_and_fives() {
        let ticks = logarithmic(Range { low: 4.0, high: 220.0 }, 10);
        assert_eq!(labels(&ticks), ["5", "10", "20", "50", "100", "200"]);
    }

    #[test]
    fn less_than_a_factor_of_two_is_marked_linearly() {
        let ticks = logarithmic(Range { low: 1.1, high: 1.3 }, 8);
        assert!(ticks.major.len() >= 2, "{ticks:?}");
    }

    #[test]
    fn many_decades_are_thinned() {
        let ticks = logarithmic(Range { low: 1e-80, high: 1e80 }, 8);
        assert!((2..=8).contains(&ticks.major.len()), "{ticks:?}");
    }

    #[test]
    fn huge_and_tiny_linear_ranges_end() {
        for range in [
            Range { low: -1e100, high: 1e100 },
            Range { low: 1e15, high: 1e15 + 1.0 },
            Range { low: 0.0, high: 1e-95 },
        ] {
            assert!(linear(range, 6).major.len() <= 41);
        }
    }
}
