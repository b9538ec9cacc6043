use std::sync::Arc;

use driftfield_solvers::FieldError;
use driftfield_solvers::field::{ByLane, Times};

use super::{Gram, MeasurementError, Observation};
use crate::process::{GaussianPath, Parameter, SharedPath, check_time, derivative};
use crate::spec::SpecError;

/// What a measurement says of the data once it is predicted, if the data given the state is
/// `N(x_0_hat, r_t^2 I)`: the gain of a Kalman filter,
///
/// ```text
/// K (y - A x_0_hat),  K = r_t^2 A^T (r_t^2 A A^T + sigma_y^2 I)^-1
///                       = A^T (A A^T + (sigma_y / r_t)^2 I)^-1
/// r_t^2 = s^2 sigma^2 / (alpha^2 s^2 + sigma^2)
/// ```
///
/// `r_t^2` is that of data `N(m, s^2 I)`, for which all of this is exact. With `s = 1` it is
/// `sigma^2 / (alpha^2 + sigma^2)`, the choice of Song et al. (*Pseudoinverse-guided diffusion
/// models for inverse problems*, ICLR 2023) on every path.
#[derive(Debug, Clone)]
pub struct KalmanGain {
    observation: Arc<Observation>,
    gram: Arc<Gram>,
    data_std: f64,
}

impl KalmanGain {
    /// The gain of an observation, with `s = 1`.
    pub fn new(observation: Arc<Observation>) -> Result<Self, MeasurementError> {
        let gram = Arc::new(Gram::new(observation.measurement().as_ref())?);
        Ok(KalmanGain { observation, gram, data_std: 1.0 })
    }

    /// Another standard deviation `s` of the data, in the units of the process.
    pub fn data_std(mut self, std: f64) -> Result<Self, SpecError> {
        if !(1e-100..=1e100).contains(&std) {
            return Err(SpecError::number("conditioning", "data_std", std, "positive and finite"));
        }
        self.data_std = std;
        Ok(self)
    }

    /// What is known.
    pub fn observation(&self) -> &Observation {
        &self.observation
    }

    /// How the ratio `(sigma_y / r_t)^2` moves with the time.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] at a time next to which the ratio is not finite.
    pub(super) fn rate(&self, path: &SharedPath, t: f64) -> Result<f64, FieldError> {
        let rate = derivative(|t| self.ratio(path, t), path.domain(), t);
        match rate.is_finite() {
            true => Ok(rate),
            false => Err(FieldError::Refused(format!(
                "products in time: the gain of the measurement has no derivative at t = {t}"
            ))),
        }
    }

    /// How it moves with a parameter of the path.
    pub(super) fn slope(&self, parameter: &Parameter, t: f64) -> f64 {
        parameter.slope(|path| self.ratio(path, t))
    }

    fn ratio(&self, path: &SharedPath, t: f64) -> f64 {
        self.at(path, t).map_or(f64::NAN, |gain| gain.rho)
    }

    /// The gain at every lane's time.
    pub(super) fn by_lane<'g>(
        &'g self,
        path: &SharedPath,
        t: Times<'_>,
        room: &'g mut Vec<GainAt<'g>>,
    ) -> Result<ByLane<'g, GainAt<'g>>, FieldError> {
        t.map(room, |t| self.at(path, t))
    }

    /// The gain at a time of the path.
    fn at(&self, path: &SharedPath, t: f64) -> Result<GainAt<'_>, FieldError> {
        check_time(path, t)?;
        let (alpha, sigma) = (path.alpha(t), path.sigma(t));
        let (s, sigma_y) = (self.data_std, self.observation.measurement().noise_std());
        let variance = alpha * alpha * s * s + sigma * sigma;
        // Without noise nothing has to be weighed, also where `r_t = 0`.
        let ratio = if sigma_y == 0.0 { 0.0 } else { sigma_y * variance.sqrt() / (s * sigma) };
        let (rho, shrink, signal) = (ratio * ratio, variance / (s * s), alpha * s / sigma);
        Ok(GainAt { gain: self, t, rho, alpha, shrink, signal })
    }
}

/// A [`KalmanGain`] at one time.
#[derive(Clone, Copy)]
pub(super) struct GainAt<'a> {
    gain: &'a KalmanGain,
    t: f64,
    /// `(sigma_y / r_t)^2`.
    rho: f64,
    alpha: f64,
    /// `sigma^2 / r_t^2`, which has a limit where both vanish.
    shrink: f64,
    /// `alpha s / sigma`.
    signal: f64,
}

impl GainAt<'_> {
    /// Writes `K (y - A data)` of a lane.
    pub fn explain(&self, lane: usize, data: &[f64], out: &mut [f64]) {
        let mut residual = self.gain.observation.residual(lane, data);
        self.gain.gram.solve(self.rho, &mut residual);
        self.gain.observation.measurement().adjoint(out, &residual);
    }

    /// `c <- c - K A c`, the derivative of `c + K (y - A c)`, which is symmetric.
    pub fn unexplained(&self, c: &mut [f64]) {
        let mut explained = vec![0.0; c.len()];
        self.gain.observation.measurement().adjoint(&mut explained, &self.transposed(c));
        c.iter_mut().zip(explained).for_each(|(c, explained)| *c -= explained);
    }

    /// `K^T c`: what a change of the measurement means.
    pub fn transposed(&self, c: &[f64]) -> Vec<f64> {
        let measurement = self.gain.observation.measurement();
        let mut told = vec![0.0; measurement.measured()];
        measurement.apply(&mut told, c);
        self.gain.gram.solve(self.rho, &mut told);
        told
    }

    /// Writes the derivative of `K (y - A data)` of a lane in `(sigma_y / r_t)^2`.
    pub fn explain_rate(&self, lane: usize, data: &[f64], out: &mut [f64]) {
        let mut residual = self.gain.observation.residual(lane, data);
        self.gain.gram.solve(self.rho, &mut residual);
        self.gain.gram.solve(self.rho, &mut residual);
        self.gain.observation.measurement().adjoint(out, &residual);
        out.iter_mut().for_each(|out| *out = -*out);
    }

    /// The time.
    pub fn t(&self) -> f64 {
        self.t
    }

    /// `alpha s / sigma`: how much of the state is data.
    pub fn signal(&self) -> f64 {
        self.signal
    }

    /// `sigma^2 / (alpha r_t^2)`: what the Jacobian of the predicted data is multiplied with to
    /// be 1 for data `N(m, s^2 I)`. Infinite at `alpha = 0`.
    pub fn jacobian_factor(&self) -> f64 {
        self.shrink / self.alpha
    }
}
