use super::{Singlestep, SinglestepMemory};
use crate::field::Counted;
use crate::method::{ErrorEstimate, Kind, Method, MethodInfo, Step, StepError};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::State;

/// DPM-Solver-12 and -23 (Lu et al., *DPM-Solver*, 2022, section 3.4 and appendix C; for the
/// data, DPM-Solver++12 and 23 of their published code): singlestep methods of order 2 and 3
/// with one of order 1 and 2 from the same values, whose difference estimates the error.
///
/// Steps adapt on the clock. As in the published code, the relative tolerance looks at the
/// lower-order solutions at both ends of the step. The published controller is
/// [`DPM_SOLVER_CONTROLLER`], its norm [`ErrorNorm::WorstLane`](crate::ErrorNorm::WorstLane),
/// its tolerance [`Tolerance::larger_of`](crate::Tolerance::larger_of) and its first step
/// 0.05. It evaluates at the start of a step anew after every rejection; we keep the value.
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
    pub fn variant(self, variant: super::Variant) -> Self {
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

/// The values of a step, and both solutions.
#[derive(Debug)]
pub struct EmbeddedMemory<S> {
    singlestep: SinglestepMemory<S>,
    /// The lower-order solution at the end of the step, and at that of the last one.
    lower: S,
    lower_before: S,
    error: S,
    has_past: bool,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for EmbeddedSinglestep {
    type Memory = EmbeddedMemory<S>;

    fn info(&self) -> MethodInfo {
        let order = self.0.own_order() as u32;
        MethodInfo {
            embedded_order: Some(order - 1),
            ..MethodInfo::one_step(self.name(), Kind::Exponential, order, u64::from(order))
        }
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        EmbeddedMemory {
            singlestep: SinglestepMemory::new(self.0.own_order(), initial),
            lower: initial.zeros_like(),
            lower_before: initial.zeros_like(),
            error: initial.zeros_like(),
            has_past: false,
        }
    }

    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        let EmbeddedMemory { singlestep, lower, lower_before, error, has_past } = memory;
        if !*has_past {
            lower_before.copy_from(step.u)?;
            *has_past = true;
        }
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let inner = Step { field, t, t_next, h, u, next: &mut *next, noise, grid: None };
        self.0.step(inner, singlestep)?;
        self.0.lower_order_step(field, (t, t_next), u, singlestep, lower)?;
        error.linear_combination(0.0, &[(1.0, next), (-1.0, lower)])?;
        Ok(())
    }

    fn accepted(&self, memory: &mut Self::Memory) {
        <Singlestep as Method<S, F>>::accepted(&self.0, &mut memory.singlestep);
        std::mem::swap(&mut memory.lower, &mut memory.lower_before);
    }

    fn modified(&self, memory: &mut Self::Memory) {
        <Singlestep as Method<S, F>>::modified(&self.0, &mut memory.singlestep);
        memory.has_past = false;
    }

    fn corrected(&self, memory: &mut Self::Memory) {
        // The lower-order state before is but a scale of the tolerance.
        <Singlestep as Method<S, F>>::corrected(&self.0, &mut memory.singlestep);
    }

    fn clock(&self, field: &Counted<&F>, t: f64) -> Result<f64, StepError> {
        Ok(field.schedule().at(t)?.log_snr)
    }

    fn time_at_clock(&self, field: &Counted<&F>, clock: f64) -> Result<f64, StepError> {
        Ok(field.schedule().time_at_log_snr(clock)?)
    }

    fn error<'m>(&self, memory: &'m Self::Memory) -> ErrorEstimate<'m, S> {
        ErrorEstimate::Against {
            error: &memory.error,
            before: &memory.lower_before,
            after: &memory.lower,
        }
    }
}
