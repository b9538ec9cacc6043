//! From a process and a predictor to problems: the probability flow, reverse
//! and forward diffusions, and what exponential and ancestral methods ask for.

mod bridge;
mod forward;
mod generation;
mod marginal_score;
mod noise_level;
mod path_field;
mod schedule;

pub use bridge::{BridgeDiffusion, NotABridge};
pub use forward::ForwardDiffusion;
pub use generation::{span_for, start_for, steps};
pub use marginal_score::MarginalScore;
pub use noise_level::NoiseLevel;
pub use path_field::{PathField, probability_flow, reverse_sde};

use driftfield_solvers::{FieldError, State};

/// Sets every component to `value`.
pub(crate) fn fill<S: State>(out: &mut S, value: f64) -> Result<(), FieldError> {
    Ok(out.fill_lanes(|_, block| block.fill(value))?)
}
