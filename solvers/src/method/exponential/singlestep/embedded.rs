use super::{Singlestep, SinglestepStepper};
use crate::field::Counted;
use crate::method::exponential::step::{Variant, continuous_order};
use crate::method::{
    ErrorEstimate, Interpolant, Kind, Method, MethodInfo, Step, StepError, Stepper, Told,
    copy_lanes, move_lanes,
};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// DPM-Solver-12 and -23 (Lu et al., *DPM-Solver*, 2022, section 3.4 and appendix C; for the
/// data, DPM-Solver++12 and 23 of their published code): singlestep methods of order 2 and 3
/// with one of order 1 and 2 from the same values, whose difference estimates the error.
///
/// The solutions of higher order are those of [`Singlestep`]; those of lower order are, in the
/// [notation] of this module,
///
/// - 12: `x_low = alpha_next / alpha x - sigma_next (e^h - 1) N_0` for the noise,
///   `x_low = sigma_next / sigma x + alpha_next (1 - e^-h) N_0` for the data;
/// - 23, with the first node at `r_1 = 1/3`:
///   `x_low = alpha_next / alpha x - sigma_next (e^h - 1) (N_0 + (N_1 - N_0) / (2 r_1))`,
///   `x_low = sigma_next / sigma x + alpha_next (1 - e^-h) (N_0 + (N_1 - N_0) / (2 r_1))`;
///
/// and the error is `x_next - x_low`.
///
/// Steps adapt on the clock. As in the published code, the relative tolerance looks at the
/// lower-order solutions at both ends of the step. The published controller is
/// [`DPM_SOLVER_CONTROLLER`], its norm [`ErrorNorm::WorstLane`](crate::ErrorNorm::WorstLane),
/// its tolerance [`Tolerance::larger_of`](crate::Tolerance::larger_of) and its first step
/// 0.05. It evaluates at the start of a step anew after every rejection; we keep the value.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone)]
pub struct EmbeddedSinglestep(Singlestep);

/// `h <- 0.9 h error^(-1/k)`, without limits, after a rejection neither.
pub const DPM_SOLVER_CONTROLLER: crate::PidController = crate::PidController {
    min_factor: 1e-12,
    max_factor: 1e12,
    grow_after_rejection: true,
    ..crate::PidController::integral()
};

impl EmbeddedSinglestep {
    /// Order 2, error by order 1.
    pub fn second(part: NonlinearPart) -> Self {
        EmbeddedSinglestep(Singlestep::second(part))
    }

    /// Order 3, error by order 2.
    pub fn third(part: NonlinearPart) -> Self {
        EmbeddedSinglestep(Singlestep::third(part))
    }

    /// Another treatment of the highest difference.
    #[must_use]
    pub fn variant(self, variant: Variant) -> Self {
        EmbeddedSinglestep(self.0.variant(variant))
    }

    fn name(&self) -> &'static str {
        match (self.0.part(), self.0.own_order()) {
            (NonlinearPart::Noise, 2) => "dpm-solver-12",
            (NonlinearPart::Noise, _) => "dpm-solver-23",
            (NonlinearPart::Data, 2) => "dpm-solver++12",
            (NonlinearPart::Data, _) => "dpm-solver++23",
        }
    }
}

/// The method in the midst of a solve: the values of a step, and both solutions.
#[derive(Debug)]
pub struct EmbeddedStepper<S> {
    singlestep: SinglestepStepper<S>,
    /// The lower-order solution at the end of the step, and at that of the last one.
    lower: S,
    lower_before: S,
    error: S,
    has_past: bool,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for EmbeddedSinglestep {
    type Stepper = EmbeddedStepper<S>;

    fn info(&self) -> MethodInfo {
        let order = self.0.own_order() as u32;
        MethodInfo {
            embedded_order: Some(order - 1),
            lane_steps: true,
            interpolant_order: continuous_order(order),
            interpolant_evaluations: 1,
            ..MethodInfo::one_step(self.name(), Kind::Exponential, order, u64::from(order))
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        EmbeddedStepper {
            singlestep: SinglestepStepper::new(self.0.clone(), initial),
            lower: initial.zeros_like(),
            lower_before: initial.zeros_like(),
            error: initial.zeros_like(),
            has_past: false,
        }
    }

    fn clock(&self, field: &Counted<&F>, t: f64) -> Result<f64, StepError> {
        Ok(field.schedule().at(t)?.log_snr)
    }

    fn time_at_clock(&self, field: &Counted<&F>, clock: f64) -> Result<f64, StepError> {
        Ok(field.schedule().time_at_log_snr(clock)?)
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for EmbeddedStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let EmbeddedStepper { singlestep, lower, lower_before, error, has_past } = self;
        if !*has_past {
            lower_before.copy_from(step.u)?;
            *has_past = true;
        }
        let Step { field, t, t_next, h, u, next, noise, lanes, .. } = step;
        let inner = Step { field, t, t_next, h, u, next: &mut *next, noise, grid: None, lanes };
        singlestep.step(inner)?;
        singlestep.lower_order_step(u, lower, lanes)?;
        error.linear_combination(0.0, &[(1.0, next), (-1.0, lower)])?;
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        Stepper::<S, F>::tell(&mut self.singlestep, told)?;
        let EmbeddedStepper { lower, lower_before, error, has_past, .. } = self;
        match told {
            Told::Accepted => std::mem::swap(lower, lower_before),
            Told::AcceptedLanes(lanes) => {
                copy_lanes(lower_before, lower, lanes.iter().copied())?;
            }
            // The lower-order state before is but a scale of the tolerance.
            Told::Corrected => {}
            Told::Replaced => *has_past = false,
            Told::Lanes(from) => move_lanes([lower, lower_before, error], from)?,
        }
        Ok(())
    }

    fn error(&self) -> ErrorEstimate<'_, S> {
        ErrorEstimate::Against {
            error: &self.error,
            before: &self.lower_before,
            after: &self.lower,
        }
    }

    fn known(&self, lane: usize) -> u64 {
        Stepper::<S, F>::known(&self.singlestep, lane)
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        self.singlestep.prepare_interpolant(step)
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        Stepper::<S, F>::interpolant(&self.singlestep)
    }
}
