//! What a study measures unless it is told otherwise.

use std::sync::Arc;

use driftfield_networks::Classifier;
use driftfield_problems::data::{Digits, Mnist};
use driftfield_problems::spec::SpecError;
use ndarray::Array2;

use super::StudyError;
use crate::generate::shipped_classifier;
use crate::metrics::{
    Estimate, ImageReference, Jackknife, Metric, MetricError, NumberFormat, PreparedSample,
    RealData, Shown, by_name, mmd_at,
};

/// Bandwidth of the MMD in the study's tables.
pub const MMD_BANDWIDTH: f64 = 0.5;

/// The metrics of points: Chamfer distance, unbiased MMD^2 and sliced Wasserstein distance to a
/// fresh draw of the data.
pub fn point_metrics() -> Result<Vec<Metric>, SpecError> {
    let nearest = "mean over the samples of the distance to the nearest data point, plus the same with samples and data exchanged";
    let kernel =
        format!("unbiased estimate with the kernel exp(-|x-y|^2 / (2 h^2)), h = {MMD_BANDWIDTH}");
    let sliced = "sliced Wasserstein: root of the mean squared 1-D W2 over 128 fixed directions";
    Ok(vec![
        by_name("chamfer")?.headed("Chamfer").defined(nearest).written(NumberFormat::Decimals(4)),
        mmd_at("mmd2", MMD_BANDWIDTH).headed("MMD^2").defined(kernel).shown(Shown::Tables),
        by_name("sliced_wasserstein")?
            .headed("SW2")
            .defined(sliced)
            .written(NumberFormat::Decimals(4))
            .shown(Shown::Tables),
    ])
}

/// The share of digits that are recognised as what they were made for: all that is known of them
/// without real ones.
pub fn label_metric() -> Result<Metric, StudyError> {
    Ok(of_labels(Arc::new(shipped_classifier()?)))
}

/// The metrics of digits beside real ones, for samples of `lanes` images: Frechet and kernel
/// distance in the features of the shipped classifier, and the labels it recognises.
///
/// The reference is the second half of the digits under `train-*`, which the classifier has not
/// seen where these are the 9,000 of `weights/README.md`; the floor is what as many of the digits
/// under `t10k-*` score.
pub fn digit_metrics(digits: &Mnist, lanes: usize) -> Result<Vec<Metric>, StudyError> {
    unseen_metrics(&digits.second_half().pixels, &digits.test, lanes)
}

/// The same from the pixels of the digits that the classifier has not seen and from those of the
/// floor.
pub(super) fn unseen_metrics(
    unseen: &Array2<f64>,
    real: &Digits,
    lanes: usize,
) -> Result<Vec<Metric>, StudyError> {
    let single = |pixels: &Array2<f64>| pixels.mapv(|pixel| pixel as f32);
    // One for all three, so that a sample is classified once.
    let classifier = Arc::new(shipped_classifier()?);
    let reference = Arc::new(ImageReference::new(classifier.clone(), single(unseen).view())?);
    let floor = reference.floor(single(&real.pixels).view(), &real.labels, lanes)?;
    let scored = |value: f64, interval: Option<[f64; 2]>| RealData {
        label: "real digits".to_owned(),
        definition: "the same numbers for as many real digits of those under t10k-*".to_owned(),
        estimate: Estimate { value, interval },
    };
    let frechet = of_images(
        &reference,
        "frechet",
        "squared Frechet distance between Gaussians fitted to the features of samples and of real digits, the second half of those under train-*, in a small classifier. It was trained on the first half of the 9,000 that weights/README.md names; of other files it may have seen some of the second. This is no FID: that has the features of a network trained on ImageNet. It grows as the number of samples falls, so that rows are comparable at one number of lanes only",
        ImageReference::frechet,
    );
    let kernel = of_images(
        &reference,
        "kernel_distance",
        "unbiased MMD^2 of the same features with the kernel (x.y / d + 1)^3",
        ImageReference::kernel,
    );
    let floors = [
        Some(scored(floor.frechet, Some(floor.frechet_interval))),
        Some(scored(floor.kernel, Some(floor.kernel_interval))),
        floor.accuracy.map(|share| scored(share, None)),
    ];
    let metrics = [
        frechet.headed("Frechet").written(NumberFormat::Decimals(1)),
        kernel.headed("kernel").shown(Shown::Tables),
        of_labels(classifier),
    ];
    let above =
        |(metric, floor): (Metric, Option<RealData>)| floor.into_iter().fold(metric, Metric::above);
    Ok(metrics.into_iter().zip(floors).map(above).collect())
}

type OfImages = fn(&ImageReference, &PreparedSample) -> Result<Jackknife, MetricError>;

fn of_images(
    reference: &Arc<ImageReference>,
    name: &str,
    definition: &str,
    distance: OfImages,
) -> Metric {
    let reference = reference.clone();
    Metric::of(name, definition, move |subject| {
        Ok(Some(distance(&reference, subject.samples)?.into()))
    })
}

fn of_labels(classifier: Arc<Classifier>) -> Metric {
    let definition = "share of the samples that the classifier recognises as their label";
    let metric = Metric::of("label_accuracy", definition, move |subject| {
        Ok(subject.samples.label_accuracy(&classifier)?.map(Estimate::from))
    });
    metric.headed("label").written(NumberFormat::Percent).shown(Shown::Tables).more_is_better()
}
