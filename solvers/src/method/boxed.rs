use std::any::Any;

use super::{ErrorEstimate, Interpolant, Method, MethodInfo, Step, StepError, StochasticInfo};
use crate::field::Counted;
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// A method chosen at run time.
pub struct BoxedMethod<S, F>(Box<dyn ErasedMethod<S, F>>);

impl<S: State, F> BoxedMethod<S, F> {
    /// Forgets the type of `method`.
    pub fn new(method: impl Method<S, F> + Send + Sync + 'static) -> Self
    where
        F: 'static,
    {
        BoxedMethod(Box::new(method))
    }
}

/// [`Method`] with its memory behind `Any`.
trait ErasedMethod<S, F>: Send + Sync {
    fn info(&self) -> MethodInfo;
    fn stochastic(&self) -> Option<StochasticInfo>;
    fn noise(&self, field: &F) -> Option<NoiseRequest>;
    fn memory(&self, initial: &S) -> Box<dyn Any>;
    fn step(&self, step: Step<'_, S, F>, memory: &mut dyn Any) -> Result<(), StepError>;
    fn accepted(&self, memory: &mut dyn Any);
    fn modified(&self, memory: &mut dyn Any);
    fn corrected(&self, memory: &mut dyn Any);
    fn clock(&self, field: &Counted<&F>, t: f64) -> Result<f64, StepError>;
    fn time_at_clock(&self, field: &Counted<&F>, clock: f64) -> Result<f64, StepError>;
    fn derivative(&self, field: &Counted<&F>, du: &mut S, u: &S, t: f64)
    -> Result<bool, StepError>;
    fn seed_first_evaluation(&self, derivative: &S, memory: &mut dyn Any)
    -> Result<(), StateError>;
    fn seed_history(
        &self,
        field: &Counted<&F>,
        past: &[(f64, S)],
        memory: &mut dyn Any,
    ) -> Result<(), StepError>;
    fn error<'m>(&self, memory: &'m dyn Any) -> ErrorEstimate<'m, S>;
    fn interpolant_evaluations(&self) -> u64;
    fn prepare_interpolant(
        &self,
        step: Step<'_, S, F>,
        memory: &mut dyn Any,
    ) -> Result<(), StepError>;
    fn interpolant<'m>(&self, memory: &'m dyn Any) -> Option<Interpolant<'m, S>>;
}

const OWN_MEMORY: &str = "a boxed method is only ever given the memory it made";

fn own<M: 'static>(memory: &dyn Any) -> &M {
    memory.downcast_ref().expect(OWN_MEMORY)
}

fn own_mut<M: 'static>(memory: &mut dyn Any) -> &mut M {
    memory.downcast_mut().expect(OWN_MEMORY)
}

impl<S: State, F, M: Method<S, F> + Send + Sync> ErasedMethod<S, F> for M {
    fn info(&self) -> MethodInfo {
        Method::info(self)
    }
    fn stochastic(&self) -> Option<StochasticInfo> {
        Method::stochastic(self)
    }
    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Method::noise(self, field)
    }
    fn memory(&self, initial: &S) -> Box<dyn Any> {
        Box::new(Method::memory(self, initial))
    }
    fn step(&self, step: Step<'_, S, F>, memory: &mut dyn Any) -> Result<(), StepError> {
        Method::step(self, step, own_mut(memory))
    }
    fn accepted(&self, memory: &mut dyn Any) {
        Method::accepted(self, own_mut(memory));
    }
    fn modified(&self, memory: &mut dyn Any) {
        Method::modified(self, own_mut(memory));
    }
    fn corrected(&self, memory: &mut dyn Any) {
        Method::corrected(self, own_mut(memory));
    }
    fn clock(&self, field: &Counted<&F>, t: f64) -> Result<f64, StepError> {
        Method::clock(self, field, t)
    }
    fn time_at_clock(&self, field: &Counted<&F>, clock: f64) -> Result<f64, StepError> {
        Method::time_at_clock(self, field, clock)
    }
    fn derivative(
        &self,
        field: &Counted<&F>,
        du: &mut S,
        u: &S,
        t: f64,
    ) -> Result<bool, StepError> {
        Method::derivative(self, field, du, u, t)
    }
    fn seed_first_evaluation(
        &self,
        derivative: &S,
        memory: &mut dyn Any,
    ) -> Result<(), StateError> {
        Method::seed_first_evaluation(self, derivative, own_mut(memory))
    }
    fn seed_history(
        &self,
        field: &Counted<&F>,
        past: &[(f64, S)],
        memory: &mut dyn Any,
    ) -> Result<(), StepError> {
        Method::seed_history(self, field, past, own_mut(memory))
    }
    fn error<'m>(&self, memory: &'m dyn Any) -> ErrorEstimate<'m, S> {
        Method::error(self, own(memory))
    }
    fn interpolant_evaluations(&self) -> u64 {
        Method::interpolant_evaluations(self)
    }
    fn prepare_interpolant(
        &self,
        step: Step<'_, S, F>,
        memory: &mut dyn Any,
    ) -> Result<(), StepError> {
        Method::prepare_interpolant(self, step, own_mut(memory))
    }
    fn interpolant<'m>(&self, memory: &'m dyn Any) -> Option<Interpolant<'m, S>> {
        Method::interpolant(self, own(memory))
    }
}

impl<S: State, F> Method<S, F> for BoxedMethod<S, F> {
    type Memory = Box<dyn Any>;

    fn info(&self) -> MethodInfo {
        self.0.info()
    }
    fn stochastic(&self) -> Option<StochasticInfo> {
        self.0.stochastic()
    }
    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        self.0.noise(field)
    }
    fn memory(&self, initial: &S) -> Self::Memory {
        self.0.memory(initial)
    }
    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        self.0.step(step, memory.as_mut())
    }
    fn accepted(&self, memory: &mut Self::Memory) {
        self.0.accepted(memory.as_mut());
    }
    fn modified(&self, memory: &mut Self::Memory) {
        self.0.modified(memory.as_mut());
    }
    fn corrected(&self, memory: &mut Self::Memory) {
        self.0.corrected(memory.as_mut());
    }
    fn clock(&self, field: &Counted<&F>, t: f64) -> Result<f64, StepError> {
        self.0.clock(field, t)
    }
    fn time_at_clock(&self, field: &Counted<&F>, clock: f64) -> Result<f64, StepError> {
        self.0.time_at_clock(field, clock)
    }
    fn derivative(
        &self,
        field: &Counted<&F>,
        du: &mut S,
        u: &S,
        t: f64,
    ) -> Result<bool, StepError> {
        self.0.derivative(field, du, u, t)
    }
    fn seed_first_evaluation(
        &self,
        derivative: &S,
        memory: &mut Self::Memory,
    ) -> Result<(), StateError> {
        self.0.seed_first_evaluation(derivative, memory.as_mut())
    }
    fn seed_history(
        &self,
        field: &Counted<&F>,
        past: &[(f64, S)],
        memory: &mut Self::Memory,
    ) -> Result<(), StepError> {
        self.0.seed_history(field, past, memory.as_mut())
    }
    fn error<'m>(&self, memory: &'m Self::Memory) -> ErrorEstimate<'m, S> {
        self.0.error(memory.as_ref())
    }
    fn interpolant_evaluations(&self) -> u64 {
        self.0.interpolant_evaluations()
    }
    fn prepare_interpolant(
        &self,
        step: Step<'_, S, F>,
        memory: &mut Self::Memory,
    ) -> Result<(), StepError> {
        self.0.prepare_interpolant(step, memory.as_mut())
    }
    fn interpolant<'m>(&self, memory: &'m Self::Memory) -> Option<Interpolant<'m, S>> {
        self.0.interpolant(memory.as_ref())
    }
}
