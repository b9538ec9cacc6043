//! Runge-Kutta methods of strong order 3/2 for additive noise: one stepper over
//! `const` tableaux.

use super::info::{NoiseKind, Orders, Sense, StochasticInfo};
use super::wiener::{Wiener, request};
use crate::field::{Additive, StochasticField};
use crate::method::{ErrorEstimate, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// An explicit Runge-Kutta scheme for additive noise:
///
/// ```text
/// v_i    = u + h sum_j a_ij f(v_j, t + c_j h) + g(t + d h) (p_i W + q_i H)
/// u_next = u + h sum_i b_i f(v_i, t + c_i h) + g(t) W + (g(t + h) - g(t)) (W / 2 - H)
/// ```
///
/// summed over the columns of `g`, `W` being the increment and `H` the space-time
/// Levy area of the step. The last term is `int g dW` for a `g` that is linear in
/// time.
#[derive(Debug, Clone, Copy)]
pub struct AdditiveTableau {
    /// Name of the method.
    pub name: &'static str,
    /// Order on ODEs.
    pub order: u32,
    /// Rows of `a`, the first one empty.
    pub a: &'static [&'static [f64]],
    /// Weights `b`.
    pub b: &'static [f64],
    /// Nodes `c`.
    pub c: &'static [f64],
    /// Weights `p` of the increment in the stages.
    pub p: &'static [f64],
    /// Weights `q` of the area in the stages.
    pub q: &'static [f64],
    /// Node `d` of the diffusion in the stages: 0 or 1.
    pub d: f64,
    /// Weights of the error estimate: `b` less those of a method of order 1.
    pub error: &'static [f64],
}

impl AdditiveTableau {
    /// The largest violation of the conditions for strong order 3/2, weak order 2
    /// and order 2 on ODEs: with `n_i = p_i W + q_i H` the noise in stage `i` for
    /// `h = 1`, `sum b = 1`, `sum b c = 1/2`, `sum b n = int W ds = W / 2 + H`, and
    /// `sum b E[n^2] = E[int W^2 ds] = 1/2` (Roessler, *SIAM J. Numer. Anal.* 48,
    /// 2010, section 6.3; in terms of `H`: Foster, dos Reis & Strange, 2024).
    pub fn violation(&self) -> f64 {
        let sum = |term: &dyn Fn(usize) -> f64| -> f64 {
            (0..self.b.len()).map(|i| self.b[i] * term(i)).sum()
        };
        let conditions = [
            sum(&|_| 1.0) - 1.0,
            sum(&|i| self.c[i]) - 0.5,
            sum(&|i| self.p[i]) - 0.5,
            sum(&|i| self.q[i]) - 1.0,
            sum(&|i| self.p[i].powi(2) + self.q[i].powi(2) / 12.0) - 0.5,
            self.error.iter().sum(),
        ];
        let row = |i: usize| self.a[i].iter().sum::<f64>() - self.c[i];
        (0..self.c.len()).map(row).chain(conditions).map(f64::abs).fold(0.0, f64::max)
    }
}

const INFO: StochasticInfo = StochasticInfo {
    senses: &[Sense::Ito, Sense::Stratonovich],
    orders: &[Orders::of(NoiseKind::Additive, 1.5, 2.0)],
};

/// A type that stands for one tableau.
pub trait AdditiveScheme: Copy + Default + Send + Sync + 'static {
    /// The coefficients.
    const TABLEAU: AdditiveTableau;
}

/// Stages and scratch of a solve.
#[derive(Debug)]
pub struct AdditiveStepper<S, T> {
    tableau: std::marker::PhantomData<T>,
    stages: Vec<S>,
    stage: S,
    start: Vec<S>,
    end: Vec<S>,
    weight: S,
    error: S,
    wiener: Wiener<S>,
}

/// The method with the coefficients of `T`.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdditiveRungeKutta<T>(std::marker::PhantomData<T>);

impl<T> AdditiveRungeKutta<T> {
    /// The method.
    pub const fn new() -> Self {
        AdditiveRungeKutta(std::marker::PhantomData)
    }
}

impl<S, F, T> Method<S, F> for AdditiveRungeKutta<T>
where
    S: State,
    F: StochasticField<S, Interpretation = Additive>,
    T: AdditiveScheme,
{
    type Stepper = AdditiveStepper<S, T>;

    fn info(&self) -> MethodInfo {
        let tableau = T::TABLEAU;
        INFO.method_info(tableau.name, tableau.order, tableau.b.len() as u64, Some(1))
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, true))
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let zeros = || initial.zeros_like();
        AdditiveStepper {
            tableau: std::marker::PhantomData,
            stages: T::TABLEAU.b.iter().map(|_| zeros()).collect(),
            stage: zeros(),
            start: Vec::new(),
            end: Vec::new(),
            weight: zeros(),
            error: zeros(),
            wiener: Wiener::new(),
        }
    }
}

impl<S, F, T> Stepper<S, F> for AdditiveStepper<S, T>
where
    S: State,
    F: StochasticField<S, Interpretation = Additive>,
    T: AdditiveScheme,
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let tableau = T::TABLEAU;
        let AdditiveStepper { stages, stage, start, end, weight, error, wiener, .. } = self;
        let channels = field.channels();
        wiener.draw_with_areas(noise, channels, u, (t, t_next))?;
        super::wiener::resize(start, channels, u);
        super::wiener::resize(end, channels, u);
        for (channel, (start, end)) in start.iter_mut().zip(&mut *end).enumerate() {
            field.diffusion(channel, start, u, t)?;
            field.diffusion(channel, end, u, t_next)?;
        }
        let in_stages = if tableau.d == 0.0 { &*start } else { &*end };
        for i in 0..stages.len() {
            stage.stage_sum(Some(u), h, tableau.a[i], &stages[..i])?;
            for (channel, g) in in_stages.iter().enumerate() {
                let (dw, area) = (&wiener.dw[channel], &wiener.area[channel]);
                weight.linear_combination(0.0, &[(tableau.p[i], dw), (tableau.q[i], area)])?;
                stage.add_product(g, weight)?;
            }
            let t_stage = if tableau.c[i] == 1.0 { t_next } else { t + tableau.c[i] * h };
            field.drift(&mut stages[i], stage, t_stage)?;
        }
        next.stage_sum(Some(u), h, tableau.b, stages)?;
        for (channel, (start, end)) in start.iter().zip(&*end).enumerate() {
            let (dw, area) = (&wiener.dw[channel], &wiener.area[channel]);
            weight.linear_combination(0.0, &[(0.5, dw), (1.0, area)])?;
            next.add_product(start, weight)?;
            weight.linear_combination(0.0, &[(0.5, dw), (-1.0, area)])?;
            next.add_product(end, weight)?;
        }
        error.stage_sum(None, h, tableau.error, stages)?;
        Ok(())
    }

    fn error(&self) -> ErrorEstimate<'_, S> {
        ErrorEstimate::Single(&self.error)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        let AdditiveStepper { stages, stage, start, end, weight, error, wiener, .. } = self;
        let lists = stages.iter_mut().chain(start).chain(end).chain(wiener.states());
        told.move_lanes(lists.chain([stage, weight, error]))
    }
}

/// Coefficients of [`Sra1`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Sra1Tableau;

/// SRA1: strong order 3/2, weak order 2, two drift evaluations (Roessler, *SIAM J.
/// Numer. Anal.* 48, 2010, Table 6.3). Additive noise of any structure, either
/// sense.
pub type Sra1 = AdditiveRungeKutta<Sra1Tableau>;

impl AdditiveScheme for Sra1Tableau {
    const TABLEAU: AdditiveTableau = AdditiveTableau {
        name: "sra1",
        order: 2,
        a: &[&[], &[3.0 / 4.0]],
        b: &[1.0 / 3.0, 2.0 / 3.0],
        c: &[0.0, 3.0 / 4.0],
        // 3/2 of the mean of the path over the step.
        p: &[0.0, 3.0 / 4.0],
        q: &[0.0, 3.0 / 2.0],
        d: 1.0,
        error: &[-2.0 / 3.0, 2.0 / 3.0],
    };
}
