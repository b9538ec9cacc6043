//! Sinusoidal features of time.

use super::MlpConfig;

/// `sin(omega_k t)` for all `k`, then `cos(omega_k t)`, at geometric
/// frequencies `omega_k = omega_min (omega_max / omega_min)^(k / (K - 1))`.
#[derive(Debug, Clone)]
pub(crate) struct TimeFeatures {
    frequencies: Vec<f64>,
}

impl TimeFeatures {
    pub(crate) fn new(config: &MlpConfig) -> Self {
        let count = config.time_features / 2;
        let ratio = config.frequency_max / config.frequency_min;
        let last = (count.max(2) - 1) as f64;
        let frequencies =
            (0..count).map(|k| config.frequency_min * ratio.powf(k as f64 / last)).collect();
        TimeFeatures { frequencies }
    }

    /// Number of features.
    pub(crate) fn len(&self) -> usize {
        2 * self.frequencies.len()
    }

    /// Writes the features of `t` into `out`, which holds [`Self::len`] values.
    ///
    /// The angle is formed in `f64`: in `f32` it would lose six digits at the
    /// largest frequencies.
    pub(crate) fn write(&self, t: f64, out: &mut [f32]) {
        let (sines, cosines) = out.split_at_mut(self.frequencies.len());
        for ((sine, cosine), frequency) in sines.iter_mut().zip(cosines).zip(&self.frequencies) {
            let (s, c) = (frequency * t).sin_cos();
            *sine = s as f32;
            *cosine = c as f32;
        }
    }

    /// The features of every time in order, one row each.
    pub(crate) fn rows(&self, times: &[f64]) -> Vec<f32> {
        let mut rows = vec![0.0; times.len() * self.len()];
        for (row, &t) in rows.chunks_exact_mut(self.len()).zip(times) {
            self.write(t, row);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_run_geometrically_between_the_configured_ends() {
        let config = MlpConfig {
            time_features: 6,
            frequency_min: 1.0,
            frequency_max: 100.0,
            ..MlpConfig::new(2)
        };
        let features = TimeFeatures::new(&config);
        for (found, expected) in features.frequencies.iter().zip([1.0, 10.0, 100.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
        let row = features.rows(&[0.3]);
        assert_eq!(row[1], (3.0f64).sin() as f32);
        assert!((f64::from(row[4]) - (3.0f64).cos()).abs() < 1e-7);
    }
}
