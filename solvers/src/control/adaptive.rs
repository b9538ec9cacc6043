use std::fmt;
use std::sync::Arc;

use super::{ControlError, PidController, Verdict};
use crate::method::ErrorEstimate;
use crate::state::{State, StateError, Tolerance};

/// How the errors of a batch become the one number that is held below 1.
#[derive(Clone, Default)]
pub enum ErrorNorm {
    /// Root mean square over all components of all lanes.
    #[default]
    Batch,
    /// The largest root mean square of any lane.
    WorstLane,
    /// None: the root mean square of every lane is held below 1, by steps of the lane's own.
    EachLane,
    /// A norm of the user's own, as made by [`ErrorNorm::of`].
    Of(Arc<LaneNorm>),
}

/// Given the mean square of each lane, the number that is held below 1.
pub type LaneNorm = dyn Fn(&[f64]) -> f64 + Send + Sync;

impl ErrorNorm {
    /// A norm of the user's own: given the mean square of each lane, the number that is held
    /// below 1. It weighs lanes, by whatever it has captured; a step that leaves a lane NaN or
    /// infinite is rejected without it.
    ///
    /// Within a lane the mean is taken before, of squares of
    /// `error / (abstol + reltol max(|before|, |after|))`: components are weighed by tolerances of
    /// their own, `SolveOptions::adaptive(vec![1e-6, 1e-3], 1e-6)`. A maximum over components is no
    /// function of what the norm is given. It lies between the root mean square and `sqrt(d)` times
    /// that, for lanes of `d` components, so that this holds every component below 1:
    ///
    /// ```
    /// use driftfield_solvers::{ErrorNorm, OdeProblem, SolveOptions, method::Tsit5, solve};
    /// let turn = |du: &mut [f64; 2], u: &[f64; 2], _t: f64| *du = [u[1], -u[0]];
    /// let problem = OdeProblem::new(turn, [1.0, 0.0], (0.0, 1.0));
    /// let components = 2.0;
    /// let worst = ErrorNorm::of(move |lanes| {
    ///     lanes.iter().fold(0.0, |most: f64, lane| most.max(components * lane)).sqrt()
    /// });
    /// let options = SolveOptions::adaptive(1e-8, 0.0).norm(worst);
    /// let end = solve(&problem, &Tsit5::new(), options).unwrap().u_last;
    /// assert!((end[0] - 1.0_f64.cos()).abs() < 1e-7);
    /// ```
    pub fn of(norm: impl Fn(&[f64]) -> f64 + Send + Sync + 'static) -> Self {
        ErrorNorm::Of(Arc::new(norm))
    }
}

impl fmt::Debug for ErrorNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ErrorNorm::Batch => "Batch",
            ErrorNorm::WorstLane => "WorstLane",
            ErrorNorm::EachLane => "EachLane",
            ErrorNorm::Of(_) => "Of(..)",
        })
    }
}

/// Norms of the user's own are equal if they are one and the same.
impl PartialEq for ErrorNorm {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (ErrorNorm::Of(one), ErrorNorm::Of(other)) => Arc::ptr_eq(one, other),
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

/// Adaptive steps: tolerances, controller and limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Adaptive {
    /// Error of one step, per component.
    pub tolerance: Tolerance,
    /// Turns errors into steps.
    pub controller: PidController,
    /// Norm over the batch.
    pub norm: ErrorNorm,
    /// Length of the first step; by default chosen automatically. This and the other
    /// lengths are differences of the method's [clock](crate::method::Method::clock): of time,
    /// or of the log-SNR for exponential methods.
    pub initial_step: Option<f64>,
    /// Smallest step; by default a few units of rounding of `t`.
    pub dtmin: Option<f64>,
    /// Largest step; by default unlimited.
    pub dtmax: Option<f64>,
    /// Whether to go on at the smallest step where the error asks for a smaller one, instead of
    /// ending there; such steps are [counted](crate::Statistics::forced).
    pub force_dtmin: bool,
}

impl Adaptive {
    /// Given tolerances and the defaults for everything else.
    pub fn new(tolerance: Tolerance) -> Self {
        Adaptive {
            tolerance,
            controller: PidController::default(),
            norm: ErrorNorm::default(),
            initial_step: None,
            dtmin: None,
            dtmax: None,
            force_dtmin: false,
        }
    }

    pub(crate) fn check(&self, lane_len: usize) -> Result<(), AdaptiveError> {
        let tolerances = [("abstol", &self.tolerance.abstol), ("reltol", &self.tolerance.reltol)];
        for (name, components) in tolerances {
            components.check_len(lane_len)?;
            for &value in components.values() {
                if !(value.is_finite() && value >= 0.0) {
                    return Err(ControlError::Tolerance { name, value }.into());
                }
            }
        }
        for i in 0..lane_len {
            let (abstol, reltol) = (self.tolerance.abstol.get(i), self.tolerance.reltol.get(i));
            if abstol == 0.0 && reltol == 0.0 {
                return Err(ControlError::Tolerance { name: "abstol", value: 0.0 }.into());
            }
        }
        self.controller.check()?;
        for (name, length) in
            [("initial_step", self.initial_step), ("dtmin", self.dtmin), ("dtmax", self.dtmax)]
        {
            match length {
                Some(value) if !(value > 0.0 && value.is_finite()) => {
                    let range = "a positive finite length; the direction follows the span";
                    return Err(ControlError::Setting { name, value, range }.into());
                }
                _ => {}
            }
        }
        let shortest = self.dtmin.unwrap_or(0.0);
        for (name, length) in [("dtmax", self.dtmax), ("initial_step", self.initial_step)] {
            match length {
                Some(value) if value < shortest => {
                    let range = "at least dtmin";
                    return Err(ControlError::Setting { name, value, range }.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The step after one of (signed) length `length` that was judged so.
    #[inline(always)]
    pub(crate) fn next_length(&self, length: f64, verdict: &Verdict) -> f64 {
        let longest = self.dtmax.unwrap_or(f64::INFINITY);
        let proposal = (length * verdict.factor).abs();
        // Neither is NaN, and `f64::min` would make every stage wait to make sure.
        let proposal = if proposal < longest { proposal } else { longest };
        let shortest = if verdict.accept { self.dtmin.unwrap_or(0.0) } else { 0.0 };
        let proposal = if proposal > shortest { proposal } else { shortest };
        proposal.copysign(length)
    }

    /// The smallest step that still moves the clock at `t`.
    pub(crate) fn smallest_step(&self, t: f64, t1: f64) -> f64 {
        let rest = (t1 - t).abs();
        let scale = if rest.is_finite() { t.abs().max(1e-6 * rest) } else { t.abs() };
        self.dtmin.unwrap_or(16.0 * f64::EPSILON * scale)
    }
}

/// Why adaptive settings are refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum AdaptiveError {
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Scratch for norms over lanes; empty for good where there is but one.
#[derive(Debug, Default)]
pub(crate) struct NormScratch {
    pub(crate) high: Vec<f64>,
    low: Vec<f64>,
}

/// The square of `high / sqrt(high + 0.01 low)`, as one product of a ratio so that it
/// overflows no earlier than the estimates do.
#[inline(always)]
fn stretched_squared(high: f64, low: f64) -> f64 {
    let denominator = high + 0.01 * low;
    if denominator == 0.0 { 0.0 } else { high * (high / denominator) }
}

/// Mean over lanes, in lane order, so that it does not depend on threads.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The square of a norm of the user's own, or NaN if any value is.
fn own_square(norm: &Arc<LaneNorm>, values: &[f64]) -> f64 {
    if values.iter().any(|value| value.is_nan()) { f64::NAN } else { norm(values).powi(2) }
}

/// The maximum, or NaN if any value is.
fn max_or_nan(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |max: f64, value| if value > max || value.is_nan() { value } else { max })
}

impl ErrorNorm {
    /// The weighted norm of `error` at a state; NaN if a lane is not finite.
    pub(crate) fn measure<S: State>(
        &self,
        error: &S,
        at: &S,
        tolerance: &Tolerance,
    ) -> Result<f64, StateError> {
        let mut mean_squares = Vec::new();
        error.weighted_mean_squares(at, at, tolerance, &mut mean_squares)?;
        Ok(self.of_mean_squares(&mean_squares))
    }

    /// The square of the weighted norm of an estimate, not finite if a lane is not:
    /// the next step can be had from it without waiting for a root.
    #[inline(always)]
    pub(crate) fn measure_squared<S: State>(
        &self,
        estimate: &ErrorEstimate<'_, S>,
        before: &S,
        after: &S,
        tolerance: &Tolerance,
        scratch: &mut NormScratch,
    ) -> Result<f64, StateError> {
        match *estimate {
            ErrorEstimate::None => Ok(f64::NAN),
            ErrorEstimate::Single(error) => {
                self.square(error, before, after, tolerance, &mut scratch.high)
            }
            ErrorEstimate::Against { error, before, after } => {
                self.square(error, before, after, tolerance, &mut scratch.high)
            }
            ErrorEstimate::Stretched { high, low } => {
                let NormScratch { high: highs, low: lows } = scratch;
                let high = self.square(high, before, after, tolerance, highs)?;
                let low = self.square(low, before, after, tolerance, lows)?;
                let by_lane = || {
                    let lanes = highs.iter().zip(lows.iter());
                    lanes.map(|(&high, &low)| stretched_squared(high, low))
                };
                Ok(match self {
                    ErrorNorm::WorstLane if !highs.is_empty() => max_or_nan(by_lane()),
                    ErrorNorm::Of(norm) if !highs.is_empty() => {
                        own_square(norm, &by_lane().collect::<Vec<f64>>())
                    }
                    _ => stretched_squared(high, low),
                })
            }
        }
    }

    /// The square of the weighted norm of an estimate in every lane, left in
    /// `scratch.high`; NaN where a lane is not finite.
    pub(crate) fn lane_squares<S: State>(
        estimate: &ErrorEstimate<'_, S>,
        before: &S,
        after: &S,
        tolerance: &Tolerance,
        scratch: &mut NormScratch,
    ) -> Result<(), StateError> {
        let NormScratch { high: highs, low: lows } = scratch;
        match *estimate {
            ErrorEstimate::None => {
                highs.clear();
                highs.resize(after.lanes(), f64::NAN);
                Ok(())
            }
            ErrorEstimate::Single(error) => {
                error.weighted_mean_squares(before, after, tolerance, highs)
            }
            ErrorEstimate::Against { error, before, after } => {
                error.weighted_mean_squares(before, after, tolerance, highs)
            }
            ErrorEstimate::Stretched { high, low } => {
                high.weighted_mean_squares(before, after, tolerance, highs)?;
                low.weighted_mean_squares(before, after, tolerance, lows)?;
                for (high, &low) in highs.iter_mut().zip(lows.iter()) {
                    *high = stretched_squared(*high, low);
                }
                Ok(())
            }
        }
    }

    /// The square of one error's norm. `mean_squares` is left empty where there is
    /// but one lane.
    #[inline(always)]
    fn square<S: State>(
        &self,
        error: &S,
        before: &S,
        after: &S,
        tolerance: &Tolerance,
        mean_squares: &mut Vec<f64>,
    ) -> Result<f64, StateError> {
        if let Some(square) = error.weighted_mean_square_of_one_lane(before, after, tolerance)? {
            return Ok(match self {
                ErrorNorm::Of(norm) => own_square(norm, &[square]),
                _ => square,
            });
        }
        error.weighted_mean_squares(before, after, tolerance, mean_squares)?;
        Ok(self.square_of(mean_squares))
    }

    fn square_of(&self, mean_squares: &[f64]) -> f64 {
        match self {
            ErrorNorm::Batch => mean(mean_squares),
            ErrorNorm::WorstLane | ErrorNorm::EachLane => max_or_nan(mean_squares.iter().copied()),
            ErrorNorm::Of(norm) => own_square(norm, mean_squares),
        }
    }

    /// The norm, given the mean square of each lane.
    pub(crate) fn of_mean_squares(&self, mean_squares: &[f64]) -> f64 {
        self.square_of(mean_squares).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fold_loses_a_nan() {
        let nan_first = [f64::NAN, 2.0, 3.0];
        let nan_last = [2.0, 3.0, f64::NAN];
        let nan_middle = [2.0, f64::NAN, 3.0];
        for lanes in [nan_first, nan_middle, nan_last] {
            assert!(ErrorNorm::WorstLane.of_mean_squares(&lanes).is_nan());
            assert!(ErrorNorm::Batch.of_mean_squares(&lanes).is_nan());
            let own = ErrorNorm::of(|lanes| lanes.iter().fold(0.0, |a: f64, b| a.max(*b)));
            assert!(own.of_mean_squares(&lanes).is_nan());
        }
        assert_eq!(ErrorNorm::WorstLane.of_mean_squares(&[4.0, 1.0]), 2.0);
        assert_eq!(ErrorNorm::Batch.of_mean_squares(&[4.0, 1.0]), 2.5_f64.sqrt());
    }
}
