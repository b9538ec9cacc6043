//! Spacings as text: `name:key=value`, and `times:1/0.5/0.1` or `times:FILE.npy`.

use std::fmt;
use std::str::FromStr;

use driftfield_solvers::number::Number;

use super::{Spacing, TimestepRule, Timesteps};
use crate::catalog::{Alias, Catalog, Entry, Key};
use crate::echo::echo;
use crate::npy;
use crate::spec::SpecError;

/// Every spacing by name, but for explicit lists of times.
pub fn catalog() -> Catalog<Spacing> {
    let plain =
        |name, summary, spacing: Spacing| Entry::new(name, summary, move |_| Ok(spacing.clone()));
    let drop =
        || Key::integer("drop", 0, "so many steps more are laid out, the last ones not made");
    let entries = [
        plain("uniform", "uniform in t", Spacing::Uniform),
        plain("quadratic", "uniform in the root of t", Spacing::Quadratic),
        plain("logsnr", "uniform in ln(alpha / sigma)", Spacing::LogSnr),
        Entry::new("karras", "uniform in (sigma / alpha)^(1 / rho)", |karras| {
            Ok(Spacing::Karras { rho: karras.number("rho")? })
        })
        .keys([Key::number("rho", 7.0, "larger: more steps near the data").positive()]),
        plain("exponential", "uniform in ln(sigma / alpha), as logsnr", Spacing::Exponential),
        Entry::new("polyexponential", "ln(sigma / alpha) falls as (1 - i / n)^rho", |poly| {
            Ok(Spacing::PolyExponential { rho: poly.number("rho")? })
        })
        .keys([Key::number("rho", 1.0, "above 1: more steps near the data").positive()]),
        plain("cosine", "uniform in arctan(sigma / alpha)", Spacing::Cosine),
        Entry::new("flow-shift", "uniform on rectified flow, then shifted", |flow| {
            Ok(Spacing::FlowShift { shift: flow.number("shift")? })
        })
        .keys([Key::number("shift", 3.0, "above 1: more steps near the noise").positive()]),
        Entry::new("leading", "timesteps of ddpm: multiples, from 0", |leading| {
            let rule = TimestepRule::Leading { offset: leading.integer("offset")? };
            Ok(Spacing::Timesteps(Timesteps { rule, drop: leading.integer("drop")? }))
        })
        .keys([Key::integer("offset", 0, "added to every timestep"), drop()]),
        Entry::new("linspace", "timesteps of ddpm: evenly between both ends", |linspace| {
            let rule = TimestepRule::Linspace { whole: linspace.flag("round")? };
            Ok(Spacing::Timesteps(Timesteps { rule, drop: linspace.integer("drop")? }))
        })
        .keys([Key::flag("round", true, "whether to whole timesteps"), drop()]),
        Entry::new("trailing", "timesteps of ddpm: multiples, from the last", |trailing| {
            let rule = TimestepRule::Trailing;
            Ok(Spacing::Timesteps(Timesteps { rule, drop: trailing.integer("drop")? }))
        })
        .keys([drop()]),
    ];
    let aliases = ALIASES.map(|(name, ours, whose)| Alias::new(name, ours, whose));
    Catalog::new("spacing", entries).aliases(aliases).forms("times:1/0.5/0.1, times:FILE.npy")
}

/// What else they are called.
const ALIASES: [(&str, &str, &str); 9] = [
    ("time_uniform", "uniform", "DPM-Solver"),
    ("time_quadratic", "quadratic", "DPM-Solver"),
    ("get_sigmas_karras", "karras", "k-diffusion"),
    ("get_sigmas_exponential", "exponential", "k-diffusion"),
    ("get_sigmas_polyexponential", "polyexponential", "k-diffusion"),
    ("use_karras_sigmas", "karras", "diffusers"),
    ("use_exponential_sigmas", "exponential", "diffusers"),
    ("use_lu_lambdas", "logsnr", "diffusers"),
    ("log_snr", "logsnr", "DPM-Solver"),
];

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
        if text.trim() == "times" {
            let problem = "the list is missing: `times:1/0.5/0.1`, or `times:FILE.npy`";
            return Err(SpecError::malformed(text, problem));
        }
        catalog().build(text)
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
            Spacing::Own(rule) => f.write_str(rule.label()),
        }
    }
}
