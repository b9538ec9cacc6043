use std::sync::Arc;

use super::error::check_noise_std;
use super::recipe::std_key;
use super::{ImageShape, Measurement, MeasurementError, MeasurementRecipe};
use crate::catalog::{Entry, Key};
use crate::spec::SpecError;

/// Gaussian blur: along rows and columns, weights `exp(-k^2 / (2 width^2))` at a distance of `k`
/// pixels, cut off beyond `4 width` and normalised.
///
/// Beyond the border the image goes on as its mirror image, `c b a | a b c | c b a`, so that a
/// constant image stays as it is. The operator is nearly singular: fine detail is lost, and only
/// noise or a prior makes its inversion well posed.
#[derive(Debug, Clone, PartialEq)]
pub struct Blur {
    shape: ImageShape,
    /// Weights at distances `-radius ..= radius`.
    weights: Vec<f64>,
    noise_std: f64,
}

const NAME: &str = "blur";

pub(super) fn entry() -> Entry<MeasurementRecipe> {
    Entry::new(NAME, "Gaussian blur, mirrored at the border", |blur| {
        let (width, std) = (blur.number("width")?, blur.number("std")?);
        Ok(MeasurementRecipe::new(move |shape| Ok(Arc::new(Blur::new(shape, width, std)?))))
    })
    .keys([Key::number("width", 2.0, "standard deviation, in pixels"), std_key()])
}

impl Blur {
    /// A standard deviation of `width` pixels, at most the longer side of the image.
    pub fn new(shape: &ImageShape, width: f64, noise_std: f64) -> Result<Self, MeasurementError> {
        let shape = shape.validate()?;
        let longest = shape.height.max(shape.width) as f64;
        if !(width > 0.0 && width <= longest) {
            let expected = format!("above 0 and at most {longest}, the longer side of the image");
            return Err(SpecError::number(NAME, "width", width, expected).into());
        }
        let radius = (4.0 * width).ceil() as i64;
        let weight = |k: i64| (-0.5 * (k as f64 / width).powi(2)).exp();
        let total: f64 = (-radius..=radius).map(weight).sum();
        let weights = (-radius..=radius).map(|k| weight(k) / total).collect();
        Ok(Blur { shape, weights, noise_std: check_noise_std(noise_std)? })
    }

    /// Passes every line of `values` along one axis to `line`, which writes into the same place
    /// of a new image.
    fn along(&self, axis: Axis, values: &[f64], line: impl Fn(&mut [f64], &[f64])) -> Vec<f64> {
        let ImageShape { channels, height, width } = self.shape;
        let (lines, length) = match axis {
            Axis::Rows => (channels * height, width),
            Axis::Columns => (channels * width, height),
        };
        let index = |number: usize, i: usize| match axis {
            Axis::Rows => number * width + i,
            Axis::Columns => (number / width * height + i) * width + number % width,
        };
        let mut out = vec![0.0; values.len()];
        let (mut before, mut after) = (vec![0.0; length], vec![0.0; length]);
        for number in 0..lines {
            before.iter_mut().enumerate().for_each(|(i, value)| *value = values[index(number, i)]);
            line(&mut after, &before);
            after.iter().enumerate().for_each(|(i, value)| out[index(number, i)] = *value);
        }
        out
    }

    /// Offsets of the weights, and the weights.
    fn taps(&self) -> impl Iterator<Item = (i64, f64)> {
        let radius = (self.weights.len() / 2) as i64;
        (-radius..).zip(self.weights.iter().copied())
    }

    fn blur_line(&self, out: &mut [f64], x: &[f64]) {
        for (i, out) in out.iter_mut().enumerate() {
            let places = self.taps().map(|(k, weight)| weight * x[mirrored(i, k, x.len())]);
            *out = places.sum();
        }
    }

    fn blur_line_adjoint(&self, out: &mut [f64], y: &[f64]) {
        out.fill(0.0);
        for (i, y) in y.iter().enumerate() {
            for (k, weight) in self.taps() {
                out[mirrored(i, k, out.len())] += weight * y;
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Axis {
    Rows,
    Columns,
}

/// The place at offset `k` from `i` in a line of `length`, which goes on as its mirror image.
fn mirrored(i: usize, k: i64, length: usize) -> usize {
    let period = 2 * length as i64;
    let place = (i as i64 + k).rem_euclid(period);
    place.min(period - 1 - place) as usize
}

impl Measurement for Blur {
    fn dimension(&self) -> usize {
        self.shape.dimension()
    }
    fn measured(&self) -> usize {
        self.dimension()
    }
    fn apply(&self, out: &mut [f64], x: &[f64]) {
        let rows = self.along(Axis::Rows, x, |out, x| self.blur_line(out, x));
        out.copy_from_slice(&self.along(Axis::Columns, &rows, |out, x| self.blur_line(out, x)));
    }
    fn adjoint(&self, out: &mut [f64], y: &[f64]) {
        let columns = self.along(Axis::Columns, y, |out, y| self.blur_line_adjoint(out, y));
        let rows = self.along(Axis::Rows, &columns, |out, y| self.blur_line_adjoint(out, y));
        out.copy_from_slice(&rows);
    }
    fn noise_std(&self) -> f64 {
        self.noise_std
    }
}
