use super::Problem;
use crate::field::{Additive, Ito, Stratonovich};
use crate::state::State;

/// `du = f(u, t) dt + g(u, t) dW` from `u(t0) = u0` to `t1`. The field's type says
/// whether it is meant in the sense of Ito or of Stratonovich, and how the noise
/// is built.
///
/// With `t1 < t0` the same equation is followed towards smaller times, the
/// increments having variance `|dt|` and the sense of `g dW` being that of the
/// direction of the solve; this is what Anderson's reversal of a diffusion needs.
/// It does not retrace a forward path: for that, which is another thing, there is
/// [`Retraced`](crate::noise::Retraced).
#[derive(Debug, Clone)]
pub struct SdeProblem<S, F> {
    /// Drift and diffusion: [`Ito`], [`Stratonovich`], [`Additive`], or any
    /// [`StochasticField`](crate::StochasticField).
    pub field: F,
    /// The state at the start.
    pub initial: S,
    /// Start and end; the end may come first.
    pub span: (f64, f64),
}

impl<S: State, F> SdeProblem<S, F> {
    /// A problem from a field that holds drift and diffusion together.
    pub fn from_field(field: F, initial: S, span: (f64, f64)) -> Self {
        SdeProblem { field, initial, span }
    }
}

impl<S: State, F, G> SdeProblem<S, Ito<F, G>> {
    /// A problem in the sense of Ito, from a drift and the diagonal of a diffusion.
    /// For other noise, [`SdeProblem::from_field`] takes a
    /// [`ScalarNoise`](crate::field::ScalarNoise) or a
    /// [`MatrixNoise`](crate::field::MatrixNoise).
    pub fn new(drift: F, diffusion: G, initial: S, span: (f64, f64)) -> Self {
        SdeProblem { field: Ito { drift, diffusion }, initial, span }
    }
}

impl<S: State, F, G> SdeProblem<S, Stratonovich<F, G>> {
    /// A problem in the sense of Stratonovich, from a drift and the diagonal of a
    /// diffusion.
    pub fn stratonovich(drift: F, diffusion: G, initial: S, span: (f64, f64)) -> Self {
        SdeProblem { field: Stratonovich { drift, diffusion }, initial, span }
    }
}

impl<S: State, F, G> SdeProblem<S, Additive<F, G>> {
    /// A problem with a diagonal diffusion that depends on time alone, a closure
    /// `|out, t|`.
    pub fn additive(drift: F, diffusion: G, initial: S, span: (f64, f64)) -> Self {
        SdeProblem { field: Additive { drift, diffusion }, initial, span }
    }
}

impl<S: State, F> Problem for SdeProblem<S, F> {
    type State = S;
    type Field = F;
    fn field(&self) -> &F {
        &self.field
    }
    fn initial(&self) -> &S {
        &self.initial
    }
    fn span(&self) -> (f64, f64) {
        self.span
    }
}
