use std::fmt;
use std::str::FromStr;

use driftfield_solvers::number::Number;

use crate::catalog::{Catalog, Entry, Key};
use crate::spec::SpecError;

/// How the predicted data is kept within the range of the data, `[-max, max]`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Threshold {
    /// Every component is clipped to `[-max, max]` (the `clip_denoised` of Ho et al. 2020).
    Static {
        /// Bound.
        max: f64,
    },
    /// Lane by lane: with `q` the quantile of `|x_0|` over the lane's components, the data is
    /// clipped to `[-q, q]` and multiplied by `max / q` if `q > max`, else clipped to
    /// `[-max, max]` (Saharia et al., *Imagen*, 2022, section 2.3, where `max = 1`).
    ///
    /// The published codes differ where the data's range is not 1. DPM-Solver's divides by
    /// `max(q, max)`, the diffusers library by `q` kept between 1 and its `sample_max_value`: both
    /// map the range to `[-1, 1]`, so that data within its own range is shrunk or left too large. Here
    /// data within the range is left as it is, whatever the range; with `max = 1` all agree, as far as
    /// `sample_max_value` (1 by default: a static clip) is not reached.
    Dynamic {
        /// Share of the components that count as within the range.
        quantile: f64,
        /// Bound.
        max: f64,
    },
}

const STATIC: &str = "static";
const DYNAMIC: &str = "dynamic";

impl Threshold {
    /// Both kinds by name.
    pub fn catalog() -> Catalog<Threshold> {
        let max = || Key::number("max", 1.0, "bound of the data, in its units").positive();
        let quantile = Key::number("quantile", 0.995, "share of the components within the range")
            .within("above 0 and at most 1", |share| share > 0.0 && share <= 1.0);
        let entries = [
            Entry::new(STATIC, "every component is clipped", |given| {
                Threshold::Static { max: given.number("max")? }.validate()
            })
            .keys([max()]),
            Entry::new(DYNAMIC, "every lane is clipped to its quantile, and scaled", |given| {
                let (quantile, max) = (given.number("quantile")?, given.number("max")?);
                Threshold::Dynamic { quantile, max }.validate()
            })
            .keys([quantile, max()]),
        ];
        Catalog::new("threshold", entries)
    }

    /// Refuses bounds that are not positive and quantiles outside `(0, 1]`.
    pub fn validate(self) -> Result<Self, SpecError> {
        let (name, quantile, max) = match self {
            Threshold::Static { max } => (STATIC, 1.0, max),
            Threshold::Dynamic { quantile, max } => (DYNAMIC, quantile, max),
        };
        if !(max > 0.0 && max.is_finite()) {
            return Err(SpecError::number(name, "max", max, "positive and finite"));
        }
        if !(quantile > 0.0 && quantile <= 1.0) {
            return Err(SpecError::number(name, "quantile", quantile, "above 0 and at most 1"));
        }
        Ok(self)
    }
}

impl FromStr for Threshold {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Threshold::catalog().build(text)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Static { max } => write!(f, "static:max={}", Number(*max)),
            Threshold::Dynamic { quantile, max } => {
                write!(f, "dynamic:quantile={},max={}", Number(*quantile), Number(*max))
            }
        }
    }
}
