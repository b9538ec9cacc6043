use std::f64::consts::PI;

use super::{DataSet, SampleRng};
use crate::catalog::Entry;

/// Two interleaved half circles of radius 1, as in scikit-learn's
/// `make_moons`, with Gaussian jitter 0.05, centred and scaled by 1.3.
///
/// The upper moon is `(cos a, sin a)`, the lower `(1 - cos a, 1/2 - sin a)`,
/// `a` uniform in `[0, pi]`; the common centre `(1/2, 1/4)` is taken off.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moons;

impl Moons {
    pub(super) fn entry() -> Entry<Box<dyn DataSet>> {
        Entry::new("moons", "two interleaved half circles", |_| Ok(Box::new(Moons) as _))
    }
}

impl DataSet for Moons {
    fn dimension(&self) -> usize {
        2
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        const SCALE: f64 = 1.3;
        const JITTER: f64 = 0.05;
        let upper = rng.below(2) == 0;
        let (sine, cosine) = (PI * rng.uniform()).sin_cos();
        let (x, y) = if upper { (cosine, sine) } else { (1.0 - cosine, 0.5 - sine) };
        point[0] = SCALE * (x - 0.5 + JITTER * rng.normal());
        point[1] = SCALE * (y - 0.25 + JITTER * rng.normal());
    }
}
