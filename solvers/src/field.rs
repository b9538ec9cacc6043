//! Right-hand sides: vector fields, drift and diffusion, and the wrapper that
//! counts their evaluations.

mod columns;
mod correction;
mod derivative;
mod interpretation;
mod noise_kind;
mod stochastic;

use std::cell::Cell;

use crate::number::Number;
use crate::state::StateError;

pub use columns::{MatrixNoise, ScalarNoise};
pub use correction::{AsIto, AsStratonovich};
pub use derivative::{DiffusionDerivative, WithDerivative};
pub use interpretation::{
    Additive, Interpretation, Ito, ReadAsIto, ReadAsStratonovich, Stratonovich,
};
pub use noise_kind::{Diagonal, General, NoiseStructure, OneColumn, Scalar};
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
    /// Anything else, in the words of the field's author.
    #[error("{0}")]
    Other(String),
}

/// The right-hand side `f(u, t)` of `du/dt = f(u, t)`.
///
/// Any closure `|du: &mut S, u: &S, t: f64| ...` is one, whether it returns
/// nothing or a `Result<(), FieldError>`.
pub trait VectorField<S> {
    /// Writes `f(u, t)` into `du`, whose old content is arbitrary.
    fn eval(&self, du: &mut S, u: &S, t: f64) -> Result<(), FieldError>;

    /// Network forward passes made by one evaluation.
    fn network_forwards(&self) -> u64 {
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
    fn eval(&self, du: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self(du, u, t).into_result()
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
}

impl<S, F: VectorField<S>> VectorField<S> for Counted<&F> {
    #[inline(always)]
    fn eval(&self, du: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.count(self.field.network_forwards())?;
        self.field.eval(du, u, t)
    }
    fn network_forwards(&self) -> u64 {
        self.field.network_forwards()
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
        self.count(self.field.network_forwards())?;
        self.field.drift(out, u, t)
    }
    fn diffusion(&self, channel: usize, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.count_diffusion();
        self.field.diffusion(channel, out, u, t)
    }
    fn channels(&self) -> usize {
        self.field.channels()
    }
    fn network_forwards(&self) -> u64 {
        self.field.network_forwards()
    }
}

impl<S, F: DiffusionDerivative<S>> DiffusionDerivative<S> for Counted<&F> {
    fn diffusion_derivative(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.count_diffusion();
        self.field.diffusion_derivative(out, u, t)
    }
}
