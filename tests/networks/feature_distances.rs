//! Frechet and kernel distances against numpy and SciPy, closed forms and plain definitions; the
//! quality of digits.

use std::sync::Arc;

use driftfield::generate::shipped_classifier;
use driftfield::metrics::{
    self, GaussianFit, ImageQuality, ImageReference, KernelComparison, KernelSample, MetricError,
    PreparedSample, Sample, frechet_distance, kernel_distance,
};
use driftfield::networks::ClassifierError;
use driftfield::problems::data::{Mnist, SampleRng};
use ndarray::{Array2, Axis, array, s};
use serde_json::Value;

const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mnist");

fn normals(n: usize, d: usize, seed: u64) -> Array2<f64> {
    let mut rng = SampleRng::new(seed, 0);
    Array2::from_shape_simple_fn((n, d), || rng.normal())
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

#[test]
fn both_agree_with_numpy_and_scipy() {
    let file: Value = serde_json::from_str(include_str!("../data/feature_distances.json")).unwrap();
    for run in file["runs"].as_array().unwrap() {
        let (x, y) = (matrix(&run["x"]), matrix(&run["y"]));
        let ours = frechet_distance(&x.view(), &y.view()).unwrap();
        let theirs = run["frechet"].as_f64().unwrap();
        assert!((ours - theirs).abs() < 1e-11 * (1.0 + theirs), "{ours} {theirs}");
        let ours = kernel_distance(&x.view(), &y.view()).unwrap();
        let theirs = run["kernel"].as_f64().unwrap();
        assert!((ours - theirs).abs() < 1e-11 * (1.0 + theirs.abs()), "{ours} {theirs}");
    }
}

/// `[2 d, d]`: two points on each axis, so that the unbiased covariance is
/// `diag(2 s^2 / (2 d - 1))`.
fn cross(half_widths: &[f64], shift: f64) -> Array2<f64> {
    let d = half_widths.len();
    Array2::from_shape_fn((2 * d, d), |(row, axis)| {
        let sign = if row % 2 == 0 { 1.0 } else { -1.0 };
        shift + if row / 2 == axis { sign * half_widths[axis] } else { 0.0 }
    })
}

#[test]
fn diagonal_covariances_have_a_closed_form() {
    // An axis without any spread in one of the samples, and scales far apart.
    let (a, b) = ([1.0, 2.0, 0.0, 1e-6], [3.0, 0.5, 4.0, 1e-6]);
    let found = frechet_distance(&cross(&a, 0.0).view(), &cross(&b, 0.25).view()).unwrap();
    let spreads: f64 = a.iter().zip(&b).map(|(a, b)| 2.0 / 7.0 * (a - b) * (a - b)).sum();
    assert!((found - (4.0 * 0.0625 + spreads)).abs() < 1e-13, "{found}");
}

#[test]
fn fewer_points_than_coordinates_are_at_no_distance_from_themselves() {
    let points = normals(12, 40, 1);
    let same = frechet_distance(&points.view(), &points.view()).unwrap();
    // Roots of rounded eigenvalues would leave 1e-8 for each of 29 missing directions.
    assert!(same < 1e-12, "{same}");
    let shifted = &points + 0.5;
    let distance = frechet_distance(&points.view(), &shifted.view()).unwrap();
    assert!((distance - 10.0).abs() < 1e-12, "{distance}");
    // Samples in planes at right angles: nothing of the spreads overlaps.
    let (mut p, mut q) = (normals(30, 4, 2), normals(20, 4, 3));
    p.slice_mut(s![.., 2..]).fill(0.0);
    q.slice_mut(s![.., ..2]).fill(0.0);
    let trace = |points: &Array2<f64>| points.var_axis(Axis(0), 1.0).sum();
    let means = &p.mean_axis(Axis(0)).unwrap() - &q.mean_axis(Axis(0)).unwrap();
    let expected = means.dot(&means) + trace(&p) + trace(&q);
    assert!((frechet_distance(&p.view(), &q.view()).unwrap() - expected).abs() < 1e-13);
}

#[test]
fn single_points_are_refused() {
    let (one, two) = (array![[1.0, 2.0]], array![[1.0, 2.0], [0.0, 1.0]]);
    for metric in ["frechet", "kernel_distance"] {
        let metric = metrics::by_name(metric).unwrap();
        let refused = metric.distance(&one.view(), &two.view());
        assert_eq!(refused, Err(MetricError::TooFew { sample: Sample::P }), "{}", metric.name);
        let refused = metric.distance(&two.view(), &one.view());
        assert_eq!(refused, Err(MetricError::TooFew { sample: Sample::Q }), "{}", metric.name);
    }
    let fit = |d| GaussianFit::new(&normals(9, d, 0).view(), Sample::P).unwrap();
    let refused = fit(2).frechet_distance(&fit(3));
    assert_eq!(refused, Err(MetricError::Dimensions { p: 2, q: 3 }));
}

#[test]
fn a_kernel_distance_without_some_points_is_that_of_the_others() {
    let (p, q) = (normals(90, 5, 1), normals(70, 5, 2) * 1.3);
    let samples =
        [(&p, Sample::P), (&q, Sample::Q)].map(|(x, name)| KernelSample::new(&x.view(), name));
    let [first, second] = samples.map(Result::unwrap);
    let comparison = KernelComparison::new(&first, &second).unwrap();
    for left_out in [vec![], vec![0], vec![3, 40, 89], (10..60).collect()] {
        let kept: Vec<usize> = (0..90).filter(|row| !left_out.contains(row)).collect();
        let alone = kernel_distance(&p.select(Axis(0), &kept).view(), &q.view()).unwrap();
        let found = comparison.distance_without(&left_out).unwrap();
        assert!((found - alone).abs() < 1e-11, "{left_out:?}: {found} {alone}");
    }
    let refused = comparison.distance_without(&[90]);
    assert_eq!(refused, Err(MetricError::NoSuchRow { row: 90, rows: 90 }));
    let all: Vec<usize> = (0..89).collect();
    let refused = comparison.distance_without(&all);
    assert_eq!(refused, Err(MetricError::TooFew { sample: Sample::P }));
}

#[test]
fn kernel_sums_do_not_depend_on_threads() {
    let (p, q) = (normals(300, 20, 1), normals(333, 20, 2));
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| kernel_distance(&p.view(), &q.view()).unwrap())
    };
    assert_eq!(with(1), with(2));
}

/// The reference of the digits under `train-*`, and the pixels and labels of the others.
fn digits() -> (ImageReference, Array2<f32>, Vec<u32>) {
    let digits = Mnist::read(DIGITS).unwrap();
    let pixels = |pixels: &Array2<f64>| pixels.mapv(|pixel| pixel as f32);
    let reference = pixels(&digits.train.pixels);
    let reference = ImageReference::new(shipped_classifier().unwrap(), reference.view()).unwrap();
    (reference, pixels(&digits.test.pixels), digits.test.labels)
}

#[test]
fn digits_are_nearer_than_noisy_digits_and_recognised() {
    let (reference, real, labels) = digits();
    let floor = reference.floor(real.view(), &labels, 60).unwrap();
    assert_eq!(floor.n, 60);
    assert!(floor.accuracy.unwrap() >= 58.0 / 60.0, "{floor:?}");
    assert!(floor.mean_confidence > 0.9 && floor.mean_confidence <= 1.0, "{floor:?}");
    for (value, [low, high]) in
        [(floor.frechet, floor.frechet_interval), (floor.kernel, floor.kernel_interval)]
    {
        assert!(low < value && value < high, "{floor:?}");
    }
    let mut rng = SampleRng::new(0, 0);
    let noisy = real.mapv(|pixel| pixel + 0.4 * rng.normal() as f32);
    let worse = reference.quality(noisy.view(), None).unwrap();
    assert!(worse.frechet > 1.5 * floor.frechet && worse.kernel > floor.kernel, "{worse:?}");
    assert_eq!(worse.accuracy, None);
    // Clipping is all that tells noisy pixels from shown ones.
    let shown = noisy.mapv(|pixel| pixel.clamp(0.0, 1.0));
    assert_eq!(reference.quality(shown.view(), None).unwrap(), worse);
    let json = serde_json::to_string(&floor).unwrap();
    assert_eq!(serde_json::from_str::<ImageQuality>(&json).unwrap(), floor);
}

#[test]
fn a_sample_is_classified_once_and_has_the_numbers_of_its_quality() {
    let (reference, real, labels) = digits();
    let quality = reference.quality(real.view(), Some(&labels)).unwrap();
    let sample = PreparedSample::new(&real.mapv(f64::from).view(), Sample::P).unwrap();
    let [classifier, other] = [(); 2].map(|()| Arc::new(shipped_classifier().unwrap()));
    assert_eq!(sample.label_accuracy(&classifier), Ok(None));
    let sample = sample.labelled(labels.clone());
    assert_eq!(sample.label_accuracy(&classifier), Ok(quality.accuracy));
    let again = sample.classified(&classifier).unwrap();
    assert!(Arc::ptr_eq(&again, &sample.classified(&classifier).unwrap()));
    assert_eq!(again, sample.classified(&other).unwrap());
    let (frechet, kernel) = (reference.frechet(&sample), reference.kernel(&sample));
    assert_eq!(frechet.unwrap().estimate, quality.frechet);
    assert_eq!(kernel.unwrap().interval(), quality.kernel_interval);
    let refused = sample.labelled(labels[1..].to_vec()).label_accuracy(&classifier);
    assert_eq!(refused, Err(ClassifierError::Labels { images: 64, labels: 63 }));
}

#[test]
fn bad_images_are_typed_errors() {
    let (reference, real, labels) = digits();
    let refused = reference.floor(real.view(), &labels, 65).unwrap_err();
    assert_eq!(refused, MetricError::TooFewReal { wanted: 65, found: 64 });
    let refused = reference.quality(real.view(), Some(&labels[1..])).unwrap_err();
    let expected = ClassifierError::Labels { images: 64, labels: 63 };
    assert_eq!(refused, MetricError::Classifier(expected));
    let few = reference.quality(real.slice(s![..19, ..]), None).unwrap_err();
    let expected = MetricError::TooFewForGroups { rows: 19, groups: 20 };
    assert_eq!(few, expected);
    for value in [f32::NAN, f32::INFINITY] {
        let mut damaged = real.clone();
        damaged[[5, 100]] = value;
        let refused = reference.quality(damaged.view(), None).unwrap_err();
        let MetricError::Classifier(ClassifierError::NonFinite { image: 5, .. }) = refused else {
            panic!("{refused}")
        };
    }
    let none = reference.quality(real.slice(s![..0, ..]), None);
    assert!(none.is_err());
}
