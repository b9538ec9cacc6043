//! What the command line fills in: where generation starts with a method, and where its steps lie.

use driftfield_solvers::SolveOptions;
use driftfield_solvers::method::{Kind, MethodInfo};

use crate::process::{GaussianPath, SharedPath};
use crate::spacing::{Spacing, SpacingError};

/// Start and end of generation on `path` with a method, which may need a log-SNR or a diffusion
/// that is finite where it starts: then a little later than
/// [`default_span`](GaussianPath::default_span) says.
///
/// ```
/// use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
/// use driftfield_problems::flow::{probability_flow, span_for, steps};
/// use driftfield_problems::{method, process};
/// use driftfield_solvers::method::Method;
/// use driftfield_solvers::noise::fill_initial_normals;
/// use driftfield_solvers::solve;
/// use ndarray::Array2;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data: GaussianMixture =
///     r#"{"weights": [0.5, 0.5], "means": [[-1, 0], [1, 0]], "stds": [0.2, 0.3]}"#.parse()?;
/// let path = process::parse("rectified-flow")?;
/// // On this path there is nothing but noise at t = 1, where the log-SNR is not finite.
/// let method = method::parse("dpm-solver-2m")?;
/// let span = span_for(&path, &method.info());
/// assert!(span.0 < 1.0);
/// let mut noise = Array2::<f64>::zeros((50, 2));
/// fill_initial_normals(&mut noise, path.sigma(span.0), 0, 0)?;
/// let flow = probability_flow(MixturePredictor::new(data, path.clone()));
/// let samples = solve(&flow.problem(noise, span), &method, steps(&path, span, 20)?)?.complete()?;
/// assert!(samples.iter().all(|x| x.is_finite()));
/// # Ok(())
/// # }
/// ```
pub fn span_for(path: &SharedPath, info: &MethodInfo) -> (f64, f64) {
    let end = path.default_span().1;
    (start_for(path, info, info.kind.needs_log_snr(), info.kind == Kind::Stochastic), end)
}

/// Where generation starts with a method, if a finite log-SNR or a finite diffusion is needed; the
/// last timestep of a discrete-time model is where it is meant to start, if the method can.
pub fn start_for(
    path: &SharedPath,
    info: &MethodInfo,
    needs_log_snr: bool,
    needs_diffusion: bool,
) -> f64 {
    let (domain, start) = (path.domain(), path.default_span().0);
    let from_noise = info.starts_from_noise && path.timesteps().is_some();
    let usable = (!needs_log_snr || from_noise || domain.has_log_snr(start))
        && (!needs_diffusion || domain.has_diffusion(start));
    if usable { start } else { path.start_with_finite_log_snr() }
}

/// `n` steps over `span` where the path's own [spacing](GaussianPath::default_spacing) places them,
/// as the command line does; [`SolveOptions::steps`] makes them equal in time on every path.
pub fn steps<'a, S>(
    path: &SharedPath,
    span: (f64, f64),
    n: usize,
) -> Result<SolveOptions<'a, S>, SpacingError> {
    let times = Spacing::default_for(path).times(path, span.0, span.1, n)?;
    Ok(SolveOptions::times(times))
}
