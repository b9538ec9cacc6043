//! How good generated digits are, beside real ones.

use driftfield_networks::Classifier;
use driftfield_problems::data::Mnist;
use ndarray::Array2;

use super::{StudyError, Summary};
use crate::generate::shipped_classifier;
use crate::metrics::{ImageQuality, ImageReference};

/// Judges digits by the shipped classifier: their labels, and, if there are real digits to
/// compare with, the distances between the features of both.
///
/// The reference is the second half of the digits under `train-*`, which the classifier has not
/// seen where these are the 9,000 of `weights/README.md`; the floor is what as many of the digits
/// under `t10k-*` score.
#[derive(Debug)]
pub struct Judge {
    eye: Eye,
}

#[derive(Debug)]
enum Eye {
    Labels(Box<Classifier>),
    Features { reference: Box<ImageReference>, floor: ImageQuality },
}

/// What is known of a set of digits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Score {
    /// The share that is recognised as what it was meant to be.
    pub(crate) accuracy: Option<f64>,
    /// Distances to real digits.
    pub(crate) quality: Option<ImageQuality>,
}

impl Judge {
    /// Without real digits: labels only.
    pub fn of_labels() -> Result<Self, StudyError> {
        Ok(Judge { eye: Eye::Labels(Box::new(shipped_classifier()?)) })
    }

    /// With real digits, for samples of `lanes` images.
    pub fn new(digits: &Mnist, lanes: usize) -> Result<Self, StudyError> {
        let single = |pixels: &Array2<f64>| pixels.mapv(|pixel| pixel as f32);
        let unseen = single(&digits.second_half().pixels);
        let reference = ImageReference::new(shipped_classifier()?, unseen.view())?;
        let floor =
            reference.floor(single(&digits.test.pixels).view(), &digits.test.labels, lanes)?;
        Ok(Judge { eye: Eye::Features { reference: Box::new(reference), floor } })
    }

    /// What real digits score.
    pub(crate) fn floor(&self) -> Score {
        match &self.eye {
            Eye::Labels(_) => Score::default(),
            Eye::Features { floor, .. } => {
                Score { accuracy: floor.accuracy, quality: Some(*floor) }
            }
        }
    }

    /// What these images score, `[n, pixels]` in `[0, 1]`, made for the `intended` labels if
    /// there are any.
    pub(crate) fn score(
        &self,
        images: &Array2<f64>,
        intended: Option<&[u32]>,
    ) -> Result<Score, StudyError> {
        let images = images.mapv(|pixel| pixel as f32);
        Ok(match &self.eye {
            Eye::Labels(classifier) => {
                let accuracy = intended
                    .map(|labels| classifier.accuracy(images.view(), labels))
                    .transpose()?;
                Score { accuracy, quality: None }
            }
            Eye::Features { reference, .. } => {
                let quality = reference.quality(images.view(), intended)?;
                Score { accuracy: quality.accuracy, quality: Some(quality) }
            }
        })
    }
}

/// Means over seeds of a score's parts, each if all have it.
pub(crate) fn mean_over(scores: &[Score], part: fn(&Score) -> Option<f64>) -> Option<f64> {
    let values: Option<Vec<f64>> = scores.iter().map(part).collect();
    values.filter(|values| !values.is_empty()).map(|values| Summary::of(values).mean)
}

/// The parts of a score that rows and floors report.
pub(crate) mod part {
    use super::Score;

    pub(crate) fn frechet(score: &Score) -> Option<f64> {
        score.quality.map(|quality| quality.frechet)
    }
    pub(crate) fn frechet_low(score: &Score) -> Option<f64> {
        score.quality.map(|quality| quality.frechet_interval[0])
    }
    pub(crate) fn frechet_high(score: &Score) -> Option<f64> {
        score.quality.map(|quality| quality.frechet_interval[1])
    }
    pub(crate) fn kernel(score: &Score) -> Option<f64> {
        score.quality.map(|quality| quality.kernel)
    }
    pub(crate) fn accuracy(score: &Score) -> Option<f64> {
        score.accuracy
    }
}
