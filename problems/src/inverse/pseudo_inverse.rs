use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, HostState, State};

use super::{Conditioning, KalmanGain};
use crate::predictor::{DifferentiablePredictor, Target};
use crate::process::GaussianPath;

/// Pseudo-inverse guidance, PiGDM (Song, Vahdat, Mardani & Kautz, *Pseudoinverse-guided diffusion
/// models for inverse problems*, ICLR 2023): the score of `y` given the state, if the data given
/// the state is `N(x_0_hat, r_t^2 I)`, is added to that of the state:
///
/// ```text
/// x_0' = x_0_hat + sigma^2 / alpha J^T A^T (r_t^2 A A^T + sigma_y^2 I)^-1 (y - A x_0_hat)
/// ```
///
/// with the Jacobian `J` of `x_0_hat` in the state, and `r_t` as in [`KalmanGain`]. Exact for data
/// `N(m, s^2 I)`. Through `J` what is observed moves all of the image. Not defined at `alpha = 0`,
/// where the state says nothing of the data.
///
/// The factor before `J` grows like `1 / alpha` towards the noise, and an exact `J` vanishes like
/// `alpha`; the Jacobian of a trained network does not, and its error, so enlarged, can take the
/// state out of all bounds (the VP network of digits ends at 1e60). Guidance of a network therefore
/// [begins](PseudoInverse::beginning_at) where there is some signal: what it does to the state
/// before is of the order of that signal.
/// There it is stiff all the same: explicit multistep methods of order four need about 100 steps
/// where others need 50.
#[derive(Debug, Clone, Default)]
pub struct PseudoInverse {
    least_signal: f64,
    gradients: Arc<AtomicU64>,
}

impl PseudoInverse {
    /// Guidance at all times: for exact predictors.
    pub fn new() -> Self {
        PseudoInverse::default()
    }

    /// Guidance where `alpha s / sigma`, `s` being the standard deviation of the data, is at
    /// least this; earlier the prediction stays as it is.
    #[must_use]
    pub fn beginning_at(mut self, least_signal: f64) -> Self {
        self.least_signal = least_signal;
        self
    }

    /// Counts the gradients taken so far, in all clones: a handle to be read after a solve.
    pub fn gradients(&self) -> Arc<AtomicU64> {
        self.gradients.clone()
    }
}

impl<S, P> Conditioning<S, P> for PseudoInverse
where
    S: HostState + State,
    P: DifferentiablePredictor<S>,
{
    fn data(
        &self,
        predictor: &P,
        gain: &KalmanGain,
        data: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError> {
        gain.observation().check_lanes(x.lane_count(), x.lane_len())?;
        let now = gain.at(predictor.path(), t)?;
        if now.signal() < self.least_signal {
            return predictor.predict(Target::DATA, data, x, t);
        }
        let factor = now.jacobian_factor();
        if !factor.is_finite() {
            return Err(FieldError::Domain {
                t,
                advice: format!(
                    "the state says nothing of the data here, so that a measurement cannot guide \
                     it; start at {}",
                    Number(predictor.path().start_with_finite_log_snr())
                ),
            });
        }
        self.gradients.fetch_add(1, Ordering::Relaxed);
        let mut guidance = x.zeros_like();
        predictor.predict_data_with_pullback(data, &mut guidance, x, t, &|lane, data, c| {
            now.explain(lane, data, c);
        })?;
        Ok(data.linear_combination(1.0, &[(factor, &guidance)])?)
    }

    fn data_of_lanes(
        &self,
        predictor: &P,
        gain: &KalmanGain,
        data: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError> {
        // One time for all lanes is what a pullback takes.
        if let Some(&first) = t.first()
            && t.iter().all(|&t| t == first)
        {
            return self.data(predictor, gain, data, x, first);
        }
        Err(FieldError::Other(
            "pseudo-inverse guidance takes one time for all lanes; take one step for all lanes, \
             or replacement in its place"
                .to_owned(),
        ))
    }
}
