use driftfield_solvers::state::StateError;
use driftfield_solvers::{FieldError, State};

use super::{Network, Prediction};

/// A network of `x`, where `x_t = mu + alpha (x_0 - mu) + sigma eps`, as one of `x - mu`, which is
/// an ordinary Gaussian path: processes that revert to a given mean.
///
/// The mean is a state, so that every lane can have its own. Noise, score and velocity are the
/// same for both; predicted data is shifted; `v` is taken to be in terms of `x_0 - mu` already.
#[derive(Debug, Clone)]
pub struct Shifted<N, S> {
    network: N,
    mean: S,
    prediction: Prediction,
}

impl<N, S: State> Shifted<N, S> {
    /// `network`, which predicts `prediction` for states around `mean`.
    pub fn new(network: N, mean: S, prediction: Prediction) -> Self {
        Shifted { network, mean, prediction }
    }

    /// `x <- x - mu`: from what the network sees to what is solved for. A mean of another shape
    /// is refused.
    pub fn centre(&self, x: &mut S) -> Result<(), StateError> {
        x.linear_combination(1.0, &[(-1.0, &self.mean)])
    }

    /// `x <- x + mu`: from what was solved for to what the network sees.
    pub fn restore(&self, x: &mut S) -> Result<(), StateError> {
        x.linear_combination(1.0, &[(1.0, &self.mean)])
    }
}

impl<N: Network<S>, S: State + Send + Sync> Network<S> for Shifted<N, S> {
    fn forward(&self, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        let mut shifted = x.clone();
        self.restore(&mut shifted)?;
        self.network.forward(out, &shifted, t)?;
        if self.prediction == Prediction::Data {
            self.centre(out)?;
        }
        Ok(())
    }

    fn forwards(&self) -> u64 {
        self.network.forwards()
    }
}
