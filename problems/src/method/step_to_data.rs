use driftfield_solvers::field::Counted;
use driftfield_solvers::method::exponential::StepInterpolant;
use driftfield_solvers::method::{
    GridPosition, Interpolant, Method, MethodInfo, Step, StepError, Stepper, StochasticInfo, Told,
};
use driftfield_solvers::noise::NoiseRequest;
use driftfield_solvers::{SemilinearField, State, StateError, Target};

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

/// A method in the midst of a solve to the data.
pub struct StepToDataStepper<S, P> {
    method: P,
    end: f64,
    /// Of the step to the data.
    continuous: StepInterpolant<S>,
}

impl<S: State, F: SemilinearField<S>, M: Method<S, F>> Method<S, F> for StepToData<M> {
    type Stepper = StepToDataStepper<S, M::Stepper>;

    fn info(&self) -> MethodInfo {
        // Within the last step nothing is known but its ends.
        let own = self.method.info();
        MethodInfo {
            embedded_order: None,
            interpolant_order: own.interpolant_order.map(|_| 1),
            lane_steps: false,
            evaluations_to_data: Some(1),
            ..own
        }
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        self.method.stochastic()
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        self.method.noise(field)
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let method = self.method.begin(initial);
        StepToDataStepper { method, end: self.end, continuous: StepInterpolant::default() }
    }
}

impl<S: State, F: SemilinearField<S>, P: Stepper<S, F>> Stepper<S, F> for StepToDataStepper<S, P> {
    fn look_back(&mut self, field: &Counted<&F>, past: &[(f64, S)]) -> Result<(), StepError> {
        self.method.look_back(field, past)
    }

    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        if step.t_next == self.end {
            return Ok(step.field.predict(Target::DATA, step.next, step.u, step.t.into())?);
        }
        // The method's own last step is the one before.
        let grid = step.grid.map(|grid| GridPosition { steps: grid.steps - 1, ..grid });
        self.method.step(Step { grid, ..step })
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        self.continuous.tell(told)?;
        self.method.tell(told)
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        match step.t_next == self.end {
            true => self.continuous.prepare_to_data(step),
            false => self.method.prepare_interpolant(step),
        }
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        self.continuous.interpolant().or_else(|| self.method.interpolant())
    }
}
