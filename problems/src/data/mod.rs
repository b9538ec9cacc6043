//! Data sets as seeded draws: sample `i` depends on `(seed, i)` alone.
//!
//! A planar data set is one file with a `draw` and a line in [`catalog()`];
//! any `.npy` file of shape `[n, d]` is a [`FiniteData`] set, and any Gaussian
//! mixture in JSON is one as well. [`Mnist`] reads handwritten digits with their labels;
//! `mnist:DIR` are those under `train-*`.

mod cat;
mod catalog;
mod checkerboard;
mod eight_gaussians;
mod error;
mod finite;
mod idx;
mod mixture;
mod mnist;
mod moons;
mod sample_rng;
mod swiss_roll;

pub use cat::{Cat, Mixture};
pub use catalog::{by_name, catalog, file_of};
pub use checkerboard::Checkerboard;
pub use eight_gaussians::EightGaussians;
pub use error::DataError;
pub use finite::FiniteData;
pub use idx::{IdxError, IdxFile};
pub use mnist::{Digits, Mnist, MnistError};
pub use moons::Moons;
pub use sample_rng::SampleRng;
pub use swiss_roll::SwissRoll;

use ndarray::{Array2, Axis};

use crate::checksum;

/// Samples that a data set is told from others by.
const TOLD_BY: usize = 1000;

/// A distribution that samples can be drawn from.
pub trait DataSet: std::fmt::Debug + Send + Sync {
    /// Number of coordinates of a sample.
    fn dimension(&self) -> usize;

    /// Shape of a sample: more than one axis for images.
    fn row_shape(&self) -> Vec<usize> {
        vec![self.dimension()]
    }

    /// Draws one sample into `point`, whose length is [`DataSet::dimension`].
    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]);

    /// Samples `0..n` under `seed`: shape `[n, d]`.
    fn sample(&self, n: usize, seed: u64) -> Array2<f64> {
        self.sample_from(0, n, seed)
    }

    /// What tells it from other data: a checksum of a draw, or of all there is to draw from.
    fn checksum(&self) -> u64 {
        checksum::of_numbers(&self.sample(TOLD_BY, 0))
    }

    /// Samples `first..first + n` under `seed`: shape `[n, d]`.
    ///
    /// Row `i` is what a longer draw from the beginning has in row `first + i`.
    fn sample_from(&self, first: u64, n: usize, seed: u64) -> Array2<f64> {
        let mut samples = Array2::zeros((n, self.dimension()));
        let mut point = vec![0.0; self.dimension()];
        for (index, mut row) in samples.axis_iter_mut(Axis(0)).enumerate() {
            let mut rng = SampleRng::new(seed, first.wrapping_add(index as u64));
            self.draw(&mut rng, &mut point);
            row.iter_mut().zip(&point).for_each(|(to, from)| *to = *from);
        }
        samples
    }
}
