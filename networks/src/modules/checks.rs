//! Bounds of configurations, so that none can ask for more than a computer has.

/// Largest number of channels, classes or features.
const MOST: usize = 1 << 20;
/// Largest number of blocks in a row.
const FEW: usize = 64;
/// Most levels, each of half the side of the one before.
pub(super) const MOST_LEVELS: usize = 24;

/// A width: 1 to a million.
pub(super) fn size(name: &str, value: usize) -> Result<(), String> {
    within(name, value, MOST)
}

/// A number of blocks: 1 to 64.
pub(super) fn few(name: &str, value: usize) -> Result<(), String> {
    within(name, value, FEW)
}

/// A number of blocks that may be none: 0 to 64.
#[cfg(feature = "diffusers")]
pub(super) fn at_most_few(name: &str, value: usize) -> Result<(), String> {
    if value == 0 { Ok(()) } else { few(name, value) }
}

/// A number of levels: 1 to 24.
pub(super) fn levels(name: &str, value: usize) -> Result<(), String> {
    within(name, value, MOST_LEVELS)
}

fn within(name: &str, value: usize, most: usize) -> Result<(), String> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(format!("{name} must be 1 to {most}, not {value}"))
}

/// Whether `part` is a divisor of `whole`.
pub(super) fn divides(
    part_name: &str,
    part: usize,
    name: &str,
    whole: usize,
) -> Result<(), String> {
    if part > 0 && whole.is_multiple_of(part) {
        return Ok(());
    }
    Err(format!("{name}, {whole}, must be a multiple of {part_name}, {part}"))
}

/// A finite number above 0.
pub(super) fn positive(name: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(format!("{name} must be positive, not {value}"))
}

/// Frequencies `10000^(-k / (features / 2 - shift))` of time that are finite.
pub(super) fn frequencies(features: usize, shift: f64) -> Result<(), String> {
    if features.is_multiple_of(2) && shift < (features / 2) as f64 {
        return Ok(());
    }
    Err(format!(
        "the first of block_out_channels, {features}, must be even, with half of it above \
         freq_shift, {shift}"
    ))
}
