use super::{History, Transition};
use crate::method::{GridPosition, Kind, Method, MethodInfo, Step, StepError};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// UniPC-p, a multistep predictor of order p with a corrector of order p + 1 that costs no
/// evaluation of its own (Zhao et al., *UniPC*, 2023, algorithms 5 to 8).
///
/// The predictor is `scale u + w_1 N_0 + sum_j c_j (N_j - N_0) / r_j` over the past values
/// at clock distances `r_j` in units of the step, with
/// `sum_j c_j r_j^(i - 1) = i! w_(i + 1)`: the interpolating polynomial integrated exactly.
/// The corrector adds the value at the predicted end, `r = 1`; the next step takes that
/// value over. The last step of a fixed grid is not corrected, so that n steps make n
/// evaluations.
///
/// Its order is p + 1 from p + 1 values on. The first steps have fewer, the very first one,
/// corrected, leaving an error of order 3 behind: beyond UniPC-2 that is what is seen
/// on fine grids.
///
/// The published code hard-wires `c = B / 2` in the two systems of one unknown (the predictor
/// of order 2, the corrector of order 1); [`Bh`] is what it takes for `B`, and acts
/// nowhere else.
#[derive(Debug, Clone)]
pub struct UniPc {
    part: NonlinearPart,
    order: usize,
    bh: Bh,
    lower_order_final: bool,
    last_order: usize,
    uncorrected: usize,
}

/// `B(h)` of UniPC, any function that is `h + O(h^2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bh {
    /// `bh1`: `B = h` (times the gain).
    Bh1,
    /// `bh2`: `B = w_1`.
    #[default]
    Bh2,
}

const MAX_ORDER: usize = 4;
const NAMES: [&str; MAX_ORDER] = ["unipc-1", "unipc-2", "unipc-3", "unipc-4"];

impl UniPc {
    /// UniPC of order 1 to 4, other numbers counting as the nearest of these.
    pub fn new(order: usize, part: NonlinearPart) -> Self {
        let order = order.clamp(1, MAX_ORDER);
        let bh = Bh::default();
        UniPc { part, order, bh, lower_order_final: true, last_order: 1, uncorrected: 0 }
    }

    /// Another `B(h)`.
    #[must_use]
    pub fn bh(mut self, bh: Bh) -> Self {
        self.bh = bh;
        self
    }

    /// Whether the last steps of a fixed grid have lower orders, down to 1.
    #[must_use]
    pub fn lower_order_final(mut self, lower: bool) -> Self {
        self.lower_order_final = lower;
        self
    }

    /// Order to which the last steps come down: 1, if nothing else is said. With 2 the
    /// denoising of the final state takes the place of the step of order 1.
    #[must_use]
    pub fn last_order(mut self, order: usize) -> Self {
        self.last_order = order.max(1);
        self
    }

    /// Leaves the first `steps` steps of a fixed grid uncorrected, which under strong guidance
    /// keeps the corrector from amplifying a prediction that is far off.
    #[must_use]
    pub fn uncorrected(mut self, steps: usize) -> Self {
        self.uncorrected = steps;
        self
    }

    fn step_order(&self, values: usize, grid: Option<GridPosition>) -> usize {
        let left = match grid {
            Some(grid) if self.lower_order_final => {
                grid.remaining().saturating_add(self.last_order - 1)
            }
            _ => self.order,
        };
        self.order.min(values).min(left)
    }

    /// The `c_j` of values at distances `r`.
    fn coefficients(&self, whole: &Transition, r: &[f64]) -> [f64; MAX_ORDER] {
        let mut c = [0.0; MAX_ORDER];
        if r.len() == 1 {
            c[0] = 0.5
                * match self.bh {
                    Bh::Bh1 => whole.gain * whole.h,
                    Bh::Bh2 => whole.weight(1),
                };
            return c;
        }
        let mut factorial = 1.0;
        for (i, c) in c[..r.len()].iter_mut().enumerate() {
            factorial *= (i + 1) as f64;
            *c = factorial * whole.weight(i + 2);
        }
        solve_vandermonde(r, &mut c[..r.len()]);
        c
    }
}

/// Solves `sum_j r_j^i x_j = b_i`, `i = 0 ..`, in place (Bjorck & Pereyra, *Math.
/// Comp.* 24, 1970, the primal system): no matrix, and more accurate than elimination.
fn solve_vandermonde(r: &[f64], x: &mut [f64]) {
    let n = r.len();
    for (k, node) in r.iter().enumerate() {
        for i in (k + 1..n).rev() {
            x[i] -= node * x[i - 1];
        }
    }
    for k in (0..n.saturating_sub(1)).rev() {
        for i in k + 1..n {
            x[i] /= r[i] - r[i - k - 1];
        }
        for i in k..n - 1 {
            x[i] -= x[i + 1];
        }
    }
}

/// History, the value at the predicted end, and the uncorrected part of the step.
#[derive(Debug)]
pub struct UniPcMemory<S> {
    history: History<S>,
    at_end: S,
    end_log_snr: f64,
    corrected: bool,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for UniPc {
    type Memory = UniPcMemory<S>;

    fn info(&self) -> MethodInfo {
        MethodInfo {
            name: NAMES[self.order - 1],
            kind: Kind::Exponential,
            order: self.order as u32 + 1,
            embedded_order: None,
            interpolant_order: None,
            strong_order: None,
            weak_order: None,
            evaluations_per_step: 1,
            evaluations_at_start: 0,
        }
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        UniPcMemory {
            history: History::new(self.order, initial),
            at_end: initial.zeros_like(),
            end_log_snr: f64::NAN,
            corrected: false,
        }
    }

    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        let Step { field, t, t_next, u, next, grid, .. } = step;
        let UniPcMemory { history, at_end, end_log_snr, corrected } = memory;
        let (start, end) = (field.schedule(t)?, field.schedule(t_next)?);
        history.evaluate_once(start.log_snr, |value| field.predict(self.part, value, u, t))?;
        let whole = Transition::new(self.part, &start, &end);
        let order = self.step_order(history.len(), grid);
        // Distances of the past values, then that of the end.
        let mut r = [1.0; MAX_ORDER];
        for (age, r) in (1..order).zip(&mut r) {
            *r = (history.log_snr(age) - start.log_snr) / whole.h;
        }
        let past = order - 1;
        let c = self.coefficients(&whole, &r[..past]);
        advance(next, u, &whole, history, &c[..past], &r, None)?;
        *corrected = grid.is_none_or(|grid| grid.remaining() > 1 && grid.index >= self.uncorrected);
        if *corrected {
            field.predict(self.part, at_end, next, t_next)?;
            *end_log_snr = end.log_snr;
            let c = self.coefficients(&whole, &r[..order]);
            advance(next, u, &whole, history, &c[..past], &r, Some((c[past], at_end)))?;
        }
        Ok(())
    }

    fn accepted(&self, memory: &mut Self::Memory) {
        memory.history.keep();
        if memory.corrected {
            // The value at the predicted end is the next step's first.
            memory.history.insert_newest(memory.end_log_snr, &mut memory.at_end);
        }
    }

    fn modified(&self, memory: &mut Self::Memory) {
        memory.history.clear();
    }
}

/// `next <- scale u + w_1 N_0 + sum_j c_j (N_j - N_0) / r_j`, and `c (N_end - N_0)`.
fn advance<S: State>(
    next: &mut S,
    u: &S,
    whole: &Transition,
    history: &History<S>,
    c: &[f64],
    r: &[f64],
    end: Option<(f64, &S)>,
) -> Result<(), StateError> {
    let mut first = whole.weight(1);
    let mut terms = [(whole.scale, u); MAX_ORDER + 2];
    let mut len = 2;
    for (j, (&c, &r)) in c.iter().zip(r).enumerate() {
        first -= c / r;
        terms[len] = (c / r, history.value(j + 1));
        len += 1;
    }
    if let Some((c, value)) = end {
        first -= c;
        terms[len] = (c, value);
        len += 1;
    }
    terms[1] = (first, history.value(0));
    next.linear_combination(0.0, &terms[..len])
}

#[cfg(test)]
mod tests {
    use super::solve_vandermonde;

    #[test]
    fn vandermonde_systems() {
        for r in [&[0.7][..], &[-1.0, 1.0], &[-2.5, -0.9, 1.0], &[-3.1, -2.0, -0.9, 1.0]] {
            let b = [0.3, -1.2, 0.7, 2.0];
            let mut x = b;
            solve_vandermonde(r, &mut x[..r.len()]);
            for (i, b) in b.iter().enumerate().take(r.len()) {
                let sum: f64 = r.iter().zip(&x).map(|(r, x)| r.powi(i as i32) * x).sum();
                assert!((sum - b).abs() < 1e-13, "{r:?}: row {i}: {sum} {b}");
            }
        }
        solve_vandermonde(&[], &mut []);
    }
}
