use std::fmt;

use super::GaussianPath;

/// A path of two closures, `alpha` and `sigma` of time in `[0, 1]`: all else follows from them, as
/// [`GaussianPath`] says. A path that is to know more, its derivatives say, is a type of its own.
///
/// ```
/// use std::sync::Arc;
/// use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
/// use driftfield_problems::flow::probability_flow;
/// use driftfield_problems::process::{GaussianPath, OwnPath, SharedPath};
/// use driftfield_solvers::{SolveOptions, method::exponential::Ddim, solve};
/// use std::f64::consts::FRAC_PI_2;
/// let circle = OwnPath::new(|t| (FRAC_PI_2 * t).cos(), |t| (FRAC_PI_2 * t).sin()).named("circle");
/// let path: SharedPath = Arc::new(circle);
/// let data = GaussianMixture::isotropic(vec![1.0], vec![vec![2.0]], vec![0.5]).unwrap();
/// let flow = probability_flow(MixturePredictor::new(data, path.clone()));
/// let span = (path.start_with_finite_log_snr(), path.default_span().1);
/// let sample = solve(&flow.problem([0.8_f64], span), &Ddim::default(), SolveOptions::steps(200));
/// // 0.8 standard deviations above the mean.
/// assert!((sample.unwrap().u_last[0] - 2.4).abs() < 0.01);
/// ```
#[derive(Clone, Copy)]
pub struct OwnPath<A, G> {
    name: &'static str,
    alpha: A,
    sigma: G,
}

impl<A, G> OwnPath<A, G>
where
    A: Fn(f64) -> f64 + Send + Sync,
    G: Fn(f64) -> f64 + Send + Sync,
{
    /// The path `x_t = alpha(t) x_0 + sigma(t) eps`, whose log-SNR must decrease.
    pub fn new(alpha: A, sigma: G) -> Self {
        OwnPath { name: "own", alpha, sigma }
    }

    /// What it is called in messages.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }
}

impl<A, G> GaussianPath for OwnPath<A, G>
where
    A: Fn(f64) -> f64 + Send + Sync,
    G: Fn(f64) -> f64 + Send + Sync,
{
    fn name(&self) -> &'static str {
        self.name
    }
    fn alpha(&self, t: f64) -> f64 {
        (self.alpha)(t)
    }
    fn sigma(&self, t: f64) -> f64 {
        (self.sigma)(t)
    }
}

impl<A, G> fmt::Debug for OwnPath<A, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnPath").field("name", &self.name).finish_non_exhaustive()
    }
}
