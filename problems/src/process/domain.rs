use driftfield_solvers::FieldError;
use driftfield_solvers::number::Number;

use super::GaussianPath;

/// One end of the times at which a path is defined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DomainEnd {
    /// The end itself; infinite if times are unbounded.
    pub t: f64,
    /// Whether `ln(alpha / sigma)` is finite there.
    pub finite_log_snr: bool,
    /// Whether `g^2` is finite there.
    pub finite_diffusion: bool,
}

/// The closed interval of times at which a path is defined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeDomain {
    /// Where the data is.
    pub data: DomainEnd,
    /// Where the noise is; `data.t < noise.t`.
    pub noise: DomainEnd,
}

impl TimeDomain {
    /// `[0, 1]`; at t = 0 the log-SNR is infinite (there is no noise), `g^2`
    /// is finite at both ends and the log-SNR at t = 1 too.
    pub const UNIT: TimeDomain = TimeDomain::unit(false, true);

    /// [`TimeDomain::UNIT`] for a path with `alpha(1) = 0`.
    pub const UNIT_TO_PURE_NOISE: TimeDomain = TimeDomain::unit(false, false);

    /// `[0, 1]`, with a finite log-SNR at the ends where there is noise and data left; `g^2` is
    /// finite where the data is.
    pub(crate) const fn unit(noise_at_data: bool, data_at_noise: bool) -> TimeDomain {
        TimeDomain {
            data: DomainEnd { t: 0.0, finite_log_snr: noise_at_data, finite_diffusion: true },
            noise: DomainEnd {
                t: 1.0,
                finite_log_snr: data_at_noise,
                finite_diffusion: data_at_noise,
            },
        }
    }

    /// Whether the path is defined at `t`.
    pub fn contains(&self, t: f64) -> bool {
        t.is_finite() && self.data.t <= t && t <= self.noise.t
    }

    /// Whether the path has a finite log-SNR at `t`.
    pub fn has_log_snr(&self, t: f64) -> bool {
        self.contains(t)
            && (self.data.finite_log_snr || t > self.data.t)
            && (self.noise.finite_log_snr || t < self.noise.t)
    }

    /// Whether the path has a finite `g^2` at `t`.
    pub fn has_diffusion(&self, t: f64) -> bool {
        self.contains(t)
            && (self.data.finite_diffusion || t > self.data.t)
            && (self.noise.finite_diffusion || t < self.noise.t)
    }
}

/// A time that a path cannot be used at.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path is not defined there.
    #[error(
        "`{process}` is not defined at t = {t}; the nearest usable time is {nearest}",
        t = Number(*t), nearest = Number(*nearest)
    )]
    OutsideDomain {
        /// The path's name.
        process: &'static str,
        /// The time.
        t: f64,
        /// A time that can be used instead.
        nearest: f64,
    },
    /// `ln(alpha / sigma)` is infinite there, and is needed.
    #[error(
        "`{process}` has no finite log-SNR at t = {t}, which this method or spacing needs; the nearest usable time is {nearest}",
        t = Number(*t), nearest = Number(*nearest)
    )]
    NoLogSnr {
        /// The path's name.
        process: &'static str,
        /// The time.
        t: f64,
        /// A time that can be used instead.
        nearest: f64,
    },
    /// `g^2` is infinite there, and is needed.
    #[error(
        "`{process}` has no finite diffusion at t = {t}, which its SDE needs; the nearest usable time is {nearest}",
        t = Number(*t), nearest = Number(*nearest)
    )]
    NoDiffusion {
        /// The path's name.
        process: &'static str,
        /// The time.
        t: f64,
        /// A time that can be used instead.
        nearest: f64,
    },
}

impl PathError {
    /// The time.
    pub fn t(&self) -> f64 {
        match *self {
            PathError::OutsideDomain { t, .. }
            | PathError::NoLogSnr { t, .. }
            | PathError::NoDiffusion { t, .. } => t,
        }
    }

    /// A time that can be used instead.
    pub fn nearest(&self) -> f64 {
        match *self {
            PathError::OutsideDomain { nearest, .. }
            | PathError::NoLogSnr { nearest, .. }
            | PathError::NoDiffusion { nearest, .. } => nearest,
        }
    }
}

impl From<PathError> for FieldError {
    fn from(error: PathError) -> Self {
        FieldError::Domain { t: error.t(), advice: error.to_string() }
    }
}

/// Refuses a time outside the path's domain.
pub fn check_time<P: GaussianPath + ?Sized>(path: &P, t: f64) -> Result<(), PathError> {
    let domain = path.domain();
    if domain.contains(t) {
        return Ok(());
    }
    // `max` and `min` turn a NaN into an end of the domain.
    let inside = t.max(domain.data.t).min(domain.noise.t);
    let nearest = if inside.is_finite() { inside } else { path.default_span().0 };
    Err(PathError::OutsideDomain { process: path.name(), t, nearest })
}

/// The practical time nearest to an end at which something is infinite. Any
/// time inside would do in exact arithmetic; these are the ones that work.
fn usable<P: GaussianPath + ?Sized>(path: &P, t: f64) -> f64 {
    if t <= path.domain().data.t { path.default_span().1 } else { path.start_with_finite_log_snr() }
}

/// Refuses a time at which the path has no finite log-SNR.
pub fn check_log_snr<P: GaussianPath + ?Sized>(path: &P, t: f64) -> Result<(), PathError> {
    check_time(path, t).map_err(|error| match error {
        PathError::OutsideDomain { process, t, nearest } if !path.domain().has_log_snr(nearest) => {
            PathError::OutsideDomain { process, t, nearest: usable(path, nearest) }
        }
        other => other,
    })?;
    if path.domain().has_log_snr(t) {
        return Ok(());
    }
    Err(PathError::NoLogSnr { process: path.name(), t, nearest: usable(path, t) })
}

/// Refuses a time at which the path has no finite `g^2`.
pub fn check_diffusion<P: GaussianPath + ?Sized>(path: &P, t: f64) -> Result<(), PathError> {
    check_time(path, t)?;
    if path.domain().has_diffusion(t) {
        return Ok(());
    }
    Err(PathError::NoDiffusion { process: path.name(), t, nearest: usable(path, t) })
}
