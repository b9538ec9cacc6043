use driftfield_solvers::field::Counted;
use driftfield_solvers::method::{
    GridPosition, Method, MethodInfo, Step, StepError, StochasticInfo,
};
use driftfield_solvers::noise::NoiseRequest;
use driftfield_solvers::{SemilinearField, State, Target};

/// A method whose step to the data, where there is no noise left, is the predicted data: one
/// evaluation, at the start of the step.
///
/// Such a step has no finite evaluation at its end, so that a method with stages there cannot make
/// it. The predicted data is what Euler's step in `sigma` gives, the one that the samplers of
/// Karras et al. (*EDM*, 2022, algorithm 1) end with. It draws no noise.
pub struct StepToData<M> {
    method: M,
    end: f64,
}

impl<M> StepToData<M> {
    /// `method` on a path whose data is at `end`, on a fixed grid.
    pub fn new(method: M, end: f64) -> Self {
        StepToData { method, end }
    }
}

impl<S: State, F: SemilinearField<S>, M: Method<S, F>> Method<S, F> for StepToData<M> {
    type Memory = M::Memory;

    fn info(&self) -> MethodInfo {
        // Within the last step nothing is known but its ends.
        MethodInfo {
            embedded_order: None,
            interpolant_order: None,
            evaluations_to_data: Some(1),
            ..self.method.info()
        }
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        self.method.stochastic()
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        self.method.noise(field)
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        self.method.memory(initial)
    }

    fn seed_history(
        &self,
        field: &Counted<&F>,
        past: &[(f64, S)],
        memory: &mut Self::Memory,
    ) -> Result<(), StepError> {
        self.method.seed_history(field, past, memory)
    }

    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        if step.t_next == self.end {
            return Ok(step.field.predict(Target::DATA, step.next, step.u, step.t.into())?);
        }
        // The method's own last step is the one before.
        let grid = step.grid.map(|grid| GridPosition { steps: grid.steps - 1, ..grid });
        self.method.step(Step { grid, ..step }, memory)
    }

    fn accepted(&self, memory: &mut Self::Memory) {
        self.method.accepted(memory);
    }

    fn modified(&self, memory: &mut Self::Memory) {
        self.method.modified(memory);
    }

    fn corrected(&self, memory: &mut Self::Memory) {
        self.method.corrected(memory);
    }
}
