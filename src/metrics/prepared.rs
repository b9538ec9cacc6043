use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use driftfield_networks::{Classified, Classifier, ClassifierError};
use ndarray::{Array1, ArrayView2};
use rayon::prelude::*;

use super::nearest::{self, Nearest};
use super::pairwise::{PairFunction, Pairs, pair_sums};
use super::points::Points;
use super::sliced_wasserstein::sorted_projection;
use super::{
    Chamfer, EnergyDistance, GaussianFit, KernelSample, MetricError, Mmd, Sample, chamfer,
    directions, energy, frechet, kernel_distance, mmd, sliced_wasserstein, wasserstein,
};

/// A checked sample that remembers what metrics work out about it alone: its
/// k-d tree, its sums over pairs within, its sorted projections, its Gaussian.
///
/// Every metric of two samples is one of these against another; the functions
/// that take arrays prepare both. Where many samples are compared with one
/// reference, as in a study, preparing the reference once saves about half.
///
/// ```
/// use driftfield::metrics::{PreparedSample, Sample};
/// use ndarray::array;
///
/// let data = array![[0.0, 0.0], [1.0, 0.0]];
/// let data = PreparedSample::new(&data.view(), Sample::Q)?.kept();
/// for shift in [0.0, 0.5] {
///     let samples = array![[0.0, shift], [1.0, shift]];
///     let samples = PreparedSample::new(&samples.view(), Sample::P)?;
///     assert_eq!(samples.nearest_distances(&data)?.distance(), 2.0 * shift);
/// }
/// # Ok::<(), driftfield::metrics::MetricError>(())
/// ```
#[derive(Debug)]
pub struct PreparedSample {
    points: Points,
    labels: Option<Vec<u32>>,
    weights: Option<Vec<f64>>,
    keeps_projections: bool,
    index: OnceLock<Box<dyn Nearest>>,
    projections: OnceLock<Vec<Vec<f64>>>,
    distances: OnceLock<f64>,
    /// Bandwidths, and the sum of their kernel over the pairs within.
    kernels: Mutex<Vec<(f64, f64)>>,
    gaussian: OnceLock<GaussianFit>,
    kernel_sample: OnceLock<KernelSample>,
    /// By the first classifier that was asked.
    classified: OnceLock<(Arc<Classifier>, Arc<Classified>)>,
}

impl PreparedSample {
    /// Checks the points, `[n, d]`; errors name them as `sample`.
    pub fn new(points: &ArrayView2<f64>, sample: Sample) -> Result<Self, MetricError> {
        Ok(PreparedSample {
            points: Points::new(points, sample)?,
            labels: None,
            weights: None,
            keeps_projections: false,
            index: OnceLock::new(),
            projections: OnceLock::new(),
            distances: OnceLock::new(),
            kernels: Mutex::new(Vec::new()),
            gaussian: OnceLock::new(),
            kernel_sample: OnceLock::new(),
            classified: OnceLock::new(),
        })
    }

    /// Both samples of a comparison, of one dimension.
    pub(super) fn pair(
        p: &ArrayView2<f64>,
        q: &ArrayView2<f64>,
    ) -> Result<(Self, Self), MetricError> {
        let both = (Self::new(p, Sample::P)?, Self::new(q, Sample::Q)?);
        both.0.check_dimension(&both.1)?;
        Ok(both)
    }

    /// The sample of points that were made for these labels, one a point.
    #[must_use]
    pub fn labelled(mut self, labels: Vec<u32>) -> Self {
        self.labels = Some(labels);
        self
    }

    /// The labels its points were made for, if there are any.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The sample of points that stand for others, each by its weight: a posterior by weighted draws
    /// of its prior, say. One a point, and only their ratios count.
    ///
    /// A [`Metric`](super::Metric) that does not [weigh](super::Metric::weighing) refuses it; the
    /// distances below are of its points alone.
    pub fn weighted(mut self, weights: Vec<f64>) -> Result<Self, MetricError> {
        let (points, count) = (self.points.count(), weights.len());
        if points != count {
            return Err(MetricError::Weights { points, weights: count });
        }
        let bad = |weight: &f64| !(weight.is_finite() && *weight >= 0.0);
        let nothing = weights.iter().all(|&weight| weight == 0.0).then_some(0);
        if let Some(point) = weights.iter().position(bad).or(nothing) {
            return Err(MetricError::Weight { point, weight: weights[point] });
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// The weights of its points, if they have any.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// Its points, `[n, d]`.
    pub fn rows(&self) -> ArrayView2<'_, f64> {
        self.points.rows()
    }

    /// The sample with its sorted projections kept, 128 numbers a point, for
    /// being compared more than once.
    pub fn kept(mut self) -> Self {
        self.keeps_projections = true;
        self
    }

    /// All Chamfer numbers; see [`nearest_distances`](super::nearest_distances).
    pub fn nearest_distances(&self, other: &Self) -> Result<Chamfer, MetricError> {
        self.check_dimension(other)?;
        let (p, q) = ((&self.points, self.index()), (&other.points, other.index()));
        chamfer::of_squares(&nearest::nearest_squared(p, q), &nearest::nearest_squared(q, p))
    }

    /// The squared maximum mean discrepancy; see [`mmd`](fn@super::mmd).
    pub fn mmd(&self, other: &Self, bandwidths: &[f64]) -> Result<Vec<Mmd>, MetricError> {
        self.check_dimension(other)?;
        mmd::between(self, other, bandwidths)
    }

    /// The bandwidth of the median rule; see [`median_bandwidth`](super::median_bandwidth).
    pub fn median_bandwidth(&self, other: &Self) -> Result<f64, MetricError> {
        self.check_dimension(other)?;
        mmd::median_of_pooled(&self.points, &other.points)
    }

    /// The sliced Wasserstein distance; see [`sliced_wasserstein`](fn@super::sliced_wasserstein).
    pub fn sliced_wasserstein(&self, other: &Self) -> Result<f64, MetricError> {
        self.check_dimension(other)?;
        sliced_wasserstein::between(self, other)
    }

    /// The energy distance; see [`energy_distance`](super::energy_distance).
    pub fn energy_distance(&self, other: &Self) -> Result<EnergyDistance, MetricError> {
        self.check_dimension(other)?;
        energy::between(self, other)
    }

    /// The exact Wasserstein-2 distance; see [`wasserstein_2`](fn@super::wasserstein_2).
    pub fn wasserstein_2(&self, other: &Self) -> Result<f64, MetricError> {
        self.check_dimension(other)?;
        wasserstein::between(self, other)
    }

    /// The squared Frechet distance of fitted Gaussians; see
    /// [`frechet_distance`](fn@super::frechet_distance).
    pub fn frechet_distance(&self, other: &Self) -> Result<f64, MetricError> {
        self.check_dimension(other)?;
        frechet::between(self, other)
    }

    /// The kernel distance; see [`kernel_distance`](fn@super::kernel_distance).
    pub fn kernel_distance(&self, other: &Self) -> Result<f64, MetricError> {
        self.check_dimension(other)?;
        kernel_distance::between(self, other)
    }

    /// What `classifier` says of its points as images, `[n, pixels]`, in single precision. What the
    /// first classifier says is remembered, so that metrics that share one classify once.
    pub fn classified(
        &self,
        classifier: &Arc<Classifier>,
    ) -> Result<Arc<Classified>, ClassifierError> {
        match self.classified.get() {
            Some((known, classified)) if Arc::ptr_eq(known, classifier) => Ok(classified.clone()),
            _ => {
                let pixels = self.rows().as_standard_layout().mapv(|pixel| pixel as f32);
                let classified = Arc::new(classifier.classify(pixels.view())?);
                let _ = self.classified.set((classifier.clone(), classified.clone()));
                Ok(classified)
            }
        }
    }

    /// The share of its points that `classifier` recognises as their [labels](Self::labels); none
    /// without labels.
    pub fn label_accuracy(
        &self,
        classifier: &Arc<Classifier>,
    ) -> Result<Option<f64>, ClassifierError> {
        let Some(labels) = self.labels() else { return Ok(None) };
        let (images, found) = (self.points.count(), labels.len());
        if images != found {
            return Err(ClassifierError::Labels { images, labels: found });
        }
        Ok(Some(self.classified(classifier)?.accuracy(labels)))
    }

    pub(super) fn points(&self) -> &Points {
        &self.points
    }

    fn index(&self) -> &dyn Nearest {
        &**self.index.get_or_init(|| nearest::index(&self.points))
    }

    /// The projections on the fixed directions, each sorted, if they are kept.
    pub(super) fn projections(&self, count: usize) -> Option<&[Vec<f64>]> {
        let compute = || {
            let directions = directions(self.points.dimension(), count);
            let rows: Vec<Array1<f64>> =
                directions.rows().into_iter().map(|row| row.to_owned()).collect();
            rows.par_iter().map(|row| sorted_projection(&self.points, row.view())).collect()
        };
        self.keeps_projections.then(|| self.projections.get_or_init(compute).as_slice())
    }

    /// The sum of the distances of all pairs within.
    pub(super) fn distances_within<F: PairFunction>(&self, distance: F) -> f64 {
        *self.distances.get_or_init(|| pair_sums(Pairs::Within(&self.points), &[distance])[0])
    }

    /// The sums of kernels over all pairs within; `bandwidths` name the kernels.
    pub(super) fn kernels_within<F: PairFunction>(
        &self,
        bandwidths: &[f64],
        kernels: &[F],
    ) -> Vec<f64> {
        let known = self.kernels.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let find = |h: &f64| known.iter().find(|(known, _)| known == h).map(|(_, sum)| *sum);
        if let Some(sums) = bandwidths.iter().map(find).collect() {
            return sums;
        }
        let sums = pair_sums(Pairs::Within(&self.points), kernels);
        let new = bandwidths.iter().copied().zip(sums.iter().copied());
        let mut known = self.kernels.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(new.filter(|(h, _)| find(h).is_none()));
        sums
    }

    /// The Gaussian fitted to it; errors name it as `sample`.
    pub(super) fn gaussian(&self, sample: Sample) -> Result<&GaussianFit, MetricError> {
        remembered(&self.gaussian, || GaussianFit::of(&self.points, sample))
    }

    /// Its sums of the kernel of [`kernel_distance`](fn@super::kernel_distance); errors name it as
    /// `sample`.
    pub(super) fn kernel_sample(&self, sample: Sample) -> Result<&KernelSample, MetricError> {
        remembered(&self.kernel_sample, || KernelSample::new(&self.rows(), sample))
    }

    fn check_dimension(&self, other: &Self) -> Result<(), MetricError> {
        let (p, q) = (self.points.dimension(), other.points.dimension());
        if p == q { Ok(()) } else { Err(MetricError::Dimensions { p, q }) }
    }
}

/// What is known, else what `make` makes: an error is not remembered, since it names the sample by
/// its place in the comparison.
fn remembered<T>(
    known: &OnceLock<T>,
    make: impl FnOnce() -> Result<T, MetricError>,
) -> Result<&T, MetricError> {
    match known.get() {
        Some(known) => Ok(known),
        None => {
            let made = make()?;
            Ok(known.get_or_init(|| made))
        }
    }
}
