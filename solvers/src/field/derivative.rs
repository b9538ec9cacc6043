use super::{FieldError, StochasticField, Times, VectorField};

/// A diffusion whose derivative along itself is known: what Milstein's method in
/// its classical form needs, and the conversion between Ito and Stratonovich.
pub trait DiffusionDerivative<S>: StochasticField<S> {
    /// Writes `sum_k (D g_k) g_k`, the derivative of every column along itself,
    /// into `out`; for diagonal noise that is `g_i dg_i/du_i`.
    fn diffusion_derivative(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError>;
}

/// A right-hand side together with the derivative of its diffusion along itself.
///
/// ```
/// use driftfield_solvers::field::{Ito, WithDerivative};
/// use driftfield_solvers::{SdeProblem, SolveOptions, method::Milstein, solve};
/// let field = WithDerivative {
///     field: Ito {
///         drift: |du: &mut f64, u: &f64, _t: f64| *du = 0.1 * u,
///         diffusion: |g: &mut f64, u: &f64, _t: f64| *g = 0.2 * u,
///     },
///     // g g' = 0.2 u * 0.2.
///     derivative: |out: &mut f64, u: &f64, _t: f64| *out = 0.04 * u,
/// };
/// let problem = SdeProblem::from_field(field, 1.0, (0.0, 1.0));
/// let end = solve(&problem, &Milstein::new(), SolveOptions::steps(64)).unwrap().complete().unwrap();
/// assert!(end > 0.0);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct WithDerivative<F, D> {
    /// Drift and diffusion.
    pub field: F,
    /// Writes `sum_k (D g_k) g_k`; for diagonal noise `g_i dg_i/du_i`.
    pub derivative: D,
}

impl<S, F: StochasticField<S>, D> StochasticField<S> for WithDerivative<F, D> {
    type Interpretation = F::Interpretation;
    type Noise = F::Noise;
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.field.drift(out, u, t)
    }
    fn diffusion(&self, channel: usize, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.field.diffusion(channel, out, u, t)
    }
    fn channels(&self) -> usize {
        self.field.channels()
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.field.forwards(t)
    }
}

impl<S, F: StochasticField<S>, D: VectorField<S>> DiffusionDerivative<S> for WithDerivative<F, D> {
    fn diffusion_derivative(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.derivative.eval(out, u, t.into())
    }
}
