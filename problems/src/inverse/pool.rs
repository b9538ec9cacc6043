use std::sync::Arc;

use super::error::check_noise_std;
use super::recipe::std_key;
use super::{ImageShape, Measurement, MeasurementError, MeasurementRecipe};
use crate::catalog::{Entry, Key};

/// The means of blocks of `factor x factor` pixels: super-resolution.
///
/// `A A^T = I / factor^2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    shape: ImageShape,
    factor: usize,
    noise_std: f64,
}

pub(super) fn entry() -> Entry<MeasurementRecipe> {
    Entry::new("pool", "means of blocks of pixels", |pool| {
        let (factor, std) = (pool.integer("factor")?, pool.number("std")?);
        Ok(MeasurementRecipe::new(move |shape| Ok(Arc::new(Pool::new(shape, factor, std)?))))
    })
    .keys([Key::integer("factor", 2, "pixels along a side of a block"), std_key()])
}

impl Pool {
    /// Blocks of `factor x factor` pixels, which must divide the image.
    pub fn new(
        shape: &ImageShape,
        factor: usize,
        noise_std: f64,
    ) -> Result<Self, MeasurementError> {
        let shape = shape.validate()?;
        let ImageShape { height, width, .. } = shape;
        if factor == 0 || height % factor != 0 || width % factor != 0 {
            return Err(MeasurementError::Factor { factor, height, width });
        }
        Ok(Pool { shape, factor, noise_std: check_noise_std(noise_std)? })
    }

    /// The block of every component, in order.
    fn blocks(&self) -> impl Iterator<Item = usize> {
        let (shape, factor) = (self.shape, self.factor);
        let (rows, columns) = (shape.height / factor, shape.width / factor);
        (0..shape.channels * shape.height).flat_map(move |line| {
            let (channel, row) = (line / shape.height, line % shape.height);
            let start = (channel * rows + row / factor) * columns;
            (0..shape.width).map(move |column| start + column / factor)
        })
    }

    fn share(&self) -> f64 {
        1.0 / (self.factor * self.factor) as f64
    }
}

impl Measurement for Pool {
    fn dimension(&self) -> usize {
        self.shape.dimension()
    }
    fn measured(&self) -> usize {
        self.dimension() / (self.factor * self.factor)
    }
    fn apply(&self, out: &mut [f64], x: &[f64]) {
        out.fill(0.0);
        for (block, x) in self.blocks().zip(x) {
            out[block] += x;
        }
        out.iter_mut().for_each(|out| *out *= self.share());
    }
    fn adjoint(&self, out: &mut [f64], y: &[f64]) {
        for (block, out) in self.blocks().zip(out) {
            *out = self.share() * y[block];
        }
    }
    fn noise_std(&self) -> f64 {
        self.noise_std
    }
}
