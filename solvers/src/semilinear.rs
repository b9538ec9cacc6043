//! Fields whose linear part an exponential integrator solves exactly.

use crate::field::{Counted, FieldError, VectorField};
use crate::number::Number;
use crate::state::State;

/// The linear part of a [`SemilinearField`] at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
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

impl Schedule {
    /// `rho = sigma / alpha`, the noise level of `u / alpha`.
    pub fn rho(&self) -> f64 {
        self.sigma / self.alpha
    }
}

/// Which of its two nonlinear parts a semilinear field is integrated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NonlinearPart {
    /// The noise `E`: the linear part moves like `alpha` (DPM-Solver, DEIS).
    Noise,
    /// The data `D`: the linear part moves like `sigma` (DPM-Solver++).
    Data,
}

/// The refinement of a [`VectorField`] that an exponential integrator asks for:
/// a linear part known exactly by its scale and its clock, and the rest.
///
/// The state is split as `u = alpha(t) D(u, t) + sigma(t) E(u, t)`, and with
/// `lambda = ln(alpha / sigma)` the field is, in either part,
///
/// `u' = (sigma' / sigma) u + alpha lambda' D = (alpha' / alpha) u - sigma lambda' E`.
///
/// Hence the two exact solutions that every method here discretises:
///
/// - `u(t) = sigma_t / sigma_s u(s) + alpha_t int e^(lambda - lambda_t) D dlambda`,
/// - `u(t) = alpha_t / alpha_s u(s) - sigma_t int e^(lambda_t - lambda) E dlambda`,
///
/// over `lambda_s .. lambda_t` (Lu et al., *DPM-Solver*, 2022, prop. 3.1, and
/// *DPM-Solver++*, 2022, prop. 4.1).
///
/// The probability flow of a Gaussian path is the case that gave the names.
/// Any `u' = a(t) u + b(t) N(u, t)` is another: take `sigma = exp(int a)`, a
/// positive `alpha` that makes `lambda` monotone, and `D = b N / (alpha lambda')`.
/// With `a < 0` the choice is `alpha = 1`, and `D = -b N / a` is the state
/// that the linear part decays to: [`Decay`].
pub trait SemilinearField<S>: VectorField<S> {
    /// The linear part at `t`; refused where its clock is not finite.
    fn schedule(&self, t: f64) -> Result<Schedule, FieldError>;

    /// The linear part at an end of a step that is finite there: also where `sigma = 0` or
    /// `alpha = 0`, the clock being infinite.
    fn schedule_at_end(&self, t: f64) -> Result<Schedule, FieldError> {
        self.schedule(t)
    }

    /// The time at which the clock shows `log_snr`. Not an evaluation.
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError>;

    /// Writes a nonlinear part at `(u, t)` into `out`: one evaluation.
    fn predict(&self, part: NonlinearPart, out: &mut S, u: &S, t: f64) -> Result<(), FieldError>;
}

impl<S, F: SemilinearField<S>> SemilinearField<S> for Counted<&F> {
    fn schedule(&self, t: f64) -> Result<Schedule, FieldError> {
        self.uncounted().schedule(t)
    }
    fn schedule_at_end(&self, t: f64) -> Result<Schedule, FieldError> {
        self.uncounted().schedule_at_end(t)
    }
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError> {
        self.uncounted().time_at_log_snr(log_snr)
    }
    fn predict(&self, part: NonlinearPart, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.count(self.uncounted().network_forwards())?;
        self.uncounted().predict(part, out, u, t)
    }
}

/// The classical semilinear problem `u' = -k u + N(u, t)`, stiff for large `k`.
///
/// Its scale is `exp(-k t)`, its clock `k t`, and it is integrated with the
/// [data](NonlinearPart::Data) `N / k`: the stability of the methods then does not depend
/// on `k`. (Its noise, `(u - N / k) e^(k t)`, exists too, and overflows for large `k t`.)
///
/// ```
/// use driftfield_solvers::method::exponential::{Singlestep, Variant};
/// use driftfield_solvers::{Decay, NonlinearPart, OdeProblem, SolveOptions, solve};
/// // u' = -1000 (u - cos t): ten steps, where explicit Runge-Kutta needs hundreds.
/// let field = Decay::new(1000.0, |n: &mut f64, _u: &f64, t: f64| *n = 1000.0 * t.cos()).unwrap();
/// let problem = OdeProblem::new(field, 0.0, (0.0, 1.0));
/// let method = Singlestep::second(NonlinearPart::Data).variant(Variant::Taylor);
/// let solution = solve(&problem, &method, SolveOptions::steps(10)).unwrap();
/// assert!((solution.u_last - 1.0f64.cos()).abs() < 1e-2);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Decay<N> {
    rate: f64,
    nonlinear: N,
}

impl<N> Decay<N> {
    /// `u' = -rate u + nonlinear(u, t)`; a negative rate is growth, and a rate of 0
    /// leaves no linear part to be solved.
    pub fn new(rate: f64, nonlinear: N) -> Result<Self, FieldError> {
        if rate.is_finite() && rate != 0.0 {
            return Ok(Decay { rate, nonlinear });
        }
        Err(FieldError::Other(format!(
            "the rate of a semilinear problem is {}; it must be finite and not 0",
            Number(rate)
        )))
    }

    /// `k`.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

impl<S: State, N: VectorField<S>> VectorField<S> for Decay<N> {
    fn eval(&self, du: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.nonlinear.eval(du, u, t)?;
        Ok(du.linear_combination(1.0, &[(-self.rate, u)])?)
    }
    fn network_forwards(&self) -> u64 {
        self.nonlinear.network_forwards()
    }
}

impl<S: State, N: VectorField<S>> SemilinearField<S> for Decay<N> {
    fn schedule(&self, t: f64) -> Result<Schedule, FieldError> {
        let log_snr = self.rate * t;
        Ok(Schedule { alpha: 1.0, sigma: (-log_snr).exp(), log_snr })
    }
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError> {
        Ok(log_snr / self.rate)
    }
    fn predict(&self, part: NonlinearPart, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.nonlinear.eval(out, u, t)?;
        match part {
            NonlinearPart::Data => Ok(out.linear_combination(1.0 / self.rate, &[])?),
            NonlinearPart::Noise => {
                let growth = (self.rate * t).exp();
                Ok(out.linear_combination(-growth / self.rate, &[(growth, u)])?)
            }
        }
    }
}
