use super::{FieldError, Interpretation, NoiseStructure, Times};

/// Drift and diffusion of `du = f(u, t) dt + g(u, t) dW`.
///
/// The type says in which sense the equation is meant and how its noise is built,
/// so that the compiler refuses a method that does not apply. Most equations are
/// an [`Ito`](super::Ito), a [`Stratonovich`](super::Stratonovich) or an
/// [`Additive`](super::Additive) made of closures; a type of its own is for
/// fields that hold drift and diffusion together:
///
/// ```
/// use driftfield_solvers::field::{Additive, Diagonal};
/// use driftfield_solvers::{FieldError, StochasticField};
/// struct OrnsteinUhlenbeck { rate: f64, noise: f64 }
/// impl StochasticField<f64> for OrnsteinUhlenbeck {
///     type Interpretation = Additive;
///     type Noise = Diagonal;
///     fn drift(&self, out: &mut f64, u: &f64, _t: f64) -> Result<(), FieldError> {
///         *out = -self.rate * u;
///         Ok(())
///     }
///     fn diffusion(&self, _: usize, out: &mut f64, _u: &f64, _t: f64) -> Result<(), FieldError> {
///         *out = self.noise;
///         Ok(())
///     }
/// }
/// ```
pub trait StochasticField<S> {
    /// [`Ito`](super::Ito), [`Stratonovich`](super::Stratonovich), or
    /// [`Additive`](super::Additive) where `g` does not depend on `u`.
    type Interpretation: Interpretation;
    /// [`Diagonal`](super::Diagonal), [`OneMotion`](super::OneMotion) or
    /// [`General`](super::General).
    type Noise: NoiseStructure;

    /// Writes `f(u, t)` into `out`.
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError>;

    /// Writes the diagonal of `g(u, t)`, or its column number `channel`, into
    /// `out`. `channel` is 0 for diagonal and scalar noise.
    fn diffusion(&self, channel: usize, out: &mut S, u: &S, t: f64) -> Result<(), FieldError>;

    /// Columns of `g`; one for diagonal and scalar noise.
    fn channels(&self) -> usize {
        1
    }

    /// Network forward passes made by one drift evaluation at `t`.
    fn forwards(&self, _t: Times<'_>) -> u64 {
        0
    }
}
