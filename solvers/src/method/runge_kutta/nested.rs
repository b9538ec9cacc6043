/// Weights of a continuous extension that joins smoothly at both ends of a step.
///
/// Every polynomial `w` with `w(0) = 0`, `w(1) = b` and given slopes at both
/// ends can be written, with `s = 1 - theta`, as
///
/// `w = theta (b + s (w'(0) - b + theta (2b - w'(0) - w'(1) + s (d_0 + theta (d_1 + s (...))))))`,
///
/// the form of Hairer's CONTD5 and CONTD8. The slope is `f` at both ends when
/// `w_i'(0)` is 1 for the first stage and `w_i'(1)` is 1 for stage `end`, which
/// is `f(u_next, t_next)`; all others are 0. Only the rows of `d` remain to be
/// tabulated, and the ends are met exactly, whatever their rounding.
pub(super) fn weights(theta: f64, b: &[f64], end: usize, d: &[&[f64]], weights: &mut [f64]) {
    let factor = |depth: usize| if depth.is_multiple_of(2) { theta } else { 1.0 - theta };
    for (i, w) in weights.iter_mut().enumerate() {
        let b = b.get(i).copied().unwrap_or(0.0);
        let start_slope = if i == 0 { 1.0 } else { 0.0 };
        let end_slope = if i == end { 1.0 } else { 0.0 };
        let mut inner = 0.0;
        for (k, row) in d.iter().enumerate().rev() {
            inner = factor(k + 3) * (row[i] + inner);
        }
        inner = factor(2) * (2.0 * b - start_slope - end_slope + inner);
        inner = factor(1) * (start_slope - b + inner);
        *w = factor(0) * (b + inner);
    }
}
