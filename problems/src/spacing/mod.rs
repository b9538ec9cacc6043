//! Rules that place the times of a fixed grid.

mod error;
mod own;
mod placement;
#[cfg(test)]
mod tests;
mod text;
mod timesteps;

use std::sync::Arc;

use crate::process::{GaussianPath, check_log_snr, check_time};

pub use error::SpacingError;
pub use own::{Clock, OwnRule};
pub use text::catalog;
pub use timesteps::{TimestepRule, Timesteps};

/// Where the `n + 1` times of `n` steps lie between two ends, which may come in
/// either order and are always met exactly.
///
/// ```
/// use driftfield_problems::{process::Edm, spacing::Spacing};
/// let times = "karras:rho=7".parse::<Spacing>().unwrap().times(&Edm, 80.0, 0.002, 17).unwrap();
/// assert_eq!((times.len(), times[0], times[17]), (18, 80.0, 0.002));
/// ```
#[derive(Debug, Clone, PartialEq)]
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
    /// `ln(sigma / alpha)` falls from its value at the noise like `(1 - i / n)^rho`
    /// (k-diffusion); `rho = 1` is [`Spacing::Exponential`].
    PolyExponential {
        /// Above 1 it places more steps near the data.
        rho: f64,
    },
    /// Uniform in the angle `arctan(sigma / alpha)`: the noise that the cosine schedule
    /// (Nichol & Dhariwal 2021, without offset) has at uniform times.
    Cosine,
    /// With `tau = sigma / (alpha + sigma)`, the time of the rectified flow, and `u` uniform:
    /// `tau = s u / (1 + (s - 1) u)` (Esser et al., *Scaling rectified flow transformers*,
    /// 2024, eq. 23).
    FlowShift {
        /// Above 1 it places more steps near the noise.
        shift: f64,
    },
    /// Timesteps of a discrete-time model, whose ends the rule decides.
    Timesteps(Timesteps),
    /// These times, both ends included ([`Spacing::explicit`]).
    Times(Arc<[f64]>),
    /// A rule of your own ([`Spacing::own`]).
    Own(Arc<OwnRule>),
}

impl Spacing {
    /// Karras spacing with the `rho` of the paper.
    pub const KARRAS: Spacing = Spacing::Karras { rho: 7.0 };

    /// Times of your own, both ends included, rising or falling.
    pub fn explicit(times: impl Into<Arc<[f64]>>) -> Result<Spacing, SpacingError> {
        let times = times.into();
        let ends = (times.first().copied(), times.last().copied());
        let (Some(start), Some(end), true) = (ends.0, ends.1, times.len() > 1) else {
            let start = ends.0.unwrap_or(f64::NAN);
            return Err(SpacingError::Empty { steps: 0, start, end: start });
        };
        let ordered = |a: f64, b: f64| if start < end { a < b } else { a > b };
        let good = |i: usize| times[i].is_finite() && (i == 0 || ordered(times[i - 1], times[i]));
        match (0..times.len()).find(|&i| !good(i)) {
            None => Ok(Spacing::Times(times)),
            Some(index) => Err(SpacingError::Order { index, value: times[index] }),
        }
    }

    /// A rule of your own: `place(share, start, end)` is what `clock` shows after a `share` of the
    /// steps, from 0 to 1, between what it shows at the two ends.
    ///
    /// ```
    /// use driftfield_problems::{process::Vp, spacing::{Clock, Spacing}};
    /// // More steps at the noise, where `start` lies.
    /// let cubic = |share: f64, start: f64, end: f64| start + share.powi(3) * (end - start);
    /// let spacing = Spacing::own("cubic", Clock::LogSnr, cubic);
    /// let times = spacing.times(&Vp::default(), 1.0, 1e-3, 10).unwrap();
    /// assert!(times[0] - times[1] < times[8] - times[9]);
    /// ```
    pub fn own(
        label: impl Into<String>,
        clock: Clock,
        place: impl Fn(f64, f64, f64) -> f64 + Send + Sync + 'static,
    ) -> Spacing {
        Spacing::Own(Arc::new(OwnRule::new(label, clock, place)))
    }

    /// Whether both ends must have a finite log-SNR.
    pub fn needs_log_snr(&self) -> bool {
        match self {
            Spacing::LogSnr
            | Spacing::Karras { .. }
            | Spacing::Exponential
            | Spacing::PolyExponential { .. } => true,
            Spacing::Own(rule) => rule.clock() == Clock::LogSnr,
            Spacing::Uniform
            | Spacing::Quadratic
            | Spacing::Cosine
            | Spacing::FlowShift { .. }
            | Spacing::Timesteps(_)
            | Spacing::Times(_) => false,
        }
    }

    /// Steps that the spacing fixes: those of an explicit list.
    pub fn own_steps(&self) -> Option<usize> {
        match self {
            Spacing::Times(times) => Some(times.len() - 1),
            _ => None,
        }
    }

    /// The times of a spacing that has its own ends, `None` for one that runs between given ends.
    pub fn own_times<P: GaussianPath + ?Sized>(
        &self,
        path: &P,
        steps: usize,
    ) -> Result<Option<Vec<f64>>, SpacingError> {
        match self {
            Spacing::Timesteps(timesteps) => timesteps.times(path, steps).map(Some),
            Spacing::Times(times) => placement::explicit(times, steps).map(Some),
            _ => Ok(None),
        }
    }

    /// The end of a spacing that has its own.
    pub fn own_end<P: GaussianPath + ?Sized>(&self, path: &P) -> Result<Option<f64>, SpacingError> {
        match self {
            Spacing::Times(times) => Ok(times.last().copied()),
            other => Ok(other.own_times(path, 1)?.and_then(|times| times.last().copied())),
        }
    }

    /// The time after a share of the steps from `start` to `end`, from 0 to 1, however many they
    /// are; of a spacing that has its own times, `start`.
    pub fn time_after<P: GaussianPath + ?Sized>(
        &self,
        path: &P,
        (start, end): (f64, f64),
        share: f64,
    ) -> Result<f64, SpacingError> {
        for t in [start, end] {
            if self.needs_log_snr() { check_log_snr(path, t) } else { check_time(path, t) }?;
        }
        match share {
            share if share <= 0.0 => Ok(start),
            share if share >= 1.0 => Ok(end),
            share => Ok(placement::placement(self, path, (start, end), 1)?(share)),
        }
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
        let place = placement::placement(self, path, (start, end), steps)?;
        let mut times: Vec<f64> = Vec::new();
        if times.try_reserve_exact(steps.saturating_add(1)).is_err() {
            return Err(SpacingError::Memory { steps });
        }
        times.extend((0..=steps).map(|i| place(i as f64)));
        (times[0], times[steps]) = (start, end);
        let ordered =
            |pair: &[f64]| if start < end { pair[0] < pair[1] } else { pair[0] > pair[1] };
        match times.windows(2).find(|pair| !ordered(pair)) {
            None => Ok(times),
            Some(pair) => {
                let spacing = self.clone();
                Err(SpacingError::TooFine { spacing, steps, start, end, t: pair[0] })
            }
        }
    }
}
