use driftfield_solvers::field::{Additive, Diagonal, Times};
use driftfield_solvers::{Counted, FieldError, SdeProblem, State, StochasticField, VectorField};

use super::PhaseSpace;
use crate::flow::fill;

/// A friction that damps nothing, or is no number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "the friction is {0}; it must be finite and above 0, for without it the velocities never forget where they started"
)]
pub struct LangevinError(pub f64);

/// Underdamped Langevin dynamics of unit mass and temperature,
/// `dq = v dt`, `dv = grad log p(q) dt - friction v dt + sqrt(2 friction) dW`, which leaves
/// `p(q) N(v; 0, I)` as it is.
///
/// The [splitting schemes](super::Baoab) solve its parts one by one. It is an SDE with additive
/// noise like any other too, the noise of the positions being 0.
#[derive(Debug, Clone, Copy)]
pub struct UnderdampedLangevin<V> {
    score: V,
    friction: f64,
}

impl<V> UnderdampedLangevin<V> {
    /// The dynamics of the density with that score.
    pub fn new(score: V, friction: f64) -> Result<Self, LangevinError> {
        if friction > 0.0 && friction.is_finite() {
            return Ok(UnderdampedLangevin { score, friction });
        }
        Err(LangevinError(friction))
    }

    /// The dynamics from rest at `position` over times 0 to `length`.
    pub fn problem<S: State>(self, position: S, length: f64) -> SdeProblem<PhaseSpace<S>, Self>
    where
        V: VectorField<S>,
    {
        SdeProblem::from_field(self, PhaseSpace::at_rest(position), (0.0, length))
    }
}

/// What splitting schemes ask for.
pub trait ForceField<S> {
    /// Writes the force at `position` into `out`: one evaluation.
    fn force(&self, out: &mut S, position: &S, t: f64) -> Result<(), FieldError>;

    /// The friction.
    fn friction(&self) -> f64;

    /// Network forward passes made by one force at `t`.
    fn forwards(&self, _t: Times<'_>) -> u64 {
        0
    }
}

impl<S, V: VectorField<S>> ForceField<S> for UnderdampedLangevin<V> {
    fn force(&self, out: &mut S, position: &S, t: f64) -> Result<(), FieldError> {
        self.score.eval(out, position, t.into())
    }
    fn friction(&self) -> f64 {
        self.friction
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.score.forwards(t)
    }
}

impl<S, F: ForceField<S>> ForceField<S> for Counted<&F> {
    fn force(&self, out: &mut S, position: &S, t: f64) -> Result<(), FieldError> {
        self.count(self.uncounted().forwards(t.into()))?;
        self.uncounted().force(out, position, t)
    }
    fn friction(&self) -> f64 {
        self.uncounted().friction()
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.uncounted().forwards(t)
    }
}

impl<S: State, V: VectorField<S>> StochasticField<PhaseSpace<S>> for UnderdampedLangevin<V> {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut PhaseSpace<S>, u: &PhaseSpace<S>, t: f64) -> Result<(), FieldError> {
        out.position.copy_from(&u.velocity)?;
        self.score.eval(&mut out.velocity, &u.position, t.into())?;
        Ok(out.velocity.linear_combination(1.0, &[(-self.friction, &u.velocity)])?)
    }
    fn diffusion(
        &self,
        _: usize,
        out: &mut PhaseSpace<S>,
        _u: &PhaseSpace<S>,
        _t: f64,
    ) -> Result<(), FieldError> {
        fill(&mut out.position, 0.0)?;
        fill(&mut out.velocity, (2.0 * self.friction).sqrt())
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.score.forwards(t)
    }
}
