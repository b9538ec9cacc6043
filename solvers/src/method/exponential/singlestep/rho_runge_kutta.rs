use std::cell::RefCell;

use crate::field::{Counted, FieldError, Times, VectorField};
use crate::method::exponential::step::{
    Knot, MadeStep, StepInterpolant, check_finite, continuous_order, ends_in_data, step_to_data,
};
use crate::method::runge_kutta::{ExplicitTableau, RungeKutta, RungeKuttaStepper};
use crate::method::{Interpolant, Kind, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::semilinear::{Level, NonlinearPart, SemilinearField, Target};
use crate::state::{State, StateError};

/// An explicit Runge-Kutta method for `y = x / alpha` in `rho = sigma / alpha`, in which a
/// semilinear field is its noise prediction and nothing else: `dy / drho = E(alpha y, t(rho))`.
/// rhoRK-DEIS (Zhang & Chen, *Fast Sampling of Diffusion Models with Exponential
/// Integrator*, 2023, prop. 3); the second-order Heun method among them is that of
/// Karras et al. 2022 ([`EdmHeun`](super::EdmHeun)).
///
/// With `a`, `b`, `c` those of the tableau, and in the [notation] of this module:
///
/// - `y = x / alpha`, `rho_i = rho + c_i (rho_next - rho)`,
/// - `K_i = E(alpha_i (y + (rho_next - rho) sum_j a_ij K_j))`, `alpha_i` and the time of `E` where
///   `sigma / alpha = rho_i`,
/// - `x_next = alpha_next (y + (rho_next - rho) sum_i b_i K_i)`.
///
/// It has the order of its tableau. A step that ends where there is no noise left is Euler's, which
/// has no stage at that end; one that starts from clean data is like all others.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone, Copy)]
pub struct RhoRungeKutta<T> {
    name: &'static str,
    method: RungeKutta<T>,
}

impl<T> RhoRungeKutta<T> {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        Self::named("deis-rhork")
    }

    /// The same method under the name it has elsewhere.
    pub(super) const fn named(name: &'static str) -> Self {
        RhoRungeKutta { name, method: RungeKutta::new() }
    }
}

impl<T> Default for RhoRungeKutta<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The method in the midst of a solve: the stages, and the state in both variables.
#[derive(Debug)]
pub struct RhoRungeKuttaStepper<S, T> {
    stages: RungeKuttaStepper<S, T>,
    /// `y` at the start of the step.
    start: S,
    /// `u` at a stage, written by the field as it is evaluated.
    state: RefCell<S>,
    continuous: StepInterpolant<S>,
}

/// The field in the variables `y`, `rho`, over one step.
struct RhoField<'a, S, F> {
    field: &'a Counted<&'a F>,
    /// `rho`, time and `alpha` at the ends of the step, where no rounding of the inverse may
    /// move a stage out of it.
    ends: [(f64, f64, f64); 2],
    state: &'a RefCell<S>,
}

impl<S, F: SemilinearField<S>> RhoField<'_, S, F> {
    /// Time and `alpha` at a noise level.
    fn place(&self, rho: f64) -> Result<(f64, f64), FieldError> {
        if let Some(&(_, t, alpha)) = self.ends.iter().find(|end| end.0 == rho) {
            return Ok((t, alpha));
        }
        let t = self.field.schedule().time_at_log_snr(-rho.ln())?;
        Ok((t, self.field.schedule().at(t)?.alpha))
    }
}

impl<S: State, F: SemilinearField<S>> VectorField<S> for RhoField<'_, S, F> {
    fn eval(&self, du: &mut S, y: &S, rho: Times<'_>) -> Result<(), FieldError> {
        let (t, alpha) = self.place(rho.one()?)?;
        let mut state = self.state.borrow_mut();
        state.linear_combination(0.0, &[(alpha, y)])?;
        self.field.predict(Target::NOISE, du, &state, t.into())
    }
}

impl<S: State, F: SemilinearField<S>, T: ExplicitTableau> Method<S, F> for RhoRungeKutta<T> {
    type Stepper = RhoRungeKuttaStepper<S, T>;

    fn info(&self) -> MethodInfo {
        let own = <RungeKutta<T> as Method<S, RhoField<'_, S, F>>>::info(&self.method);
        MethodInfo {
            interpolant_order: continuous_order(own.order),
            interpolant_evaluations: 1,
            evaluations_at_start: own.evaluations_at_start,
            evaluations_to_data: Some(1),
            starts_from_data: true,
            ..MethodInfo::one_step(
                self.name,
                Kind::Exponential,
                own.order,
                own.evaluations_per_step,
            )
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        RhoRungeKuttaStepper {
            stages: RungeKuttaStepper::new(initial),
            start: initial.zeros_like(),
            state: RefCell::new(initial.zeros_like()),
            continuous: StepInterpolant::default(),
        }
    }
}

impl<S: State, F: SemilinearField<S>, T: ExplicitTableau> Stepper<S, F>
    for RhoRungeKuttaStepper<S, T>
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let end = step.field.schedule().at_end(step.t_next)?;
        if ends_in_data(&end) {
            return step_to_data(step, &end);
        }
        let Step { field, t, t_next, u, next, noise, grid, .. } = step;
        let start = field.schedule().at_end(t)?;
        let knots = [(t, start), (t_next, end)].map(|(t, level)| Knot { t, level });
        check_finite(&knots[0], &knots[1], [start.rho(), end.rho()])?;
        let RhoRungeKuttaStepper { stages, start: y, state, .. } = self;
        y.linear_combination(0.0, &[(1.0 / start.alpha, u)])?;
        let at = |level: &Level, t: f64| (level.rho(), t, level.alpha);
        let ends = [at(&start, t), at(&end, t_next)];
        let in_rho = RhoField { field, ends, state };
        let [from, to] = ends.map(|end| end.0);
        let step = Step {
            field: &Counted::new(&in_rho, None),
            t: from,
            t_next: to,
            h: to - from,
            u: y,
            next: &mut *next,
            noise,
            grid,
            lanes: None,
        };
        stages.step(step)?;
        next.linear_combination(end.alpha, &[])?;
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        Stepper::<S, RhoField<'_, S, F>>::tell(&mut self.stages, told)?;
        self.continuous.tell(told)?;
        told.move_lanes([&mut self.start, self.state.get_mut()])
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let RhoRungeKuttaStepper { stages, start: end, state, continuous, .. } = self;
        if continuous.is_ready() {
            return Ok(());
        }
        let made = MadeStep::of(&step, NonlinearPart::Noise)?;
        if ends_in_data(&made.knots.1.level) {
            return continuous.prepare_to_data(step);
        }
        if made.is_infinite() {
            return Ok(continuous.prepare(made, stages.first(), None)?);
        }
        let value = state.get_mut();
        // The state as the next step's first stage will have it, to the bit.
        let alpha = made.knots.1.level.alpha;
        end.linear_combination(0.0, &[(1.0 / alpha, step.next)])?;
        end.linear_combination(alpha, &[])?;
        step.field.predict(Target::NOISE, value, end, step.t_next.into())?;
        continuous.prepare(made, stages.first(), Some(value))?;
        Ok(stages.set_first(value)?)
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        self.continuous.interpolant()
    }
}
