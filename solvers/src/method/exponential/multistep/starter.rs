use crate::method::exponential::singlestep::{Singlestep, SinglestepStepper};
use crate::method::exponential::step::{History, Knot};
use crate::method::{Step, StepError, Stepper, Told, move_lanes};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// Makes the first step of a multistep method in parts, so that it leaves a whole history.
#[derive(Debug)]
pub(super) struct Starter<S> {
    parts: usize,
    part: NonlinearPart,
    method: SinglestepStepper<S>,
    between: S,
    value: S,
    attempted: bool,
}

/// Evaluations of the first step beyond the one that any step makes.
pub(super) fn extra_evaluations(values: usize, method: &Singlestep) -> u64 {
    (((values - 1) * method.own_order()) as u64).saturating_sub(1)
}

impl<S: State> Starter<S> {
    pub(super) fn new(values: usize, method: Singlestep, initial: &S) -> Self {
        let state = || initial.zeros_like();
        Starter {
            parts: values - 1,
            part: method.part(),
            method: SinglestepStepper::new(method, initial),
            between: state(),
            value: state(),
            attempted: false,
        }
    }

    /// An attempt that was not accepted leaves nothing in the history.
    pub(super) fn forget_attempt(&mut self, history: &mut History<S>) {
        if std::mem::take(&mut self.attempted) {
            history.clear();
        }
    }

    pub(super) fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Accepted | Told::AcceptedLanes(_) => self.attempted = false,
            Told::Lanes(from) => {
                self.method.move_lanes(from)?;
                move_lanes([&mut self.between, &mut self.value], from)?;
            }
            Told::Corrected | Told::Replaced => {}
        }
        Ok(())
    }

    /// The step from `start` to `end`; the value at `start` is the newest in `history`, which
    /// gains one for every later part.
    pub(super) fn make<F: SemilinearField<S>>(
        &mut self,
        step: Step<'_, S, F>,
        start: Knot,
        end: Knot,
        history: &mut History<S>,
    ) -> Result<(), StepError> {
        let Step { field, u, next, noise, .. } = step;
        let Starter { parts, part: nonlinear, method, between, value, attempted } = self;
        *attempted = true;
        let length = end.log_snr() - start.log_snr();
        let mut t = start.t;
        for part in 1..=*parts {
            let from = if part == 1 { u } else { &*between };
            if part > 1 {
                field.predict((*nonlinear).into(), value, from, t.into())?;
                history.insert(Knot::at(field, t)?, value, from)?;
            }
            method.set_first(history.value(0))?;
            let t_next = if part == *parts {
                end.t
            } else {
                let share = part as f64 / *parts as f64;
                field.schedule().time_at_log_snr(start.log_snr() + share * length)?
            };
            let inner = Step {
                field,
                t,
                t_next,
                h: t_next - t,
                u: from,
                next: &mut *next,
                noise: &mut *noise,
                grid: None,
                lanes: None,
            };
            method.step(inner)?;
            if part < *parts {
                between.copy_from(next)?;
            }
            t = t_next;
        }
        Ok(())
    }
}
