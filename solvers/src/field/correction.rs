//! The drift correction: `f dt + g o dW` in the sense of Stratonovich is
//! `(f + c) dt + g dW` in the sense of Ito, with `c = 1/2 sum_k (D g_k) g_k`.
//!
//! Both senses refer to the direction in which the equation is solved. Over
//! decreasing time `dt` is negative while `dW^2` is not, so that the correction
//! enters with the other sign.

use std::sync::Mutex;

use super::{DiffusionDerivative, FieldError, Ito, StochasticField, Stratonovich, Times};
use crate::state::State;

/// A Stratonovich equation written as the Ito equation of the same solutions.
///
/// ```
/// use driftfield_solvers::field::{AsIto, Stratonovich, WithDerivative};
/// use driftfield_solvers::{SdeProblem, SolveOptions, method::EulerMaruyama, solve};
/// // du = 0.5 u o dW, whose solution is exp(0.5 W).
/// let field = WithDerivative {
///     field: Stratonovich {
///         drift: |du: &mut f64, _u: &f64, _t: f64| *du = 0.0,
///         diffusion: |g: &mut f64, u: &f64, _t: f64| *g = 0.5 * u,
///     },
///     derivative: |out: &mut f64, u: &f64, _t: f64| *out = 0.25 * u,
/// };
/// let problem = SdeProblem::from_field(AsIto::new(field), 1.0, (0.0, 1.0));
/// assert!(solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(64)).is_ok());
/// ```
#[derive(Debug)]
pub struct AsIto<F, S>(Corrected<F, S>);

/// An Ito equation written as the Stratonovich equation of the same solutions.
#[derive(Debug)]
pub struct AsStratonovich<F, S>(Corrected<F, S>);

/// A field whose drift is corrected, with a state to compute the correction in.
#[derive(Debug)]
struct Corrected<F, S> {
    field: F,
    /// What multiplies the sum over the columns.
    factor: f64,
    scratch: Mutex<Option<S>>,
}

impl<F, S> Corrected<F, S> {
    fn new(field: F, factor: f64) -> Self {
        Corrected { field, factor, scratch: Mutex::new(None) }
    }
}

impl<S: State, F: DiffusionDerivative<S>> Corrected<F, S> {
    /// Writes `f + factor * sum_k (D g_k) g_k` into `out`.
    fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        self.field.drift(out, u, t)?;
        // Threads that share the field do not wait for each other's scratch.
        let mut kept = self.scratch.try_lock().ok();
        let mut own = None;
        let slot = kept.as_deref_mut().unwrap_or(&mut own);
        if slot.as_ref().is_some_and(|s| (s.lanes(), s.lane_len()) != (u.lanes(), u.lane_len())) {
            *slot = None;
        }
        let correction = slot.get_or_insert_with(|| u.zeros_like());
        self.field.diffusion_derivative(correction, u, t)?;
        Ok(out.linear_combination(1.0, &[(self.factor, correction)])?)
    }
}

macro_rules! conversion {
    ($target:ident: $from:ident -> $to:ident, $factor:expr) => {
        impl<F, S> $target<F, S> {
            /// Converts `field` for a solve over increasing time.
            pub fn new(field: F) -> Self {
                $target(Corrected::new(field, $factor))
            }

            /// Converts `field` for a solve over decreasing time.
            pub fn over_decreasing_time(field: F) -> Self {
                $target(Corrected::new(field, -$factor))
            }
        }

        impl<S, F> StochasticField<S> for $target<F, S>
        where
            S: State,
            F: DiffusionDerivative<S, Interpretation = $from>,
        {
            type Interpretation = $to;
            type Noise = F::Noise;
            fn drift(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
                self.0.drift(out, u, t)
            }
            fn diffusion(
                &self,
                channel: usize,
                out: &mut S,
                u: &S,
                t: f64,
            ) -> Result<(), FieldError> {
                self.0.field.diffusion(channel, out, u, t)
            }
            fn channels(&self) -> usize {
                self.0.field.channels()
            }
            fn forwards(&self, t: Times<'_>) -> u64 {
                self.0.field.forwards(t)
            }
        }

        impl<S, F> DiffusionDerivative<S> for $target<F, S>
        where
            S: State,
            F: DiffusionDerivative<S, Interpretation = $from>,
        {
            fn diffusion_derivative(&self, out: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
                self.0.field.diffusion_derivative(out, u, t)
            }
        }
    };
}
conversion!(AsIto: Stratonovich -> Ito, 0.5);
conversion!(AsStratonovich: Ito -> Stratonovich, -0.5);
