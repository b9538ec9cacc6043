use std::sync::Arc;

use driftfield_solvers::Level;
use driftfield_solvers::number::Number;

use super::{Posterior, TimeDomain, TransitionKernel, inverse, slope};
use crate::spacing::Spacing;

/// A process with `x_t = alpha(t) x_0 + sigma(t) eps`, `eps ~ N(0, I)`.
///
/// Time runs from data (t = 0) to noise (t = 1), except where a path says
/// otherwise (EDM: time is sigma itself). It is the marginal of the diffusion
/// `dx = f x dt + g dW` with `f = alpha' / alpha` and
/// `g^2 = (sigma^2)' - 2 f sigma^2`.
///
/// Every function takes times in [`GaussianPath::domain`]; elsewhere the value
/// is meaningless (NaN, as a rule), never a panic.
///
/// `alpha` and `sigma` suffice: everything else follows from them
/// ([`OwnPath`](super::OwnPath) makes a path of two closures). Derivatives that are not given are
/// taken numerically, with `d` the distance to the nearest end of the domain to about
/// `1e-13 / d` of the function, and quotients and logarithms lose what they lose. The paths of this
/// crate write all formulas out so that nothing cancels: their values are accurate to a few units
/// in the last place at both ends, and where the true value is infinite, so is the one returned.
///
/// ```
/// use driftfield_problems::process::GaussianPath;
/// /// Noise comes in as the square of the time.
/// #[derive(Debug)]
/// struct Late;
/// impl GaussianPath for Late {
///     fn alpha(&self, t: f64) -> f64 {
///         1.0 - t * t
///     }
///     fn sigma(&self, t: f64) -> f64 {
///         t * t
///     }
/// }
/// assert!((Late.sigma_derivative(0.3) - 0.6).abs() < 1e-12);
/// assert!((Late.time_at_log_snr(0.0) - 0.5f64.sqrt()).abs() < 1e-12);
/// assert_eq!(Late.start_with_finite_log_snr(), 0.999);
/// ```
pub trait GaussianPath: Send + Sync + std::fmt::Debug {
    /// Name as on the command line.
    fn name(&self) -> &'static str {
        "own"
    }

    /// Parameters as on the command line, in order.
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// The same path with other parameters, in their order; none if there is none with these. What
    /// [products in them](driftfield_solvers::field::Inputs::process) are taken with: a path without
    /// parameters need not say it.
    fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
        let _ = values;
        None
    }

    /// The times at which the path is defined: `[0, 1]`. The log-SNR is taken to be infinite where
    /// `sigma` or `alpha` vanishes, and `g^2` where `alpha` does.
    fn domain(&self) -> TimeDomain {
        TimeDomain::unit(self.sigma(0.0) > 0.0, self.alpha(1.0) > f64::EPSILON)
    }

    /// Start (noise) and end (data) of generation.
    fn default_span(&self) -> (f64, f64) {
        (1.0, 1e-3)
    }

    /// Where generation starts if a finite log-SNR or `g^2` is needed: at the start of the default
    /// span, or shortly after it where there is nothing left of the data.
    fn start_with_finite_log_snr(&self) -> f64 {
        let (start, domain) = (self.default_span().0, self.domain());
        if start < domain.noise.t || domain.noise.finite_log_snr {
            return start;
        }
        domain.data.t + 0.999 * (domain.noise.t - domain.data.t)
    }

    /// The spacing used when none is asked for.
    fn default_spacing(&self) -> Spacing {
        Spacing::Uniform
    }

    /// Number `N` of timesteps `i`, at `t = (i + 1) / N`, if the path is that of a discrete-time
    /// model.
    fn timesteps(&self) -> Option<usize> {
        None
    }

    /// `alpha(t)`.
    fn alpha(&self, t: f64) -> f64;

    /// `sigma(t)`.
    fn sigma(&self, t: f64) -> f64;

    /// `d alpha / dt`.
    fn alpha_derivative(&self, t: f64) -> f64 {
        slope::derivative(|t| self.alpha(t), self.domain(), t)
    }

    /// `d sigma / dt`; infinite where `sigma` starts like a square root.
    fn sigma_derivative(&self, t: f64) -> f64 {
        self.sigma_squared_derivative(t) / (2.0 * self.sigma(t))
    }

    /// `d sigma^2 / dt = 2 sigma sigma'`, finite where `sigma'` is not.
    fn sigma_squared_derivative(&self, t: f64) -> f64 {
        slope::derivative(|t| self.sigma(t).powi(2), self.domain(), t)
    }

    /// `lambda(t) = ln(alpha / sigma)`, strictly decreasing.
    fn log_snr(&self, t: f64) -> f64 {
        self.alpha(t).ln() - self.sigma(t).ln()
    }

    /// The time at which `log_snr` is `lambda`; beyond the domain, its end.
    fn time_at_log_snr(&self, lambda: f64) -> f64 {
        inverse::decreasing(|t| self.log_snr(t), self.domain(), lambda)
    }

    /// `f = alpha' / alpha`.
    fn drift_rate(&self, t: f64) -> f64 {
        self.alpha_derivative(t) / self.alpha(t)
    }

    /// `g^2 = (sigma^2)' - 2 f sigma^2`.
    fn diffusion_squared(&self, t: f64) -> f64 {
        self.sigma_squared_derivative(t) - 2.0 * self.drift_rate(t) * self.sigma(t).powi(2)
    }

    /// `g^2 / sigma`, the weight of `E[eps]` in `-g^2 score`.
    fn diffusion_squared_over_sigma(&self, t: f64) -> f64 {
        self.diffusion_squared(t) / self.sigma(t)
    }

    /// `alpha`, `sigma` and `lambda` at `t`.
    fn level(&self, t: f64) -> Level {
        Level { alpha: self.alpha(t), sigma: self.sigma(t), log_snr: self.log_snr(t) }
    }

    /// `p(x_u | x_t, x_0)` for `u <= t`: the diffusion's own, unless the process has another.
    fn posterior(&self, t: f64, u: f64) -> Posterior {
        if u == t {
            return Posterior::STAY;
        }
        Posterior::of_diffusion(&self.level(t), &self.level(u))
    }

    /// `p(x_t | x_u)` of the diffusion, for `u <= t`.
    fn transition(&self, t: f64, u: f64) -> TransitionKernel {
        if u == t {
            return TransitionKernel::STAY;
        }
        TransitionKernel::of_diffusion(&self.level(t), &self.level(u))
    }

    /// The path as `name:key=value,key=value`.
    fn spec(&self) -> String {
        let mut text = self.name().to_owned();
        for (i, (key, value)) in self.parameters().into_iter().enumerate() {
            text += &format!("{}{key}={}", if i == 0 { ":" } else { "," }, Number(value));
        }
        text
    }
}

/// A path chosen at run time, cheap to clone.
pub type SharedPath = Arc<dyn GaussianPath>;

/// Forwards every method, the provided ones too, so that a path behind a
/// pointer keeps its closed forms.
macro_rules! forward_path {
    ($pointer:ty) => {
        impl<P: GaussianPath + ?Sized> GaussianPath for $pointer {
            fn name(&self) -> &'static str {
                (**self).name()
            }
            fn parameters(&self) -> Vec<(&'static str, f64)> {
                (**self).parameters()
            }
            fn with_parameters(&self, values: &[f64]) -> Option<SharedPath> {
                (**self).with_parameters(values)
            }
            fn domain(&self) -> TimeDomain {
                (**self).domain()
            }
            fn default_span(&self) -> (f64, f64) {
                (**self).default_span()
            }
            fn start_with_finite_log_snr(&self) -> f64 {
                (**self).start_with_finite_log_snr()
            }
            fn default_spacing(&self) -> Spacing {
                (**self).default_spacing()
            }
            fn timesteps(&self) -> Option<usize> {
                (**self).timesteps()
            }
            fn alpha(&self, t: f64) -> f64 {
                (**self).alpha(t)
            }
            fn sigma(&self, t: f64) -> f64 {
                (**self).sigma(t)
            }
            fn alpha_derivative(&self, t: f64) -> f64 {
                (**self).alpha_derivative(t)
            }
            fn sigma_derivative(&self, t: f64) -> f64 {
                (**self).sigma_derivative(t)
            }
            fn sigma_squared_derivative(&self, t: f64) -> f64 {
                (**self).sigma_squared_derivative(t)
            }
            fn log_snr(&self, t: f64) -> f64 {
                (**self).log_snr(t)
            }
            fn time_at_log_snr(&self, lambda: f64) -> f64 {
                (**self).time_at_log_snr(lambda)
            }
            fn drift_rate(&self, t: f64) -> f64 {
                (**self).drift_rate(t)
            }
            fn diffusion_squared(&self, t: f64) -> f64 {
                (**self).diffusion_squared(t)
            }
            fn diffusion_squared_over_sigma(&self, t: f64) -> f64 {
                (**self).diffusion_squared_over_sigma(t)
            }
            fn level(&self, t: f64) -> Level {
                (**self).level(t)
            }
            fn posterior(&self, t: f64, u: f64) -> Posterior {
                (**self).posterior(t, u)
            }
            fn transition(&self, t: f64, u: f64) -> TransitionKernel {
                (**self).transition(t, u)
            }
            fn spec(&self) -> String {
                (**self).spec()
            }
        }
    };
}
forward_path!(Arc<P>);
forward_path!(&P);
