//! Weighted mean squares of error estimates.

use super::tolerance::Unit;
use super::{HostState, Scalar, Tolerance};

/// Independent partial sums of a long lane: one chain of additions would wait for
/// each of them.
const PARTS: usize = 4;
/// Longest lane summed in one chain.
const CHAIN: usize = 8;

/// The values of an error estimate and of the states before and after its step, all of one shape.
pub(super) struct Errors<'a, H: HostState> {
    pub(super) error: &'a [H::Scalar],
    pub(super) before: &'a [H::Scalar],
    pub(super) after: &'a [H::Scalar],
}

/// Component `i` of a real state, the modulus of that of a complex one.
#[inline(always)]
fn component<H: HostState>(values: &[H::Scalar], i: usize) -> f64 {
    if H::PARTS == 1 {
        return values[i].into_f64();
    }
    values[2 * i].into_f64().hypot(values[2 * i + 1].into_f64())
}

impl<H: HostState> Errors<'_, H> {
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
        let lane_reals = (self.error.len() / mean_squares.len().max(1)).max(1);
        match tolerance.uniform() {
            // Points of the plane are frequent, and too short for a loop each.
            Some(unit) if lane_reals == 2 => self.of_lanes(2, unit, mean_squares),
            Some(unit) => self.of_lanes(lane_reals, unit, mean_squares),
            None => self.lane_by_lane(lane_reals, mean_squares, |i, size| tolerance.scale(i, size)),
        }
    }

    #[inline(always)]
    fn of_lanes(self, lane_reals: usize, unit: Unit, mean_squares: &mut [f64]) {
        self.lane_by_lane(lane_reals, mean_squares, |_, size| unit.of(size));
    }

    #[inline(always)]
    fn lane_by_lane(
        self,
        lane_reals: usize,
        mean_squares: &mut [f64],
        unit: impl Fn(usize, f64) -> f64 + Copy,
    ) {
        let errors = self.error.chunks_exact(lane_reals);
        let states = self.before.chunks_exact(lane_reals).zip(self.after.chunks_exact(lane_reals));
        for (mean, (error, (before, after))) in mean_squares.iter_mut().zip(errors.zip(states)) {
            *mean = Errors::<H> { error, before, after }.mean_square_in(unit);
        }
    }

    #[inline(always)]
    fn mean_square_in(self, unit: impl Fn(usize, f64) -> f64) -> f64 {
        let len = self.error.len() / H::PARTS;
        let least = H::Scalar::LEAST_TOLERANCE;
        let square = |i: usize| {
            let error = component::<H>(self.error, i);
            let (before, after) = (component::<H>(self.before, i), component::<H>(self.after, i));
            let size = before.abs().max(after.abs());
            if least > 0.0 && unit(i, size) < least * size {
                return f64::INFINITY;
            }
            // No error at all is within any tolerance, one of 0 included.
            let ratio = if error == 0.0 { 0.0 } else { error / unit(i, size) };
            ratio * ratio
        };
        // `0 * after` is 0 for finite values, NaN otherwise: an infinite new value
        // would else weigh its own error to 0.
        let poison = |i: usize| match H::PARTS {
            1 => 0.0 * self.after[i].into_f64(),
            _ => 0.0 * self.after[2 * i].into_f64() + 0.0 * self.after[2 * i + 1].into_f64(),
        };
        let mut sum = 0.0;
        if len <= CHAIN {
            // First, because the state is there long before its error is.
            for i in 0..len {
                sum += poison(i);
            }
            for i in 0..len {
                sum += square(i);
            }
        } else {
            let mut sums = [0.0; PARTS];
            for start in (0..len - len % PARTS).step_by(PARTS) {
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum += square(start + j) + poison(start + j);
                }
            }
            sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
            for i in len - len % PARTS..len {
                sum += square(i) + poison(i);
            }
        }
        sum * (1.0 / len as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    type Vector = nalgebra::DVector<f64>;

    #[test]
    fn is_the_formula_for_lanes_of_any_length() {
        let (abstol, reltol) = (1e-3, 1e-2);
        for len in [1, 2, 3, 7, 8, 9, 16, 33, 1000] {
            let value = |seed: f64| (0..len).map(move |i| (seed * (i + 1) as f64).sin());
            let error: Vec<f64> = value(0.7).map(|e| 1e-3 * e).collect();
            let (before, after): (Vec<f64>, Vec<f64>) = value(1.3).zip(value(2.1)).unzip();
            let ratios = error.iter().zip(before.iter().zip(&after)).map(|(e, (u, v))| {
                let size: f64 = u.abs().max(v.abs());
                e / (abstol + reltol * size)
            });
            let expected = ratios.map(|ratio| ratio * ratio).sum::<f64>() / len as f64;
            let errors = || Errors::<Vector> { error: &error, before: &before, after: &after };
            let one_for_all = Tolerance::new(abstol, reltol);
            let one_each = Tolerance::new(vec![abstol; len], reltol);
            for tolerance in [one_for_all, one_each] {
                assert_relative_eq!(
                    errors().mean_square(&tolerance),
                    expected,
                    max_relative = 1e-13
                );
                let mut lanes = [0.0];
                errors().mean_squares(&tolerance, &mut lanes);
                assert_eq!(lanes[0], errors().mean_square(&tolerance), "{len} components");
            }
        }
    }

    #[test]
    fn no_component_of_a_long_lane_hides_an_infinity() {
        let tolerance = Tolerance::new(1e-3, 1e-2);
        for len in [3, 11, 40] {
            for at in 0..len {
                for bad in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
                    let (error, before) = (vec![0.0; len], vec![1.0; len]);
                    let mut after = before.clone();
                    after[at] = bad;
                    let errors =
                        || Errors::<Vector> { error: &error, before: &before, after: &after };
                    assert!(
                        !errors().mean_square(&tolerance).is_finite(),
                        "{bad} at {at} of {len}"
                    );
                }
            }
        }
    }
}
