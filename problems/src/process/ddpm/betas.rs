//! Tables of betas, and why one is refused.

use std::f64::consts::FRAC_PI_2;

use driftfield_solvers::number::Number;

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
        "beta {index} is {value}; betas are inside (0, 1), and the last one may be 1, which leaves nothing of the data (zero terminal SNR)",
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

/// `ln alpha` after none, one, two, ... of the betas; strictly falling, to minus infinity if the
/// last beta is 1.
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
        if value == 1.0 && index + 1 == betas.len() {
            log_alphas.push(f64::NEG_INFINITY);
            break;
        }
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

/// The same with nothing left of the data at the end: with `a_i` the alphas from the first
/// timestep to the last, `a_i <- (a_i - a_last) a_first / (a_first - a_last)` (Lin et al., *Common
/// Diffusion Noise Schedules and Sample Steps are Flawed*, 2024, algorithm 1).
pub(super) fn to_zero_terminal_snr(log_alphas: &mut [f64]) {
    let [_, first, .., last] = *log_alphas else { return };
    if last == f64::NEG_INFINITY {
        return;
    }
    // a_i - a_last is a_i times this, which keeps the digits of the early ones.
    let left = |log: f64| -(last - log).exp_m1();
    for log in &mut log_alphas[1..] {
        *log += (left(*log) / left(first)).ln();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published algorithm as the diffusers library has it, `rescale_zero_terminal_snr`: from
    /// the square roots of the cumulated alphas to betas again.
    #[test]
    fn zero_terminal_snr_is_the_published_rescaling() {
        for schedule in [BetaSchedule::LINEAR, BetaSchedule::SCALED_LINEAR, BetaSchedule::COSINE] {
            let betas = schedule.betas(1000);
            let mut product = 1.0;
            let roots: Vec<f64> = betas
                .iter()
                .map(|beta| {
                    product *= 1.0 - beta;
                    f64::sqrt(product)
                })
                .collect();
            let (first, last) = (roots[0], roots[999]);
            let mut found = log_alphas(&betas).unwrap();
            to_zero_terminal_snr(&mut found);
            assert_eq!((found[0], found[1000]), (0.0, f64::NEG_INFINITY));
            assert!(found.windows(2).all(|pair| pair[1] < pair[0]));
            for (root, found) in roots.iter().zip(&found[1..]) {
                let expected = (root - last) * first / (first - last);
                assert!((found.exp() - expected).abs() < 1e-13, "{found} {expected}");
            }
            // A table that ends with 1, as that library's, is read; and rescaled already.
            let mut alphas = found.iter().map(|log| (2.0 * log).exp());
            let mut before = alphas.next().unwrap();
            let rescaled: Vec<f64> =
                alphas.map(|alpha| 1.0 - alpha / std::mem::replace(&mut before, alpha)).collect();
            assert_eq!(rescaled[999], 1.0);
            let mut read = log_alphas(&rescaled).unwrap();
            let once = read.clone();
            to_zero_terminal_snr(&mut read);
            assert_eq!(read, once);
            for (read, found) in read.iter().zip(&found) {
                assert!((read.exp() - found.exp()).abs() < 1e-13);
            }
        }
    }

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
        assert!(matches!(refused(&[0.1, 1.0, 0.1]), BetasError::Range { index: 1, .. }));
        assert!(matches!(refused(&[0.1, 1.5]), BetasError::Range { index: 1, .. }));
        assert!(matches!(refused(&[0.0, 0.1]), BetasError::LeadingZero));
        assert!(refused(&[-0.0, 0.1]).to_string().contains("betas[1:]"));
        assert!(matches!(refused(&[0.1, 0.0]), BetasError::Range { index: 1, .. }));
        assert!(matches!(refused(&[-0.1, 0.1]), BetasError::Range { index: 0, .. }));
        assert!(matches!(refused(&[0.1, f64::NAN]), BetasError::Range { index: 1, .. }));
        assert!(matches!(refused(&[0.1, 1e-30]), BetasError::NotMonotone { index: 1, .. }));
        assert!(matches!(refused(&[0.999; 100]), BetasError::Vanishing { index: 66 }));
    }
}
