use std::f64::consts::FRAC_PI_4;

use super::{DataSet, SampleRng};
use crate::catalog::Entry;

/// Eight equal Gaussians of standard deviation 0.15 on a circle of radius 1.4.
#[derive(Debug, Clone, Copy, Default)]
pub struct EightGaussians;

impl EightGaussians {
    pub(super) fn entry() -> Entry<Box<dyn DataSet>> {
        Entry::new("eight-gaussians", "eight Gaussians on a circle", |_| {
            Ok(Box::new(EightGaussians) as _)
        })
    }
}

impl DataSet for EightGaussians {
    fn dimension(&self) -> usize {
        2
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        const RADIUS: f64 = 1.4;
        const DEVIATION: f64 = 0.15;
        let (sine, cosine) = (FRAC_PI_4 * rng.below(8) as f64).sin_cos();
        point[0] = RADIUS * cosine + DEVIATION * rng.normal();
        point[1] = RADIUS * sine + DEVIATION * rng.normal();
    }
}
