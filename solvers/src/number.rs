//! Numbers as messages, summaries and parameters show them.

use std::fmt;

/// A number in the shortest digits that are read back as the same number: plain as long as
/// there are few zeros among them, with an exponent beyond.
///
/// ```
/// use driftfield_solvers::number::Number;
/// let texts = [0.001, 20.0, 1e-300, 5e-324, -1.5e17].map(|x| Number(x).to_string());
/// assert_eq!(texts, ["0.001", "20", "1e-300", "5e-324", "-1.5e17"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if (1e-5..1e16).contains(&size) || size == 0.0 || !size.is_finite() {
            return fmt::Display::fmt(&self.0, f);
        }
        fmt::LowerExp::fmt(&self.0, f)
    }
}

/// A number rounded to three digits, where more say nothing.
///
/// ```
/// use driftfield_solvers::number::rounded;
/// assert_eq!(rounded(0.123456).to_string(), "0.123");
/// assert_eq!(rounded(1.0 / 3e200).to_string(), "3.33e-201");
/// ```
pub fn rounded(x: f64) -> Number {
    // What was written is read again.
    Number(format!("{x:.2e}").parse().unwrap_or(x))
}

/// A number with so many decimals, or with an exponent where it would not fit into a column.
///
/// ```
/// use driftfield_solvers::number::decimals;
/// assert_eq!(decimals(12.34567, 2), "12.35");
/// assert_eq!(decimals(1e300, 2), "1.00e300");
/// ```
pub fn decimals(x: f64, count: usize) -> String {
    if x.abs() < 1e12 { format!("{x:.count$}") } else { format!("{x:.count$e}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_short_and_exact(x: f64) {
        let text = Number(x).to_string();
        assert!(text.len() <= 25, "{text}");
        assert_eq!(text.parse::<f64>().unwrap().to_bits(), x.to_bits(), "{text}");
        assert!(rounded(x).to_string().len() <= 17, "{x:e}");
        assert!(decimals(x, 4).len() <= 18, "{x:e}");
    }

    #[test]
    fn the_ends_of_the_range_are_short_and_read_back() {
        for x in [f64::MIN_POSITIVE, 5e-324, f64::MAX, 0.0, 1e-5, 1e16, 9.999_999_999_999_999e-6] {
            is_short_and_exact(x);
            is_short_and_exact(-x);
        }
        assert_eq!(Number(f64::NAN).to_string(), "NaN");
        assert_eq!(Number(f64::NEG_INFINITY).to_string(), "-inf");
    }

    proptest! {
        #[test]
        fn every_number_is_short_and_reads_back(bits in any::<u64>(), plain in -1e9..1e9) {
            let x = f64::from_bits(bits);
            if !x.is_nan() {
                is_short_and_exact(x);
            }
            is_short_and_exact(plain);
        }
    }
}
