use super::info::{NoiseKind, Orders, Sense, StochasticInfo};
use super::wiener::{Wiener, ones, product, request};
use crate::field::{DiffusionDerivative, Interpretation, OneColumn, StochasticField};
use crate::method::{Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// Milstein's method with the derivative of the diffusion,
/// `u_next = u + h f + g dW + 1/2 g g' (dW^2 - c h)`, `c = 1` in the sense of Ito
/// and 0 in that of Stratonovich: the equation's type decides (Milstein, *Theory
/// Probab. Appl.* 19, 1975; Kloeden & Platen, *Numerical Solution of SDEs*, 10.3).
/// Diagonal or scalar noise; strong and weak order 1.
///
/// The field gives `g g'` through [`DiffusionDerivative`]; without it there is
/// [`MilsteinDerivativeFree`](super::MilsteinDerivativeFree).
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Milstein;

impl Milstein {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        Milstein
    }
}

pub(super) const INFO: StochasticInfo = StochasticInfo {
    senses: &[Sense::Ito, Sense::Stratonovich],
    orders: &[
        Orders::of(NoiseKind::Additive, 1.0, 1.0),
        Orders::of(NoiseKind::Scalar, 1.0, 1.0),
        Orders::of(NoiseKind::Diagonal, 1.0, 1.0),
    ],
};

/// Scratch of a Milstein step, with `g g'` or its difference quotient.
#[derive(Debug)]
pub(super) struct MilsteinScratch<S> {
    pub(super) drift: S,
    pub(super) diffusion: S,
    /// `g g'`, or its difference quotient.
    pub(super) derivative: S,
    pub(super) support: S,
    pub(super) iterated: S,
    ones: S,
    pub(super) wiener: Wiener<S>,
}

impl<S: State> MilsteinScratch<S> {
    pub(super) fn new(initial: &S) -> Self {
        let zeros = || initial.zeros_like();
        MilsteinScratch {
            drift: zeros(),
            diffusion: zeros(),
            derivative: zeros(),
            support: zeros(),
            iterated: zeros(),
            ones: ones(initial),
            wiener: Wiener::new(),
        }
    }

    pub(super) fn states(&mut self) -> impl Iterator<Item = &mut S> {
        let MilsteinScratch { drift, diffusion, derivative, support, iterated, ones, wiener } =
            self;
        wiener.states().chain([drift, diffusion, derivative, support, iterated, ones])
    }

    /// `next <- u + h f + g dW + (dW^2 - c |h|) / 2 * derivative`.
    pub(super) fn advance(
        &mut self,
        next: &mut S,
        u: &S,
        ito_term: f64,
        h: f64,
    ) -> Result<(), StateError> {
        let dw = &self.wiener.dw[0];
        product(&mut self.iterated, dw, dw)?;
        self.iterated.linear_combination(0.5, &[(-0.5 * ito_term * h.abs(), &self.ones)])?;
        let terms = [(1.0, u), (h, &self.drift)];
        next.linear_combination_and_product(0.0, &terms, (&self.diffusion, dw))?;
        next.add_product(&self.derivative, &self.iterated)
    }
}

/// Milstein's method in the midst of a solve.
#[derive(Debug)]
pub struct MilsteinStepper<S>(MilsteinScratch<S>);

impl<S, F> Method<S, F> for Milstein
where
    S: State,
    F: DiffusionDerivative<S>,
    F::Noise: OneColumn,
{
    type Stepper = MilsteinStepper<S>;

    fn info(&self) -> MethodInfo {
        INFO.method_info("milstein", 1, 1, None)
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, false))
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        MilsteinStepper(MilsteinScratch::new(initial))
    }
}

impl<S, F> Stepper<S, F> for MilsteinStepper<S>
where
    S: State,
    F: DiffusionDerivative<S>,
    F::Noise: OneColumn,
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let scratch = &mut self.0;
        field.drift(&mut scratch.drift, u, t)?;
        field.diffusion(0, &mut scratch.diffusion, u, t)?;
        field.diffusion_derivative(&mut scratch.derivative, u, t)?;
        scratch.wiener.draw(noise, 1, u, (t, t_next))?;
        scratch.advance(next, u, F::Interpretation::ITO_TERM, h)?;
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        told.move_lanes(self.0.states())
    }
}
