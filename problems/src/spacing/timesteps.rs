//! Timesteps of discrete-time models, as the diffusers library chooses them.

use super::{Spacing, SpacingError};
use crate::process::GaussianPath;

/// Which of the `N` timesteps of a discrete-time model the `n + 1` times of `n` steps are: the
/// `timestep_spacing` of the diffusers library (the three rules compared by Lin et al.,
/// *Common diffusion noise schedules and sample steps are flawed*, 2024, table 2).
///
/// A scheduler there makes as many evaluations as it has inference steps, the last one, at the
/// last timestep, being a step to `sigma = 0`: that is one step fewer and
/// the denoising of the final state (`--nfe` inference steps, `--denoise-final`). The
/// DPM-Solver, UniPC and DEIS schedulers choose one timestep more and leave the last out (`drop = 1`), or
/// end at it, timestep 0, if `final_sigmas_type = "sigma_min"` (`--steps` inference steps, no
/// denoising, `drop = 0`). Their Karras and log-SNR sigmas are those of [`Spacing::Karras`] and
/// [`Spacing::LogSnr`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timesteps {
    /// The rule.
    pub rule: TimestepRule,
    /// So many steps more are laid out, and the last ones not made.
    pub drop: usize,
}

/// Rule for `n + 1` of the timesteps `0 .. N - 1`, largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestepRule {
    /// `k floor(N / (n + 1)) + offset`, `k = n .. 0`: ends at timestep 0 and starts
    /// below the last one.
    Leading {
        /// Added to every timestep (`steps_offset`).
        offset: usize,
    },
    /// `(N - 1) k / n`, `k = n .. 0`: both ends met; of no step, the last timestep.
    Linspace {
        /// Whether these are rounded to whole timesteps.
        whole: bool,
    },
    /// `N - k N / (n + 1) - 1`, rounded, `k = 0 .. n`: starts at the last timestep and ends above the
    /// first, far above it if the steps are few. What the library's users ask for by `n` inference
    /// steps are the times of `n - 1` steps and the denoising at the last of them, also for `n = 1`.
    Trailing,
}

impl Timesteps {
    /// The times of `steps` steps on `path`, from noise to data.
    pub(super) fn times<P: GaussianPath + ?Sized>(
        self,
        path: &P,
        steps: usize,
    ) -> Result<Vec<f64>, SpacingError> {
        let spacing = || Spacing::Timesteps(self);
        let Some(timesteps) = path.timesteps() else {
            return Err(SpacingError::NoTimesteps { spacing: spacing(), process: path.name() });
        };
        // Beyond the model's timesteps nothing can be placed, and nothing need be counted.
        let n = steps.saturating_add(self.drop);
        let refuse = |needed| {
            Err(SpacingError::TooManyTimesteps { spacing: spacing(), steps, needed, timesteps })
        };
        if n >= timesteps {
            return refuse(n);
        }
        if let TimestepRule::Leading { offset } = self.rule {
            let largest = (n * (timesteps / (n + 1))).saturating_add(offset);
            if largest >= timesteps {
                return refuse(largest);
            }
        }
        let count = timesteps as f64;
        let timestep = |k: usize| match self.rule {
            TimestepRule::Leading { offset } => ((n - k) * (timesteps / (n + 1)) + offset) as f64,
            TimestepRule::Linspace { whole } => {
                // One timestep alone is the noisiest.
                let exact = (n.max(1) - k) as f64 * ((count - 1.0) / n.max(1) as f64);
                if whole { exact.round_ties_even() } else { exact }
            }
            TimestepRule::Trailing => {
                (count - k as f64 * (count / (n + 1) as f64)).round_ties_even() - 1.0
            }
        };
        Ok((0..=steps).map(|k| (timestep(k) + 1.0) / count).collect())
    }
}
