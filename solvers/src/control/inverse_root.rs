//! `x^(-1/n)` without `powf`, whose wait would be a quarter of a step of a tiny state.

use std::sync::OnceLock;

/// Intervals of the mantissa, a power of 2.
const INTERVALS: usize = 64;
/// Binary exponents tabulated, around 0: where the steps of a controller lie between
/// its limits.
const EXPONENTS: usize = 128;
/// Largest `n` that has a table.
const LARGEST: usize = 24;

const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
const MANTISSA: u64 = (1 << MANTISSA_BITS) - 1;

/// Tables for one `n`. With `x = 2^e m` and `c_i` the reciprocal of the middle of the
/// interval that holds `m`,
///
/// `x^(-1/n) = 2^(-e/n) c_i^(1/n) (1 + r)^(-1/n)`, `r = m c_i - 1`,
///
/// the last factor as its binomial series: `|r| <= 1/128`, so that its seventh power
/// is below the rounding.
#[derive(Debug)]
pub(crate) struct InverseRoot {
    exponent: f64,
    /// `c_i` and its root.
    intervals: [(f64, f64); INTERVALS],
    powers: [f64; EXPONENTS],
    series: [f64; 6],
}

impl InverseRoot {
    /// The tables for `n`, made once in a process; `None` where `n` is not a whole
    /// number they are kept for.
    #[inline(always)]
    pub(crate) fn of(n: f64) -> Option<&'static Self> {
        static TABLES: [OnceLock<InverseRoot>; LARGEST + 1] =
            [const { OnceLock::new() }; LARGEST + 1];
        // Fewer bits take fewer instructions; what they cannot hold is past the tables.
        let index = n as u8;
        if index == 0 || f64::from(index) != n {
            return None;
        }
        TABLES.get(usize::from(index)).map(|table| table.get_or_init(|| InverseRoot::new(n)))
    }

    fn new(n: f64) -> Self {
        let exponent = -1.0 / n;
        let interval = |i: usize| {
            let reciprocal = 1.0 / (1.0 + (i as f64 + 0.5) / INTERVALS as f64);
            (reciprocal, reciprocal.powf(-exponent))
        };
        let power = |i: usize| ((i as f64 - EXPONENTS as f64 / 2.0) * exponent).exp2();
        let mut coefficient = 1.0;
        let series = std::array::from_fn(|k| {
            coefficient *= (exponent - k as f64) / (k as f64 + 1.0);
            coefficient
        });
        InverseRoot {
            exponent,
            intervals: std::array::from_fn(interval),
            powers: std::array::from_fn(power),
            series,
        }
    }

    /// `x^(-1/n)` to a few units of rounding, for positive `x`.
    #[inline(always)]
    pub(crate) fn at(&self, x: f64) -> f64 {
        let bits = x.to_bits();
        let exponent = (bits >> MANTISSA_BITS) as usize;
        let from_smallest = exponent.wrapping_sub(1023 - EXPONENTS / 2);
        let Some(power) = self.powers.get(from_smallest) else { return self.anywhere(x) };
        let interval = (bits >> (MANTISSA_BITS - INTERVALS.ilog2())) as usize % INTERVALS;
        let (reciprocal, root) = self.intervals[interval];
        let mantissa = f64::from_bits((bits & MANTISSA) | 1.0_f64.to_bits());
        let r = mantissa * reciprocal - 1.0;
        let [a, b, c, d, e, f] = self.series;
        let (square, fourth) = (r * r, (r * r) * (r * r));
        let low = (1.0 + a * r) + square * (b + c * r);
        let high = (d + e * r) + square * f;
        (power * root) * (low + fourth * high)
    }

    #[cold]
    fn anywhere(&self, x: f64) -> f64 {
        x.powf(self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn agrees_with_the_power_function_everywhere() {
        for n in 1..=LARGEST {
            let root = InverseRoot::of(n as f64).unwrap();
            let mut x = f64::MIN_POSITIVE;
            while x < f64::MAX / 2.0 {
                let expected = x.powf(-1.0 / n as f64);
                // The exponent -1/n is itself rounded, which the table's is as well.
                assert_relative_eq!(root.at(x), expected, max_relative = 2e-14);
                if (1e-6..1e6).contains(&x) {
                    assert_relative_eq!(root.at(x), expected, max_relative = 2e-15);
                }
                x *= 1.000_37 + 0.3 * (x.ln().abs() / 300.0).fract();
            }
        }
    }

    #[test]
    fn the_ends_of_the_intervals_join() {
        let root = InverseRoot::of(10.0).unwrap();
        for i in 0..=INTERVALS {
            let x: f64 = 1.0 + i as f64 / INTERVALS as f64;
            for x in [x.next_down(), x, x.next_up()] {
                assert_relative_eq!(root.at(x), x.powf(-0.1), max_relative = 1e-15);
            }
        }
        assert!((root.at(1.0) - 1.0).abs() <= f64::EPSILON);
    }

    #[test]
    fn only_whole_numbers_have_tables() {
        for n in [0.0, 0.5, 10.5, -2.0, 1e9, f64::NAN, f64::INFINITY] {
            assert!(InverseRoot::of(n).is_none(), "{n}");
        }
    }
}
