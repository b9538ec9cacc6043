use driftfield_solvers::field::{Additive, Diagonal, Times};
use driftfield_solvers::{FieldError, SdeProblem, State, StochasticField, VectorField};

use crate::flow::fill;

/// Overdamped Langevin dynamics `dx = grad log p(x) dt + sqrt(2) dW`, which leaves `p` as it is.
///
/// Its noise is additive, so that every stochastic method applies. Euler-Maruyama on it is
/// the unadjusted Langevin algorithm, whose stationary variance on a Gaussian of curvature `k`
/// (variance `1 / k`) is `1 / (k (1 - h k / 2))`.
#[derive(Debug, Clone, Copy)]
pub struct OverdampedLangevin<V> {
    score: V,
}

impl<V> OverdampedLangevin<V> {
    /// The dynamics of the density with that score.
    pub fn new(score: V) -> Self {
        OverdampedLangevin { score }
    }

    /// The dynamics from `initial` over times 0 to `length`.
    pub fn problem<S: State>(self, initial: S, length: f64) -> SdeProblem<S, Self>
    where
        V: VectorField<S>,
    {
        SdeProblem::from_field(self, initial, (0.0, length))
    }
}

impl<S: State, V: VectorField<S>> StochasticField<S> for OverdampedLangevin<V> {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.score.eval(out, u, t.into())
    }
    fn diffusion(&self, _: usize, out: &mut S, _u: &S, _t: f64) -> Result<(), FieldError> {
        fill(out, std::f64::consts::SQRT_2)
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.score.forwards(t)
    }
}
