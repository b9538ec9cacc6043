//! Tables of betas, and why one is refused.

use driftfield_solvers::number::Number;
use std::f64::consts::FRAC_PI_2;

use crate::npy::NpyError;

/// Why a table of betas makes no path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BetasError {
    /// Too few for a model, or more than any has.
    #[error("{0} beta(s); a discrete-time model has 2 to {MOST}, 1000 as a rule")]
    Count(usize),
    /// A first beta of zero, of a table that counts its timesteps from 1.
    #[error(
        "the first beta is 0: a table that counts its timesteps from 1 has a 0 before them; leave it out, betas[1:]"
    )]
    LeadingZero,
    /// A beta that is no share of the variance.
    #[error(
        "beta {index} is {value}; betas are inside (0, 1) (a last beta of 1, zero terminal SNR, leaves nothing of the data: cap it at 0.9999, say)",
        value = Number(*value)
    )]
    Range {
        /// Timestep.
        index: usize,
        /// The beta.
        value: f64,
    },
    /// A beta too small to change the product of those before it.
    #[error(
        "beta {index} is {value}, too small to lower the log-SNR, which must fall at every timestep",
        value = Number(*value)
    )]
    NotMonotone {
        /// Timestep.
        index: usize,
        /// The beta.
        value: f64,
    },
    /// Nothing is left of the data.
    #[error("after beta {index} alpha is below 1e-100; take smaller betas or fewer of them")]
    Vanishing {
        /// Timestep.
        index: usize,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] NpyError),
}

/// Longest table that is read.
pub(super) const MOST: usize = 1_000_000;

/// A rule for `timesteps` betas.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum BetaSchedule {
    /// Uniform from `min` to `max` (Ho et al., *DDPM*, 2020: 1e-4 to 0.02).
    Linear {
        /// First beta.
        min: f64,
        /// Last beta.
        max: f64,
    },
    /// Uniform square roots (Rombach et al., *Latent diffusion*, 2022: 0.00085 to 0.012).
    ScaledLinear {
        /// First beta.
        min: f64,
        /// Last beta.
        max: f64,
    },
    /// `1 - f((i + 1) / N) / f(i / N)` with `f(t) = cos^2(pi/2 (t + s) / (1 + s))`, at most
    /// 0.999 (Nichol & Dhariwal, *Improved DDPM*, 2021).
    Cosine {
        /// Offset.
        s: f64,
    },
}

impl BetaSchedule {
    /// DDPM's.
    pub const LINEAR: BetaSchedule = BetaSchedule::Linear { min: 1e-4, max: 0.02 };
    /// Stable Diffusion's.
    pub const SCALED_LINEAR: BetaSchedule = BetaSchedule::ScaledLinear { min: 0.00085, max: 0.012 };
    /// Improved DDPM's.
    pub const COSINE: BetaSchedule = BetaSchedule::Cosine { s: 0.008 };

    /// Largest beta of the cosine schedule, which would end with 1.
    const COSINE_MAX: f64 = 0.999;

    /// The table.
    pub fn betas(self, timesteps: usize) -> Vec<f64> {
        // In floating point: the share of an integer quotient would be 0.
        let share = |i: usize, of: usize| i as f64 / of.max(1) as f64;
        let uniform = |i: usize, min: f64, max: f64| min + share(i, timesteps - 1) * (max - min);
        let beta = |i: usize| match self {
            BetaSchedule::Linear { min, max } => uniform(i, min, max),
            BetaSchedule::ScaledLinear { min, max } => uniform(i, min.sqrt(), max.sqrt()).powi(2),
            BetaSchedule::Cosine { s } => {
                // cos(theta) as the sine of the complement, exactly 0 at the end, and
                // 1 - b^2/a^2 as (a - b)(a + b) / a^2 with the difference of two sines
                // multiplied out: early betas keep all their digits.
                let rate = FRAC_PI_2 / (1.0 + s);
                let left = |i: usize| rate * (1.0 - share(i, timesteps));
                let (a, b) = (left(i), left(i + 1));
                let half = 0.5 * rate / timesteps as f64;
                let difference = 2.0 * (0.5 * (a + b)).cos() * half.sin();
                (difference * (a.sin() + b.sin()) / a.sin().powi(2)).min(Self::COSINE_MAX)
            }
        };
        (0..timesteps).map(beta).collect()
    }
}

/// `ln alpha` after none, one, two, ... of the betas; strictly falling.
pub(super) fn log_alphas(betas: &[f64]) -> Result<Vec<f64>, BetasError> {
    if !(2..=MOST).contains(&betas.len()) {
        return Err(BetasError::Count(betas.len()));
    }
    let mut log_alphas = vec![0.0];
    let mut sum = 0.0;
    if betas[0] == 0.0 {
        return Err(BetasError::LeadingZero);
    }
    for (index, &value) in betas.iter().enumerate() {
        if !(value > 0.0 && value < 1.0) {
            return Err(BetasError::Range { index, value });
        }
        let before = sum;
        sum += 0.5 * (-value).ln_1p();
        if sum >= before {
            return Err(BetasError::NotMonotone { index, value });
        }
        if sum < -230.0 {
            return Err(BetasError::Vanishing { index });
        }
        log_alphas.push(sum);
    }
    Ok(log_alphas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_have_the_values_of_their_papers() {
        let linear = BetaSchedule::LINEAR.betas(1000);
        assert_eq!((linear[0], linear[999]), (1e-4, 0.02));
        assert!((linear[500] - (1e-4 + 500.0 / 999.0 * 0.0199)).abs() < 1e-17);
        let scaled = BetaSchedule::SCALED_LINEAR.betas(1000);
        assert!((scaled[0] - 0.00085).abs() < 1e-18 && (scaled[999] - 0.012).abs() < 1e-17);
        let root = 0.00085f64.sqrt() + 250.0 / 999.0 * (0.012f64.sqrt() - 0.00085f64.sqrt());
        assert!((scaled[250] - root * root).abs() < 1e-17);
        assert_eq!(BetaSchedule::LINEAR.betas(1), [1e-4]);
    }

    /// The product telescopes: `alpha^2` is the quotient of two cosines, until the cap.
    #[test]
    fn the_cosine_schedule_has_its_closed_form() {
        for timesteps in [10, 1000, 4000] {
            let betas = BetaSchedule::COSINE.betas(timesteps);
            assert!(betas.iter().all(|&beta| beta > 0.0 && beta <= 0.999));
            assert_eq!(betas[timesteps - 1], 0.999);
            let log_alphas = log_alphas(&betas).unwrap();
            let f = |t: f64| ((t + 0.008) / 1.008 * FRAC_PI_2).cos().powi(2);
            for i in [1, timesteps / 2, timesteps - 1] {
                let closed = (f(i as f64 / timesteps as f64) / f(0.0)).sqrt();
                let found = log_alphas[i].exp();
                assert!((found / closed - 1.0).abs() < 1e-11, "{timesteps} {i}: {found} {closed}");
            }
        }
    }

    #[test]
    fn tables_that_make_no_path_are_refused() {
        let refused = |betas: &[f64]| log_alphas(betas).unwrap_err();
        assert!(matches!(refused(&[0.1]), BetasError::Count(1)));
        assert!(matches!(refused(&[0.1, 1.0]), BetasError::Range { index: 1, .. }));
        assert!(matches!(refused(&[0.0, 0.1]), BetasError::LeadingZero));
        assert!(refused(&[-0.0, 0.1]).to_string().contains("betas[1:]"));
        assert!(matches!(refused(&[0.1, 0.0]), BetasError::Range { index: 1, .. }));
        assert!(matches!(refused(&[-0.1, 0.1]), BetasError::Range { index: 0, .. }));
        assert!(matches!(refused(&[0.1, f64::NAN]), BetasError::Range { index: 1, .. }));
        assert!(matches!(refused(&[0.1, 1e-30]), BetasError::NotMonotone { index: 1, .. }));
        assert!(matches!(refused(&[0.999; 100]), BetasError::Vanishing { index: 66 }));
    }
}
