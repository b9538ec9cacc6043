//! Problems with known solutions, shared by the tests over all methods.
#![allow(dead_code, reason = "every test file uses its own part")]

use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::registry::{runge_kutta_methods, stochastic_methods};
use driftfield_solvers::{FieldError, Ito, OdeProblem, VectorField};

/// A coupled, nonlinear, non-autonomous system in closed form.
///
/// In rotated coordinates it is a logistic growth with oscillating rate,
/// `p' = (a + b cos wt) p (1 - p)`, and a Riccati equation `q' = -2 c t q^2`;
/// the rotation mixes both, so that no order condition is hidden by a
/// diagonal or autonomous right-hand side.
#[derive(Debug, Clone, Copy)]
pub struct RotatedPair {
    pub a: f64,
    pub b: f64,
    pub w: f64,
    pub c: f64,
    pub angle: f64,
    pub start: [f64; 2],
}

impl RotatedPair {
    pub const EXAMPLE: RotatedPair =
        RotatedPair { a: 0.7, b: 0.9, w: 2.3, c: 0.6, angle: 0.6, start: [0.3, 0.8] };

    fn rotate(&self, [p, q]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.angle.sin_cos();
        [cos * p - sin * q, sin * p + cos * q]
    }

    fn unrotate(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.angle.sin_cos();
        [cos * x + sin * y, -sin * x + cos * y]
    }

    /// The solution through the start at t = 0.
    pub fn exact(&self, t: f64) -> [f64; 2] {
        let growth = self.a * t + self.b / self.w * (self.w * t).sin();
        let p = 1.0 / (1.0 + (1.0 / self.start[0] - 1.0) * (-growth).exp());
        let q = 1.0 / (1.0 / self.start[1] + self.c * t * t);
        self.rotate([p, q])
    }

    pub fn problem(&self, span: (f64, f64)) -> OdeProblem<[f64; 2], RotatedPair> {
        OdeProblem::new(*self, self.exact(span.0), span)
    }

    pub fn error(&self, u: &[f64; 2], t: f64) -> f64 {
        let exact = self.exact(t);
        (u[0] - exact[0]).hypot(u[1] - exact[1])
    }
}

impl VectorField<[f64; 2]> for RotatedPair {
    fn eval(&self, du: &mut [f64; 2], u: &[f64; 2], t: f64) -> Result<(), FieldError> {
        let [p, q] = self.unrotate(*u);
        let rate = self.a + self.b * (self.w * t).cos();
        *du = self.rotate([rate * p * (1.0 - p), -2.0 * self.c * t * q * q]);
        Ok(())
    }
}

/// No diffusion at all.
#[derive(Debug, Clone, Copy)]
pub struct Zero;

impl<S: driftfield_solvers::State> VectorField<S> for Zero {
    fn eval(&self, du: &mut S, _u: &S, _t: f64) -> Result<(), FieldError> {
        Ok(du.linear_combination(0.0, &[])?)
    }
}

pub type NoiseFree = Ito<RotatedPair, Zero>;

/// Every Runge-Kutta method of the registry, for fields of type `F`.
pub fn ode_methods<F: VectorField<[f64; 2]> + 'static>() -> Vec<BoxedMethod<[f64; 2], F>> {
    runge_kutta_methods()
}

/// Every stochastic method of the registry, for a system without noise.
pub fn noise_free_methods() -> Vec<BoxedMethod<[f64; 2], NoiseFree>> {
    stochastic_methods()
}

/// Least-squares slope of `y` over `x`.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let top: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    let bottom: f64 = points.iter().map(|(x, _)| (x - mx) * (x - mx)).sum();
    top / bottom
}
