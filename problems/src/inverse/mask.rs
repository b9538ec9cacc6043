use std::sync::Arc;

use super::error::check_noise_std;
use super::recipe::{pair, std_key};
use super::{ImageShape, Measurement, MeasurementError, MeasurementRecipe};
use crate::catalog::{Entry, Key};
use crate::data::SampleRng;
use crate::spec::SpecError;

/// Some pixels are observed, in every channel, and the others are not: inpainting.
///
/// `A` is rows of the identity, so that `A A^T = I`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    dimension: usize,
    /// In rising order.
    observed: Vec<usize>,
    noise_std: f64,
}

pub(super) fn square() -> Entry<MeasurementRecipe> {
    Entry::new("square", "the pixels inside a rectangle", |square| {
        square.word("size")?;
        let (size, centre) = (pair(square, "size")?, pair(square, "center")?);
        let (size, std) = (size.unwrap_or_default(), square.number("std")?);
        Ok(MeasurementRecipe::new(move |shape| {
            let centre = centre.unwrap_or((shape.height / 2, shape.width / 2));
            Ok(Arc::new(Mask::square(shape, size, centre, std)?))
        }))
    })
    .keys([
        Key::text("size", "8 or 8x6, rows x columns", "of the rectangle"),
        Key::text("center", "ROWxCOLUMN", "of the rectangle; that of the image unless given"),
        std_key(),
    ])
}

pub(super) fn random() -> Entry<MeasurementRecipe> {
    Entry::new("random", "a share of the pixels, drawn by a seed", |random| {
        let (keep, seed) = (random.number("keep")?, random.integer("seed")? as u64);
        let std = random.number("std")?;
        Ok(MeasurementRecipe::new(move |shape| Ok(Arc::new(Mask::random(shape, keep, seed, std)?))))
    })
    .keys([
        Key::number("keep", 0.3, "share of the pixels")
            .within("above 0 and at most 1", |keep| keep > 0.0 && keep <= 1.0),
        Key::integer("seed", 0, "of the draw"),
        std_key(),
    ])
}

impl Mask {
    /// The pixels *inside* a rectangle of `size` rows and columns: from row
    /// `centre.0 - size.0 / 2` on, halves rounded down, and columns likewise.
    pub fn square(
        shape: &ImageShape,
        size: (usize, usize),
        centre: (usize, usize),
        noise_std: f64,
    ) -> Result<Self, MeasurementError> {
        if size.0 == 0 || size.1 == 0 {
            let found = format!("{}x{}", size.0, size.1);
            return Err(SpecError::value("square", "size", found, "at least 1").into());
        }
        let (rows, columns) = (stretch(size.0, centre.0), stretch(size.1, centre.1));
        let ImageShape { height, width, .. } = shape.validate()?;
        if !(within(rows, height) && within(columns, width)) {
            return Err(MeasurementError::Outside { rows, columns, height, width });
        }
        let pixels = (rows.0..rows.1)
            .flat_map(|row| (columns.0..columns.1).map(move |column| (row, column)))
            .map(|(row, column)| row as usize * width + column as usize)
            .collect();
        Self::of_pixels(shape, pixels, noise_std)
    }

    /// The nearest whole number to `keep` times the pixels, drawn without replacement.
    pub fn random(
        shape: &ImageShape,
        keep: f64,
        seed: u64,
        noise_std: f64,
    ) -> Result<Self, MeasurementError> {
        if !(keep > 0.0 && keep <= 1.0) {
            return Err(SpecError::number("random", "keep", keep, "above 0 and at most 1").into());
        }
        let mut pixels: Vec<usize> = (0..shape.validate()?.pixels()).collect();
        let kept = (keep * pixels.len() as f64).round() as usize;
        if kept == 0 {
            return Err(MeasurementError::NothingKept { keep, pixels: pixels.len() });
        }
        let mut rng = SampleRng::new(seed, 0);
        for i in 0..kept {
            let other = i + rng.below(pixels.len() - i);
            pixels.swap(i, other);
        }
        pixels.truncate(kept);
        pixels.sort_unstable();
        Self::of_pixels(shape, pixels, noise_std)
    }

    /// These pixels, in rising order, of every channel.
    fn of_pixels(
        shape: &ImageShape,
        pixels: Vec<usize>,
        noise_std: f64,
    ) -> Result<Self, MeasurementError> {
        let dimension = shape.validate()?.dimension();
        let channels = (0..shape.channels).map(|channel| channel * shape.pixels());
        let observed =
            channels.flat_map(|start| pixels.iter().map(move |pixel| start + pixel)).collect();
        Ok(Mask { dimension, observed, noise_std: check_noise_std(noise_std)? })
    }
}

/// `size` pixels around `centre`, and the one after them.
fn stretch(size: usize, centre: usize) -> (i64, i64) {
    let narrow = |value: usize| i64::try_from(value).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    let start = narrow(centre) - narrow(size / 2);
    (start, start + narrow(size))
}

fn within((start, end): (i64, i64), length: usize) -> bool {
    start >= 0 && usize::try_from(end).is_ok_and(|end| end <= length)
}

impl Measurement for Mask {
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn measured(&self) -> usize {
        self.observed.len()
    }
    fn apply(&self, out: &mut [f64], x: &[f64]) {
        for (out, &index) in out.iter_mut().zip(&self.observed) {
            *out = x[index];
        }
    }
    fn adjoint(&self, out: &mut [f64], y: &[f64]) {
        out.fill(0.0);
        for (&y, &index) in y.iter().zip(&self.observed) {
            out[index] = y;
        }
    }
    fn noise_std(&self) -> f64 {
        self.noise_std
    }
    fn observed(&self) -> Option<Vec<usize>> {
        Some(self.observed.clone())
    }
}
