use crate::field::FieldError;
use crate::method::{Interpolant, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::semilinear::{Level, SemilinearField};
use crate::state::{State, StateError};

/// How much noise is added before every step (Karras et al., *EDM*, 2022, algorithm 2).
///
/// Where `rho = sigma / alpha` lies in `[rho_min, rho_max]`, it is raised by the factor
/// `1 + gamma`, `gamma = min(amount / steps, sqrt(2) - 1)`. On the `edm` path these are the
/// paper's `S_churn`, `S_tmin`, `S_tmax` and `S_noise`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// `S_churn`: the sum of all `gamma`, if none is capped.
    pub amount: f64,
    /// `S_tmin`.
    pub rho_min: f64,
    /// `S_tmax`.
    pub rho_max: f64,
    /// `S_noise`: standard deviation of the noise in units of what the raised level asks
    /// for; slightly above 1 makes up for detail that a network loses.
    pub noise: f64,
}

impl Churn {
    /// No churn: the method stays deterministic.
    pub const NONE: Churn = Churn::of(0.0);

    /// That amount, at every noise level.
    pub const fn of(amount: f64) -> Self {
        Churn { amount, rho_min: 0.0, rho_max: f64::INFINITY, noise: 1.0 }
    }

    fn gamma(&self, rho: f64, steps: usize) -> f64 {
        if rho < self.rho_min || rho > self.rho_max {
            return 0.0;
        }
        (self.amount / steps as f64).min(std::f64::consts::SQRT_2 - 1.0)
    }
}

/// A one-step method with noise added before every step.
///
/// The state is first moved to a higher noise level `rho' = (1 + gamma) rho`, that is
/// `x' = alpha' (x / alpha + S_noise sqrt(rho'^2 - rho^2) z)`; the method then steps from there
/// to the end of the step. The marginals stay the path's, and errors made earlier are partly
/// forgotten. `z` is the Brownian increment over the step, scaled to unit variance; it is drawn
/// at every step, like the published code's, also where `gamma = 0`. No level is raised above the
/// noise end of the path.
///
/// Without churn this is the method itself. It suits methods that keep nothing from
/// step to step, those with a history having none along a path that noise has left.
#[derive(Debug, Clone, Copy)]
pub struct Churned<M> {
    method: M,
    churn: Churn,
}

impl<M> Churned<M> {
    /// `method`, with noise added before every step.
    pub const fn new(method: M, churn: Churn) -> Self {
        Churned { method, churn }
    }
}

/// The method in the midst of a solve, and the raised state.
#[derive(Debug)]
pub struct ChurnedStepper<S, P> {
    method: P,
    churn: Churn,
    raised: S,
    normals: S,
}

/// Time and schedule at `gamma` above the level of `start`.
fn raised_level<S, F: SemilinearField<S>>(
    field: &F,
    start: &Level,
    gamma: f64,
) -> Result<(f64, Level), FieldError> {
    let t = field.schedule().time_at_log_snr(start.log_snr - gamma.ln_1p())?;
    Ok((t, field.schedule().at(t)?))
}

impl<S: State, F: SemilinearField<S>, M: Method<S, F>> Method<S, F> for Churned<M> {
    type Stepper = ChurnedStepper<S, M::Stepper>;

    fn info(&self) -> MethodInfo {
        let own = self.method.info();
        if self.churn.amount == 0.0 {
            return own;
        }
        // An error estimate does not see the noise.
        MethodInfo { draws_noise: true, embedded_order: None, interpolant_order: None, ..own }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        ChurnedStepper {
            method: self.method.begin(initial),
            churn: self.churn,
            raised: initial.zeros_like(),
            normals: initial.zeros_like(),
        }
    }
}

impl<S: State, F: SemilinearField<S>, P: Stepper<S, F>> Stepper<S, F> for ChurnedStepper<S, P> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let ChurnedStepper { method, churn, raised, normals } = self;
        if churn.amount == 0.0 {
            return method.step(step);
        }
        let Step { field, t, t_next, h, u, next, noise, grid, .. } = step;
        noise.increment(t, t_next, normals)?;
        let start = field.schedule().at(t)?;
        let gamma = churn.gamma(start.rho(), grid.map_or(1, |grid| grid.steps));
        if gamma == 0.0 {
            let step = Step { field, t, t_next, h, u, next, noise, grid, lanes: None };
            return method.step(step);
        }
        let (t, level) = raised_level(*field.uncounted(), &start, gamma)?;
        // rho'^2 - rho^2 without cancellation; the end of the path may have cut it short.
        let growth = (2.0 * (start.log_snr - level.log_snr)).exp_m1().max(0.0);
        let deviation = churn.noise * start.rho() * growth.sqrt();
        let unit = level.alpha * deviation / h.abs().sqrt();
        let scale = level.alpha / start.alpha;
        raised.linear_combination(0.0, &[(scale, u), (unit, &*normals)])?;
        method.tell(Told::Replaced)?;
        let step =
            Step { field, t, t_next, h: t_next - t, u: raised, next, noise, grid, lanes: None };
        method.step(step)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.method.tell(told)?;
        told.move_lanes([&mut self.raised, &mut self.normals])
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        self.method.prepare_interpolant(step)
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        self.method.interpolant()
    }
}
