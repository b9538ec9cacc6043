//! The parameters of a network, named and placed one after the other.

use std::ops::Range;

use super::map::Map;
use super::norm::Norm;
use crate::seeded::{Purpose, SeededRng};
use crate::{ConfigError, ParameterEntry};

/// What a parameter is before training.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Start {
    Zeros,
    Ones,
    /// Normal, of this standard deviation.
    Normal(f64),
}

/// The parameters of a network, in the order in which its layers asked for them.
#[derive(Debug, Default)]
pub struct Entries {
    entries: Vec<ParameterEntry>,
    starts: Vec<Start>,
    /// Weights and biases of maps, as sizes of their operands.
    pub(crate) maps: Vec<Map>,
}

impl Entries {
    fn take(&mut self, name: String, shape: &[usize], start: Start) -> Range<usize> {
        let first = self.len();
        let range = first..first + shape.iter().product::<usize>();
        self.entries.push(ParameterEntry { name, shape: shape.to_vec(), range: range.clone() });
        self.starts.push(start);
        range
    }

    /// A parameter of this shape, normal of standard deviation `std` before training; where its
    /// values are.
    pub fn tensor(&mut self, name: &str, shape: &[usize], std: f64) -> Range<usize> {
        let start = if std == 0.0 { Start::Zeros } else { Start::Normal(std) };
        self.take(name.to_owned(), shape, start)
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.entries.last().map_or(0, |entry| entry.range.end)
    }

    /// A table `[rows, columns]`.
    pub(crate) fn table(&mut self, name: &str, rows: usize, columns: usize) -> Range<usize> {
        self.take(format!("{name}.weight"), &[rows, columns], Start::Normal(1.0))
    }

    /// A linear map of pixels, normal with variance `1 / inputs` or zero at the start.
    pub(crate) fn linear(&mut self, name: &str, inputs: usize, outputs: usize, zero: bool) -> Map {
        self.map(name, &[inputs, outputs], 1, zero)
    }

    /// A convolution over 3 x 3 pixels, normal with variance `1 / (9 inputs)` or zero.
    pub(crate) fn convolution(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        zero: bool,
    ) -> Map {
        self.map(name, &[3, 3, inputs, outputs], 3, zero)
    }

    /// A linear map without a bias.
    pub(crate) fn matrix(&mut self, name: &str, inputs: usize, outputs: usize) -> Map {
        let weight = self.weight(name, &[inputs, outputs], 1, false);
        let bias = weight.end..weight.end;
        self.push(Map { index: 0, width: 1, inputs, outputs, weight, bias })
    }

    fn map(&mut self, name: &str, shape: &[usize], width: usize, zero: bool) -> Map {
        let (inputs, outputs) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        let weight = self.weight(name, shape, width * width, zero);
        let bias = self.take(format!("{name}.bias"), &[outputs], Start::Zeros);
        self.push(Map { index: 0, width, inputs, outputs, weight, bias })
    }

    /// Zeros, or normal with variance `1 / (taps inputs)`.
    fn weight(&mut self, name: &str, shape: &[usize], taps: usize, zero: bool) -> Range<usize> {
        let inputs = shape[shape.len() - 2];
        let scale = 1.0 / ((taps * inputs) as f64).sqrt();
        let start = if zero { Start::Zeros } else { Start::Normal(scale) };
        self.take(format!("{name}.weight"), shape, start)
    }

    fn push(&mut self, mut map: Map) -> Map {
        map.index = self.maps.len();
        self.maps.push(map.clone());
        map
    }

    /// A group normalisation with scale and shift.
    pub(crate) fn norm(&mut self, name: &str, channels: usize, groups: usize) -> Norm {
        let scale = self.take(format!("{name}.scale"), &[channels], Start::Ones);
        let shift = self.take(format!("{name}.shift"), &[channels], Start::Zeros);
        Norm { channels, groups, scale, shift }
    }

    pub(crate) fn into_entries(self) -> Vec<ParameterEntry> {
        self.entries
    }

    /// Values to start training from, a function of `seed`.
    pub(crate) fn initial_values(&self, seed: u64) -> Vec<f32> {
        let mut values = vec![0.0; self.len()];
        for (index, (entry, start)) in self.entries.iter().zip(&self.starts).enumerate() {
            let values = &mut values[entry.range.clone()];
            match *start {
                Start::Zeros => {}
                Start::Ones => values.fill(1.0),
                Start::Normal(scale) => {
                    let mut rng = SeededRng::new(seed, Purpose::Weights, index as u64);
                    values.fill_with(|| (scale * rng.normal()) as f32);
                }
            }
        }
        values
    }
}

/// Refuses sides that the levels do not halve, and channels that the kernels or the groups do not
/// divide.
pub(crate) fn check_levels(
    side: usize,
    channels: &[usize],
    groups: usize,
) -> Result<(), ConfigError> {
    let levels = channels.len();
    if !(1..=8).contains(&levels) {
        let (value, expected) = (levels.to_string(), "1 to 8 levels");
        return Err(ConfigError { field: "channels", value, expected });
    }
    let halves = "a multiple of 2 to the number of levels, at most 1024";
    check_size("side", side, 1 << levels, 1024, halves)?;
    for &channels in channels {
        check_size("channels", channels, 16, 4096, "multiples of 16, at most 4096")?;
        check_divisor("groups", groups, channels, "a divisor of all channels")?;
    }
    Ok(())
}

/// Refuses a size outside `1..=largest` or not a multiple of `of`.
pub(crate) fn check_size(
    field: &'static str,
    value: usize,
    of: usize,
    largest: usize,
    expected: &'static str,
) -> Result<(), ConfigError> {
    if value > 0 && value <= largest && value.is_multiple_of(of.max(1)) {
        return Ok(());
    }
    Err(ConfigError { field, value: value.to_string(), expected })
}

/// Refuses what does not divide `channels`.
pub(crate) fn check_divisor(
    field: &'static str,
    value: usize,
    channels: usize,
    expected: &'static str,
) -> Result<(), ConfigError> {
    if value > 0 && channels.is_multiple_of(value) {
        return Ok(());
    }
    Err(ConfigError { field, value: value.to_string(), expected })
}
