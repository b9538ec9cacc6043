//! The problems: right-hand sides over slices, so that every library gets the same
//! arithmetic in the container it likes best.

/// `du/dt = f(u)`, and the product of its Jacobian with a vector for implicit methods.
pub trait Dynamics: Copy + 'static {
    fn derivative(&self, du: &mut [f64], u: &[f64]);
    fn jacobian_product(&self, out: &mut [f64], u: &[f64], v: &[f64]);
}

/// An initial value problem over `[0, end]`.
pub struct Problem<S, D> {
    pub name: &'static str,
    pub dynamics: D,
    pub start: S,
    pub end: f64,
}

impl<S, D> Problem<S, D> {
    pub fn new(name: &'static str, dynamics: D, start: S, end: f64) -> Self {
        Problem { name, dynamics, start, end }
    }
}

#[derive(Clone, Copy)]
pub struct Lorenz;

impl Dynamics for Lorenz {
    #[inline(always)]
    fn derivative(&self, du: &mut [f64], u: &[f64]) {
        du[0] = 10.0 * (u[1] - u[0]);
        du[1] = u[0] * (28.0 - u[2]) - u[1];
        du[2] = u[0] * u[1] - 8.0 / 3.0 * u[2];
    }
    fn jacobian_product(&self, out: &mut [f64], u: &[f64], v: &[f64]) {
        out[0] = 10.0 * (v[1] - v[0]);
        out[1] = v[0] * (28.0 - u[2]) - u[0] * v[2] - v[1];
        out[2] = u[0] * v[1] + v[0] * u[1] - 8.0 / 3.0 * v[2];
    }
}

#[derive(Clone, Copy)]
pub struct LotkaVolterra;

impl Dynamics for LotkaVolterra {
    #[inline(always)]
    fn derivative(&self, du: &mut [f64], u: &[f64]) {
        du[0] = 1.5 * u[0] - u[0] * u[1];
        du[1] = u[0] * u[1] - 3.0 * u[1];
    }
    fn jacobian_product(&self, out: &mut [f64], u: &[f64], v: &[f64]) {
        let product = v[0] * u[1] + u[0] * v[1];
        out[0] = 1.5 * v[0] - product;
        out[1] = product - 3.0 * v[1];
    }
}

/// With the parameter mu.
#[derive(Clone, Copy)]
pub struct VanDerPol(pub f64);

impl Dynamics for VanDerPol {
    #[inline(always)]
    fn derivative(&self, du: &mut [f64], u: &[f64]) {
        du[0] = u[1];
        du[1] = self.0 * (1.0 - u[0] * u[0]) * u[1] - u[0];
    }
    fn jacobian_product(&self, out: &mut [f64], u: &[f64], v: &[f64]) {
        out[0] = v[1];
        out[1] = self.0 * ((1.0 - u[0] * u[0]) * v[1] - 2.0 * u[0] * v[0] * u[1]) - v[0];
    }
}

/// `du_i/dt = (u_(i-1) - u_(i+1)) / 2` around a ring: linear, with eigenvalues on the
/// imaginary axis, so that no error decays.
#[derive(Clone, Copy)]
pub struct Ring;

impl Dynamics for Ring {
    #[inline(always)]
    fn derivative(&self, du: &mut [f64], u: &[f64]) {
        let last = u.len() - 1;
        du[0] = 0.5 * (u[last] - u[1]);
        du[last] = 0.5 * (u[last - 1] - u[0]);
        for (du, around) in du[1..last].iter_mut().zip(u.windows(3)) {
            *du = 0.5 * (around[0] - around[2]);
        }
    }
    fn jacobian_product(&self, out: &mut [f64], _u: &[f64], v: &[f64]) {
        self.derivative(out, v);
    }
}

/// A bump on a ring of `len` places.
pub fn wave(len: usize) -> Vec<f64> {
    (0..len).map(|i| (-0.02 * (i as f64 - 0.5 * len as f64).powi(2)).exp()).collect()
}
