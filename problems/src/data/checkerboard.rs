use super::{DataSet, SampleRng};
use crate::catalog::Entry;

/// Uniform on the dark squares of a 4 x 4 board with side 4, centred at zero.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checkerboard;

impl Checkerboard {
    pub(super) fn entry() -> Entry<Box<dyn DataSet>> {
        Entry::new("checkerboard", "the dark squares of a 4 x 4 board", |_| {
            Ok(Box::new(Checkerboard) as _)
        })
    }
}

impl DataSet for Checkerboard {
    fn dimension(&self) -> usize {
        2
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        let column = rng.below(4);
        let row = 2 * rng.below(2) + column % 2;
        point[0] = column as f64 - 2.0 + rng.uniform();
        point[1] = row as f64 - 2.0 + rng.uniform();
    }
}
