//! Metrics against numpy, scipy and POT, against brute force, and on bad input.

use driftfield::metrics::{self, MetricError, MetricReport, PreparedSample, Sample};
use ndarray::{Array2, array};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("../data/metrics.json")).unwrap()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).unwrap();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn random(n: usize, d: usize, seed: u64) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    Array2::from_shape_simple_fn((n, d), || rng.random::<f64>() * 2.0 - 1.0)
}

#[track_caller]
fn close(ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= 1e-12, "{ours} against {theirs}");
}

#[test]
fn agrees_with_the_reference() {
    let file = reference();
    let run = &file["runs"][0];
    let (x, y, y2) = (matrix(&file["X"]), matrix(&file["Y"]), matrix(&file["Y2"]));
    let (x, y) = (&x.view(), &y.view());

    let nearest = metrics::nearest_distances(x, y).unwrap();
    close(metrics::chamfer(x, y).unwrap(), &run["chamfer_abs"]);
    close(metrics::chamfer_squared(x, y).unwrap(), &run["chamfer_sq"]);
    close(nearest.p_to_q, &run["chamfer_abs_x_to_y"]);
    close(nearest.q_to_p, &run["chamfer_abs_y_to_x"]);
    close(nearest.squared_p_to_q, &run["chamfer_sq_x_to_y"]);
    close(nearest.squared_q_to_p, &run["chamfer_sq_y_to_x"]);
    close(nearest.hausdorff, &run["hausdorff"]);

    let tables = run["mmd2_rbf"].as_object().unwrap();
    let bandwidths: Vec<f64> = tables.keys().map(|key| key.parse().unwrap()).collect();
    let estimates = metrics::mmd(x, y, &bandwidths).unwrap();
    for (estimate, table) in estimates.iter().zip(tables.values()) {
        close(estimate.biased, &table["biased"]);
        close(estimate.unbiased.unwrap(), &table["unbiased"]);
    }

    let given = matrix(&file["projections"]);
    let own = metrics::directions(2, given.nrows());
    assert!((&given - &own).iter().all(|difference| difference.abs() < 1e-15));
    let each = metrics::projected_wasserstein_squared(x, y, &given.view()).unwrap();
    for (ours, theirs) in each.iter().zip(run["w2_1d_squared_each"].as_array().unwrap()) {
        close(*ours, theirs);
    }
    let sliced = metrics::sliced_wasserstein_along(x, y, &given.view()).unwrap();
    close(sliced, &run["sliced_w2"]);
    close(sliced, &run["sliced_w2_pot"]);
    close(sliced * sliced, &run["sliced_w2_squared_mean"]);

    let energy = metrics::energy_distance(x, y).unwrap();
    close(energy.biased, &run["energy_v"]);
    close(energy.biased.sqrt(), &run["energy_sqrt_v"]);
    close(energy.unbiased.unwrap(), &run["energy_u"]);

    let transport = metrics::wasserstein_2(x, y).unwrap();
    close(transport, &run["w2"]);
    close(transport * transport, &run["w2_squared"]);
    close(metrics::wasserstein_1(x, y).unwrap(), &run["w1"]);
    close(metrics::wasserstein_2(x, &y2.view()).unwrap().powi(2), &run["w2_squared_x_y2"]);
}

fn brute_force_nearest(p: &Array2<f64>, q: &Array2<f64>) -> f64 {
    let nearest = p.rows().into_iter().map(|x| {
        q.rows()
            .into_iter()
            .map(|y| x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).fold(0.0, |s, v| s + v))
            .fold(f64::INFINITY, f64::min)
    });
    nearest.map(f64::sqrt).sum::<f64>() / p.nrows() as f64
}

proptest! {
    #[test]
    fn nearest_neighbours_are_exact(
        n in 1usize..200, m in 1usize..200, d in 1usize..12, seed: u64, coarse: bool,
    ) {
        // Coarse points coincide often and share coordinates.
        let round = |a: Array2<f64>| if coarse { a.mapv(|v| (2.0 * v).round()) } else { a };
        let (p, q) = (round(random(n, d, seed)), round(random(m, d, !seed)));
        let result = metrics::nearest_distances(&p.view(), &q.view()).unwrap();
        prop_assert_eq!(result.p_to_q, brute_force_nearest(&p, &q));
        prop_assert_eq!(result.q_to_p, brute_force_nearest(&q, &p));
    }

    #[test]
    fn nearest_neighbours_of_crowds_are_exact(
        n in 1usize..600, m in 1usize..600, d in 1usize..10, seed: u64,
        shape in 0usize..4, offset in -1e6f64..1e6,
    ) {
        let sample = |n, seed| {
            let mut points = random(n, d, seed);
            for (row, mut point) in points.rows_mut().into_iter().enumerate() {
                match shape {
                    // Collinear, all one point, two far clusters, spread over many scales.
                    0 => { let x = point[0]; point.fill(x) }
                    1 => point.fill(offset),
                    2 => point.mapv_inplace(|x| 1e-3 * x + offset * (row % 2) as f64),
                    _ => point.mapv_inplace(|x| (40.0 * x).exp()),
                }
            }
            points
        };
        let (p, q) = (sample(n, seed), sample(m, !seed));
        let result = metrics::nearest_distances(&p.view(), &q.view()).unwrap();
        prop_assert_eq!(result.p_to_q, brute_force_nearest(&p, &q));
        prop_assert_eq!(result.q_to_p, brute_force_nearest(&q, &p));
    }

    #[test]
    fn pair_sums_agree_with_plain_loops(n in 1usize..60, m in 1usize..60, d in 1usize..5, seed: u64) {
        let (p, q) = (random(n, d, seed), random(m, d, !seed));
        let mean = |a: &Array2<f64>, b: &Array2<f64>, f: &dyn Fn(f64) -> f64| {
            let mut sum = 0.0;
            for x in a.rows() {
                for y in b.rows() {
                    sum += f((&x - &y).mapv(|v| v * v).sum());
                }
            }
            sum / (a.nrows() * b.nrows()) as f64
        };
        let kernel = |square: f64| (-square / (2.0 * 0.3 * 0.3)).exp();
        let plain = mean(&p, &p, &kernel) + mean(&q, &q, &kernel) - 2.0 * mean(&p, &q, &kernel);
        let ours = metrics::mmd(&p.view(), &q.view(), &[0.3]).unwrap()[0].biased;
        prop_assert!((ours - plain).abs() < 1e-13);
        let plain = 2.0 * mean(&p, &q, &f64::sqrt) - mean(&p, &p, &f64::sqrt) - mean(&q, &q, &f64::sqrt);
        let ours = metrics::energy_distance(&p.view(), &q.view()).unwrap().biased;
        prop_assert!((ours - plain).abs() < 1e-13);
    }
}

#[test]
fn numbers_do_not_depend_on_threads() {
    let (p, q) = (random(700, 2, 1), random(900, 2, 2));
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| MetricReport::new(&p.view(), &q.view()).unwrap())
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

#[test]
fn prepared_samples_give_the_numbers_of_arrays() {
    let q = random(900, 2, 2);
    let data = PreparedSample::new(&q.view(), Sample::Q).unwrap().kept();
    for (n, spread) in [(900, 1.0), (700, 1.5), (40, 1e4)] {
        let p = random(n, 2, n as u64).mapv(|x| spread * x);
        let samples = PreparedSample::new(&p.view(), Sample::P).unwrap();
        let (p, q) = (&p.view(), &q.view());
        // Twice: what the first comparison leaves behind changes nothing.
        for _ in 0..2 {
            assert_eq!(samples.nearest_distances(&data), metrics::nearest_distances(p, q));
            for bandwidths in [&[0.5][..], &[0.1, 0.5], &[]] {
                assert_eq!(samples.mmd(&data, bandwidths), metrics::mmd(p, q, bandwidths));
            }
            assert_eq!(samples.sliced_wasserstein(&data), metrics::sliced_wasserstein(p, q));
            assert_eq!(samples.energy_distance(&data), metrics::energy_distance(p, q));
            assert_eq!(samples.median_bandwidth(&data), metrics::median_bandwidth(p, q));
            assert_eq!(samples.frechet_distance(&data), metrics::frechet_distance(p, q));
            assert_eq!(samples.kernel_distance(&data), metrics::kernel_distance(p, q));
        }
    }
    let other = PreparedSample::new(&random(3, 3, 1).view(), Sample::P).unwrap();
    let refused = Err(MetricError::Dimensions { p: 3, q: 2 });
    assert_eq!(other.sliced_wasserstein(&data), refused);
}

#[test]
fn every_metric_is_zero_on_itself_and_symmetric() {
    let (p, q) = (random(40, 3, 1), random(30, 3, 2));
    for metric in metrics::catalog().defaults() {
        let forth = metric.distance(&p.view(), &q.view()).unwrap();
        let back = metric.distance(&q.view(), &p.view()).unwrap();
        assert!((forth - back).abs() < 1e-12, "{}", metric.name);
        let same = metric.distance(&p.view(), &p.view()).unwrap();
        // Without the pairs of a point with itself, which are the largest.
        let unbiased = ["mmd2", "kernel_distance"].contains(&metric.name.as_str());
        let bound = if unbiased { 0.1 } else { 1e-12 };
        assert!(same.abs() < bound, "{}: {same}", metric.name);
    }
}

#[test]
fn median_rule_is_the_median_distance() {
    let (p, q) = (array![[0.0], [1.0]], array![[3.0]]);
    assert_eq!(metrics::median_bandwidth(&p.view(), &q.view()).unwrap(), 2.0);
    let (p, q) = (array![[0.0], [1.0]], array![[3.0], [7.0]]);
    assert_eq!(metrics::median_bandwidth(&p.view(), &q.view()).unwrap(), 3.5);
    let large = random(5000, 2, 3);
    let part = metrics::median_bandwidth(&large.view(), &large.view()).unwrap();
    let small = random(1000, 2, 4);
    let whole = metrics::median_bandwidth(&small.view(), &small.view()).unwrap();
    assert!((part - whole).abs() < 0.05, "{part} {whole}");
}

#[test]
fn report_has_the_keys_of_the_contract() {
    let (p, q) = (random(50, 2, 1), random(40, 2, 2));
    let json = serde_json::to_value(MetricReport::new(&p.view(), &q.view()).unwrap()).unwrap();
    for key in ["chamfer", "chamfer_squared", "sliced_wasserstein", "energy_distance"] {
        assert!(json[key].is_f64(), "{key}");
    }
    for key in ["mmd2_unbiased", "mmd2_biased", "bandwidths"] {
        assert_eq!(json[key].as_array().unwrap().len(), 4, "{key}");
    }
    let all = MetricReport::with(&p.view(), &q.view(), metrics::catalog().defaults());
    let json = serde_json::to_value(all.unwrap()).unwrap();
    for name in metrics::catalog().names().filter(|&name| name != "mmd2") {
        let metric = metrics::by_name(name).unwrap();
        let value = metric.distance(&p.view(), &q.view()).unwrap();
        assert_eq!(json[name].as_f64(), Some(value), "{name}");
    }
    let point = array![[1.0, 2.0]];
    let report = MetricReport::new(&point.view(), &point.view()).unwrap();
    assert_eq!((report.chamfer, report.mmd2_unbiased), (0.0, vec![None; 3]));
}

#[test]
fn bad_samples_are_refused_by_every_metric() {
    let good = random(5, 2, 1);
    let cases = [
        (Array2::zeros((0, 2)), MetricError::Empty { sample: Sample::Q, rows: 0, columns: 2 }),
        (Array2::zeros((2, 0)), MetricError::Empty { sample: Sample::Q, rows: 2, columns: 0 }),
        (Array2::zeros((2, 3)), MetricError::Dimensions { p: 2, q: 3 }),
        (
            array![[0.0, 1.0], [f64::INFINITY, 0.0]],
            MetricError::NotFinite { sample: Sample::Q, row: 1, column: 0, value: f64::INFINITY },
        ),
    ];
    for (bad, expected) in &cases {
        for metric in metrics::catalog().defaults() {
            let result = metric.distance(&good.view(), &bad.view());
            assert_eq!(result.as_ref(), Err(expected), "{}", metric.name);
            assert!(metric.distance(&bad.view(), &good.view()).is_err());
        }
        assert_eq!(MetricReport::new(&good.view(), &bad.view()).as_ref(), Err(expected));
    }
    let huge = array![[1e200, -1e200], [-1e200, 1e200]];
    for metric in metrics::catalog().defaults() {
        assert!(metric.distance(&good.view(), &huge.view()).is_err(), "{}", metric.name);
    }
    for bandwidth in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-200] {
        let result = metrics::mmd(&good.view(), &good.view(), &[bandwidth]);
        assert!(matches!(result, Err(MetricError::Bandwidth { .. })), "{bandwidth}");
    }
    let result = metrics::wasserstein_2(&random(1999, 1, 1).view(), &random(2000, 1, 2).view());
    assert!(matches!(result, Err(MetricError::TooLarge { .. })));
    let message = metrics::by_name("chamfr").unwrap_err().to_string();
    assert!(message.contains("`chamfer`"), "{message}");
}
