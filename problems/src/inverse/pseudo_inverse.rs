use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use driftfield_solvers::field::{ByLane, combine};
use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, HostState, State};

use super::kalman::GainAt;
use super::{Conditioning, KalmanGain};
use crate::host::each_lane;
use crate::predictor::{Predictor, Pullback, Target, Times};
use crate::process::{GaussianPath, SharedPath};

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

impl PseudoInverse {
    /// `sigma^2 / (alpha r_t^2)` where there is guidance, else 0.
    fn factor(&self, now: GainAt<'_>, path: &SharedPath) -> Result<f64, FieldError> {
        if now.signal() < self.least_signal {
            return Ok(0.0);
        }
        let factor = now.jacobian_factor();
        if factor.is_finite() {
            return Ok(factor);
        }
        Err(FieldError::Domain {
            t: now.t(),
            advice: format!(
                "the state says nothing of the data here, so that a measurement cannot guide \
                 it; start at {}",
                Number(path.start_with_finite_log_snr())
            ),
        })
    }
}

impl<S, P> Conditioning<S, P> for PseudoInverse
where
    S: HostState,
    P: Predictor<S>,
{
    fn data(
        &self,
        (predictor, gain): (&P, &KalmanGain),
        data: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        gain.observation().check_lanes(x.lane_count(), x.lane_len())?;
        let (mut of_gains, mut of_factors) = (Vec::new(), Vec::new());
        let path = predictor.path();
        let gains = gain.by_lane(path, t, &mut of_gains)?;
        let factors = gains.map(&mut of_factors, |now| self.factor(now, path))?;
        let guided = |lane: usize| factors.of(lane) != 0.0;
        if !(0..x.lane_count()).any(guided) {
            return predictor.predict(Target::DATA.into(), data, x, t);
        }
        self.gradients.fetch_add(1, Ordering::Relaxed);
        let mut guidance = x.zeros_like();
        let misfits = |lanes: Range<usize>, data: &S, c: &mut S| -> Result<(), FieldError> {
            Ok(each_lane(lanes, data, c, 32 * data.lane_len(), |lane, data, c| {
                match guided(lane) {
                    true => gains.of(lane).explain(lane, data, c),
                    false => c.fill(0.0),
                }
            })?)
        };
        let pull = Pullback::new(&mut *data, &misfits, &mut guidance);
        predictor.pull_back(Target::DATA.into(), pull, x, t)?;
        Ok(combine(data, ByLane::One(1.0), &[(factors, &guidance)])?)
    }
}
