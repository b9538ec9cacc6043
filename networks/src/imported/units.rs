//! Units of data, of a network whose process runs in others.

use driftfield_problems::standardisation::Standardisation;
use serde::{Deserialize, Serialize};

/// Mean and scale of the data in its own units, of which the process runs on `(x - mean) / std`:
/// one number for all values of a lane, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// The mean; 0 unless given.
    #[serde(default = "zero")]
    pub mean: Numbers,
    /// The scale; 1 unless given.
    #[serde(default = "one")]
    pub std: Numbers,
}

/// One number for all values of a lane, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Numbers {
    /// For all.
    One(f64),
    /// For each.
    Each(Vec<f64>),
}

fn zero() -> Numbers {
    Numbers::One(0.0)
}

fn one() -> Numbers {
    Numbers::One(1.0)
}

impl Numbers {
    fn of(&self, axes: usize) -> Vec<f64> {
        match self {
            Numbers::One(number) => vec![*number; axes],
            Numbers::Each(numbers) => numbers.clone(),
        }
    }
}

impl Units {
    /// As a standardisation of lanes of so many values.
    pub fn standardisation(&self, axes: usize) -> Standardisation {
        Standardisation { mean: self.mean.of(axes), std: self.std.of(axes) }
    }
}
