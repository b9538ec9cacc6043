//! Measurements: what each of them does, that its adjoint is its adjoint, and what is refused.

use std::sync::Arc;

use driftfield_problems::inverse::{
    Gram, ImageShape, InUnits, Matrix, Measurement, MeasurementError, Observation,
    SharedMeasurement, catalog, parse,
};
use driftfield_problems::npy;
use driftfield_problems::spec::SpecError;
use driftfield_problems::standardisation::Standardisation;
use ndarray::Array2;
use proptest::prelude::*;

const SHAPE: ImageShape = ImageShape { channels: 2, height: 6, width: 4 };

fn numbers(count: usize, seed: u64) -> Vec<f64> {
    (0..count).map(|i| ((i as f64 + 1.3).powi(2) * 12.9898 + seed as f64).sin()).collect()
}

/// A file with a matrix for images of [`SHAPE`], and its directory.
fn matrix_file(rows: usize) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.npy");
    let values = numbers(rows * SHAPE.dimension(), 1);
    let matrix = Array2::from_shape_vec((rows, SHAPE.dimension()), values).unwrap();
    npy::write(&file, &matrix.into_dyn()).unwrap();
    let text = format!("matrix:file={},std=0.1", file.display());
    (directory, text)
}

/// One text for every measurement of the registry, or more.
fn texts(matrix: &str) -> Vec<String> {
    let texts: Vec<String> = [
        "square:size=2,center=2x1,std=0.1",
        "square:size=3x4,center=2x2",
        "random:keep=0.4,seed=3,std=0.2",
        "random",
        "pool:factor=2,std=0.1",
        "pool:factor=1",
        "blur:width=0.8,std=0.05",
        "blur:width=6",
        matrix,
    ]
    .map(str::to_owned)
    .to_vec();
    for name in catalog().names() {
        assert!(texts.iter().any(|text| text.starts_with(name)), "{name}");
    }
    texts
}

fn every_measurement() -> Vec<(String, SharedMeasurement)> {
    let (_directory, matrix) = matrix_file(5);
    let units = Standardisation {
        mean: numbers(SHAPE.dimension(), 4),
        std: numbers(SHAPE.dimension(), 5).iter().map(|x| 1.5 + x).collect(),
    };
    let mut found = Vec::new();
    for text in texts(&matrix) {
        let measurement = parse(&text, &SHAPE).unwrap();
        let scaled = InUnits::new(measurement.clone(), units.clone()).unwrap();
        found.push((format!("{text} in units"), Arc::new(scaled) as SharedMeasurement));
        found.push((text, measurement));
    }
    found
}

fn applied(measurement: &dyn Measurement, x: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; measurement.measured()];
    measurement.apply(&mut out, x);
    out
}

fn adjoint(measurement: &dyn Measurement, y: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; measurement.dimension()];
    measurement.adjoint(&mut out, y);
    out
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn adjoints(x in prop::collection::vec(-10.0f64..10.0, 48), seed in 0u64..1000) {
        for (text, measurement) in every_measurement() {
            let y = numbers(measurement.measured(), seed);
            let (forth, back) =
                (applied(measurement.as_ref(), &x), adjoint(measurement.as_ref(), &y));
            let (left, right) = (dot(&forth, &y), dot(&x, &back));
            let size = 1.0 + dot(&forth, &forth).sqrt() * dot(&y, &y).sqrt();
            prop_assert!((left - right).abs() < 1e-13 * size, "{text}: {left} {right}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused(
        name in "(square|random|pool|blur|matrix)",
        list in "(size|center|keep|seed|factor|width|file|std)=[0-9x.e-]{0,12}",
    ) {
        if let Ok(measurement) = parse(&format!("{name}:{list}"), &SHAPE) {
            let x = numbers(SHAPE.dimension(), 0);
            prop_assert!(applied(measurement.as_ref(), &x).iter().all(|y| y.is_finite()));
        }
    }
}

#[test]
fn masks_select_what_they_say() {
    let image: Vec<f64> = (0..48).map(f64::from).collect();
    let square = parse("square:size=2x3,center=1x2", &SHAPE).unwrap();
    // Rows 0 and 1, columns 1 to 3, of both channels.
    let expected = [1, 2, 3, 5, 6, 7, 25, 26, 27, 29, 30, 31];
    assert_eq!(square.observed().unwrap(), expected);
    assert_eq!(applied(square.as_ref(), &image), expected.map(|i| i as f64));
    let even = parse("square:size=8,center=14x14", &ImageShape::grey(28, 28)).unwrap();
    let observed = even.observed().unwrap();
    assert_eq!((observed[0], observed[63], observed.len()), (10 * 28 + 10, 17 * 28 + 17, 64));
    let random = parse("random:keep=0.25,seed=7", &SHAPE).unwrap();
    let observed = random.observed().unwrap();
    // 6 of 24 pixels, the same in both channels, others for another seed.
    assert_eq!(observed.len(), 12);
    assert!(observed[..6].iter().zip(&observed[6..]).all(|(a, b)| a + 24 == *b));
    assert_ne!(parse("random:keep=0.25,seed=8", &SHAPE).unwrap().observed().unwrap(), observed);
    assert_eq!(parse("random:keep=1", &SHAPE).unwrap().measured(), 48);
}

#[test]
fn pooling_and_blur_keep_what_they_must() {
    let shape = ImageShape::grey(4, 4);
    let image: Vec<f64> = (0..16).map(f64::from).collect();
    let pool = parse("pool:factor=2", &shape).unwrap();
    assert_eq!(applied(pool.as_ref(), &image), [2.5, 4.5, 10.5, 12.5]);
    let blur = parse("blur:width=0.7", &shape).unwrap();
    assert!(applied(blur.as_ref(), &[0.3; 16]).iter().all(|y| (y - 0.3).abs() < 1e-15));
    let weight = |k: f64| (-0.5 * (k / 0.7).powi(2)).exp();
    let total: f64 = (-3..=3).map(|k| weight(f64::from(k))).sum();
    let mut point = [0.0; 16];
    point[5] = 1.0;
    // In a line of four, place 0 receives from place 1 at distance 1 and, mirrored twice
    // (c b a | a b c), at distance 2.
    let line = |i: usize| match i {
        0 => weight(1.0) + weight(2.0),
        1 => weight(0.0) + weight(3.0),
        2 => weight(1.0),
        _ => weight(2.0) + weight(3.0),
    };
    let blurred = applied(blur.as_ref(), &point);
    for (i, found) in blurred.iter().enumerate() {
        let expected = line(i / 4) * line(i % 4) / (total * total);
        assert!((found - expected).abs() < 1e-15, "{i}: {found} {expected}");
    }
}

#[test]
fn the_gram_matrix_is_solved_or_pseudo_inverted() {
    for (text, measurement) in every_measurement() {
        let gram = Gram::new(measurement.as_ref()).unwrap();
        // Directions that the operator loses are left out of z.
        let b = applied(measurement.as_ref(), &numbers(SHAPE.dimension(), 2));
        for rho in [0.3, 1e3] {
            let mut z = b.clone();
            gram.solve(rho, &mut z);
            let back = applied(measurement.as_ref(), &adjoint(measurement.as_ref(), &z));
            let residuals = back.iter().zip(&z).zip(&b).map(|((a, z), b)| a + rho * z - b);
            let worst = residuals.fold(0.0f64, |worst, r| worst.max(r.abs()));
            assert!(worst < 1e-6, "{text}, {rho}: {worst:e}");
            // A blur's eigenvalues go down to rounding.
            assert!(worst < 1e-12 || text.starts_with("blur"), "{text}, {rho}: {worst:e}");
        }
        // rho = 0: A A^T z = b for a b that can be measured.
        let mut z = b.clone();
        gram.solve(0.0, &mut z);
        let back = applied(measurement.as_ref(), &adjoint(measurement.as_ref(), &z));
        let gaps = back.iter().zip(&b).map(|(a, b)| (a - b).abs());
        assert!(gaps.fold(0.0, f64::max) < 1e-6, "{text}");
        let mut nothing = b;
        gram.solve(f64::INFINITY, &mut nothing);
        assert!(nothing.iter().all(|z| *z == 0.0));
    }
    // Two equal rows: b = (1, 1) is explained by half of each.
    let twice = Matrix::new(Array2::from_elem((2, 3), 1.0), 3, 0.0).unwrap();
    let mut z = [1.0, 1.0];
    Gram::new(&twice).unwrap().solve(0.0, &mut z);
    assert!(z.iter().all(|z| (z - 1.0 / 6.0).abs() < 1e-14), "{z:?}");
    let mut opposed = [1.0, -1.0];
    Gram::new(&twice).unwrap().solve(0.0, &mut opposed);
    assert!(opposed.iter().all(|z| z.abs() < 1e-14), "{opposed:?}");
}

#[test]
fn units_change_the_numbers_and_not_the_misfit() {
    let units = Standardisation { mean: vec![2.0; 48], std: vec![0.5; 48] };
    let image = numbers(48, 3);
    for (text, measurement) in every_measurement() {
        let observation = Observation::of_image(measurement, &image, 5).unwrap();
        let other = numbers(48, 8);
        let mut standardised = nalgebra::DVector::from_column_slice(&other);
        units.apply(&mut standardised).unwrap();
        let seen = observation.clone().in_units(&units).unwrap();
        let (a, b) = (observation.residual(0, &other), seen.residual(0, standardised.as_slice()));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12), "{text}");
    }
}

#[test]
fn the_noise_is_of_its_size_and_of_its_seed() {
    let shape = ImageShape::grey(100, 100);
    let all = parse("random:keep=1,std=0.2", &shape).unwrap();
    let image = numbers(10_000, 0);
    let of = |seed| Observation::of_image(all.clone(), &image, seed).unwrap();
    let noise: Vec<f64> = of(1).values().iter().zip(&image).map(|(y, x)| y - x).collect();
    let mean = noise.iter().sum::<f64>() / 1e4;
    let square = noise.iter().map(|e| e * e).sum::<f64>() / 1e4;
    // Six standard deviations: 0.2 / 100 of the mean, 0.04 sqrt(2) / 100 of the square.
    assert!(mean.abs() < 6.0 * 0.002 && (square - 0.04).abs() < 6.0 * 0.04 * 0.0142);
    assert_eq!(of(1).values(), of(1).values());
    assert_ne!(of(1).values(), of(2).values());
}

#[test]
fn every_defect_has_its_error() {
    use MeasurementError as E;
    let grey = ImageShape::grey(28, 28);
    let error = |text: &str| parse(text, &grey).err().unwrap_or_else(|| panic!("{text}"));
    let is_value = |text: &str| {
        assert!(matches!(error(text), E::Spec(SpecError::Value { .. })), "{text}");
    };
    for text in [
        "square",
        "square:size=0",
        "square:size=8x0",
        "square:size=ax8",
        "square:size=8,center=14y",
        "square:size=8,std=x",
        "random:keep=0",
        "random:keep=1.5",
        "random:seed=-1",
        "blur:width=0",
        "blur:width=29",
        "matrix",
    ] {
        is_value(text);
    }
    for text in ["square:size=8,center=2x14", "square:size=8,center=14x26", "square:size=30"] {
        assert!(matches!(error(text), E::Outside { .. }), "{text}");
    }
    let huge = format!("square:size={0},center={0}x1", usize::MAX);
    assert!(matches!(error(&huge), E::Outside { .. }));
    for text in ["pool:factor=3", "pool:factor=0", "pool:factor=56"] {
        assert!(matches!(error(text), E::Factor { .. }), "{text}");
    }
    for name in ["square:size=4", "random:keep=0.5", "pool:factor=2", "blur:width=1"] {
        assert!(matches!(error(&format!("{name},std=-0.1")), E::NoiseStd(_)), "{name}");
        assert!(matches!(error(&format!("{name},noise=1")), E::Spec(SpecError::UnknownKey { .. })));
    }
    assert!(matches!(error("random:keep=1e-9"), E::NothingKept { .. }));
    assert!(matches!(error("matrix:file=/nowhere/a.npy"), E::Npy(_)));
    assert!(matches!(error("inpaint:size=3"), E::Spec(SpecError::UnknownName { .. })));
    let (_directory, text) = matrix_file(3);
    let other = error(&text);
    assert!(matches!(other, E::MatrixShape { rows: 3, columns: 48, dimension: 784 }));
    let mut bad = Array2::from_elem((2, 3), 1.0);
    bad[[1, 0]] = f64::INFINITY;
    let refused = Matrix::new(bad, 3, 0.1).unwrap_err();
    assert!(matches!(refused, E::NotFinite { index: 3, .. }), "{refused}");
    for axes in [&[0, 4][..], &[], &[1, 1, 4, 4], &[usize::MAX, 2]] {
        assert!(ImageShape::from_axes(axes).is_err(), "{axes:?}");
    }
    assert_eq!(ImageShape::from_axes(&[28, 28]).unwrap(), grey);
}

#[test]
fn images_and_observations_are_checked() {
    use MeasurementError as E;
    let pool = parse("pool:factor=2", &ImageShape::grey(2, 4)).unwrap();
    let mut image = vec![0.5; 8];
    assert!(Observation::of_image(pool.clone(), &image, 0).is_ok());
    let short = Observation::of_image(pool.clone(), &image[..7], 0).unwrap_err();
    assert!(matches!(short, E::Length { found: 7, .. }), "{short}");
    image[3] = f64::NAN;
    let nan = Observation::of_image(pool.clone(), &image, 0).unwrap_err();
    assert!(matches!(nan, E::NotFinite { index: 3, .. }), "{nan}");
    for values in [vec![], vec![1.0; 3]] {
        assert!(matches!(Observation::new(pool.clone(), values), Err(E::Length { .. })));
    }
    let infinite = Observation::new(pool.clone(), vec![0.0, f64::INFINITY]).unwrap_err();
    assert!(matches!(infinite, E::NotFinite { index: 1, .. }), "{infinite}");
    let three = Observation::new(pool, vec![0.0; 6]).unwrap();
    assert_eq!(three.count(), 3);
    assert!(three.check_lanes(3, 8).is_ok());
    assert!(three.check_lanes(2, 8).is_err() && three.check_lanes(3, 7).is_err());
    let units = Standardisation::identity(7);
    assert!(matches!(three.in_units(&units), Err(E::Units(_))));
}
