use std::sync::Arc;

use super::{Level, Schedule, SemilinearField, Target};
use crate::field::{Affine, ByLane, FieldError, Pullback, Pushforward, Times, VectorField, affine};
use crate::number::Number;
use crate::state::State;

/// The classical semilinear problem `u' = -k u + N(u, t)`, stiff for large `k`.
///
/// Its scale is `exp(-k t)`, its clock `k t`, and it is integrated with the
/// [data](crate::NonlinearPart::Data) `N / k`: the stability of the methods then does not depend
/// on `k`. (Its noise, `(u - N / k) e^(k t)`, exists too, and overflows for large `k t`.)
///
/// ```
/// use driftfield_solvers::method::exponential::{Singlestep, Variant};
/// use driftfield_solvers::{Decay, NonlinearPart, OdeProblem, SolveOptions, solve};
/// // u' = -1000 (u - cos t): ten steps, where explicit Runge-Kutta needs hundreds.
/// let field = Decay::new(1000.0, |n: &mut f64, _u: &f64, t: f64| *n = 1000.0 * t.cos()).unwrap();
/// let problem = OdeProblem::new(field, 0.0, (0.0, 1.0));
/// let method = Singlestep::second(NonlinearPart::Data).variant(Variant::Taylor);
/// let end = solve(&problem, &method, SolveOptions::steps(10)).unwrap().complete().unwrap();
/// assert!((end - 1.0f64.cos()).abs() < 1e-2);
/// ```
#[derive(Clone)]
pub struct Decay<N> {
    rate: f64,
    schedule: Arc<dyn Schedule>,
    nonlinear: N,
}

impl<N> Decay<N> {
    /// `u' = -rate u + nonlinear(u, t)`; a negative rate is growth, and a rate of 0
    /// leaves no linear part to be solved.
    pub fn new(rate: f64, nonlinear: N) -> Result<Self, FieldError> {
        if rate.is_finite() && rate != 0.0 {
            return Ok(Decay { rate, schedule: Arc::new(Exponential { rate }), nonlinear });
        }
        Err(FieldError::other(format!(
            "the rate of a semilinear problem is {}; it must be finite and not 0",
            Number(rate)
        )))
    }

    /// `k`.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

/// `alpha = 1`, `sigma = exp(-rate t)`.
struct Exponential {
    rate: f64,
}

impl Schedule for Exponential {
    fn at(&self, t: f64) -> Result<Level, FieldError> {
        let log_snr = self.rate * t;
        Ok(Level { alpha: 1.0, sigma: (-log_snr).exp(), log_snr })
    }
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError> {
        Ok(log_snr / self.rate)
    }
}

impl<S: State, N: VectorField<S>> VectorField<S> for Decay<N> {
    fn eval(&self, du: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        self.nonlinear.eval(du, u, t)?;
        Ok(du.linear_combination(1.0, &[(-self.rate, u)])?)
    }
    fn pull_back(&self, pull: Pullback<'_, S>, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        let weights = (ByLane::One(-self.rate), ByLane::One(1.0));
        pull.through(weights, u, |inner| self.nonlinear.pull_back(inner, u, t))
    }
    fn push_forward(
        &self,
        push: Pushforward<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let weights = (ByLane::One(-self.rate), ByLane::One(1.0));
        push.through(weights, u, |inner| self.nonlinear.push_forward(inner, u, t))
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.nonlinear.forwards(t)
    }
}

impl<N> Decay<N> {
    /// `(a, b)` such that `target.data N / k + target.noise (u - N / k) e^(k t)` is `a u + b N`; in
    /// `room` where there are several times.
    fn weights<'r>(
        &self,
        target: Target,
        t: Times<'_>,
        room: &'r mut (Vec<f64>, Vec<f64>),
    ) -> Result<(ByLane<'r, f64>, ByLane<'r, f64>), FieldError> {
        let (of_state, of_value) = room;
        let growth = |t: f64| target.noise * (self.rate * t).exp();
        let a = t.map(of_state, |t| Ok(if target.noise == 0.0 { 0.0 } else { growth(t) }))?;
        Ok((a, a.map(of_value, |a| Ok((target.data - a) / self.rate))?))
    }

    /// How the weights move with the time, if that is `asked` for: `a' = k a`, `b' = -a`.
    fn rates(&self, a: ByLane<'_, f64>, lanes: usize, asked: bool) -> Vec<[f64; 2]> {
        let lanes = if asked { lanes } else { 0 };
        (0..lanes).map(|lane| [self.rate * a.of(lane), -a.of(lane)]).collect()
    }
}

impl<S: State, N: VectorField<S>> SemilinearField<S> for Decay<N> {
    fn schedule(&self) -> &Arc<dyn Schedule> {
        &self.schedule
    }
    fn predict(&self, target: Target, out: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        self.nonlinear.eval(out, u, t)?;
        let mut room = Default::default();
        Ok(affine(out, self.weights(target, t, &mut room)?, u)?)
    }
    fn pull_back_prediction(
        &self,
        target: Target,
        pull: Pullback<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let mut room = Default::default();
        let weights = self.weights(target, t, &mut room)?;
        let rates = self.rates(weights.0, u.lanes(), pull.time.is_some());
        pull.through(Affine { time: &rates, ..weights.into() }, u, |inner| {
            self.nonlinear.pull_back(inner, u, t)
        })
    }
    fn push_forward_prediction(
        &self,
        target: Target,
        push: Pushforward<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let mut room = Default::default();
        let weights = self.weights(target, t, &mut room)?;
        let rates = self.rates(weights.0, u.lanes(), push.time != Times::One(0.0));
        push.through(Affine { time: &rates, ..weights.into() }, u, |inner| {
            self.nonlinear.push_forward(inner, u, t)
        })
    }
}
