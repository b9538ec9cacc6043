//! Data sets: determinism by sample, scale, names, and the cat's outline.

use driftfield_problems::data::{self, Cat, DataError, DataSet, FiniteData};
use driftfield_problems::npy;
use ndarray::{Array2, Axis, array, s};

#[test]
fn sample_depends_on_seed_and_index_alone() {
    for name in data::catalog().names() {
        let set = data::by_name(name).unwrap();
        let long = set.sample(50, 7);
        assert_eq!(long.slice(s![..20, ..]), set.sample(20, 7), "{name}");
        assert_eq!(long.slice(s![30.., ..]), set.sample_from(30, 20, 7), "{name}");
        assert_ne!(long, set.sample(50, 8), "{name}");
        assert_eq!(set.sample(0, 7).dim(), (0, 2));
    }
}

#[test]
fn every_set_is_centred_with_unit_ish_scale() {
    for name in data::catalog().names() {
        let samples = data::by_name(name).unwrap().sample(4000, 1);
        let mean = samples.mean_axis(Axis(0)).unwrap();
        let deviation = (samples.var_axis(Axis(0), 0.0).sum() / 2.0).sqrt();
        assert!(mean.iter().all(|value| value.abs() < 0.35), "{name}: mean {mean}");
        assert!((0.7..1.4).contains(&deviation), "{name}: deviation {deviation}");
    }
}

#[test]
fn outline_is_closed_equally_spaced_and_standardised() {
    let cat = Cat::default();
    let n = 2000;
    let outline = cat.outline(n);
    let step = cat.length() / n as f64;
    for index in 0..n {
        let next = outline.row((index + 1) % n).to_owned() - outline.row(index);
        let distance = next.dot(&next).sqrt();
        // Chords are shorter than arcs, at an ear's tip by at most a few times.
        assert!(distance < step * 1.001 && distance > 0.2 * step, "{index}: {distance} {step}");
    }
    let mean = outline.mean_axis(Axis(0)).unwrap();
    assert!(mean.iter().all(|value| value.abs() < 1e-4), "{mean}");
    let variance = outline.var_axis(Axis(0), 0.0).sum() / 2.0;
    assert!((variance - 1.0).abs() < 1e-4, "{variance}");
    assert_eq!(cat.outline(0).dim(), (0, 2));
}

#[test]
fn samples_lie_within_the_jitter_of_the_outline() {
    let cat = Cat::default();
    let outline = cat.outline(4000);
    for sample in cat.sample(300, 3).rows() {
        let nearest = outline
            .rows()
            .into_iter()
            .map(|point| (point[0] - sample[0]).hypot(point[1] - sample[1]))
            .fold(f64::INFINITY, f64::min);
        assert!(nearest < 5.0 * Cat::JITTER, "{nearest}");
    }
}

#[test]
fn mixture_has_the_moments_of_the_cat() {
    for components in [1, 20, 64, 1000] {
        let mixture = Cat::default().mixture(components);
        assert!(mixture.weights.len() <= 64);
        assert!((mixture.weights.sum() - 1.0).abs() < 1e-12);
        let mean = mixture.weights.dot(&mixture.means);
        assert!(mean.iter().all(|value| value.abs() < 1e-3), "{mean}");
        let second = (&mixture.means * &mixture.means).sum_axis(Axis(1)) / 2.0
            + &mixture.stds * &mixture.stds;
        let variance = mixture.weights.dot(&second);
        assert!((variance - 1.0 - Cat::JITTER.powi(2)).abs() < 2e-3, "{variance}");
    }
}

#[test]
fn names_are_found_or_the_nearest_offered() {
    assert!(data::by_name("swiss-roll").is_ok());
    let error = data::by_name("swis_roll").unwrap_err();
    assert!(error.to_string().contains("did you mean `swiss-roll`"), "{error}");
    assert!(matches!(error, DataError::Spec(_)), "{error}");
    assert!(matches!(data::by_name("gone.npy"), Err(DataError::Npy(_))));
}

#[test]
fn any_npy_file_is_a_data_set() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("points.npy");
    let points = array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
    npy::write(&path, &points).unwrap();
    let set = data::by_name(path.to_str().unwrap()).unwrap();
    let samples = set.sample(100, 0);
    assert_eq!(samples.dim(), (100, 3));
    assert!(samples.column(0).iter().any(|&x| x == 1.0));
    assert!(samples.column(0).iter().any(|&x| x == 4.0));
    npy::write(&path, &array![[1.0, f64::NAN]]).unwrap();
    assert!(matches!(FiniteData::read(&path), Err(DataError::NotFinite { column: 1, .. })));
    assert!(matches!(FiniteData::new(Array2::zeros((0, 2))), Err(DataError::Empty { .. })));
}
