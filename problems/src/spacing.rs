//! Rules that place the times of a fixed grid.

use std::fmt;
use std::str::FromStr;

use crate::process::{GaussianPath, PathError, check_log_snr, check_time};
use crate::spec::{Spec, SpecError};

/// Where the `n + 1` times of `n` steps lie between two ends, which may come in
/// either order and are always met exactly.
///
/// ```
/// use driftfield_problems::{process::Edm, spacing::Spacing};
/// let times = "karras:rho=7".parse::<Spacing>().unwrap().times(&Edm, 80.0, 0.002, 17).unwrap();
/// assert_eq!((times.len(), times[0], times[17]), (18, 80.0, 0.002));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Spacing {
    /// Uniform in t: `t_start + i h`.
    Uniform,
    /// Uniform in `sqrt(t)` (DDIM's quadratic subsequence).
    Quadratic,
    /// Uniform in `lambda = ln(alpha / sigma)` (Lu et al. 2022).
    LogSnr,
    /// Uniform in `(sigma / alpha)^(1 / rho)` (Karras et al. 2022, eq. 5).
    Karras {
        /// Larger values place more steps near the data.
        rho: f64,
    },
    /// Uniform in `ln(sigma / alpha)`: the same times as log-SNR.
    Exponential,
}

/// Why times could not be placed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpacingError {
    /// An end cannot be used.
    #[error(transparent)]
    End(#[from] PathError),
    /// No step, or ends that coincide.
    #[error(
        "{steps} step(s) from t = {start} to {end}: take at least one step, and two different ends"
    )]
    Empty {
        /// Number of steps.
        steps: usize,
        /// First time.
        start: f64,
        /// Last time.
        end: f64,
    },
    /// Two times that are the same number.
    #[error(
        "{steps} steps of `{spacing}` from t = {start} to {end} are too fine to tell apart at t = {t}; take fewer steps"
    )]
    TooFine {
        /// The spacing.
        spacing: Spacing,
        /// Number of steps.
        steps: usize,
        /// First time.
        start: f64,
        /// Last time.
        end: f64,
        /// Where neighbours coincide.
        t: f64,
    },
    /// `rho` that is not positive.
    #[error("karras spacing with rho = {0}; rho must be positive and finite, 7 as a rule")]
    Rho(f64),
}

impl Spacing {
    /// All spacings by name.
    pub const NAMES: [&str; 5] = ["uniform", "quadratic", "logsnr", "karras", "exponential"];

    /// Karras spacing with the `rho` of the paper.
    pub const KARRAS: Spacing = Spacing::Karras { rho: 7.0 };

    /// The spacing a path is given when none is asked for.
    pub fn default_for<P: GaussianPath + ?Sized>(path: &P) -> Spacing {
        // A path may only name spacings that exist; a test holds them to it.
        path.default_spacing().parse().unwrap_or(Spacing::Uniform)
    }

    /// Whether both ends must have a finite log-SNR.
    pub fn needs_log_snr(&self) -> bool {
        !matches!(self, Spacing::Uniform | Spacing::Quadratic)
    }

    /// The times of `steps` steps from `start` to `end`.
    pub fn times<P: GaussianPath + ?Sized>(
        &self,
        path: &P,
        start: f64,
        end: f64,
        steps: usize,
    ) -> Result<Vec<f64>, SpacingError> {
        for t in [start, end] {
            if self.needs_log_snr() { check_log_snr(path, t) } else { check_time(path, t) }?;
        }
        if steps == 0 || start == end {
            return Err(SpacingError::Empty { steps, start, end });
        }
        let place = self.placement(path, start, end, steps)?;
        let mut times: Vec<f64> = (0..=steps).map(place).collect();
        (times[0], times[steps]) = (start, end);
        let ordered =
            |pair: &[f64]| if start < end { pair[0] < pair[1] } else { pair[0] > pair[1] };
        match times.windows(2).find(|pair| !ordered(pair)) {
            None => Ok(times),
            Some(pair) => {
                Err(SpacingError::TooFine { spacing: *self, steps, start, end, t: pair[0] })
            }
        }
    }

    /// The rule from `i` to the `i`-th time.
    fn placement<'a, P: GaussianPath + ?Sized>(
        &self,
        path: &'a P,
        start: f64,
        end: f64,
        steps: usize,
    ) -> Result<Box<dyn Fn(usize) -> f64 + 'a>, SpacingError> {
        let share = move |i: usize| i as f64 / steps as f64;
        Ok(match *self {
            Spacing::Uniform => {
                let h = (end - start) / steps as f64;
                Box::new(move |i| start + i as f64 * h)
            }
            Spacing::Quadratic => {
                let (first, last) = (start.sqrt(), end.sqrt());
                Box::new(move |i| (first + share(i) * (last - first)).powi(2))
            }
            Spacing::LogSnr | Spacing::Exponential => {
                let (first, last) = (path.log_snr(start), path.log_snr(end));
                Box::new(move |i| path.time_at_log_snr(first + share(i) * (last - first)))
            }
            Spacing::Karras { rho } => {
                if !(rho > 0.0 && rho.is_finite()) {
                    return Err(SpacingError::Rho(rho));
                }
                // (sigma / alpha)^(1/rho) in units of the larger end's, so
                // that no rho, however small, overflows.
                let exponents = [start, end].map(|t| -path.log_snr(t) / rho);
                let top = exponents[0].max(exponents[1]);
                let [first, last] = exponents.map(|exponent| (exponent - top).exp());
                Box::new(move |i| {
                    let root = (first + share(i) * (last - first)).ln() + top;
                    path.time_at_log_snr(-rho * root)
                })
            }
        })
    }
}

impl FromStr for Spacing {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let spec: Spec = text.parse()?;
        if Spacing::NAMES.contains(&spec.name()) {
            spec.only(if spec.name() == "karras" { &["rho"] } else { &[] })?;
        }
        match spec.name() {
            "uniform" => Ok(Spacing::Uniform),
            "quadratic" => Ok(Spacing::Quadratic),
            "logsnr" => Ok(Spacing::LogSnr),
            "exponential" => Ok(Spacing::Exponential),
            "karras" => {
                let rho = spec.number("rho", 7.0)?;
                if rho > 0.0 {
                    return Ok(Spacing::Karras { rho });
                }
                Err(SpecError::value("karras", "rho", rho, "positive, 7 as a rule"))
            }
            name => Err(SpecError::unknown_name("spacing", name, Spacing::NAMES)),
        }
    }
}

impl fmt::Display for Spacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spacing::Uniform => write!(f, "uniform"),
            Spacing::Quadratic => write!(f, "quadratic"),
            Spacing::LogSnr => write!(f, "logsnr"),
            Spacing::Karras { rho } => write!(f, "karras:rho={rho}"),
            Spacing::Exponential => write!(f, "exponential"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{PROCESSES, RectifiedFlow, parse};

    const ALL: [Spacing; 5] = [
        Spacing::Uniform,
        Spacing::Quadratic,
        Spacing::LogSnr,
        Spacing::KARRAS,
        Spacing::Exponential,
    ];

    #[test]
    fn every_spacing_on_every_path_in_both_directions() {
        for path in PROCESSES.iter().map(|entry| parse(entry.name).unwrap()) {
            let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
            for spacing in ALL {
                assert_eq!(spacing.to_string().parse(), Ok(spacing));
                for steps in [1, 2, 7, 1000] {
                    let down = spacing.times(&path, start, end, steps).unwrap();
                    let up = spacing.times(&path, end, start, steps).unwrap();
                    assert_eq!((down.len(), down[0], down[steps]), (steps + 1, start, end));
                    for (down, up) in down.iter().zip(up.iter().rev()) {
                        assert!((down / up - 1.0).abs() < 1e-10, "{spacing} {down} {up}");
                    }
                }
            }
            assert_eq!(
                Spacing::default_for(&path).to_string().split(':').next(),
                Some(path.default_spacing())
            );
        }
    }

    #[test]
    fn rules_are_uniform_in_what_they_say() {
        for path in ["vp", "edm", "brownian-bridge"].map(|name| parse(name).unwrap()) {
            let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
            type Scale<'a> = Box<dyn Fn(f64) -> f64 + 'a>;
            let scales: [(Spacing, Scale); 5] = [
                (Spacing::Uniform, Box::new(|t| t)),
                (Spacing::Quadratic, Box::new(f64::sqrt)),
                (Spacing::LogSnr, Box::new(|t| path.log_snr(t))),
                (
                    Spacing::Karras { rho: 3.0 },
                    Box::new(|t| (path.sigma(t) / path.alpha(t)).powf(1.0 / 3.0)),
                ),
                (Spacing::Exponential, Box::new(|t| (path.sigma(t) / path.alpha(t)).ln())),
            ];
            for (spacing, scale) in scales {
                let times = spacing.times(&path, start, end, 10).unwrap();
                let step = (scale(end) - scale(start)) / 10.0;
                for pair in times.windows(2) {
                    let found = scale(pair[1]) - scale(pair[0]);
                    assert!((found / step - 1.0).abs() < 1e-9, "{spacing}: {found} {step}");
                }
            }
        }
    }

    #[test]
    fn refusals_say_what_to_try() {
        let times = |spacing: Spacing, start, end, n| spacing.times(&RectifiedFlow, start, end, n);
        let error = times(Spacing::LogSnr, 1.0, 1e-3, 5).unwrap_err();
        assert!(error.to_string().contains("nearest usable time is 0.999"), "{error}");
        let error = times(Spacing::KARRAS, 0.9, 0.0, 5).unwrap_err();
        assert!(error.to_string().contains("nearest usable time is 0.001"), "{error}");
        assert!(times(Spacing::Uniform, 1.0, 0.0, 5).is_ok());
        assert!(times(Spacing::Uniform, 1.5, 0.0, 5).is_err());
        assert!(times(Spacing::Uniform, 1.0, 0.0, 0).is_err());
        assert!(times(Spacing::Uniform, 0.5, 0.5, 3).is_err());
        let next = 0.5f64.next_up();
        assert!(matches!(times(Spacing::Uniform, 0.5, next, 3), Err(SpacingError::TooFine { .. })));
        assert!(times(Spacing::Karras { rho: 0.0 }, 0.9, 0.1, 3).is_err());
        assert!(times(Spacing::Karras { rho: f64::NAN }, 0.9, 0.1, 3).is_err());
        // No rho that is allowed overflows.
        let tiny = times(Spacing::Karras { rho: 1e-3 }, 0.9, 0.1, 3);
        assert!(tiny.unwrap().iter().all(|t| t.is_finite()));
        for text in ["karras:rho=0", "karras:rho=-7", "karras:r=7", "uniform:rho=7", "cosine", ""] {
            assert!(text.parse::<Spacing>().is_err(), "{text}");
        }
    }
}
