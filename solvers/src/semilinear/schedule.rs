use crate::field::FieldError;

/// The linear part of a [semilinear field](super::SemilinearField) at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Weight of the data in the state: the scale of the linear part that goes
    /// with the noise prediction.
    pub alpha: f64,
    /// Weight of the noise in the state: the scale of the linear part that goes
    /// with the data prediction.
    pub sigma: f64,
    /// The clock `lambda = ln(alpha / sigma)`, in which the weight of the nonlinear
    /// part is an exponential.
    pub log_snr: f64,
}

impl Level {
    /// `rho = sigma / alpha`, the noise level of `u / alpha`.
    pub fn rho(&self) -> f64 {
        self.sigma / self.alpha
    }
}

/// `p(x_u | x_t, x_0)` of a process for `u <= t`: a Gaussian around `state x_t + data x_0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    /// Coefficient of `x_t`.
    pub state: f64,
    /// Coefficient of `x_0`.
    pub data: f64,
    /// Variance of each component.
    pub variance: f64,
}

impl Posterior {
    /// Nothing happens: `x_u = x_t`.
    pub const STAY: Posterior = Posterior { state: 1.0, data: 0.0, variance: 0.0 };

    /// The diffusion's own (Ho et al. 2020, eq. 6-7), written in log-SNR with
    /// `h = lambda_u - lambda_t`, so that neither `alpha_t = 0` nor
    /// `sigma_u = 0` nor a small step loses anything:
    /// mean `sigma_u / sigma_t e^-h x_t + alpha_u (1 - e^-2h) x_0`, variance
    /// `sigma_u^2 (1 - e^-2h)`.
    pub fn of_diffusion(t: &Level, u: &Level) -> Posterior {
        let h = u.log_snr - t.log_snr;
        let fresh = -(-2.0 * h).exp_m1();
        Posterior {
            state: u.sigma / t.sigma * (-h).exp(),
            data: u.alpha * fresh,
            variance: u.sigma * u.sigma * fresh,
        }
    }
}

/// `p(x_t | x_u)` of a diffusion for `u <= t`: a Gaussian around `scale x_u`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransitionKernel {
    /// Coefficient of `x_u`.
    pub scale: f64,
    /// Variance of each component.
    pub variance: f64,
}

impl TransitionKernel {
    /// Nothing happens: `x_t = x_u`.
    pub const STAY: TransitionKernel = TransitionKernel { scale: 1.0, variance: 0.0 };

    /// The diffusion's own. The variance is written in log-SNR, `sigma_t^2 (1 - e^(-2 h))` with
    /// `h = lambda_u - lambda_t`, so that a small step loses nothing.
    pub fn of_diffusion(t: &Level, u: &Level) -> TransitionKernel {
        let fresh = -(-2.0 * (u.log_snr - t.log_snr)).exp_m1();
        TransitionKernel { scale: t.alpha / u.alpha, variance: t.sigma.powi(2) * fresh }
    }
}

/// The linear part of a [semilinear field](super::SemilinearField) at every time, and what the
/// process that it belongs to does between two. Nothing here is an evaluation.
pub trait Schedule: Send + Sync {
    /// The linear part at `t`; refused where its clock is not finite.
    fn at(&self, t: f64) -> Result<Level, FieldError>;

    /// The linear part at an end of a step that is finite there: also where `sigma = 0` or
    /// `alpha = 0`, the clock being infinite.
    fn at_end(&self, t: f64) -> Result<Level, FieldError> {
        self.at(t)
    }

    /// The time at which the clock shows `log_snr`.
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError>;

    /// `p(x_u | x_t, x_0)` for `u <= t`.
    fn posterior(&self, t: f64, u: f64) -> Result<Posterior, FieldError> {
        if u == t {
            return Ok(Posterior::STAY);
        }
        Ok(Posterior::of_diffusion(&self.at_end(t)?, &self.at_end(u)?))
    }

    /// `p(x_t | x_u)` for `u <= t`.
    fn transition(&self, t: f64, u: f64) -> Result<TransitionKernel, FieldError> {
        if u == t {
            return Ok(TransitionKernel::STAY);
        }
        Ok(TransitionKernel::of_diffusion(&self.at_end(t)?, &self.at_end(u)?))
    }
}
