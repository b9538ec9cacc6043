use super::{
    Additive, Diagonal, FieldError, FieldOutcome, General, Ito, OneMotion, StochasticField,
    Stratonovich, Times, VectorField,
};

/// One Brownian motion for all components of a lane: what the wrapped field calls
/// the diagonal of `g` is its only column.
///
/// ```
/// use driftfield_solvers::field::{Ito, ScalarNoise};
/// use driftfield_solvers::{SdeProblem, SolveOptions, method::MilsteinDerivativeFree, solve};
/// let drift = |du: &mut [f64; 2], u: &[f64; 2], _t: f64| *du = u.map(|x| -x);
/// let column = |g: &mut [f64; 2], u: &[f64; 2], _t: f64| *g = [0.2 * u[1], 0.1];
/// let field = ScalarNoise(Ito { drift, diffusion: column });
/// let problem = SdeProblem::from_field(field, [1.0, 0.5], (0.0, 1.0));
/// assert!(solve(&problem, &MilsteinDerivativeFree::new(), SolveOptions::steps(50)).is_ok());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ScalarNoise<F>(pub F);

impl<S, F: StochasticField<S, Noise = Diagonal>> StochasticField<S> for ScalarNoise<F> {
    type Interpretation = F::Interpretation;
    type Noise = OneMotion;
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.0.drift(out, u, t)
    }
    fn diffusion(&self, channel: usize, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.0.diffusion(channel, out, u, t)
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.0.forwards(t)
    }
}

/// Several Brownian motions for all components of a lane. The wrapped [`Ito`],
/// [`Stratonovich`] or [`Additive`] has for its diffusion a closure
/// `|channel, out, u, t|`, without `u` if additive, which writes one column of `g`.
///
/// ```
/// use driftfield_solvers::field::{Ito, MatrixNoise};
/// use driftfield_solvers::{SdeProblem, SolveOptions, method::EulerMaruyama, solve};
/// // Two Brownian motions move three components.
/// let drift = |du: &mut [f64; 3], u: &[f64; 3], _t: f64| *du = u.map(|x| -x);
/// let columns = |k: usize, g: &mut [f64; 3], u: &[f64; 3], _t: f64| {
///     *g = if k == 0 { [0.1, 0.2 * u[0], 0.0] } else { [0.0, 0.1, 0.3 * u[2]] };
/// };
/// let field = MatrixNoise::new(2, Ito { drift, diffusion: columns });
/// let problem = SdeProblem::from_field(field, [1.0, 0.0, 0.5], (0.0, 1.0));
/// let solution = solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(50).seed(3)).unwrap();
/// assert!(solution.outcome.is_success());
/// assert_eq!(solution.statistics.diffusion_evaluations, 100);
/// ```
///
/// Methods that would need the iterated integrals of two Brownian motions are
/// refused:
///
/// ```compile_fail
/// use driftfield_solvers::field::{Ito, MatrixNoise};
/// use driftfield_solvers::{SdeProblem, SolveOptions, method::Sriw1, solve};
/// let drift = |du: &mut f64, u: &f64, _t: f64| *du = -u;
/// let columns = |k: usize, g: &mut f64, u: &f64, _t: f64| *g = k as f64 * u;
/// let field = MatrixNoise::new(2, Ito { drift, diffusion: columns });
/// let problem = SdeProblem::from_field(field, 1.0, (0.0, 1.0));
/// solve(&problem, &Sriw1::new(), SolveOptions::steps(50)).unwrap();
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MatrixNoise<F> {
    channels: usize,
    field: F,
}

impl<F> MatrixNoise<F> {
    /// `field` with `channels` columns.
    pub fn new(channels: usize, field: F) -> Self {
        MatrixNoise { channels, field }
    }
}

macro_rules! matrix_noise {
    ($sense:ident, [$($state:ty)?], |$self:ident, $channel:ident, $out:ident, $u:ident, $t:ident| $column:expr) => {
        impl<S, F, G, R> StochasticField<S> for MatrixNoise<$sense<F, G>>
        where
            F: VectorField<S>,
            G: Fn(usize, &mut S, $(&$state,)? f64) -> R,
            R: FieldOutcome,
        {
            type Interpretation = $sense;
            type Noise = General;
            fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
                self.field.drift.eval(out, u, t.into())
            }
            fn diffusion(
                &$self,
                $channel: usize,
                $out: &mut S,
                $u: &S,
                $t: f64,
            ) -> Result<(), FieldError> {
                $column.into_result()
            }
            fn channels(&self) -> usize {
                self.channels
            }
            fn forwards(&self, t: Times<'_>) -> u64 {
                self.field.drift.forwards(t)
            }
        }
    };
}
matrix_noise!(Ito, [S], |self, channel, out, u, t| (self.field.diffusion)(channel, out, u, t));
matrix_noise!(Stratonovich, [S], |self, channel, out, u, t| (self.field.diffusion)(
    channel, out, u, t
));
matrix_noise!(Additive, [], |self, channel, out, _u, t| (self.field.diffusion)(channel, out, t));
