use std::fmt;
use std::str::FromStr;

use driftfield_solvers::number::Number;

use crate::spec::{Spec, SpecError};

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

impl Threshold {
    /// Names on the command line.
    pub const NAMES: [&str; 2] = ["static", "dynamic"];

    /// Refuses bounds that are not positive and quantiles outside `(0, 1]`.
    pub fn validate(self) -> Result<Self, SpecError> {
        let (name, quantile, max) = match self {
            Threshold::Static { max } => (Self::NAMES[0], 1.0, max),
            Threshold::Dynamic { quantile, max } => (Self::NAMES[1], quantile, max),
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
        let spec: Spec = text.parse()?;
        match spec.name() {
            "static" => {
                spec.only(&["max"])?;
                Threshold::Static { max: spec.number("max", 1.0)? }.validate()
            }
            "dynamic" => {
                spec.only(&["quantile", "max"])?;
                let (quantile, max) = (spec.number("quantile", 0.995)?, spec.number("max", 1.0)?);
                Threshold::Dynamic { quantile, max }.validate()
            }
            name => Err(SpecError::unknown_name("threshold", name, Threshold::NAMES)),
        }
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
