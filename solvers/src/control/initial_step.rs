use super::Adaptive;
use crate::method::StepError;
use crate::state::State;

/// The automatic first step of Hairer, Norsett & Wanner (*Solving ODEs I*,
/// II.4): one evaluation at the start, which the method then reuses as its
/// first stage, and one after an Euler step of the length `h0`.
///
/// `slope(du, (u, t), kept)` is the stepper's; where it answers `false` there
/// is none, and neither is the answer. Returns the (positive) length.
pub(crate) fn initial_step<S: State>(
    mut slope: impl FnMut(&mut S, (&S, f64), bool) -> Result<bool, StepError>,
    adaptive: &Adaptive,
    u: &S,
    span: (f64, f64),
    order: f64,
) -> Result<Option<f64>, StepError> {
    let (t0, t1) = span;
    let direction = (t1 - t0).signum();
    let norm = |value: &S| adaptive.norm.measure(value, u, &adaptive.tolerance);
    let mut first = u.zeros_like();
    if !slope(&mut first, (u, t0), true)? {
        return Ok(None);
    }
    let (d0, d1) = (norm(u)?, norm(&first)?);
    let h0 = length_of_probe(d0, d1).min((t1 - t0).abs());
    let mut probe = u.zeros_like();
    probe.linear_combination(0.0, &[(1.0, u), (direction * h0, &first)])?;
    let mut change = u.zeros_like();
    slope(&mut change, (&probe, t0 + direction * h0), false)?;
    change.linear_combination(1.0, &[(-1.0, &first)])?;
    let d2 = norm(&change)? / h0;
    Ok(Some(length_of_first_step(h0, d1, d2, order)))
}

/// The length `h0` of the probing step, given the norms of state and slope.
pub(crate) fn length_of_probe(d0: f64, d1: f64) -> f64 {
    // Written so that a NaN slope gives a small step, to be rejected properly.
    if d0 >= 1e-5 && d1 >= 1e-5 { 0.01 * d0 / d1 } else { 1e-6 }
}

/// The length of the first step, given the norms of the slope and of its rate of change over
/// the probing step.
pub(crate) fn length_of_first_step(h0: f64, d1: f64, d2: f64, order: f64) -> f64 {
    let steepest = d1.max(d2);
    let h1 = if steepest <= 1e-15 {
        (h0 * 1e-3).max(1e-6)
    } else if steepest.is_finite() {
        (0.01 / steepest).powf(1.0 / order)
    } else {
        h0
    };
    (100.0 * h0).min(h1)
}
