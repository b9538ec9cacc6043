use super::{Diagonal, FieldError, FieldOutcome, StochasticField, Times, VectorField};

/// In which sense `g(u, t) dW` is meant.
pub trait Interpretation: 'static {
    /// What is subtracted from `dW^2`, in units of the step, in the second-order
    /// term `g g' (dW^2 - c h) / 2`: 1 for Ito, 0 for Stratonovich.
    const ITO_TERM: f64;
}

/// In the sense of Ito: `g` taken at the start of the step. As a type without
/// parameters it names the interpretation; with drift `f` and diffusion `g` it is
/// the right-hand side `f dt + g dW`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ito<F = (), G = ()> {
    /// `f`.
    pub drift: F,
    /// `g`: its diagonal, or what [`ScalarNoise`](super::ScalarNoise) and
    /// [`MatrixNoise`](super::MatrixNoise) make of it.
    pub diffusion: G,
}

/// In the sense of Stratonovich: the limit of smooth noise, for which the ordinary
/// chain rule holds. Used as [`Ito`] is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stratonovich<F = (), G = ()> {
    /// `f`.
    pub drift: F,
    /// `g`, as in [`Ito`].
    pub diffusion: G,
}

/// Noise that does not depend on the state, for which both senses agree. With a
/// drift `f(u, t)` and a diffusion `g(t)`, a closure `|out, t|`, it is the
/// right-hand side `f dt + g dW`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Additive<F = (), G = ()> {
    /// `f`.
    pub drift: F,
    /// `g`: its diagonal, or what [`ScalarNoise`](super::ScalarNoise) and
    /// [`MatrixNoise`](super::MatrixNoise) make of it.
    pub diffusion: G,
}

impl Interpretation for Ito {
    const ITO_TERM: f64 = 1.0;
}

impl Interpretation for Stratonovich {
    const ITO_TERM: f64 = 0.0;
}

impl Interpretation for Additive {
    const ITO_TERM: f64 = 0.0;
}

/// An equation that may be read in the sense of Ito.
#[diagnostic::on_unimplemented(
    message = "the method solves Ito equations, and this one is meant in the sense of `{Self}`",
    note = "convert it with `AsIto`, or take a Stratonovich method: EulerHeun, StochasticHeun, Milstein"
)]
pub trait ReadAsIto: Interpretation {}

impl ReadAsIto for Ito {}
impl ReadAsIto for Additive {}

/// An equation that may be read in the sense of Stratonovich.
#[diagnostic::on_unimplemented(
    message = "the method solves Stratonovich equations, and this one is meant in the sense of `{Self}`",
    note = "convert it with `AsStratonovich`, or take an Ito method: EulerMaruyama, Milstein, Sriw1"
)]
pub trait ReadAsStratonovich: Interpretation {}

impl ReadAsStratonovich for Stratonovich {}
impl ReadAsStratonovich for Additive {}

macro_rules! diagonal_noise {
    ($sense:ident) => {
        impl<S, F: VectorField<S>, G: VectorField<S>> StochasticField<S> for $sense<F, G> {
            type Interpretation = $sense;
            type Noise = Diagonal;
            fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
                self.drift.eval(out, u, t.into())
            }
            fn diffusion(
                &self,
                _channel: usize,
                out: &mut S,
                u: &S,
                t: f64,
            ) -> Result<(), FieldError> {
                self.diffusion.eval(out, u, t.into())
            }
            fn forwards(&self, t: Times<'_>) -> u64 {
                self.drift.forwards(t)
            }
        }
    };
}
diagonal_noise!(Ito);
diagonal_noise!(Stratonovich);

impl<S, F, G, R> StochasticField<S> for Additive<F, G>
where
    F: VectorField<S>,
    G: Fn(&mut S, f64) -> R,
    R: FieldOutcome,
{
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.drift.eval(out, u, t.into())
    }
    fn diffusion(&self, _channel: usize, out: &mut S, _u: &S, t: f64) -> Result<(), FieldError> {
        (self.diffusion)(out, t).into_result()
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        self.drift.forwards(t)
    }
}
