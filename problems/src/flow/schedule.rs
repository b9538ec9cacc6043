use driftfield_solvers::number::Number;
use driftfield_solvers::semilinear::{Posterior, TransitionKernel};
use driftfield_solvers::{FieldError, Level, Schedule};

use crate::process::{GaussianPath, SharedPath, check_log_snr, check_time};

/// A Gaussian path as the linear part of its probability flow: what exponential, ancestral and
/// Langevin methods ask of it, refused where it is not defined.
///
/// `alpha`, `sigma` and `lambda` are the path's. Defined where the log-SNR is finite, and at the
/// data and at pure noise for steps that are finite there.
pub(super) struct PathSchedule(pub SharedPath);

impl PathSchedule {
    /// Refuses a step that leads away from the data.
    fn check_towards_data(&self, t: f64, u: f64) -> Result<(), FieldError> {
        check_time(&self.0, t)?;
        check_time(&self.0, u)?;
        if u <= t {
            return Ok(());
        }
        Err(FieldError::Domain {
            t,
            advice: format!(
                "steps that draw noise go towards the data, and t = {} is further from it; \
                 encode with the probability flow instead",
                Number(u)
            ),
        })
    }
}

impl Schedule for PathSchedule {
    fn at(&self, t: f64) -> Result<Level, FieldError> {
        check_log_snr(&self.0, t)?;
        Ok(self.0.level(t))
    }

    fn at_end(&self, t: f64) -> Result<Level, FieldError> {
        let (path, domain) = (&self.0, self.0.domain());
        let log_snr = match t {
            _ if domain.has_log_snr(t) => return self.at(t),
            _ if t == domain.data.t => f64::INFINITY,
            _ if t == domain.noise.t => f64::NEG_INFINITY,
            _ => return self.at(t),
        };
        Ok(Level { alpha: path.alpha(t), sigma: path.sigma(t), log_snr })
    }

    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError> {
        Ok(self.0.time_at_log_snr(log_snr))
    }

    fn posterior(&self, t: f64, u: f64) -> Result<Posterior, FieldError> {
        self.check_towards_data(t, u)?;
        Ok(self.0.posterior(t, u))
    }

    fn transition(&self, t: f64, u: f64) -> Result<TransitionKernel, FieldError> {
        self.check_towards_data(t, u)?;
        Ok(self.0.transition(t, u))
    }
}
