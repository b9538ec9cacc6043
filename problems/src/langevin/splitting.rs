use driftfield_solvers::method::{
    Kind, Method, MethodInfo, Step, StepError, Stepper, Told, move_lanes,
};
use driftfield_solvers::noise::{Noise, NoiseRequest};
use driftfield_solvers::{Counted, FieldError, State, StateError};

use super::{ForceField, PhaseSpace};

/// The BAOAB splitting of underdamped Langevin dynamics (Leimkuhler & Matthews, *Appl. Math.
/// Res. Express*, 2013): half a kick (B: `v += h/2 f`), half a drift (A: `q += h/2 v`), the
/// Ornstein-Uhlenbeck process of the velocities over the whole step, exactly (O), then A and B
/// again.
///
/// Weak order 2, one evaluation a step. On a Gaussian of curvature `k` the stationary variance
/// of the positions is `1 / k` for any step with `h^2 k < 4`; that of the velocities is
/// `1 - h^2 k / 4`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Baoab;

/// The OBABO splitting (Bussi & Parrinello, *Phys. Rev. E* 75, 2007): half of the
/// Ornstein-Uhlenbeck process before and after a step of velocity Verlet.
///
/// Weak order 2, one evaluation a step. On a Gaussian of curvature `k` the stationary variance
/// of the velocities is 1 for any step with `h^2 k < 4`; that of the positions is
/// `1 / (k (1 - h^2 k / 4))`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Obabo;

/// The forces at both ends of a step, and its increment.
#[derive(Debug)]
struct SplittingScratch<S> {
    force: S,
    known: bool,
    force_after: S,
    increment: PhaseSpace<S>,
}

impl<S: State> SplittingScratch<S> {
    fn new(initial: &PhaseSpace<S>) -> Self {
        SplittingScratch {
            force: initial.position.zeros_like(),
            known: false,
            force_after: initial.position.zeros_like(),
            increment: initial.zeros_like(),
        }
    }

    /// The force at the start, evaluated unless the last step has done so.
    fn prepare<F: ForceField<S>>(
        &mut self,
        field: &Counted<&F>,
        position: &S,
        (t, h): (f64, f64),
    ) -> Result<(), StepError> {
        if h <= 0.0 {
            let advice = "Langevin dynamics run forwards in time; give a span that increases";
            return Err(FieldError::Domain { t, advice: advice.to_owned() }.into());
        }
        if !self.known {
            field.force(&mut self.force, position, t)?;
            self.known = true;
        }
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        let SplittingScratch { force, known, force_after, increment } = self;
        match told {
            Told::Accepted | Told::AcceptedLanes(_) => std::mem::swap(force, force_after),
            Told::Corrected | Told::Replaced => *known = false,
            Told::Lanes(from) => {
                move_lanes([force, force_after], from)?;
                move_lanes([increment], from)?;
            }
        }
        Ok(())
    }

    /// The Ornstein-Uhlenbeck process of the velocities over `[a, b]`:
    /// `v <- e^(-g h) v + sqrt(1 - e^(-2 g h)) z`, `z` the Brownian increment scaled to unit
    /// variance.
    fn relax(
        &mut self,
        velocity: &mut S,
        friction: f64,
        noise: &mut dyn Noise<PhaseSpace<S>>,
        (a, b): (f64, f64),
    ) -> Result<(), StepError> {
        noise.increment(a, b, &mut self.increment)?;
        let decay = friction * (b - a);
        let draw = (-(-2.0 * decay).exp_m1() / (b - a)).sqrt();
        velocity.linear_combination((-decay).exp(), &[(draw, &self.increment.velocity)])?;
        Ok(())
    }
}

fn info(name: &'static str) -> MethodInfo {
    MethodInfo {
        weak_order: Some(2.0),
        evaluations_at_start: 1,
        draws_noise: true,
        ..MethodInfo::one_step(name, Kind::Langevin, 2, 1)
    }
}

/// BAOAB in the midst of a solve.
#[derive(Debug)]
pub struct BaoabStepper<S>(SplittingScratch<S>);

impl<S: State, F: ForceField<S>> Method<PhaseSpace<S>, F> for Baoab {
    type Stepper = BaoabStepper<S>;

    fn info(&self) -> MethodInfo {
        info("baoab")
    }

    fn begin(&self, initial: &PhaseSpace<S>) -> Self::Stepper {
        BaoabStepper(SplittingScratch::new(initial))
    }
}

impl<S: State, F: ForceField<S>> Stepper<PhaseSpace<S>, F> for BaoabStepper<S> {
    fn step(&mut self, step: Step<'_, PhaseSpace<S>, F>) -> Result<(), StepError> {
        let scratch = &mut self.0;
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        scratch.prepare(field, &u.position, (t, h))?;
        next.copy_from(u)?;
        let PhaseSpace { position, velocity, .. } = next;
        let half = 0.5 * h;
        velocity.linear_combination(1.0, &[(half, &scratch.force)])?;
        position.linear_combination(1.0, &[(half, velocity)])?;
        scratch.relax(velocity, field.friction(), noise, (t, t_next))?;
        position.linear_combination(1.0, &[(half, velocity)])?;
        field.force(&mut scratch.force_after, position, t_next)?;
        velocity.linear_combination(1.0, &[(half, &scratch.force_after)])?;
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.0.tell(told)
    }
}

/// OBABO in the midst of a solve.
#[derive(Debug)]
pub struct ObaboStepper<S>(SplittingScratch<S>);

impl<S: State, F: ForceField<S>> Method<PhaseSpace<S>, F> for Obabo {
    type Stepper = ObaboStepper<S>;

    fn info(&self) -> MethodInfo {
        info("obabo")
    }

    fn noise(&self, _field: &F) -> Option<NoiseRequest> {
        Some(NoiseRequest { inside_steps: true, ..NoiseRequest::default() })
    }

    fn begin(&self, initial: &PhaseSpace<S>) -> Self::Stepper {
        ObaboStepper(SplittingScratch::new(initial))
    }
}

impl<S: State, F: ForceField<S>> Stepper<PhaseSpace<S>, F> for ObaboStepper<S> {
    fn step(&mut self, step: Step<'_, PhaseSpace<S>, F>) -> Result<(), StepError> {
        let scratch = &mut self.0;
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        scratch.prepare(field, &u.position, (t, h))?;
        next.copy_from(u)?;
        let PhaseSpace { position, velocity, .. } = next;
        let (half, middle) = (0.5 * h, t + 0.5 * (t_next - t));
        scratch.relax(velocity, field.friction(), noise, (t, middle))?;
        velocity.linear_combination(1.0, &[(half, &scratch.force)])?;
        position.linear_combination(1.0, &[(h, velocity)])?;
        field.force(&mut scratch.force_after, position, t_next)?;
        velocity.linear_combination(1.0, &[(half, &scratch.force_after)])?;
        scratch.relax(velocity, field.friction(), noise, (middle, t_next))
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.0.tell(told)
    }
}
