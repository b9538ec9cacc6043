//! Predictors: a network or an exact function, and what it predicts.

use driftfield_solvers::FieldError;

/// The quantity `E[data * x_0 + noise * eps | x_t]`.
///
/// Noise, data, velocity, v, score and every drift of a Gaussian path are of
/// this form, so that a predictor that can give any such combination directly
/// never divides by an alpha or a sigma that vanishes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Coefficient of `E[x_0 | x_t]`.
    pub data: f64,
    /// Coefficient of `E[eps | x_t]`.
    pub noise: f64,
}

/// What is known of the data and the noise, given a noisy state.
pub trait Predictor<S>: Send + Sync {
    /// Writes `E[target.data * x_0 + target.noise * eps | x_t = x]` into `out`.
    fn predict(&self, target: Target, out: &mut S, x: &S, t: f64) -> Result<(), FieldError>;

    /// Network forward passes made by one prediction.
    fn network_forwards(&self) -> u64 {
        0
    }
}

/// A function of state and time, trained to be some prediction.
pub trait Network<S>: Send + Sync {
    /// Writes the network's raw output at `(x, t)` into `out`.
    fn forward(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError>;
}
