use super::{
    ErrorEstimate, Interpolant, Method, MethodInfo, Step, StepError, Stepper, StochasticInfo, Told,
};
use crate::field::{Counted, Times};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// A method chosen at run time.
pub struct BoxedMethod<S, F>(Box<dyn ErasedMethod<S, F>>);

impl<S: State, F: 'static> BoxedMethod<S, F> {
    /// Forgets the type of `method`.
    pub fn new(method: impl Method<S, F> + Send + Sync + 'static) -> Self {
        BoxedMethod(Box::new(method))
    }
}

/// [`Method`] with its stepper in a box.
trait ErasedMethod<S, F>: Send + Sync {
    fn info(&self) -> MethodInfo;
    fn stochastic(&self) -> Option<StochasticInfo>;
    fn noise(&self, field: &F) -> Option<NoiseRequest>;
    fn begin(&self, initial: &S) -> Box<dyn Stepper<S, F>>;
    fn clock(&self, field: &Counted<&F>, t: f64) -> Result<f64, StepError>;
    fn time_at_clock(&self, field: &Counted<&F>, clock: f64) -> Result<f64, StepError>;
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
    fn begin(&self, initial: &S) -> Box<dyn Stepper<S, F>> {
        Box::new(Method::begin(self, initial))
    }
    fn clock(&self, field: &Counted<&F>, t: f64) -> Result<f64, StepError> {
        Method::clock(self, field, t)
    }
    fn time_at_clock(&self, field: &Counted<&F>, clock: f64) -> Result<f64, StepError> {
        Method::time_at_clock(self, field, clock)
    }
}

impl<S: State, F: 'static> Method<S, F> for BoxedMethod<S, F> {
    type Stepper = Box<dyn Stepper<S, F>>;

    fn info(&self) -> MethodInfo {
        self.0.info()
    }
    fn stochastic(&self) -> Option<StochasticInfo> {
        self.0.stochastic()
    }
    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        self.0.noise(field)
    }
    fn begin(&self, initial: &S) -> Self::Stepper {
        self.0.begin(initial)
    }
    fn clock(&self, field: &Counted<&F>, t: f64) -> Result<f64, StepError> {
        self.0.clock(field, t)
    }
    fn time_at_clock(&self, field: &Counted<&F>, clock: f64) -> Result<f64, StepError> {
        self.0.time_at_clock(field, clock)
    }
}

impl<S: State, F, P: Stepper<S, F> + ?Sized> Stepper<S, F> for Box<P> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        (**self).step(step)
    }
    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        (**self).tell(told)
    }
    fn error(&self) -> ErrorEstimate<'_, S> {
        (**self).error()
    }
    fn slope(
        &mut self,
        field: &Counted<&F>,
        du: &mut S,
        at: (&S, Times<'_>),
        kept: bool,
    ) -> Result<bool, StepError> {
        (**self).slope(field, du, at, kept)
    }
    fn known(&self, lane: usize) -> u64 {
        (**self).known(lane)
    }
    fn look_back(&mut self, field: &Counted<&F>, past: &[(f64, S)]) -> Result<(), StepError> {
        (**self).look_back(field, past)
    }
    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        (**self).prepare_interpolant(step)
    }
    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        (**self).interpolant()
    }
}
