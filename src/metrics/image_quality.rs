use std::sync::Arc;

use driftfield_networks::{Classified, Classifier, ClassifierError};
use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::jackknife::{Jackknife, jackknife};
use super::kernel_distance::{KernelComparison, KernelSample};
use super::{GaussianFit, MetricError, PreparedSample, Sample};

/// How near generated images are to real ones, in the features of a small classifier.
///
/// **This is no FID and no KID**: those are the same formulas in the features of a network
/// trained on ImageNet. The numbers here mean something beside others of the same classifier,
/// the same reference and the same `n` only; the scale is set by the [floor](ImageReference::floor).
///
/// The intervals are jackknife intervals. At the floor, where both laws are one and the distances
/// have no linear part, they are too wide, by about the root of 2 (measured on real digits: 1.4
/// to 1.8 times the spread over disjoint samples); they become right as the laws part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImageQuality {
    /// Number of images. The Frechet distance is too large by about `1/n` times a constant.
    pub n: usize,
    /// Squared Frechet distance of the features to those of the reference.
    pub frechet: f64,
    /// Its 95 % interval at this `n`, for other draws of the images and the same reference.
    pub frechet_interval: [f64; 2],
    /// Kernel distance of the features to those of the reference.
    pub kernel: f64,
    /// Its 95 % interval, for other draws of the images and the same reference.
    pub kernel_interval: [f64; 2],
    /// The share of images whose most probable class is the intended label; null without.
    pub accuracy: Option<f64>,
    /// The mean over the images of the largest probability.
    pub mean_confidence: f64,
}

/// Real images, their features and all that these need to be compared with.
///
/// The classifier must not have been trained on them: features of images it knows by heart are
/// further apart than those of new ones. For the shipped one take
/// [`second_half`](driftfield_problems::data::Mnist::second_half).
#[derive(Debug)]
pub struct ImageReference {
    classifier: Arc<Classifier>,
    gaussian: GaussianFit,
    kernel: KernelSample,
}

impl ImageReference {
    /// The reference of `images`, `[m, pixels]` in `[0, 1]`.
    pub fn new(
        classifier: impl Into<Arc<Classifier>>,
        images: ArrayView2<'_, f32>,
    ) -> Result<Self, MetricError> {
        let classifier = classifier.into();
        let features = features(&classifier.classify(images)?);
        let gaussian = GaussianFit::new(&features.view(), Sample::Q)?;
        let kernel = KernelSample::new(&features.view(), Sample::Q)?;
        Ok(ImageReference { classifier, gaussian, kernel })
    }

    /// The quality of generated `images`, `[n, pixels]` with `n >= 20`, made for the `intended`
    /// labels if there are such. Pixels outside `[0, 1]` are clipped, as they are where an image
    /// is shown.
    pub fn quality(
        &self,
        images: ArrayView2<'_, f32>,
        intended: Option<&[u32]>,
    ) -> Result<ImageQuality, MetricError> {
        let n = images.nrows();
        if let Some(labels) = intended.map(<[u32]>::len).filter(|&labels| labels != n) {
            return Err(ClassifierError::Labels { images: n, labels }.into());
        }
        let classified = self.classifier.classify(images)?;
        let features = features(&classified);
        let (frechet, kernel) = (self.frechet_of(&features)?, self.kernel_of(&features)?);
        Ok(ImageQuality {
            n,
            frechet: frechet.estimate,
            frechet_interval: frechet.interval(),
            kernel: kernel.estimate,
            kernel_interval: kernel.interval(),
            accuracy: intended.map(|labels| classified.accuracy(labels)),
            mean_confidence: mean_confidence(&classified),
        })
    }

    /// The Frechet distance of [`quality`](Self::quality) alone, of a sample that remembers what
    /// the classifier says of it.
    pub fn frechet(&self, images: &PreparedSample) -> Result<Jackknife, MetricError> {
        self.frechet_of(&features(&*images.classified(&self.classifier)?))
    }

    /// The kernel distance of [`quality`](Self::quality) alone, likewise.
    pub fn kernel(&self, images: &PreparedSample) -> Result<Jackknife, MetricError> {
        self.kernel_of(&features(&*images.classified(&self.classifier)?))
    }

    /// What the first `n` of `real` images score, with their true labels: what generated images
    /// that are as good as real ones would score. They must be none of the reference.
    pub fn floor(
        &self,
        real: ArrayView2<'_, f32>,
        labels: &[u32],
        n: usize,
    ) -> Result<ImageQuality, MetricError> {
        let found = real.nrows();
        if labels.len() != found {
            return Err(ClassifierError::Labels { images: found, labels: labels.len() }.into());
        }
        if found < n {
            return Err(MetricError::TooFewReal { wanted: n, found });
        }
        self.quality(real.slice(ndarray::s![..n, ..]), Some(&labels[..n]))
    }

    fn frechet_of(&self, features: &Array2<f64>) -> Result<Jackknife, MetricError> {
        jackknife(features.nrows(), |left_out| {
            let stays = |row: &usize| left_out.binary_search(row).is_err();
            let kept: Vec<usize> = (0..features.nrows()).filter(stays).collect();
            let kept = features.select(Axis(0), &kept);
            GaussianFit::new(&kept.view(), Sample::P)?.frechet_distance(&self.gaussian)
        })
    }

    fn kernel_of(&self, features: &Array2<f64>) -> Result<Jackknife, MetricError> {
        let sample = KernelSample::new(&features.view(), Sample::P)?;
        let comparison = KernelComparison::new(&sample, &self.kernel)?;
        jackknife(features.nrows(), |left_out| comparison.distance_without(left_out))
    }
}

fn features(classified: &Classified) -> Array2<f64> {
    classified.features.mapv(f64::from)
}

/// The mean of the largest softmax probability of each row of logits.
fn mean_confidence(classified: &Classified) -> f64 {
    let confidence = |row: ndarray::ArrayView1<'_, f32>| {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        1.0 / row.iter().map(|&logit| f64::from(logit - largest).exp()).sum::<f64>()
    };
    let rows = classified.logits.rows().into_iter();
    rows.map(confidence).sum::<f64>() / classified.logits.nrows() as f64
}
