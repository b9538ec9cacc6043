//! Problems with known solutions, shared by the tests over all methods.
#![allow(dead_code, reason = "every test file uses its own part")]

pub mod moments;
pub mod sde;
pub mod strong;

use std::sync::Arc;

use driftfield_solvers::field::{Additive, Diagonal, OneColumn};
use driftfield_solvers::method::registry::{
    additive_methods, runge_kutta_methods, stochastic_methods, stratonovich_methods,
};
use driftfield_solvers::method::{BoxedMethod, Method};
use driftfield_solvers::{
    FieldError, OdeProblem, Problem, Solution, SolveError, SolveOptions, State, Status,
    StochasticField, Times, VectorField, init,
};

/// A coupled, nonlinear, non-autonomous oscillator in closed form: on the
/// plane as complex numbers, `z' = i (w + k |z|^2 + b cos(v t)) z`, so that
/// `|z|` stays and the phase is `(w + k |z|^2) t + (b / v) sin(v t)`.
///
/// Amplitude errors shift the frequency: truncation errors add up
/// quadratically over the periods, well above rounding, already where `h` is so
/// small that the leading term rules.
#[derive(Debug, Clone, Copy)]
pub struct Oscillator {
    pub w: f64,
    pub k: f64,
    pub b: f64,
    pub v: f64,
    pub start: [f64; 2],
}

impl Oscillator {
    pub const EXAMPLE: Oscillator =
        Oscillator { w: 1.1, k: 0.5, b: 0.6, v: 1.3, start: [0.3, 0.8] };

    fn frequency(&self, u: &[f64; 2]) -> f64 {
        self.w + self.k * (u[0] * u[0] + u[1] * u[1])
    }

    /// The solution through the start at t = 0.
    pub fn exact(&self, t: f64) -> [f64; 2] {
        let phase = self.frequency(&self.start) * t + self.b / self.v * (self.v * t).sin();
        let (sin, cos) = phase.sin_cos();
        let [x, y] = self.start;
        [cos * x - sin * y, sin * x + cos * y]
    }

    pub fn problem(&self, span: (f64, f64)) -> AnyOde<[f64; 2]> {
        ode(*self, self.exact(span.0), span)
    }

    pub fn error(&self, u: &[f64; 2], t: f64) -> f64 {
        let exact = self.exact(t);
        (u[0] - exact[0]).hypot(u[1] - exact[1])
    }
}

impl VectorField<[f64; 2]> for Oscillator {
    fn eval(&self, du: &mut [f64; 2], u: &[f64; 2], t: Times<'_>) -> Result<(), FieldError> {
        let t = t.one()?;
        let frequency = self.frequency(u) + self.b * (self.v * t).cos();
        *du = [-frequency * u[1], frequency * u[0]];
        Ok(())
    }
}

/// No diffusion at all.
#[derive(Debug, Clone, Copy)]
pub struct Zero;

impl<S: State> VectorField<S> for Zero {
    fn eval(&self, du: &mut S, _u: &S, _t: Times<'_>) -> Result<(), FieldError> {
        Ok(du.linear_combination(0.0, &[])?)
    }
}

/// The oscillator as an equation with noise, of size 0.
#[derive(Debug, Clone, Copy)]
pub struct NoiseFree(pub Oscillator);

impl StochasticField<[f64; 2]> for NoiseFree {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut [f64; 2], u: &[f64; 2], t: f64) -> Result<(), FieldError> {
        self.0.eval(out, u, t.into())
    }
    fn diffusion(
        &self,
        _channel: usize,
        out: &mut [f64; 2],
        _u: &[f64; 2],
        _t: f64,
    ) -> Result<(), FieldError> {
        *out = [0.0; 2];
        Ok(())
    }
}

/// A field of any type: a solve that every closure would have compiled anew is compiled once for
/// each type of state.
#[derive(Clone)]
pub struct AnyField<S>(Arc<dyn VectorField<S> + Send + Sync>);

impl<S> VectorField<S> for AnyField<S> {
    fn eval(&self, du: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        self.0.eval(du, u, t)
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.0.forwards(t)
    }
}

/// A problem of such a field.
pub type AnyOde<S> = OdeProblem<S, AnyField<S>>;

/// The problem of a field, whose type is forgotten.
pub fn ode<S: State>(
    field: impl VectorField<S> + Send + Sync + 'static,
    initial: S,
    span: (f64, f64),
) -> AnyOde<S> {
    OdeProblem::new(AnyField(Arc::new(field)), initial, span)
}

/// Every Runge-Kutta method of the registry.
pub fn ode_methods() -> Vec<BoxedMethod<[f64; 2], AnyField<[f64; 2]>>> {
    runge_kutta_methods()
}

/// Every stochastic method of the registry, for additive noise, to which all apply.
pub fn every_stochastic_method<S, F>() -> Vec<BoxedMethod<S, F>>
where
    S: State,
    F: StochasticField<S, Interpretation = Additive> + 'static,
    F::Noise: OneColumn,
{
    let mut methods = stochastic_methods();
    methods.extend(stratonovich_methods());
    methods.extend(additive_methods());
    methods
}

/// Least-squares slope of `y` over `x`.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let top: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    let bottom: f64 = points.iter().map(|(x, _)| (x - mx) * (x - mx)).sum();
    top / bottom
}

/// A solve as far as it comes, one that makes no step included.
pub fn attempt<P, M>(
    problem: &P,
    method: &M,
    options: SolveOptions<'_, P::State>,
) -> Result<Solution<P::State>, SolveError>
where
    P: Problem,
    M: Method<P::State, P::Field>,
{
    let mut integrator = init(problem, method, options)?;
    while integrator.step() == Status::Stepped {}
    Ok(integrator.finish())
}
