//! The classifier for the user: features, probabilities, labels.

use driftfield_problems::standardisation::{Standardisation, StandardisationError};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::ClassifierConfig;
use super::pass::{ClassifierLayers, Tape};
use crate::Layers;
use crate::Parameters;
use crate::weights::TrainedNetwork;

/// Why images cannot be classified.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// The images have another size.
    #[error("the classifier takes images of {expected} pixels, these have {found}")]
    Pixels {
        /// Pixels it takes.
        expected: usize,
        /// Pixels of the images.
        found: usize,
    },
    /// A pixel is NaN or infinite.
    #[error("pixel {pixel} of image {image} is {value}; give finite pixels")]
    NonFinite {
        /// The image.
        image: usize,
        /// The pixel in it, row by row.
        pixel: usize,
        /// Its value.
        value: f32,
    },
    /// Not as many labels as images.
    #[error("there are {images} image(s) but {labels} label(s)")]
    Labels {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The classifier's own units are damaged.
    #[error(transparent)]
    Units(#[from] StandardisationError),
}

/// What a classifier says of images, one row each.
#[derive(Debug, Clone, PartialEq)]
pub struct Classified {
    /// `[n, features]`: what the last layer sees, a space in which images can be compared.
    pub features: Array2<f32>,
    /// `[n, classes]`: logarithms of the probabilities, up to a constant per image.
    pub logits: Array2<f32>,
}

impl Classified {
    /// The most probable class of every image.
    pub fn labels(&self) -> Array1<u32> {
        self.logits.map_axis(Axis(1), |row| largest(row.iter().copied()) as u32)
    }

    /// The share of images whose most probable class is their label, `labels` being one for each;
    /// of no image 0.
    pub fn accuracy(&self, labels: &[u32]) -> f64 {
        let found = self.labels();
        let right = found.iter().zip(labels).filter(|(found, label)| found == label).count();
        right as f64 / labels.len().max(1) as f64
    }
}

/// The place of the largest logit, the first if there are several; NaN is passed over.
pub(crate) fn largest(logits: impl IntoIterator<Item = impl Into<f64>>) -> usize {
    let larger = |best: (usize, f64), (place, logit): (usize, f64)| {
        if logit > best.1 { (place, logit) } else { best }
    };
    let logits = logits.into_iter().map(Into::into).enumerate();
    logits.fold((0, f64::NEG_INFINITY), larger).0
}

/// A trained classifier, prepared for the CPU.
///
/// An image's result has the same bits whatever the others are and however many.
#[derive(Debug)]
pub struct Classifier {
    layers: ClassifierLayers,
    units: Standardisation,
}

impl Classifier {
    /// The classifier of these weights, for images in units of which `units` makes its own.
    pub fn new(parameters: &Parameters<ClassifierConfig>, units: Standardisation) -> Self {
        let mut layers = ClassifierLayers::new(parameters.config());
        layers.fill(parameters.values());
        Classifier { layers, units }
    }

    /// The architecture.
    pub fn config(&self) -> &ClassifierConfig {
        &self.layers.config
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.layers.count()
    }

    /// Features and logits of images `[n, pixels]`, their pixels clipped to `[0, 1]`.
    pub fn classify(&self, images: ArrayView2<'_, f32>) -> Result<Classified, ClassifierError> {
        let config = &self.layers.config;
        let (expected, found) = (config.side * config.side, images.ncols());
        if expected != found {
            return Err(ClassifierError::Pixels { expected, found });
        }
        let not_finite = images.indexed_iter().find(|(_, value)| !value.is_finite());
        if let Some(((image, pixel), &value)) = not_finite {
            return Err(ClassifierError::NonFinite { image, pixel, value });
        }
        let mut images =
            images.map(|pixel| pixel.clamp(0.0, 1.0)).as_standard_layout().into_owned();
        self.units.apply(&mut images)?;
        let n = images.nrows();
        let mut features = vec![0.0; n * config.features];
        let mut logits = vec![0.0; n * config.classes];
        let x = images.into_raw_vec_and_offset().0;
        features
            .par_chunks_mut(ClassifierLayers::TILE * config.features)
            .zip(logits.par_chunks_mut(ClassifierLayers::TILE * config.classes))
            .zip(x.par_chunks(ClassifierLayers::TILE * expected))
            .for_each_init(
                || Tape::new(&self.layers, ClassifierLayers::TILE),
                |tape, ((features, logits), x)| {
                    let found = tape.forward(&self.layers, x, x.len() / expected);
                    features.copy_from_slice(found.0);
                    logits.copy_from_slice(found.1);
                },
            );
        let rows = |values: Vec<f32>, columns| {
            // The shapes are those the buffers were made with.
            Array2::from_shape_vec((n, columns), values).unwrap_or_default()
        };
        Ok(Classified {
            features: rows(features, config.features),
            logits: rows(logits, config.classes),
        })
    }

    /// The share of images whose most probable class is their label.
    pub fn accuracy(
        &self,
        images: ArrayView2<'_, f32>,
        labels: &[u32],
    ) -> Result<f64, ClassifierError> {
        if images.nrows() != labels.len() {
            let (images, labels) = (images.nrows(), labels.len());
            return Err(ClassifierError::Labels { images, labels });
        }
        Ok(self.classify(images)?.accuracy(labels))
    }
}

impl TrainedNetwork<ClassifierConfig> {
    /// The classifier, ready for images.
    pub fn classifier(&self) -> Classifier {
        Classifier::new(&self.parameters, self.standardisation.clone())
    }
}
