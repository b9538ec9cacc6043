use super::{FinalOrders, MAX_VALUES, MultistepRule, MultistepStep, UniC};
use crate::field::FieldError;
use crate::method::exponential::step::Transition;
use crate::semilinear::NonlinearPart;

/// UniPC-p (Zhao et al., *UniPC*, 2023, algorithms 6 and 8): UniP-p, corrected by [`UniC`] to order
/// p + 1 unless another corrector is asked for. The last step of a fixed grid is not corrected, so
/// that n steps make n evaluations.
///
/// ```
/// use driftfield_solvers::NonlinearPart;
/// use driftfield_solvers::method::exponential::{Bh, Multistep, UniPc};
/// let method = Multistep::new(UniPc::new(2, NonlinearPart::Data).bh(Bh::Bh1));
/// # let _ = method;
/// ```
///
/// UniP takes the past values `N_m`, `m = 1 .. p - 1`, at the clock distances
/// `r_m = (lambda_m - lambda) / h`, which are negative, and with `D_m = N_m - N_0`, in the
/// [notation] of this module:
///
/// - `x_next = alpha_next / alpha x - sigma_next (e^h - 1) N_0 - sigma_next B sum_m a_m D_m / r_m` for
///   the noise,
/// - `x_next = sigma_next / sigma x + alpha_next (1 - e^-h) N_0 + alpha_next B sum_m a_m D_m / r_m` for
///   the data,
///
/// where `sum_m a_m r_m^(i - 1) = h i! phi_(i + 1)(z) / B` for `i = 1 .. p - 1`, [`phi`] at `z = h`
/// for the noise and `z = -h` for the data: the interpolating polynomial integrated exactly,
/// whatever `B`. With `c_m = a_m B` and the sign and factor before it, that is
/// `sum_m c_m r_m^(i - 1) = i! w_(i + 1)`, as the code has it.
///
/// In the system of one unknown (order 2) the published code takes `a_1 = 1/2`, so that `B` counts,
/// or the exact solution: this is what [`Bh`] chooses, and all it does.
///
/// [notation]: crate::method::exponential#notation
/// [`phi`]: crate::method::exponential::phi
#[derive(Debug, Clone)]
pub struct UniPc {
    part: NonlinearPart,
    order: usize,
    bh: Bh,
}

/// How UniPC solves its system of one unknown: exactly, or as `a_1 = 1/2` with a `B`
/// that is `h + O(h^2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bh {
    /// `bh1`: `B = h`.
    Bh1,
    /// `bh2`: `B = e^h - 1` for the noise, `1 - e^-h` for the data.
    #[default]
    Bh2,
    /// `vary_coeff`: `a_1 B = h phi_2(z)`, the varying coefficients of the paper's UniPC_v. In the
    /// published code an oversight spoils its corrector from order 2 on, which then is of order 1;
    /// here it has the order of the others.
    VaryCoeff,
}

const MAX_ORDER: usize = 4;
const NAMES: [&str; MAX_ORDER] = ["unipc-1", "unipc-2", "unipc-3", "unipc-4"];

impl UniPc {
    /// UniPC of order 1 to 4, other numbers counting as the nearest of these.
    pub fn new(order: usize, part: NonlinearPart) -> Self {
        UniPc { part, order: order.clamp(1, MAX_ORDER), bh: Bh::default() }
    }

    /// Another way to solve the system of one unknown, for predictor and corrector.
    #[must_use]
    pub fn bh(mut self, bh: Bh) -> Self {
        self.bh = bh;
        self
    }
}

impl MultistepRule for UniPc {
    fn name(&self) -> &'static str {
        NAMES[self.order - 1]
    }

    fn part(&self) -> NonlinearPart {
        self.part
    }

    fn values(&self) -> usize {
        self.order
    }

    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        let past = weights.len() - 1;
        let mut r = [1.0; MAX_VALUES];
        for (age, r) in r[..past].iter_mut().enumerate() {
            *r = step.distance(age + 1);
        }
        let c = coefficients(self.bh, &step.whole, &r[..past]);
        weights[0] = step.whole.weight(1);
        for (j, (c, r)) in c.iter().zip(r).take(past).enumerate() {
            weights[0] -= c / r;
            weights[j + 1] = c / r;
        }
        Ok(())
    }

    fn corrector(&self) -> Option<UniC> {
        Some(UniC(self.bh))
    }

    fn final_orders(&self) -> FinalOrders {
        FinalOrders::Lowered
    }
}

/// The `c_j` of values at distances `r`.
pub(super) fn coefficients(bh: Bh, whole: &Transition, r: &[f64]) -> [f64; MAX_VALUES] {
    let mut c = [0.0; MAX_VALUES];
    if r.len() == 1 {
        c[0] = match bh {
            Bh::Bh1 => 0.5 * whole.gain * whole.h,
            Bh::Bh2 => 0.5 * whole.weight(1),
            Bh::VaryCoeff => whole.weight(2),
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
