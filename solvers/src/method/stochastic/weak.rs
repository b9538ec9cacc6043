use super::info::{NoiseKind, Orders, Sense, StochasticInfo};
use super::wiener::{Wiener, product, request, resize};
use crate::field::{Counted, NoiseStructure, ReadAsIto, StochasticField};
use crate::method::{Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// Weak order 2 for Ito equations with noise of any structure: the scheme RI1 of
/// Roessler (*SIAM J. Numer. Anal.* 47, 2009), order 3 on ODEs. With `G_k` the
/// column `g_k` at the start of the step,
///
/// ```text
/// v_2 = u + h 2/3 f(u) + sum_k G_k W_k,    v_3 = u + h (f(v_2) - f(u)/3)
/// w_k = u + h f(u) +- sqrt(h) G_k,         z_k = u +- sum_(l != k) G_l I_lk / sqrt(h)
/// u_next = u + h (f(u) + 2 f(v_2) + f(v_3)) / 4
///   + sum_k (2 G_k + g_k(w_k+) + g_k(w_k-)) W_k / 4 + (g_k(w_k+) - g_k(w_k-)) I_kk / (2 sqrt(h))
///   + sum_k (g_k(z_k+) - 2 G_k + g_k(z_k-)) W_k / 4 + (g_k(z_k+) - g_k(z_k-)) sqrt(h) / 2
/// ```
///
/// `f` at the node 2/3 in `v`, `g` at the end of the step in `w` and at its start
/// in `z`.
///
/// Where Roessler draws three-point variables, this draws the increments of the
/// path, whose moments up to the fifth are the same, so that the method can share
/// a path with others. His two-point variables for the Levy areas become
/// `I_lk = W_l W_k / 2 + sqrt(3/2) (H_l W_k - W_l H_k)`, `H` being space-time Levy
/// areas: the expectation of the true area given `W` and `H`, scaled to its
/// variance `h^2/4`. All its moments with the increments that weak order 2 asks
/// for are right, also for three channels and more.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct WeakRungeKutta;

impl WeakRungeKutta {
    /// The method; it has no settings.
    pub const fn new() -> Self {
        WeakRungeKutta
    }
}

const INFO: StochasticInfo = StochasticInfo {
    senses: &[Sense::Ito],
    orders: &[
        Orders::of(NoiseKind::Additive, 1.0, 2.0),
        Orders::of(NoiseKind::Scalar, 1.0, 2.0),
        Orders::of(NoiseKind::Diagonal, 1.0, 2.0),
        Orders::of(NoiseKind::General, 0.5, 2.0),
    ],
};

/// Stages and scratch of a solve.
#[derive(Debug)]
pub struct WeakStepper<S> {
    drifts: [S; 3],
    /// `G_k`.
    start: Vec<S>,
    plus: S,
    minus: S,
    stage: S,
    shift: S,
    integral: S,
    ones: S,
    wiener: Wiener<S>,
}

impl<S: State> WeakStepper<S> {
    /// `g` at `u + base +- shift`, into `plus` and `minus`.
    fn pair<F: StochasticField<S>>(
        &mut self,
        field: &Counted<&F>,
        channel: usize,
        u: &S,
        h: f64,
        t: f64,
    ) -> Result<(), StepError> {
        for (sign, out) in [(1.0, &mut self.plus), (-1.0, &mut self.minus)] {
            let terms = [(1.0, u), (h, &self.drifts[0]), (sign, &self.shift)];
            self.stage.linear_combination(0.0, &terms)?;
            field.diffusion(channel, out, &self.stage, t)?;
        }
        Ok(())
    }

    /// Adds `1/4 (2 c G_k + plus + minus) W_k`.
    fn add_mean(&mut self, next: &mut S, channel: usize, c: f64) -> Result<(), StateError> {
        let terms = [(0.5 * c, &self.start[channel]), (0.25, &self.plus), (0.25, &self.minus)];
        self.stage.linear_combination(0.0, &terms)?;
        next.add_product(&self.stage, &self.wiener.dw[channel])
    }

    /// `shift <- sum_(l != k) G_l I_lk / sqrt(h)`.
    fn cross_shift(&mut self, k: usize, root: f64) -> Result<(), StateError> {
        let Wiener { dw, area } = &self.wiener;
        let levy = 1.5_f64.sqrt() / root;
        self.shift.linear_combination(0.0, &[])?;
        for l in (0..self.start.len()).filter(|&l| l != k) {
            let both = [(0.5 / root, &dw[l]), (levy, &area[l])];
            self.stage.linear_combination(0.0, &both)?;
            product(&mut self.integral, &self.stage, &dw[k])?;
            self.stage.linear_combination(0.0, &[(-levy, &dw[l])])?;
            self.integral.add_product(&self.stage, &area[k])?;
            self.shift.add_product(&self.start[l], &self.integral)?;
        }
        Ok(())
    }
}

impl<S, F> Method<S, F> for WeakRungeKutta
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsIto,
{
    type Stepper = WeakStepper<S>;

    fn info(&self) -> MethodInfo {
        INFO.method_info("weak-rk2", 3, 3, None)
    }

    fn stochastic(&self) -> Option<StochasticInfo> {
        Some(INFO)
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        Some(request(field, F::Noise::SHARED && field.channels() > 1))
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let zeros = || initial.zeros_like();
        WeakStepper {
            drifts: [zeros(), zeros(), zeros()],
            start: Vec::new(),
            plus: zeros(),
            minus: zeros(),
            stage: zeros(),
            shift: zeros(),
            integral: zeros(),
            ones: super::wiener::ones(initial),
            wiener: Wiener::new(),
        }
    }
}

impl<S, F> Stepper<S, F> for WeakStepper<S>
where
    S: State,
    F: StochasticField<S>,
    F::Interpretation: ReadAsIto,
{
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, h, u, next, noise, .. } = step;
        let channels = field.channels();
        let (length, root) = (h.abs(), h.abs().sqrt());
        if channels > 1 {
            self.wiener.draw_with_areas(noise, channels, u, (t, t_next))?;
        } else {
            self.wiener.draw(noise, 1, u, (t, t_next))?;
        }
        resize(&mut self.start, channels, u);
        self.advance_drift(field, (t, h), u, next)?;
        for k in 0..channels {
            self.shift.linear_combination(0.0, &[(root, &self.start[k])])?;
            self.pair(field, k, u, h, t_next)?;
            self.add_mean(next, k, 1.0)?;
            let WeakStepper { plus, minus, stage, integral, ones, wiener, .. } = &mut *self;
            product(integral, &wiener.dw[k], &wiener.dw[k])?;
            let half = 0.25 / root;
            integral.linear_combination(half, &[(-half * length, ones)])?;
            stage.linear_combination(0.0, &[(1.0, &*plus), (-1.0, &*minus)])?;
            next.add_product(stage, integral)?;
            if channels > 1 {
                self.cross_shift(k, root)?;
                self.pair(field, k, u, 0.0, t)?;
                self.add_mean(next, k, -1.0)?;
                let half = 0.5 * root;
                next.linear_combination(1.0, &[(half, &self.plus), (-half, &self.minus)])?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        let WeakStepper { drifts, start, plus, minus, stage, shift, integral, ones, wiener } = self;
        let lists = drifts.iter_mut().chain(start).chain(wiener.states());
        told.move_lanes(lists.chain([plus, minus, stage, shift, integral, ones]))
    }
}

impl<S: State> WeakStepper<S> {
    /// `start`, the drift stages, and `next <- u + h sum alpha f`.
    fn advance_drift<F: StochasticField<S>>(
        &mut self,
        field: &Counted<&F>,
        (t, h): (f64, f64),
        u: &S,
        next: &mut S,
    ) -> Result<(), StepError> {
        let WeakStepper { drifts: [first, second, third], start, stage, wiener, .. } = self;
        field.drift(first, u, t)?;
        let inner = t + 2.0 / 3.0 * h;
        stage.linear_combination(0.0, &[(1.0, u), (2.0 / 3.0 * h, &*first)])?;
        for (channel, g) in start.iter_mut().enumerate() {
            field.diffusion(channel, g, u, t)?;
            stage.add_product(g, &wiener.dw[channel])?;
        }
        field.drift(second, stage, inner)?;
        stage.linear_combination(0.0, &[(1.0, u), (-h / 3.0, &*first), (h, &*second)])?;
        field.drift(third, stage, inner)?;
        let terms = [(1.0, u), (0.25 * h, &*first), (0.5 * h, &*second), (0.25 * h, &*third)];
        next.linear_combination(0.0, &terms)?;
        Ok(())
    }
}
