use super::ControlError;
use super::inverse_root::InverseRoot;

/// A PID step-size controller (Soderlind, *ACM Trans. Math. Softw.* 29, 2003).
///
/// With `e_n` the error of this step in units of the tolerance, `e_(n-1)`,
/// `e_(n-2)` those of the accepted steps before, and `k` the order of the error
/// estimate (embedded order + 1), the next step is `h` times
///
/// `safety * e_n^(-beta1 / k) * e_(n-1)^(-beta2 / k) * e_(n-2)^(-beta3 / k)`,
///
/// `beta1 = P + I + D`, `beta2 = -(P + 2 D)`, `beta3 = D`, clipped to
/// `[min_factor, max_factor]`. A step rejected is followed by one of at most `safety` times its
/// length, and the step accepted after it by one no longer than itself, as in the codes of Hairer
/// and of SciPy, unless [`grow_after_rejection`](PidController::grow_after_rejection) is set.
///
/// Conventions differ: Hairer & Wanner and OrdinaryDiffEq.jl quote the betas,
/// already divided by `k`; we quote P, I and D as diffrax does, because they do
/// not change with the method's order. Histories hold accepted steps only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PidController {
    /// Proportional coefficient P.
    pub proportional: f64,
    /// Integral coefficient I.
    pub integral: f64,
    /// Derivative coefficient D.
    pub derivative: f64,
    /// Safety factor.
    pub safety: f64,
    /// Largest shrinking of a step.
    pub min_factor: f64,
    /// Largest growth of a step.
    pub max_factor: f64,
    /// Whether the first step accepted after a rejection may be followed by a longer one. By
    /// default it may not: what made the rejected step too long is still near.
    pub grow_after_rejection: bool,
}

/// Errors of the accepted steps a controller looks back at, and whether a step was rejected
/// since the last of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorHistory {
    previous_square: f64,
    before_previous_square: f64,
    rejected: bool,
}

impl Default for ErrorHistory {
    fn default() -> Self {
        ErrorHistory { previous_square: 1.0, before_previous_square: 1.0, rejected: false }
    }
}

/// What the controller says of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Whether the step is kept.
    pub accept: bool,
    /// Length of the next step in units of this one.
    pub factor: f64,
}

impl PidController {
    /// The elementary controller: I = 1.
    pub const fn integral() -> Self {
        Self::with_coefficients(0.0, 1.0, 0.0)
    }

    /// A PI controller, smoother on mildly stiff problems: P = 0.3, I = 0.4.
    pub const fn proportional_integral() -> Self {
        Self::with_coefficients(0.3, 0.4, 0.0)
    }

    /// Soderlind's H312PID: beta = (1/18, 1/9, 1/18), that is I = 2/9, P = -2/9, D = 1/18.
    pub const fn h312() -> Self {
        Self::with_coefficients(-2.0 / 9.0, 2.0 / 9.0, 1.0 / 18.0)
    }

    /// Given P, I and D with the usual limits: safety 0.9, factors in `[0.2, 10]`.
    pub const fn with_coefficients(proportional: f64, integral: f64, derivative: f64) -> Self {
        PidController {
            proportional,
            integral,
            derivative,
            safety: 0.9,
            min_factor: 0.2,
            max_factor: 10.0,
            grow_after_rejection: false,
        }
    }

    /// Refuses settings that could not steer.
    pub fn check(&self) -> Result<(), ControlError> {
        let setting = |name, value: f64, good: bool, range| {
            if good { Ok(()) } else { Err(ControlError::Setting { name, value, range }) }
        };
        for (name, value) in [
            ("proportional", self.proportional),
            ("integral", self.integral),
            ("derivative", self.derivative),
        ] {
            setting(name, value, value.is_finite(), "a finite number")?;
        }
        setting("safety", self.safety, self.safety > 0.0 && self.safety < 1.0, "0 < safety < 1")?;
        let min = self.min_factor;
        setting("min_factor", min, min > 0.0 && min < 1.0, "0 < min_factor < 1")?;
        let max = self.max_factor;
        setting("max_factor", max, max.is_finite() && max >= 1.0, "1 <= max_factor, finite")
    }

    /// Judges a step of weighted error `error`; `order` is that of the estimate.
    ///
    /// `error <= 1` accepts and nothing else does, so that a NaN is rejected.
    pub fn judge(&self, error: f64, order: f64, history: &mut ErrorHistory) -> Verdict {
        self.judge_squared(error * error, order, history)
    }

    /// [`PidController::judge`], given the square of the error: norms are roots of
    /// sums, and `e^(-beta / k)` is as well `(e^2)^(-beta / 2k)`.
    #[inline(always)]
    pub(crate) fn judge_squared(
        &self,
        square: f64,
        order: f64,
        history: &mut ErrorHistory,
    ) -> Verdict {
        let accept = square <= 1.0;
        if !square.is_finite() {
            history.rejected = true;
            return Verdict { accept, factor: self.min_factor };
        }
        // A vanishing error would ask for an infinite step and poison the
        // history; the clip below makes anything this small the same.
        let square = if square > 1e-60 { square } else { 1e-60 };
        let double_order = 2.0 * order;
        let power = |e: f64, beta: f64| {
            if beta == 0.0 {
                return 1.0;
            }
            match InverseRoot::of(double_order) {
                Some(root) if beta == 1.0 => root.at(e),
                _ => e.powf(-beta / double_order),
            }
        };
        let proposal = self.safety
            * power(square, self.proportional + self.integral + self.derivative)
            * power(history.previous_square, -(self.proportional + 2.0 * self.derivative))
            * power(history.before_previous_square, self.derivative);
        let max_factor = if !accept {
            self.safety
        } else if history.rejected && !self.grow_after_rejection {
            1.0
        } else {
            self.max_factor
        };
        if accept {
            *history = ErrorHistory {
                previous_square: square,
                before_previous_square: history.previous_square,
                rejected: false,
            };
        } else {
            history.rejected = true;
        }
        Verdict { accept, factor: proposal.clamp(self.min_factor.min(max_factor), max_factor) }
    }
}

impl Default for PidController {
    fn default() -> Self {
        Self::integral()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn follows_the_formula_on_a_given_sequence_of_errors() {
        let pid = PidController::with_coefficients(0.2, 0.5, 0.1);
        let mut history = ErrorHistory::default();
        let first = pid.judge(0.25, 5.0, &mut history);
        assert_relative_eq!(first.factor, 0.9 * 0.25_f64.powf(-0.8 / 5.0), epsilon = 1e-15);
        let second = pid.judge(0.5, 5.0, &mut history);
        let expected = 0.9 * 0.5_f64.powf(-0.8 / 5.0) * 0.25_f64.powf(0.4 / 5.0);
        assert_relative_eq!(second.factor, expected, epsilon = 1e-15);
        let rejected = pid.judge(3.0, 5.0, &mut history);
        let expected =
            0.9 * 3.0_f64.powf(-0.8 / 5.0) * 0.5_f64.powf(0.4 / 5.0) * 0.25_f64.powf(-0.1 / 5.0);
        assert!(!rejected.accept);
        assert_relative_eq!(rejected.factor, expected, epsilon = 1e-15);
        let unchanged = pid.judge(3.0, 5.0, &mut history);
        assert_eq!(rejected, unchanged, "a rejected step must not enter the history");
    }

    #[test]
    fn nan_and_infinity_are_rejected_and_shrink_the_most() {
        for error in [f64::NAN, f64::INFINITY] {
            let mut history = ErrorHistory::default();
            let verdict = PidController::default().judge(error, 5.0, &mut history);
            assert_eq!(verdict, Verdict { accept: false, factor: 0.2 });
            assert_eq!(history, ErrorHistory { rejected: true, ..ErrorHistory::default() });
        }
    }

    #[test]
    fn the_step_after_a_rejection_does_not_grow_unless_it_may() {
        for rejection in [3.0, f64::NAN, f64::INFINITY] {
            for (grow_after_rejection, expected) in [(false, 1.0), (true, 10.0)] {
                let controller = PidController { grow_after_rejection, ..PidController::default() };
                let mut history = ErrorHistory::default();
                let mut judge = |error: f64| controller.judge(error, 5.0, &mut history);
                assert_eq!(judge(1e-9).factor, 10.0);
                assert!(!judge(rejection).accept && !judge(2.0).accept);
                let after = judge(1e-9);
                assert!(after.accept);
                assert_eq!(after.factor, expected);
                // A rejection is forgotten with the step that follows it.
                assert_eq!(judge(1e-9).factor, 10.0);
                // What shrinks anyway is left alone.
                judge(rejection);
                assert_relative_eq!(judge(1.0).factor, 0.9, epsilon = 1e-15);
            }
        }
    }

    #[test]
    fn zero_error_grows_by_the_largest_factor() {
        let verdict = PidController::h312().judge(0.0, 5.0, &mut ErrorHistory::default());
        assert!(verdict.accept && verdict.factor > 1.0 && verdict.factor <= 10.0);
    }
}
