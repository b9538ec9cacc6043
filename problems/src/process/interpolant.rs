//! Two-sided interpolants `x_t = a(t) x_0 + b(t) x_1 + c(t) z` between two data
//! sets, `z ~ N(0, I)` (Albergo, Boffi & Vanden-Eijnden, *Stochastic
//! Interpolants*, 2023).

use driftfield_solvers::number::Number;
use driftfield_solvers::{State, StateError};

use crate::spec::SpecError;

/// Values or time derivatives of `a`, `b` and `c`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Of `x_0`.
    pub first: f64,
    /// Of `x_1`.
    pub second: f64,
    /// Of `z`.
    pub noise: f64,
}

impl Coefficients {
    /// Writes `first x_0 + second x_1 + noise z` into `out`.
    pub fn combine<S: State>(&self, out: &mut S, x0: &S, x1: &S, z: &S) -> Result<(), StateError> {
        out.linear_combination(0.0, &[(self.first, x0), (self.second, x1), (self.noise, z)])
    }
}

/// Why an interpolant could not be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InterpolantError {
    /// Not defined, or infinite, at this time.
    #[error(
        "{quantity} of `{interpolant}` is not finite at t = {t}; take t within {usable}",
        t = Number(*t)
    )]
    Singular {
        /// What was asked for.
        quantity: &'static str,
        /// The interpolant's name.
        interpolant: &'static str,
        /// The time.
        t: f64,
        /// Where it is finite.
        usable: &'static str,
    },
    /// An operation on states failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// `x_t = a(t) x_0 + b(t) x_1 + c(t) z`, from `x_0` at t = 0 to `x_1` at t = 1.
pub trait StochasticInterpolant: Send + Sync + std::fmt::Debug {
    /// Name.
    fn name(&self) -> &'static str;
    /// `a, b, c` at `t` in `[0, 1]`.
    fn coefficients(&self, t: f64) -> Coefficients;
    /// `a', b', c'`; infinite where `c` starts like a square root.
    fn derivatives(&self, t: f64) -> Coefficients;
    /// Whether `c' = 0` throughout, so that the velocity is finite at the ends.
    fn smooth_at_ends(&self) -> bool;

    /// Draws `x_t` given the pair and `z`.
    fn draw<S: State>(
        &self,
        out: &mut S,
        (x0, x1, z): (&S, &S, &S),
        t: f64,
    ) -> Result<(), InterpolantError>
    where
        Self: Sized,
    {
        if !(0.0..=1.0).contains(&t) {
            return Err(InterpolantError::Singular {
                quantity: "the state",
                interpolant: self.name(),
                t,
                usable: "[0, 1]",
            });
        }
        Ok(self.coefficients(t).combine(out, x0, x1, z)?)
    }

    /// The conditional velocity `a' x_0 + b' x_1 + c' z`, whose mean given `x_t`
    /// is the velocity of the flow between the two data sets: what a
    /// velocity network is trained on.
    fn velocity<S: State>(
        &self,
        out: &mut S,
        (x0, x1, z): (&S, &S, &S),
        t: f64,
    ) -> Result<(), InterpolantError>
    where
        Self: Sized,
    {
        let rates = self.derivatives(t);
        if !(0.0..=1.0).contains(&t) || !rates.noise.is_finite() {
            let usable = if self.smooth_at_ends() { "[0, 1]" } else { "(0, 1)" };
            return Err(InterpolantError::Singular {
                quantity: "the velocity",
                interpolant: self.name(),
                t,
                usable,
            });
        }
        Ok(rates.combine(out, x0, x1, z)?)
    }
}

/// The straight line: `a = 1 - t`, `b = t`, `c = 0`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LinearInterpolant;

impl StochasticInterpolant for LinearInterpolant {
    fn name(&self) -> &'static str {
        "linear"
    }
    fn coefficients(&self, t: f64) -> Coefficients {
        Coefficients { first: 1.0 - t, second: t, noise: 0.0 }
    }
    fn derivatives(&self, _t: f64) -> Coefficients {
        Coefficients { first: -1.0, second: 1.0, noise: 0.0 }
    }
    fn smooth_at_ends(&self) -> bool {
        true
    }
}

/// The Brownian bridge: `a = 1 - t`, `b = t`, `c = s sqrt(t (1 - t))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BridgeInterpolant {
    s: f64,
}

impl BridgeInterpolant {
    /// The bridge with noise `s`.
    pub fn new(s: f64) -> Result<Self, SpecError> {
        if (0.0..=1e50).contains(&s) {
            return Ok(BridgeInterpolant { s });
        }
        Err(SpecError::number("bridge", "s", s, "between 0 and 1e50"))
    }

    /// The drift of the bridge pinned at `x_1`: `dx = (x_1 - x) / (1 - t) dt + s dW`
    /// forwards in time. Its mean given `x_t` is the drift that carries the
    /// first data set to the second.
    pub fn forward_drift<S: State>(
        &self,
        out: &mut S,
        x: &S,
        x1: &S,
        t: f64,
    ) -> Result<(), InterpolantError> {
        if !(0.0..1.0).contains(&t) {
            return Err(self.no_drift(t, "[0, 1)"));
        }
        let rate = 1.0 / (1.0 - t);
        Ok(out.linear_combination(0.0, &[(rate, x1), (-rate, x)])?)
    }

    /// The drift of the bridge pinned at `x_0`, `(x - x_0) / t`, for time
    /// running downwards: `dx = (x - x_0) / t dt + s dW`, `dt < 0`.
    pub fn backward_drift<S: State>(
        &self,
        out: &mut S,
        x: &S,
        x0: &S,
        t: f64,
    ) -> Result<(), InterpolantError> {
        if !(t > 0.0 && t <= 1.0) {
            return Err(self.no_drift(t, "(0, 1]"));
        }
        Ok(out.linear_combination(0.0, &[(1.0 / t, x), (-1.0 / t, x0)])?)
    }

    fn no_drift(&self, t: f64, usable: &'static str) -> InterpolantError {
        InterpolantError::Singular { quantity: "the drift", interpolant: self.name(), t, usable }
    }
}

impl StochasticInterpolant for BridgeInterpolant {
    fn name(&self) -> &'static str {
        "bridge"
    }
    fn coefficients(&self, t: f64) -> Coefficients {
        Coefficients { first: 1.0 - t, second: t, noise: self.s * (t * (1.0 - t)).sqrt() }
    }
    fn derivatives(&self, t: f64) -> Coefficients {
        let noise = if self.s == 0.0 { 0.0 } else { self.s * (0.5 - t) / (t * (1.0 - t)).sqrt() };
        Coefficients { first: -1.0, second: 1.0, noise }
    }
    fn smooth_at_ends(&self) -> bool {
        self.s == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velocity_is_the_derivative_of_the_draw() {
        let pair = (&[1.0, -2.0], &[0.5, 3.0], &[0.7, -0.1]);
        let bridge = BridgeInterpolant::new(0.5).unwrap();
        let (mut low, mut high, mut velocity) = ([0.0; 2], [0.0; 2], [0.0; 2]);
        for t in [0.1, 0.5, 0.83] {
            let h = 1e-5;
            bridge.draw(&mut low, pair, t - h).unwrap();
            bridge.draw(&mut high, pair, t + h).unwrap();
            bridge.velocity(&mut velocity, pair, t).unwrap();
            for i in 0..2 {
                approx::assert_relative_eq!(
                    velocity[i],
                    (high[i] - low[i]) / (2.0 * h),
                    max_relative = 1e-6
                );
            }
        }
    }

    #[test]
    fn ends_are_the_two_data_sets() {
        let pair = (&[1.0, -2.0], &[0.5, 3.0], &[0.7, -0.1]);
        let bridge = BridgeInterpolant::new(0.5).unwrap();
        let mut x = [0.0; 2];
        for (t, end) in [(0.0, pair.0), (1.0, pair.1)] {
            bridge.draw(&mut x, pair, t).unwrap();
            assert_eq!(&x, end);
            LinearInterpolant.draw(&mut x, pair, t).unwrap();
            assert_eq!(&x, end);
            LinearInterpolant.velocity(&mut x, pair, t).unwrap();
            assert_eq!(x, [-0.5, 5.0]);
            let error = bridge.velocity(&mut x, pair, t).unwrap_err().to_string();
            assert!(error.contains("(0, 1)"), "{error}");
        }
        assert!(bridge.draw(&mut x, pair, 1.5).is_err());
        assert!(bridge.draw(&mut x, pair, f64::NAN).is_err());
        assert!(BridgeInterpolant::new(f64::NAN).is_err());
    }

    /// Between the marginal variance `c^2` at two times, the pinned drift and
    /// noise `s` must balance: `(c^2)' = s^2 - 2 c^2 / (1 - t)` forwards, and
    /// downwards in time `(c^2)' = 2 c^2 / t - s^2`.
    #[test]
    fn pinned_drifts_keep_the_bridge_variance() {
        let s = 0.7;
        let bridge = BridgeInterpolant::new(s).unwrap();
        let (mut forward, mut backward) = ([0.0], [0.0]);
        for t in [0.2, 0.6] {
            let c = bridge.coefficients(t).noise;
            let rate = 2.0 * c * bridge.derivatives(t).noise;
            // With both ends at 0, the state c z and z = 1 give the drift's slope.
            bridge.forward_drift(&mut forward, &[c], &[0.0], t).unwrap();
            bridge.backward_drift(&mut backward, &[c], &[0.0], t).unwrap();
            approx::assert_relative_eq!(rate, s * s + 2.0 * c * forward[0], epsilon = 1e-14);
            approx::assert_relative_eq!(rate, 2.0 * c * backward[0] - s * s, epsilon = 1e-14);
        }
        assert!(bridge.forward_drift(&mut forward, &[0.0], &[0.0], 1.0).is_err());
        assert!(bridge.backward_drift(&mut backward, &[0.0], &[0.0], 0.0).is_err());
    }
}
