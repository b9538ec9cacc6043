//! The statistics of ensembles by themselves: against two-pass formulas at large
//! offsets, and quantiles within the bound they state.

use driftfield_solvers::ensemble::{Moments, QuantileSketch, Statistic};
use driftfield_solvers::noise::{LaneRng, Stream};
use proptest::prelude::*;

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut values = vec![0.0; n];
    LaneRng::new(seed, 0, Stream::Initial).fill_normal(&mut values);
    values
}

/// Points in space around `offset`, correlated.
fn points(n: usize, offset: f64) -> Vec<[f64; 3]> {
    let point = |z: &[f64]| [offset + z[0], -offset + 0.5 * z[0] + 0.1 * z[1], z[2] - z[1]];
    normals(3 * n, 11).chunks_exact(3).map(point).collect()
}

/// Means and covariances of deviations from the first point, which are exact to
/// rounding of the points themselves.
fn two_pass(points: &[[f64; 3]]) -> ([f64; 3], [[f64; 3]; 3]) {
    let n = points.len() as f64;
    let first = points[0];
    let shift = |i: usize| points.iter().map(|p| p[i] - first[i]).sum::<f64>() / n;
    let shifts = [shift(0), shift(1), shift(2)];
    let deviation = |p: &[f64; 3], i: usize| p[i] - first[i] - shifts[i];
    let covariance = |i: usize, j: usize| {
        points.iter().map(|p| deviation(p, i) * deviation(p, j)).sum::<f64>() / (n - 1.0)
    };
    let row = |i: usize| [covariance(i, 0), covariance(i, 1), covariance(i, 2)];
    ([0, 1, 2].map(|i| first[i] + shifts[i]), [row(0), row(1), row(2)])
}

fn merged(points: &[[f64; 3]], part: usize) -> Moments {
    let mut whole = Moments::new(3);
    for points in points.chunks(part) {
        let mut moments = whole.empty();
        points.iter().for_each(|point| moments.push(point));
        whole.merge(moments);
    }
    whole
}

#[test]
fn moments_agree_with_two_passes_at_any_offset() {
    for offset in [0.0, 1.0, 1e4, 1e8] {
        let points = points(20_000, offset);
        let (mean, covariance) = two_pass(&points);
        for part in [1, 64, 1000, points.len()] {
            let moments = merged(&points, part);
            assert_eq!(moments.count(), 20_000);
            // The mean is rounded at every lane to a unit in its last place, errors
            // which add up like a random walk in it and much less in the variance.
            let ulp = f64::EPSILON * (1.0 + offset);
            for i in 0..3 {
                let error = (moments.mean()[i] - mean[i]).abs();
                assert!(error < 200.0 * ulp, "{offset} {part}: mean {i} off by {error:e}");
                for (j, expected) in covariance[i].iter().enumerate() {
                    let error = (moments.covariance(i, j) - expected).abs();
                    assert!(error < 1e-12 + 10.0 * ulp, "{offset} {part}: {i} {j} {error:e}");
                }
            }
        }
    }
}

#[test]
fn a_sum_of_squares_would_fail_the_test_of_offsets() {
    let points = points(20_000, 1e8);
    let (_, covariance) = two_pass(&points);
    let n = points.len() as f64;
    let sum: f64 = points.iter().map(|p| p[0]).sum();
    let squares: f64 = points.iter().map(|p| p[0] * p[0]).sum();
    let naive = (squares - sum * sum / n) / (n - 1.0);
    assert!((naive - covariance[0][0]).abs() > 1e-3);
}

#[test]
fn too_few_lanes_have_no_variance() {
    let mut moments = Moments::new(2);
    assert!(moments.variance(0).is_nan());
    moments.push(&[1.0, 2.0]);
    assert!(moments.covariance(0, 1).is_nan() && moments.standard_error(1).is_nan());
    moments.push(&[3.0, 2.0]);
    assert_eq!(
        (moments.variance(0), moments.covariance(1, 0), moments.variance(1)),
        (2.0, 0.0, 0.0)
    );
    assert!(moments.covariance(0, 2).is_nan());
}

/// Whether every quantile has, among the values themselves, the rank asked for up to
/// the stated error; returns the largest share of it that was used.
fn check_ranks(sketch: &QuantileSketch, values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    assert_eq!(sketch.count(), sorted.len() as u64);
    assert_eq!(sketch.quantile(0.0), Some(sorted[0]));
    assert_eq!(sketch.quantile(1.0), sorted.last().copied());
    let allowed = sketch.rank_error() as f64;
    let mut largest: f64 = 0.0;
    for k in 0..=500 {
        let p = f64::from(k) / 500.0;
        let rank = (p * n).ceil().clamp(1.0, n);
        let found = sketch.quantile(p).unwrap();
        let below = sorted.partition_point(|&value| value < found) as f64;
        let up_to = sorted.partition_point(|&value| value <= found) as f64;
        let error = (rank - up_to).max(below + 1.0 - rank).max(0.0);
        assert!(error <= allowed, "p = {p}: rank off by {error}, allowed {allowed}");
        largest = largest.max(error / allowed.max(1.0));
    }
    largest
}

fn bound(n: usize, capacity: usize) -> f64 {
    let (n, k) = (n as f64, capacity as f64 - 1.0);
    n * (1.0 + (n / k).log2()) / k
}

#[test]
fn quantiles_keep_their_bound_in_any_order() {
    let (n, capacity) = (100_000, 256);
    let random = normals(n, 5);
    let mut ascending = random.clone();
    ascending.sort_by(f64::total_cmp);
    let descending = ascending.iter().rev().copied().collect();
    // The smallest and largest in turn; heavy ties.
    let from_outside = (0..n).map(|i| ascending[if i % 2 == 0 { i / 2 } else { n - 1 - i / 2 }]);
    let ties = random.iter().map(|value| value.round()).collect();
    let from_outside = from_outside.collect();
    for values in [random, ascending.clone(), descending, from_outside, ties] {
        for part in [1, 64, 1000, n] {
            let mut sketch = QuantileSketch::new(capacity);
            for values in values.chunks(part) {
                let mut other = sketch.empty();
                values.iter().for_each(|&value| other.push(value));
                sketch.merge(other);
            }
            let used = check_ranks(&sketch, &values);
            println!(
                "parts of {part}: error {} of {:.0} beforehand, {used:.2} of it used, {} kept",
                sketch.rank_error(),
                bound(n, capacity),
                sketch.stored()
            );
            assert!(sketch.rank_error() as f64 <= bound(n, capacity));
            assert!(sketch.stored() <= capacity * 10);
        }
    }
}

#[test]
fn few_values_are_kept_as_they_are() {
    let mut sketch = QuantileSketch::new(100);
    assert_eq!(sketch.quantile(0.5), None);
    (1..100).rev().for_each(|i| sketch.push(f64::from(i)));
    assert_eq!(sketch.rank_error(), 0);
    assert_eq!([0.25, 0.5, 0.99].map(|p| sketch.quantile(p).unwrap()), [25.0, 50.0, 99.0]);
    assert_eq!((sketch.quantile(-0.1), sketch.quantile(f64::NAN)), (None, None));
}

proptest! {
    #[test]
    fn any_tree_of_merges_keeps_the_bound(
        values in prop::collection::vec(-1e3..1e3_f64, 1..2000),
        parts in prop::collection::vec(1usize..200, 1..20),
    ) {
        let mut rest = values.as_slice();
        let mut sketches = Vec::new();
        for part in parts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*part).min(rest.len()));
            let mut sketch = QuantileSketch::new(9);
            now.iter().for_each(|&value| sketch.push(value));
            sketches.push(sketch);
            rest = later;
        }
        while sketches.len() > 1 {
            let last = sketches.pop().unwrap();
            let at = sketches.len() / 2;
            sketches[at].merge(last);
        }
        check_ranks(&sketches[0], &values);
        prop_assert!(sketches[0].rank_error() as f64 <= bound(values.len(), 9).max(0.0));
    }
}
