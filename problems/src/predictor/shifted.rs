use std::ops::Range;

use driftfield_solvers::state::StateError;
use driftfield_solvers::{FieldError, State};

use super::{Network, Prediction, Pullback, Pushforward, Times};

/// A network of `x`, where `x_t = mu + alpha (x_0 - mu) + sigma eps`, as one of `x - mu`, which is
/// an ordinary Gaussian path: processes that revert to a given mean.
///
/// The mean is a state, so that every lane can have its own. Noise, score and velocity are the
/// same for both; predicted data is shifted; `v` is taken to be in terms of `x_0 - mu` already.
/// The mean is what it is conditioned on.
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

impl<N: Network<S>, S: State> Shifted<N, S> {
    fn restored(&self, x: &S) -> Result<S, StateError> {
        let mut shifted = x.clone();
        self.restore(&mut shifted)?;
        Ok(shifted)
    }

    fn centre_prediction(&self, out: &mut S) -> Result<(), StateError> {
        match self.prediction {
            Prediction::Data => self.centre(out),
            _ => Ok(()),
        }
    }
}

impl<N: Network<S>, S: State> Network<S> for Shifted<N, S> {
    fn forward(&self, out: &mut S, x: &S, t: Times<'_>) -> Result<(), FieldError> {
        self.network.forward(out, &self.restored(x)?, t)?;
        Ok(self.centre_prediction(out)?)
    }

    fn pull_back(&self, pull: Pullback<'_, S>, x: &S, t: Times<'_>) -> Result<(), FieldError> {
        let Pullback { value, cotangent, state, time, mut inputs } = pull;
        let conditioning = inputs.conditioning.take();
        let restored = self.restored(x)?;
        if self.prediction != Prediction::Data {
            let inner = Pullback { value, cotangent, state: &mut *state, time, inputs };
            self.network.pull_back(inner, &restored, t)?;
            return Ok(conditioning.map_or(Ok(()), |mean| mean.copy_from(state))?);
        }
        let whole = x.lanes();
        let of_output = |lanes: Range<usize>, output: &S, c: &mut S| -> Result<(), FieldError> {
            let places: Vec<usize> = lanes.clone().collect();
            let piece = (places.len() < whole).then(|| self.mean.select_lanes(&places));
            let mean = piece.transpose()?;
            let mut centred = output.clone();
            centred.linear_combination(1.0, &[(-1.0, mean.as_ref().unwrap_or(&self.mean))])?;
            cotangent(lanes, &centred, c)
        };
        let inner = Pullback {
            value: &mut *value,
            cotangent: &of_output,
            state: &mut *state,
            time,
            inputs,
        };
        self.network.pull_back(inner, &restored, t)?;
        self.centre(value)?;
        let Some(mean) = conditioning else { return Ok(()) };
        // The mean is restored before the network and taken off after it.
        cotangent(0..whole, value, mean)?;
        Ok(mean.linear_combination(-1.0, &[(1.0, state)])?)
    }

    fn push_forward(
        &self,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let Pushforward { value, direction, time, tangent } = push;
        let inner = Pushforward { value: &mut *value, direction, time, tangent };
        self.network.push_forward(inner, &self.restored(x)?, t)?;
        Ok(self.centre_prediction(value)?)
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.network.forwards(t)
    }
}
