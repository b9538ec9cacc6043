//! Weighted mean squares of error estimates.

use super::tolerance::Unit;
use super::{Scalar, Tolerance};

/// Independent partial sums of a long lane: one chain of additions would wait for
/// each of them.
const PARTS: usize = 4;
/// Longest lane summed in one chain.
const CHAIN: usize = 8;

/// An error estimate and the states before and after its step, all of one shape.
#[derive(Clone, Copy)]
pub(super) struct Errors<'a, T> {
    pub(super) error: &'a [T],
    pub(super) before: &'a [T],
    pub(super) after: &'a [T],
}

impl<'a, T: Scalar> Errors<'a, T> {
    /// Mean over the components of one lane of `(error / unit)^2`; not finite where
    /// the error or the state after the step is not.
    #[inline(always)]
    pub(super) fn mean_square(self, tolerance: &Tolerance) -> f64 {
        match tolerance.uniform() {
            Some(unit) => self.mean_square_in(|_, size| unit.of(size)),
            None => self.mean_square_in(|i, size| tolerance.scale(i, size)),
        }
    }

    /// [`Errors::mean_square`] of every lane.
    pub(super) fn mean_squares(self, tolerance: &Tolerance, mean_squares: &mut [f64]) {
        let lane_len = (self.error.len() / mean_squares.len().max(1)).max(1);
        match tolerance.uniform() {
            // Points of the plane are frequent, and too short for a loop each.
            Some(unit) if lane_len == 2 => self.of_lanes(2, unit, mean_squares),
            Some(unit) => self.of_lanes(lane_len, unit, mean_squares),
            None => self.lane_by_lane(lane_len, mean_squares, |i, size| tolerance.scale(i, size)),
        }
    }

    #[inline(always)]
    fn of_lanes(self, lane_len: usize, unit: Unit, mean_squares: &mut [f64]) {
        self.lane_by_lane(lane_len, mean_squares, |_, size| unit.of(size));
    }

    #[inline(always)]
    fn lane_by_lane(
        self,
        lane_len: usize,
        mean_squares: &mut [f64],
        unit: impl Fn(usize, f64) -> f64 + Copy,
    ) {
        let errors = self.error.chunks_exact(lane_len);
        let states = self.before.chunks_exact(lane_len).zip(self.after.chunks_exact(lane_len));
        for (mean, (error, (before, after))) in mean_squares.iter_mut().zip(errors.zip(states)) {
            *mean = Errors { error, before, after }.mean_square_in(unit);
        }
    }

    #[inline(always)]
    fn mean_square_in(self, unit: impl Fn(usize, f64) -> f64) -> f64 {
        let len = self.error.len();
        let at = |i: usize| {
            let (error, after) = (self.error[i].into_f64(), self.after[i].into_f64());
            let unit = unit(i, self.before[i].into_f64().abs().max(after.abs()));
            // No error at all is within any tolerance, one of 0 included.
            let ratio = if error == 0.0 { 0.0 } else { error / unit };
            // `0 * after` is 0 for finite values, NaN otherwise: an infinite new
            // value would else weigh its own error to 0.
            (ratio * ratio, 0.0 * after)
        };
        // Apart, because the state is there long before its error is.
        let (mut sum, mut poison) = (0.0, 0.0);
        if len <= CHAIN {
            for i in 0..len {
                let (square, zero) = at(i);
                sum += square;
                poison += zero;
            }
        } else {
            let mut sums = [0.0; PARTS];
            for start in (0..len - len % PARTS).step_by(PARTS) {
                for (j, sum) in sums.iter_mut().enumerate() {
                    let (square, zero) = at(start + j);
                    *sum += square + zero;
                }
            }
            sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
            for i in len - len % PARTS..len {
                let (square, zero) = at(i);
                sum += square + zero;
            }
        }
        (sum + poison) * (1.0 / len as f64)
    }
}
