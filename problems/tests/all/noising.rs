//! Data made into states of a path.

use driftfield_problems::process::{self, GaussianPath, Noising};
use driftfield_solvers::noise::fill_initial_normals;
use ndarray::{Array2, Axis};

#[test]
fn every_path_has_its_forward_marginal() {
    const LANES: usize = 20_000;
    let x = Array2::from_shape_fn((LANES, 3), |(i, j)| (i % 5) as f64 - j as f64);
    for path in process::catalog().defaults() {
        let (start, end) = path.default_span();
        for t in [start, 0.5 * (start + end), end] {
            let (alpha, sigma) = (path.alpha(t), path.sigma(t));
            let noised = path.noised(&x, t, 7).unwrap();
            let z = (&noised - alpha * &x) / sigma;
            let count = z.len() as f64;
            let (mean, square) = (z.mean().unwrap(), z.mapv(|z| z * z).mean().unwrap());
            // Five standard deviations of each: together one false alarm in a million for a path and
            // a time.
            assert!(mean.abs() < 5.0 / count.sqrt(), "{} at {t}: {mean}", path.name());
            let off = (square - 1.0).abs();
            assert!(off < 5.0 * (2.0 / count).sqrt(), "{} at {t}: {square}", path.name());
        }
    }
}

#[test]
fn lanes_have_the_noise_of_their_numbers() {
    let path = process::parse("vp").unwrap();
    let x = Array2::from_shape_fn((6, 2), |(i, j)| 0.5 * i as f64 - j as f64);
    let (t, seed) = (0.4, 3);
    let whole = path.noised(&x, t, seed).unwrap();
    let mut noise = Array2::<f64>::zeros((6, 2));
    fill_initial_normals(&mut noise, path.sigma(t), seed, 0).unwrap();
    assert_eq!(whole, noise + path.alpha(t) * &x);
    let rest = x.slice_axis(Axis(0), (4..).into()).to_owned();
    let rest = path.noised_lanes(&rest, t, seed, 4).unwrap();
    assert_eq!(rest, whole.slice_axis(Axis(0), (4..).into()));
    // A state of one lane, in single precision.
    let one = path.noised(&[x[[0, 0]] as f32, x[[0, 1]] as f32], t, seed).unwrap();
    let gap = |j: usize| (f64::from(one[j]) - whole[[0, j]]).abs();
    assert!(gap(0) < 1e-6 && gap(1) < 1e-6, "{one:?}");
}

/// Where the path has nothing left of the data, not even data that are not finite count.
#[test]
fn pure_noise_is_the_usual_start() {
    let path = process::parse("rectified-flow").unwrap();
    let mut noise = Array2::<f64>::zeros((4, 2));
    fill_initial_normals(&mut noise, 1.0, 0, 0).unwrap();
    let x = Array2::from_elem((4, 2), f64::INFINITY);
    assert_eq!(path.noised(&x, 1.0, 0).unwrap(), noise);
    for t in [-0.1, 1.1, f64::NAN] {
        let error = path.noised(&x, t, 0).unwrap_err().to_string();
        assert!(error.contains("is not defined at"), "{error}");
    }
}
