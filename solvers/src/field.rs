//! Right-hand sides: vector fields, drift and diffusion, and the wrapper that
//! counts their evaluations.

mod by_lane;
mod columns;
mod correction;
mod derivative;
mod each_lane;
mod interpretation;
mod noise_kind;
mod products;
mod stochastic;

use std::cell::{Cell, RefCell};

use crate::cause::Cause;
use crate::number::Number;
use crate::state::{State, StateError};

pub use by_lane::{ByLane, Targets, Times, affine, combine};
pub use columns::{MatrixNoise, ScalarNoise};
pub use correction::{AsIto, AsStratonovich};
pub use derivative::{DiffusionDerivative, WithDerivative};
pub use each_lane::{EachLane, LaneTimes, in_some_lanes};
pub use interpretation::{
    Additive, Interpretation, Ito, ReadAsIto, ReadAsStratonovich, Stratonovich,
};
pub use noise_kind::{Diagonal, General, NoiseStructure, OneColumn, OneMotion};
pub use products::{Affine, Cotangent, Inputs, Pullback, Pushforward};
pub use stochastic::StochasticField;

/// Why a vector field could not be evaluated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The field is not defined at this time.
    #[error("the field is not defined at t = {t}: {advice}", t = Number(*t))]
    Domain {
        /// Time of the evaluation.
        t: f64,
        /// What is wrong and what to try.
        advice: String,
    },
    /// The state has a shape the field does not accept.
    #[error("the field expects {expected}, the state has {found}")]
    Shape {
        /// Shape the field takes.
        expected: String,
        /// Shape it was given.
        found: String,
    },
    /// An operation on states failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The budget of evaluations is spent; raised by [`Counted`], never by a field.
    #[error("the budget of function evaluations is spent")]
    BudgetSpent,
    /// The field cannot do what is asked for: lanes at times of their own, a product with its
    /// Jacobian.
    #[error("the field has no {0}")]
    Refused(String),
    /// Anything else, as the field's author reports it: in the author's words, and with the
    /// author's error for its source.
    #[error("{0}")]
    Other(#[source] Cause),
}

impl FieldError {
    /// An error of the field's own, or one in words.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        FieldError::Other(Cause::new(error))
    }
}

/// The right-hand side `f(u, t)` of `du/dt = f(u, t)`.
///
/// Any closure `|du: &mut S, u: &S, t: f64| ...` is one, whether it returns
/// nothing or a `Result<(), FieldError>`. It takes one time for all lanes; [`EachLane`] and
/// [`LaneTimes`] make fields of closures that take more.
///
/// An error returned here ends all lanes; NaN written for a lane concerns that lane alone.
pub trait VectorField<S> {
    /// Writes `f(u, t)` into `du`, whose old content is arbitrary, lane by lane.
    fn eval(&self, du: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError>;

    /// Evaluates, and multiplies the Jacobian from the left: gradients through a solve.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] unless the field says how.
    fn pull_back(&self, _pull: Pullback<'_, S>, _u: &S, _t: Times<'_>) -> Result<(), FieldError> {
        Err(FieldError::Refused("products with its Jacobian from the left".to_owned()))
    }

    /// Evaluates, and multiplies the Jacobian from the right: divergences, sensitivities.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] unless the field says how.
    fn push_forward(
        &self,
        _push: Pushforward<'_, S>,
        _u: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        Err(FieldError::Refused("products with its Jacobian from the right".to_owned()))
    }

    /// Network forward passes made by one evaluation at `t`.
    fn forwards(&self, _t: Times<'_>) -> u64 {
        0
    }
}

/// What a closure may return to be a [`VectorField`].
pub trait FieldOutcome {
    /// The outcome as a result.
    fn into_result(self) -> Result<(), FieldError>;
}

impl FieldOutcome for () {
    fn into_result(self) -> Result<(), FieldError> {
        Ok(())
    }
}

impl FieldOutcome for Result<(), FieldError> {
    fn into_result(self) -> Result<(), FieldError> {
        self
    }
}

impl<S, C, R> VectorField<S> for C
where
    C: Fn(&mut S, &S, f64) -> R,
    R: FieldOutcome,
{
    #[inline(always)]
    fn eval(&self, du: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        self(du, u, t.one()?).into_result()
    }
}

/// Exact numbers of evaluations, as counted around the field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evaluations {
    /// Calls of the vector field or drift: the NFE.
    pub nfe: u64,
    /// Calls of the diffusion, one column each, and of its derivative.
    pub diffusion: u64,
    /// Network forward passes.
    pub network_forwards: u64,
}

/// Wraps a problem's field for one solve, counts every evaluation and refuses
/// those beyond a budget. It has whichever field traits the wrapped field has.
///
/// Counting here, and nowhere else, makes the NFE exact for every method.
#[derive(Debug)]
pub struct Counted<F> {
    field: F,
    budget: u64,
    nfe: Cell<u64>,
    diffusion: Cell<u64>,
    network_forwards: Cell<u64>,
    /// Evaluations that served each lane, where lanes have steps of their own.
    by_lane: RefCell<Vec<u64>>,
}

impl<F> Counted<F> {
    /// Counts evaluations of `field`; `budget` bounds the NFE.
    pub fn new(field: F, budget: Option<u64>) -> Self {
        Counted {
            field,
            budget: budget.unwrap_or(u64::MAX),
            nfe: Cell::new(0),
            diffusion: Cell::new(0),
            network_forwards: Cell::new(0),
            by_lane: RefCell::default(),
        }
    }

    /// The field itself, for what is not an evaluation (its schedule, say).
    pub fn uncounted(&self) -> &F {
        &self.field
    }

    /// The counts so far.
    pub fn evaluations(&self) -> Evaluations {
        Evaluations {
            nfe: self.nfe.get(),
            diffusion: self.diffusion.get(),
            network_forwards: self.network_forwards.get(),
        }
    }

    /// Evaluations allowed.
    pub(crate) fn budget(&self) -> u64 {
        self.budget
    }

    /// Counts one evaluation that makes `forwards` network passes, or refuses it.
    ///
    /// Public for the crates that add field traits: their implementation for
    /// `Counted` calls this before forwarding.
    #[inline(always)]
    pub fn count(&self, forwards: u64) -> Result<(), FieldError> {
        if self.nfe.get() >= self.budget {
            return Err(FieldError::BudgetSpent);
        }
        self.nfe.set(self.nfe.get() + 1);
        self.network_forwards.set(self.network_forwards.get() + forwards);
        Ok(())
    }

    /// From now on counts the evaluations that serve each of `lanes` lanes too.
    pub(crate) fn count_by_lane(&self, lanes: usize) {
        *self.by_lane.borrow_mut() = vec![0; lanes];
    }

    /// Evaluations that served a lane.
    pub(crate) fn of_lane(&self, lane: usize) -> u64 {
        self.by_lane.borrow()[lane]
    }

    /// The lanes changed places.
    pub(crate) fn move_lanes(&self, from: &[usize]) {
        let mut counts = self.by_lane.borrow_mut();
        *counts = from.iter().map(|&lane| counts[lane]).collect();
    }

    /// `evaluate(self, du, u)` for some lanes of the batch alone, or for all of them: one
    /// evaluation, which serves these lanes. The other lanes of `du` stay as they are.
    ///
    /// For steppers of lanes with steps of their own; what they evaluate otherwise is not
    /// counted lane by lane.
    pub fn for_lanes<S: State>(
        &self,
        lanes: Option<&[usize]>,
        (du, u): (&mut S, &S),
        evaluate: impl FnOnce(&Self, &mut S, &S) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let mut counts = self.by_lane.borrow_mut();
        match lanes {
            None => counts.iter_mut().for_each(|count| *count += 1),
            Some(lanes) => lanes.iter().for_each(|&lane| counts[lane] += 1),
        }
        drop(counts);
        match lanes {
            None => evaluate(self, du, u),
            Some(lanes) => in_some_lanes(du, u, lanes, |du, u| evaluate(self, du, u)),
        }
    }
}

impl<S, F: VectorField<S>> VectorField<S> for Counted<&F> {
    #[inline(always)]
    fn eval(&self, du: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        self.count(self.field.forwards(t))?;
        self.field.eval(du, u, t)
    }
    fn pull_back(&self, pull: Pullback<'_, S>, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        self.count(self.field.forwards(t))?;
        self.field.pull_back(pull, u, t)
    }
    fn push_forward(
        &self,
        push: Pushforward<'_, S>,
        u: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.count(self.field.forwards(t))?;
        self.field.push_forward(push, u, t)
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.field.forwards(t)
    }
}

impl<F> Counted<F> {
    fn count_diffusion(&self) {
        self.diffusion.set(self.diffusion.get() + 1);
    }
}

impl<S, F: StochasticField<S>> StochasticField<S> for Counted<&F> {
    type Interpretation = F::Interpretation;
    type Noise = F::Noise;
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.count(self.field.forwards(t.into()))?;
        self.field.drift(out, u, t)
    }
    fn diffusion(&self, channel: usize, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.count_diffusion();
        self.field.diffusion(channel, out, u, t)
    }
    fn channels(&self) -> usize {
        self.field.channels()
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.field.forwards(t)
    }
}

impl<S, F: DiffusionDerivative<S>> DiffusionDerivative<S> for Counted<&F> {
    fn diffusion_derivative(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.count_diffusion();
        self.field.diffusion_derivative(out, u, t)
    }
}
