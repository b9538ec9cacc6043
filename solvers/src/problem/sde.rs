use super::Problem;
use crate::field::Ito;
use crate::state::State;

/// `du = f(u, t) dt + g(u, t) dW` in the sense of Ito, from `u(t0) = u0` to
/// `t1`, with one independent Brownian motion per component.
///
/// With `t1 < t0` the same equation is followed towards smaller times, the
/// increments having variance `|dt|`; this is what Anderson's reversal of a
/// diffusion needs. It does not retrace a forward path.
#[derive(Debug, Clone)]
pub struct SdeProblem<S, F> {
    /// Drift and diffusion: [`Ito`], or any
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
    /// A problem from a drift and the diagonal of a diffusion.
    pub fn new(drift: F, diffusion: G, initial: S, span: (f64, f64)) -> Self {
        SdeProblem { field: Ito { drift, diffusion }, initial, span }
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
