use std::f64::consts::PI;

use super::{DataSet, SampleRng};
use crate::catalog::Entry;

/// The planar Swiss roll `a (cos a, sin a) / 7.5`, `a` uniform in
/// `[3 pi/2, 9 pi/2]` as in scikit-learn's `make_swiss_roll`, jitter 0.03.
#[derive(Debug, Clone, Copy, Default)]
pub struct SwissRoll;

impl SwissRoll {
    pub(super) fn entry() -> Entry<Box<dyn DataSet>> {
        Entry::new("swiss-roll", "a spiral of one and a half turns", |_| {
            Ok(Box::new(SwissRoll) as _)
        })
    }
}

impl DataSet for SwissRoll {
    fn dimension(&self) -> usize {
        2
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        const SCALE: f64 = 7.5;
        const JITTER: f64 = 0.03;
        let angle = 1.5 * PI * (1.0 + 2.0 * rng.uniform());
        let (sine, cosine) = angle.sin_cos();
        point[0] = angle * cosine / SCALE + JITTER * rng.normal();
        point[1] = angle * sine / SCALE + JITTER * rng.normal();
    }
}
