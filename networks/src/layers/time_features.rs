//! Sinusoidal features of time.

use pulp::{Arch, Simd, WithSimd};

/// Up to here [`sin_cos`] is good to 1e-10, far below `f32`'s precision.
const LARGEST_ANGLE: f64 = 1e5;

/// Sine and cosine for `|x| <= ` [`LARGEST_ANGLE`], without a branch or a table,
/// so that a loop of them becomes vector code.
///
/// `x = q pi/2 + r`, `|r| <= pi/4`, by rounding and a product split in two
/// (Cody & Waite, 1980); Taylor polynomials of degree 11 and 12 are within
/// 7e-12 there. `q mod 4` swaps the two and sets their signs.
#[inline(always)]
fn sin_cos(x: f64) -> (f64, f64) {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    const HALF_PI_HIGH: f64 = 1.570_796_326_734_125_6; // 33 bits: products with q are exact
    const HALF_PI_LOW: f64 = 6.077_100_506_506_192e-11;
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let q = shifted - ROUND;
    let r = (x - q * HALF_PI_HIGH) - q * HALF_PI_LOW;
    let z = r * r;
    let sine = [-1.0 / 39_916_800.0, 1.0 / 362_880.0, -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0];
    let cosine =
        [1.0 / 479_001_600.0, -1.0 / 3_628_800.0, 1.0 / 40_320.0, -1.0 / 720.0, 1.0 / 24.0, -0.5];
    let sine = r + r * (z * sine[1..].iter().fold(sine[0], |p, c| p * z + c));
    let cosine = 1.0 + z * cosine[1..].iter().fold(cosine[0], |p, c| p * z + c);
    let quadrant = shifted.to_bits();
    let (s, c) = if quadrant & 1 == 0 { (sine, cosine) } else { (cosine, sine) };
    let sign = |bit: u64, value: f64| f64::from_bits(value.to_bits() ^ ((bit & 2) << 62));
    (sign(quadrant, s), sign(quadrant.wrapping_add(1), c))
}

/// `sin(omega_k t)` for all `k`, then `cos(omega_k t)`, at geometric
/// frequencies `omega_k = omega_min (omega_max / omega_min)^(k / (K - 1))`.
#[derive(Debug, Clone)]
pub(crate) struct TimeFeatures {
    frequencies: Vec<f64>,
}

impl TimeFeatures {
    /// `features` (an even number) at frequencies from `min` to `max`.
    pub(crate) fn between(min: f64, max: f64, features: usize) -> Self {
        let count = features / 2;
        let ratio = max / min;
        let last = (count.max(2) - 1) as f64;
        let frequencies = (0..count).map(|k| min * ratio.powf(k as f64 / last)).collect();
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
        // The last frequency is the largest.
        let angle = self.frequencies.last().map_or(0.0, |frequency| (frequency * t).abs());
        if angle <= LARGEST_ANGLE {
            Arch::new().dispatch(Write { features: self, t, sines, cosines });
        } else {
            self.write_with(t, sines, cosines, f64::sin_cos);
        }
    }

    #[inline(always)]
    fn write_with(
        &self,
        t: f64,
        sines: &mut [f32],
        cosines: &mut [f32],
        sin_cos: impl Fn(f64) -> (f64, f64),
    ) {
        for ((sine, cosine), frequency) in sines.iter_mut().zip(cosines).zip(&self.frequencies) {
            let (s, c) = sin_cos(frequency * t);
            *sine = s as f32;
            *cosine = c as f32;
        }
    }

    /// The product of the features' derivative at `t` with `g`.
    pub(crate) fn pull_back(&self, t: f64, g: &[f32]) -> f64 {
        let (of_sines, of_cosines) = g.split_at(self.frequencies.len());
        let terms = self.frequencies.iter().zip(of_sines.iter().zip(of_cosines));
        terms
            .map(|(frequency, (&of_sine, &of_cosine))| {
                let (sine, cosine) = (frequency * t).sin_cos();
                frequency * (f64::from(of_sine) * cosine - f64::from(of_cosine) * sine)
            })
            .sum()
    }

    /// `out <-` the features' derivative at `t`, times `tau`.
    pub(crate) fn write_along(&self, t: f64, tau: f64, out: &mut [f32]) {
        let (sines, cosines) = out.split_at_mut(self.frequencies.len());
        for ((sine, cosine), frequency) in sines.iter_mut().zip(cosines).zip(&self.frequencies) {
            let (s, c) = (frequency * t).sin_cos();
            *sine = (tau * frequency * c) as f32;
            *cosine = (-tau * frequency * s) as f32;
        }
    }

    /// The features of every time in order, one row each, in double precision.
    pub(crate) fn rows(&self, times: &[f64]) -> Vec<f64> {
        let row = |&t: &f64| {
            let sines = self.frequencies.iter().map(move |frequency| (frequency * t).sin());
            let cosines = self.frequencies.iter().map(move |frequency| (frequency * t).cos());
            sines.chain(cosines)
        };
        times.iter().flat_map(row).collect()
    }
}

/// The features of one time by [`sin_cos`]. A type rather than a closure: only a method is
/// compiled into its caller for certain, with its vector instructions.
struct Write<'a> {
    features: &'a TimeFeatures,
    t: f64,
    sines: &'a mut [f32],
    cosines: &'a mut [f32],
}

impl WithSimd for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.features.write_with(self.t, self.sines, self.cosines, sin_cos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_run_geometrically_between_the_configured_ends() {
        let features = TimeFeatures::between(1.0, 100.0, 6);
        for (found, expected) in features.frequencies.iter().zip([1.0, 10.0, 100.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
        let mut row = [0.0; 6];
        features.write(0.3, &mut row);
        assert_eq!(row[1], (3.0f64).sin() as f32);
        assert!((f64::from(row[4]) - (3.0f64).cos()).abs() < 1e-7);
    }

    #[test]
    fn derivatives_are_the_slopes_of_the_features() {
        let features = TimeFeatures::between(1.0, 20.0, 6);
        let (t, h) = (0.3, 5e-4);
        let mut along = vec![0.0; 6];
        features.write_along(t, 2.0, &mut along);
        let rows = features.rows(&[t - h, t + h]);
        for (j, &along) in along.iter().enumerate() {
            // Of twice the slope, h^2 / 3 of a third derivative of up to 20^3.
            let slope = (rows[6 + j] - rows[j]) / h;
            assert!((f64::from(along) - slope).abs() < 1e-3, "{j}: {along} {slope}");
            let mut unit = vec![0.0; 6];
            unit[j] = 1.0;
            assert!((2.0 * features.pull_back(t, &unit) - f64::from(along)).abs() < 1e-5);
        }
    }

    #[test]
    fn vectorised_sines_are_those_of_the_library() {
        for i in -200_000..200_000 {
            let x = 0.4999 * f64::from(i) + 1e-3 * f64::from(i % 7);
            let ((s, c), (sine, cosine)) = (sin_cos(x), x.sin_cos());
            assert!((s - sine).abs() < 1e-10 && (c - cosine).abs() < 1e-10, "{x}: {s} {c}");
        }
        // Beyond their range the library's are taken.
        let features = TimeFeatures::between(1.0, 100.0, 2);
        let mut row = [0.0; 2];
        features.write(1e9, &mut row);
        assert_eq!(row, [1e9f64.sin() as f32, 1e9f64.cos() as f32]);
    }
}
