//! Roessler's Runge-Kutta methods of strong order 3/2 for diagonal and scalar
//! noise: one stepper over `const` tableaux.

use super::info::{NoiseKind, Orders, Sense, StochasticInfo};
use super::wiener::{Wiener, ones, product, request};
use crate::field::{OneColumn, ReadAsIto, StochasticField};
use crate::method::{ErrorEstimate, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// A scheme of Roessler's SRI class (*SIAM J. Numer. Anal.* 48, 2010, section 6.1):
///
/// ```text
/// v_i    = u + h sum_j a0_ij f(v_j) + I10/h sum_j b0_ij g(w_j)
/// w_i    = u + h sum_j a1_ij f(v_j) + sqrt(h) sum_j b1_ij g(w_j)
/// u_next = u + h sum_i alpha_i f(v_i)
///            + sum_i (beta1_i I1 + beta2_i I11/sqrt(h) + beta3_i I10/h + beta4_i I111/h) g(w_i)
/// ```
///
/// with `f` at `t + c0_i h`, `g` at `t + c1_i h`, and the iterated Ito integrals
/// `I1 = W`, `I11 = (W^2 - h)/2`, `I111 = (W^3 - 3 h W)/6`, `I10 = h (W/2 + H)`,
/// `H` being the space-time Levy area. Drift stages that no other stage uses, and
/// repeated ones, are left out of the lists.
#[derive(Debug, Clone, Copy)]
pub struct SriTableau {
    /// Name of the method.
    pub name: &'static str,
    /// Order on ODEs.
    pub order: u32,
    /// Weak order for multiplicative noise; for additive noise all have 2.
    pub weak_order: f64,
    /// `a0`, one row for every drift stage.
    pub a0: &'static [&'static [f64]],
    /// `b0`, one row for every drift stage.
    pub b0: &'static [&'static [f64]],
    /// `a1`, one row for every diffusion stage.
    pub a1: &'static [&'static [f64]],
    /// `b1`, one row for every diffusion stage.
    pub b1: &'static [&'static [f64]],
    /// Nodes of the drift stages.
    pub c0: &'static [f64],
    /// Nodes of the diffusion stages.
    pub c1: &'static [f64],
    /// Weights of the drift stages.
    pub alpha: &'static [f64],
    /// Weights of the diffusion stages: rows for `I1`, `I11`, `I10`, `I111`.
    pub beta: [&'static [f64]; 4],
}

impl SriTableau {
    /// The largest violation of Roessler's 25 conditions for strong order 3/2
    /// (Theorem 6.1), the nodes being the sums of the rows.
    pub fn violation(&self) -> f64 {
        let a0 = rows(self.a0, |_| 1.0);
        let b0 = rows(self.b0, |_| 1.0);
        let a1 = rows(self.a1, |_| 1.0);
        let b1 = rows(self.b1, |_| 1.0);
        let b1_b1 = rows(self.b1, |j| b1[j]);
        let a1_b0 = rows(self.a1, |j| b0[j]);
        let mut conditions = vec![
            dot(self.alpha, |_| 1.0) - 1.0,
            dot(self.alpha, |i| a0[i]) - 0.5,
            dot(self.alpha, |i| b0[i]) - 1.0,
            dot(self.alpha, |i| b0[i] * b0[i]) - 1.5,
            dot(self.beta[0], |i| a1_b0[i]) / 2.0 + dot(self.beta[2], |i| a1_b0[i]) / 3.0,
        ];
        // Weights of I1, I11, I10, I111 against e, B1 e, A1 e, (B1 e)^2, B1 B1 e.
        let targets = [
            [1.0, 0.0, 1.0, 1.0, 0.0],
            [0.0, 1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, -1.0, -1.0, 0.0],
            [0.0, 0.0, 0.0, 2.0, 1.0],
        ];
        for (beta, target) in self.beta.iter().zip(targets) {
            let found = [
                dot(beta, |_| 1.0),
                dot(beta, |i| b1[i]),
                dot(beta, |i| a1[i]),
                dot(beta, |i| b1[i] * b1[i]),
                dot(beta, |i| b1_b1[i]),
            ];
            conditions.extend(found.iter().zip(target).map(|(found, target)| found - target));
        }
        let nodes = a0.iter().zip(self.c0).chain(a1.iter().zip(self.c1));
        conditions.extend(nodes.map(|(sum, node)| sum - node));
        conditions.into_iter().map(f64::abs).fold(0.0, f64::max)
    }
}

/// Row by row, `sum_j matrix_ij by(j)`.
fn rows(matrix: &[&[f64]], by: impl Fn(usize) -> f64) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, &by)).collect()
}

fn dot(weights: &[f64], by: impl Fn(usize) -> f64) -> f64 {
    weights.iter().enumerate().map(|(i, weight)| weight * by(i)).sum()
}

const INFO: StochasticInfo = StochasticInfo {
    senses: &[Sense::Ito],
    orders: &[
        Orders::of(NoiseKind::Additive, 1.5, 2.0),
        Orders::of(NoiseKind::Scalar, 1.5, 1.5),
        Orders::of(NoiseKind::Diagonal, 1.5, 1.5),
    ],
};

/// [`INFO`] where the weak order is 2.
const INFO_WEAK_2: StochasticInfo = StochasticInfo {
    orders: &[
        Orders::of(NoiseKind::Additive, 1.5, 2.0),
        Orders::of(NoiseKind::Scalar, 1.5, 2.0),
        Orders::of(NoiseKind::Diagonal, 1.5, 2.0),
    ],
    ..INFO
};

/// A type that stands for one tableau.
pub trait SriScheme: Copy + Default + Send + Sync + 'static {
    /// The coefficients.
    const TABLEAU: SriTableau;
    /// Orders and kinds of noise.
    const INFO: StochasticInfo = if Self::TABLEAU.weak_order == 2.0 { INFO_WEAK_2 } else { INFO };
}

/// Stages and scratch of a solve.
#[derive(Debug)]
pub struct SriStepper<S, T> {
    tableau: std::marker::PhantomData<T>,
    drifts: Vec<S>,
    diffusions: Vec<S>,
    integrals: Integrals<S>,
    stage: S,
    sum: S,
    error: S,
    wiener: Wiener<S>,
}

/// The iterated integrals of one step, as the scheme weighs them.
#[derive(Debug)]
struct Integrals<S> {
    ones: S,
    square: S,
    /// `I11 / sqrt(h)`.
    i11: S,
    /// `I10 / h`.
    i10: S,
    /// `I111 / h`.
    i111: S,
}

impl<S: State> Integrals<S> {
    fn evaluate(&mut self, dw: &S, area: &S, h: f64) -> Result<(), StateError> {
        product(&mut self.square, dw, dw)?;
        let (half_root, root) = (0.5 / h.sqrt(), h.sqrt());
        self.i11
            .linear_combination(0.0, &[(half_root, &self.square), (-0.5 * root, &self.ones)])?;
        self.i10.linear_combination(0.0, &[(0.5, dw), (1.0, area)])?;
        product(&mut self.i111, &self.square, dw)?;
        self.i111.linear_combination(1.0 / (6.0 * h), &[(-0.5, dw)])
    }
}

/// The method with the coefficients of `T`. The error estimate is the part of the
/// step of order 3/2: `h sum_i alpha_i f(v_i) - h f(u)` and the terms in `I10` and
/// `I111` (Rackauckas & Nie, *Discrete Contin. Dyn. Syst. B* 22, 2017).
#[derive(Debug, Clone, Copy, Default)]
pub struct Sri<T>(std::marker::PhantomData<T>);

impl<T> Sri<T> {
    /// The method.
    pub const fn new() -> Self {
        Sri(std::marker::PhantomData)
    }
}

impl<S, F, T> Method<S, F> for Sri<T>
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsIto,
    F::Noise: OneColumn,
    T: SriScheme,
{
    type Stepper = SriStepper<S, T>;

    fn info(&self) -> MethodInfo {
        let tableau = T::TABLEAU;
        T::INFO.method_info(tableau.name, tableau.order, tableau.alpha.len() as u64, Some(1))
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(T::INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, true))
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let zeros = || initial.zeros_like();
        SriStepper {
            tableau: std::marker::PhantomData,
            drifts: T::TABLEAU.alpha.iter().map(|_| zeros()).collect(),
            diffusions: T::TABLEAU.c1.iter().map(|_| zeros()).collect(),
            integrals: Integrals {
                ones: ones(initial),
                square: zeros(),
                i11: zeros(),
                i10: zeros(),
                i111: zeros(),
            },
            stage: zeros(),
            sum: zeros(),
            error: zeros(),
            wiener: Wiener::new(),
        }
    }
}

impl<S, F, T> Stepper<S, F> for SriStepper<S, T>
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsIto,
    F::Noise: OneColumn,
    T: SriScheme,
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let tableau = T::TABLEAU;
        let SriStepper { drifts, diffusions, integrals, stage, sum, error, wiener, .. } = self;
        wiener.draw_with_areas(noise, 1, u, (t, t_next))?;
        integrals.evaluate(&wiener.dw[0], &wiener.area[0], h.abs())?;
        let at = |c: f64| if c == 1.0 { t_next } else { t + c * h };
        for i in 0..diffusions.len() {
            if i < drifts.len() {
                stage.stage_sum(Some(u), h, tableau.a0[i], &drifts[..i])?;
                sum.stage_sum(None, 1.0, tableau.b0[i], &diffusions[..i])?;
                stage.add_product(sum, &integrals.i10)?;
                field.drift(&mut drifts[i], stage, at(tableau.c0[i]))?;
            }
            let known = i.min(drifts.len());
            stage.stage_sum(Some(u), h, tableau.a1[i], &drifts[..known])?;
            sum.stage_sum(None, h.abs().sqrt(), tableau.b1[i], &diffusions[..i])?;
            stage.linear_combination(1.0, &[(1.0, sum)])?;
            field.diffusion(0, &mut diffusions[i], stage, at(tableau.c1[i]))?;
        }
        next.stage_sum(Some(u), h, tableau.alpha, drifts)?;
        error.stage_sum(None, h, tableau.alpha, drifts)?;
        error.linear_combination(1.0, &[(-h, &drifts[0])])?;
        let [beta1, beta2, beta3, beta4] = tableau.beta;
        for (i, diffusion) in diffusions.iter().enumerate() {
            let low = [(beta1[i], &wiener.dw[0]), (beta2[i], &integrals.i11)];
            sum.linear_combination(0.0, &low)?;
            next.add_product(sum, diffusion)?;
            let high = [(beta3[i], &integrals.i10), (beta4[i], &integrals.i111)];
            sum.linear_combination(0.0, &high)?;
            next.add_product(sum, diffusion)?;
            error.add_product(sum, diffusion)?;
        }
        Ok(())
    }

    fn error(&self) -> ErrorEstimate<'_, S> {
        ErrorEstimate::Single(&self.error)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        let SriStepper { drifts, diffusions, integrals, stage, sum, error, wiener, .. } = self;
        let Integrals { ones, square, i11, i10, i111 } = integrals;
        let lists = drifts.iter_mut().chain(diffusions).chain(wiener.states());
        told.move_lanes(lists.chain([ones, square, i11, i10, i111, stage, sum, error]))
    }
}
