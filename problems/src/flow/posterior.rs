use driftfield_solvers::{Counted, FieldError};

use crate::process::Posterior;

/// What ancestral sampling asks for: the predicted data, and the process's exact
/// conditional of an earlier state given a later one and the data.
pub trait PosteriorField<S> {
    /// Writes `E[x_0 | x_t = x]` into `out`.
    fn predict_data(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError>;

    /// `p(x_u | x_t, x_0)` for `u <= t`. Not an evaluation: no network is asked.
    fn posterior(&self, t: f64, u: f64) -> Result<Posterior, FieldError>;

    /// Network forward passes made by one prediction.
    fn data_network_forwards(&self) -> u64 {
        0
    }
}

impl<S, F: PosteriorField<S>> PosteriorField<S> for Counted<&F> {
    fn predict_data(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        self.count(self.uncounted().data_network_forwards())?;
        self.uncounted().predict_data(out, x, t)
    }
    fn posterior(&self, t: f64, u: f64) -> Result<Posterior, FieldError> {
        self.uncounted().posterior(t, u)
    }
    fn data_network_forwards(&self) -> u64 {
        self.uncounted().data_network_forwards()
    }
}
