//! Stochastic problems with known solutions, and statistics of their errors.
#![allow(dead_code, reason = "every test file uses its own part")]

use driftfield_solvers::{FieldError, Ito, Stratonovich, Times, VectorField};
use ndarray::Array2;

pub type Batch = Array2<f64>;

/// `u_i = sinh(a_i W_i + c_i t + arsinh(u_i(0)))`, column by column, solves
/// `du = c sqrt(1 + u^2) dt + a sqrt(1 + u^2) o dW` in the sense of Stratonovich;
/// in that of Ito the drift has `a^2 u / 2` more. Drift and diffusion are nonlinear.
#[derive(Debug, Clone, Copy)]
pub struct Hyperbolic {
    pub a: [f64; 2],
    pub c: [f64; 2],
    pub start: [f64; 2],
}

impl Hyperbolic {
    pub fn initial(&self, lanes: usize) -> Batch {
        Batch::from_shape_fn((lanes, 2), |(_, i)| self.start[i])
    }

    /// The solution at `t`, given the path there.
    pub fn exact(&self, w: &Batch, t: f64) -> Batch {
        let at = |i: usize, w: f64| (self.a[i] * w + self.c[i] * t + self.start[i].asinh()).sinh();
        Batch::from_shape_fn(w.dim(), |(lane, i)| at(i, w[[lane, i]]))
    }

    pub fn ito(&self) -> Ito<Column, Column> {
        let Hyperbolic { a, c, .. } = *self;
        Ito { drift: Column(c, a.map(|a| 0.5 * a * a)), diffusion: Column(a, [0.0; 2]) }
    }

    pub fn stratonovich(&self) -> Stratonovich<Column, Column> {
        let Ito { drift: Column(c, _), diffusion } = self.ito();
        Stratonovich { drift: Column(c, [0.0; 2]), diffusion }
    }

    /// `g g' = a^2 u`.
    pub fn derivative(&self) -> Column {
        Column([0.0; 2], self.a.map(|a| a * a))
    }
}

/// `du = c sin(5 u + t) dt + a (1 + cos(2 u) / 2) dW` in the sense of Ito: drift and diffusion do
/// not commute, so that the areas of the path decide from order 3/2 on. No solution is known.
pub fn curved(c: f64, a: f64) -> Ito<Curved, Curved> {
    Ito { drift: Curved::Drift(c), diffusion: Curved::Diffusion(a) }
}

/// The two parts of [`curved`].
#[derive(Debug, Clone, Copy)]
pub enum Curved {
    Drift(f64),
    Diffusion(f64),
}

impl VectorField<Batch> for Curved {
    fn eval(&self, out: &mut Batch, u: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        let t = t.one()?;
        match *self {
            Curved::Drift(c) => out.zip_mut_with(u, |out, u| *out = c * (5.0 * u + t).sin()),
            Curved::Diffusion(a) => {
                out.zip_mut_with(u, |out, u| *out = a * (1.0 + 0.5 * (2.0 * u).cos()));
            }
        }
        Ok(())
    }
}

/// `p_i sqrt(1 + u_i^2) + q_i u_i` in component `i`.
#[derive(Debug, Clone, Copy)]
pub struct Column(pub [f64; 2], pub [f64; 2]);

impl VectorField<Batch> for Column {
    fn eval(&self, out: &mut Batch, u: &Batch, _t: Times<'_>) -> Result<(), FieldError> {
        for (mut out, u) in out.rows_mut().into_iter().zip(u.rows()) {
            for (i, (out, u)) in out.iter_mut().zip(u).enumerate() {
                *out = self.0[i] * (1.0 + u * u).sqrt() + self.1[i] * u;
            }
        }
        Ok(())
    }
}

/// Squared distance of every lane.
pub fn squared_errors(a: &Batch, b: &Batch) -> Vec<f64> {
    let pairs = a.rows().into_iter().zip(b.rows());
    pairs.map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()).collect()
}

/// The slope of the logarithm of the RMS error over that of the step, with its
/// bootstrap standard deviation over paths. `squares[level][path]`.
pub fn strong_slope(steps: &[f64], squares: &[Vec<f64>]) -> (f64, f64) {
    let paths = squares[0].len();
    let slope_of = |weight: &dyn Fn(usize) -> f64| {
        let points: Vec<(f64, f64)> = steps
            .iter()
            .zip(squares)
            .map(|(h, squares)| {
                let sum: f64 = squares.iter().enumerate().map(|(i, s)| weight(i) * s).sum();
                (h.ln(), 0.5 * (sum / paths as f64).ln())
            })
            .collect();
        super::slope(&points)
    };
    let estimate = slope_of(&|_| 1.0);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut counts = vec![0.0; paths];
    let replicates: Vec<f64> = (0..100)
        .map(|_| {
            counts.fill(0.0);
            for _ in 0..paths {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                counts[((state >> 33) as usize) % paths] += 1.0;
            }
            slope_of(&|i| counts[i])
        })
        .collect();
    let mean = replicates.iter().sum::<f64>() / 100.0;
    let variance = replicates.iter().map(|slope| (slope - mean).powi(2)).sum::<f64>() / 99.0;
    (estimate, variance.sqrt())
}
