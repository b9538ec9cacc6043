//! The probability flow as a semilinear problem: what exponential integrators
//! ask of a Gaussian path.

use driftfield_solvers::{FieldError, NonlinearPart, Schedule, SemilinearField};

use super::PathField;
use crate::predictor::Target;
use crate::process::{GaussianPath, check_log_snr};

/// `alpha`, `sigma` and `lambda` are the path's; the nonlinear part is the predicted noise
/// or data, whatever the predictor itself predicts. Defined where the log-SNR
/// is finite, and at the data and at pure noise for steps that are finite there.
impl<S> SemilinearField<S> for PathField<S> {
    fn schedule(&self, t: f64) -> Result<Schedule, FieldError> {
        let path = self.path();
        check_log_snr(path, t)?;
        Ok(Schedule { alpha: path.alpha(t), sigma: path.sigma(t), log_snr: path.log_snr(t) })
    }
    fn schedule_at_end(&self, t: f64) -> Result<Schedule, FieldError> {
        let (path, domain) = (self.path(), self.path().domain());
        let log_snr = match t {
            _ if domain.has_log_snr(t) => return self.schedule(t),
            _ if t == domain.data.t => f64::INFINITY,
            _ if t == domain.noise.t => f64::NEG_INFINITY,
            _ => return self.schedule(t),
        };
        Ok(Schedule { alpha: path.alpha(t), sigma: path.sigma(t), log_snr })
    }
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError> {
        Ok(self.path().time_at_log_snr(log_snr))
    }
    fn predict(&self, part: NonlinearPart, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        let target = match part {
            NonlinearPart::Noise => Target::NOISE,
            NonlinearPart::Data => Target::DATA,
        };
        self.predictor().predict(target, out, u, t)
    }
}
