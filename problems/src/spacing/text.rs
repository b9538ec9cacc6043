//! Spacings as text: `name:key=value`, and `times:1/0.5/0.1` or `times:FILE.npy`.

use std::fmt;
use std::str::FromStr;

use driftfield_solvers::number::Number;

use super::{Spacing, TimestepRule, Timesteps};
use crate::echo::echo;
use crate::npy;
use crate::spec::{Spec, SpecError};

impl Spacing {
    /// All spacings by name.
    pub const NAMES: [&str; 12] = [
        "uniform",
        "quadratic",
        "logsnr",
        "karras",
        "exponential",
        "polyexponential",
        "cosine",
        "flow-shift",
        "leading",
        "linspace",
        "trailing",
        "times",
    ];
}

/// Keys of a spacing's parameters.
fn keys(name: &str) -> &'static [&'static str] {
    match name {
        "karras" | "polyexponential" => &["rho"],
        "flow-shift" => &["shift"],
        "leading" => &["offset", "drop"],
        "linspace" => &["round", "drop"],
        "trailing" => &["drop"],
        _ => &[],
    }
}

fn positive(spec: &Spec, key: &str, usual: f64) -> Result<f64, SpecError> {
    let value = spec.number(key, usual)?;
    if value > 0.0 {
        return Ok(value);
    }
    Err(SpecError::number(
        spec.name(),
        key,
        value,
        format!("positive, {} as a rule", Number(usual)),
    ))
}

/// The list after `times:`.
fn list(text: &str, list: &str) -> Result<Spacing, SpecError> {
    let malformed = |problem: String| SpecError::malformed(text, problem);
    let times: Vec<f64> = if list.ends_with(".npy") {
        npy::read_vector(list).map_err(|error| malformed(error.to_string()))?
    } else {
        let number = |item: &str| {
            item.trim().parse().map_err(|_| malformed(format!("`{}` is no number", echo(item))))
        };
        list.split('/').map(number).collect::<Result<_, _>>()?
    };
    Spacing::explicit(times).map_err(|error| malformed(error.to_string()))
}

impl FromStr for Spacing {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        if let Some(rest) = text.trim().strip_prefix("times:") {
            return list(text, rest);
        }
        let spec: Spec = text.parse()?;
        if Spacing::NAMES.contains(&spec.name()) {
            spec.only(keys(spec.name()))?;
        }
        let timesteps = |rule| -> Result<Spacing, SpecError> {
            Ok(Spacing::Timesteps(Timesteps { rule, drop: spec.integer("drop", 0)? }))
        };
        match spec.name() {
            "uniform" => Ok(Spacing::Uniform),
            "quadratic" => Ok(Spacing::Quadratic),
            "logsnr" => Ok(Spacing::LogSnr),
            "exponential" => Ok(Spacing::Exponential),
            "karras" => Ok(Spacing::Karras { rho: positive(&spec, "rho", 7.0)? }),
            "polyexponential" => Ok(Spacing::PolyExponential { rho: positive(&spec, "rho", 1.0)? }),
            "cosine" => Ok(Spacing::Cosine),
            "flow-shift" => Ok(Spacing::FlowShift { shift: positive(&spec, "shift", 3.0)? }),
            "leading" => timesteps(TimestepRule::Leading { offset: spec.integer("offset", 0)? }),
            "linspace" => timesteps(TimestepRule::Linspace { whole: spec.boolean("round", true)? }),
            "trailing" => timesteps(TimestepRule::Trailing),
            "times" => Err(SpecError::malformed(
                text,
                "the list is missing: `times:1/0.5/0.1`, or `times:FILE.npy`",
            )),
            name => Err(SpecError::unknown_name("spacing", name, Spacing::NAMES)),
        }
    }
}

impl fmt::Display for Spacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spacing::Uniform => write!(f, "uniform"),
            Spacing::Quadratic => write!(f, "quadratic"),
            Spacing::LogSnr => write!(f, "logsnr"),
            Spacing::Karras { rho } => write!(f, "karras:rho={}", Number(*rho)),
            Spacing::Exponential => write!(f, "exponential"),
            Spacing::PolyExponential { rho } => write!(f, "polyexponential:rho={}", Number(*rho)),
            Spacing::Cosine => write!(f, "cosine"),
            Spacing::FlowShift { shift } => write!(f, "flow-shift:shift={}", Number(*shift)),
            Spacing::Timesteps(Timesteps { rule, drop }) => match rule {
                TimestepRule::Leading { offset } => {
                    write!(f, "leading:offset={offset},drop={drop}")
                }
                TimestepRule::Linspace { whole } => write!(f, "linspace:round={whole},drop={drop}"),
                TimestepRule::Trailing => write!(f, "trailing:drop={drop}"),
            },
            Spacing::Times(times) => {
                let words: Vec<String> = times.iter().map(|&t| Number(t).to_string()).collect();
                write!(f, "times:{}", words.join("/"))
            }
        }
    }
}
