use super::Problem;
use crate::state::State;

/// `du/dt = f(u, t)` from `u(t0) = u0` to `t1`.
///
/// ```
/// use driftfield_solvers::OdeProblem;
/// let decay = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
/// # let _ = decay;
/// ```
#[derive(Debug, Clone)]
pub struct OdeProblem<S, F> {
    /// The vector field `f`.
    pub field: F,
    /// The state at the start.
    pub initial: S,
    /// Start and end; the end may come first.
    pub span: (f64, f64),
}

impl<S: State, F> OdeProblem<S, F> {
    /// The problem of following `field` from `initial` over `span`.
    pub fn new(field: F, initial: S, span: (f64, f64)) -> Self {
        OdeProblem { field, initial, span }
    }
}

impl<S: State, F> Problem for OdeProblem<S, F> {
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
