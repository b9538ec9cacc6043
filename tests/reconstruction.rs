//! Digits reconstructed from a part of them, by every technique around solvers of every kind.

use driftfield::generate::{
    Budget, Condition, GenerateError, Initial, Saved, Settings, TrainedModel,
};
use driftfield::problems::data::Mnist;
use driftfield::problems::inverse::{self, ImageShape, Observation};
use driftfield::problems::method::Solver;
use driftfield::problems::process;
use driftfield::reconstruct::{
    ReconstructError, Reconstructed, Technique, reconstruct, reconstruction_grid,
    reconstruction_trajectory,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SQUARE: &str = "square:size=8,center=14x14,std=0.1";
/// As many reconstructions as in a row of a picture.
const LANES: usize = 8;
/// The samplers of the tutorial that this follows, and a multistep one.
const SOLVERS: [&str; 5] = ["euler-maruyama", "ddim", "heun", "dpm-solver++2s", "dpm-solver++2m"];

fn image() -> Vec<f64> {
    Mnist::read(format!("{ROOT}/tests/data/mnist")).unwrap().test.pixels.row(0).to_vec()
}

fn observed(measurement: &str) -> Observation {
    let measurement = inverse::parse(measurement, &ImageShape::grey(28, 28)).unwrap();
    Observation::of_image(measurement, &image(), 0).unwrap()
}

fn run(
    network: &str,
    measurement: &str,
    technique: &str,
    settings: &Settings,
) -> Result<Reconstructed<f32>, ReconstructError> {
    let model = TrainedModel::read(&format!("{ROOT}/weights/mnist-{network}.safetensors")).unwrap();
    let path = process::parse(network).unwrap();
    let technique = Technique::parse(technique).unwrap();
    let initial = Initial::Noise { lanes: LANES };
    reconstruct(&path, &model, &observed(measurement), &technique, initial, settings)
}

/// 50 steps, as in the tutorial. The bound is twice the variance of the noise; the noise of steps
/// drives DPS away again, so that stochastic methods need a longer correction.
#[test]
fn every_technique_keeps_the_measurement_around_every_solver() {
    for network in ["rectified-flow", "vp"] {
        for technique in ["dps", "pigdm", "replacement"] {
            for solver in SOLVERS {
                let technique = match (technique, solver) {
                    ("dps", "euler-maruyama") => "dps:zeta=1",
                    ("dps", _) => "dps:zeta=0.5",
                    other => other.0,
                };
                let settings = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(50));
                let done = run(network, SQUARE, technique, &settings).unwrap();
                let label = format!("{network} {technique} {solver}");
                assert!(done.generated.outcome.is_success(), "{label}");
                let misfit = done.mean_misfit();
                assert!(misfit < 0.02, "{label}: {misfit}");
                let statistics = done.generated.statistics;
                let gradients = match technique {
                    "replacement" => 0..=0,
                    "pigdm" => statistics.nfe / 2..=statistics.nfe,
                    _ => 50..=50,
                };
                assert!(gradients.contains(&done.gradients), "{label}: {}", done.gradients);
                let beside = if technique.starts_with("dps") { 50 } else { 0 };
                assert_eq!(done.network_forwards, statistics.nfe + beside, "{label}");
            }
        }
    }
}

/// Without a measurement the observed pixels would be those of any digit.
#[test]
fn the_misfit_is_the_guidance_s_doing_and_falls_with_zeta() {
    let settings = Settings::new(Solver::parse("ddim").unwrap(), Budget::Steps(50));
    let of = |zeta: f64| {
        let technique = format!("dps:zeta={zeta}");
        run("rectified-flow", SQUARE, &technique, &settings).unwrap().mean_misfit()
    };
    let misfits = [0.0, 0.05, 0.2, 0.5].map(of);
    assert!(misfits.windows(2).all(|pair| pair[1] < pair[0]), "{misfits:?}");
    assert!(misfits[0] > 0.1, "{misfits:?}");
}

#[test]
fn every_measurement_is_reconstructed_under_labels_and_guidance() {
    let measurements = [
        "random:keep=0.3,seed=1,std=0.1",
        "pool:factor=4,std=0.1",
        "blur:width=2,std=0.1",
        "square:size=10x6,center=12x16",
    ];
    let condition = Condition::labels([3]).guided(1.25);
    let settings =
        Settings { condition, ..Settings::new(Solver::parse("ddim").unwrap(), Budget::Steps(20)) };
    for measurement in measurements {
        for technique in ["dps", "pigdm", "replacement"] {
            let done = run("rectified-flow", measurement, technique, &settings).unwrap();
            let label = format!("{measurement} {technique}");
            assert!(done.generated.outcome.is_success(), "{label}");
            assert!(done.mean_misfit() < 0.1, "{label}: {}", done.mean_misfit());
            let beside = if technique == "dps" { 20 } else { 0 };
            assert_eq!(done.network_forwards, 2 * (20 + beside), "{label}");
        }
    }
}

#[test]
fn corrections_of_lanes_at_their_own_pace_are_refused() {
    let budget = Budget::Adaptive { abstol: 0.1, reltol: 0.1, max_nfe: Some(60) };
    let settings =
        Settings { per_lane: true, ..Settings::new(Solver::parse("bs3").unwrap(), budget) };
    let refused = run("rectified-flow", SQUARE, "dps", &settings);
    assert!(matches!(refused, Err(ReconstructError::Generate(GenerateError::PerLaneCorrection))));
    assert!(run("rectified-flow", SQUARE, "replacement", &settings).is_ok());
}

#[test]
fn a_lane_is_the_same_alone_and_among_others() {
    let settings = Settings::new(Solver::parse("ddim").unwrap(), Budget::Steps(5));
    let model =
        TrainedModel::read(&format!("{ROOT}/weights/mnist-rectified-flow.safetensors")).unwrap();
    let path = process::parse("rectified-flow").unwrap();
    let of = |lanes: usize, technique: &str| {
        let initial = Initial::<f32>::Noise { lanes };
        let technique = Technique::parse(technique).unwrap();
        let done = reconstruct(&path, &model, &observed(SQUARE), &technique, initial, &settings);
        done.unwrap().generated.samples
    };
    for technique in ["dps", "pigdm", "replacement"] {
        let (one, several) = (of(1, technique), of(6, technique));
        assert_eq!(one.as_slice().unwrap(), &several.as_slice().unwrap()[..784], "{technique}");
    }
}

#[test]
fn pictures_show_what_was_measured() {
    let settings = Settings {
        saved: Saved::Frames(4),
        ..Settings::new(Solver::parse("ddim").unwrap(), Budget::Steps(6))
    };
    let done = run("rectified-flow", SQUARE, "pigdm", &settings).unwrap();
    let (generated, observation) = (&done.generated, observed(SQUARE));
    let rows = [("ddim".to_owned(), generated.samples.clone())];
    let grid = reconstruction_grid("", &image(), &observation, &rows).unwrap();
    assert_eq!(grid.rows.len(), 2);
    let measured = &grid.rows[0].tiles[1];
    assert_eq!(measured.measured.len(), 64);
    for (pixel, value) in measured.measured.iter().zip(observation.values()) {
        assert!((measured.pixels[*pixel] - value).abs() < 1e-12);
    }
    assert_eq!(grid.rows[1].tiles.len(), LANES);
    let (times, states) = (&generated.times, &generated.trajectory);
    let grid = reconstruction_trajectory("", times, states, &observation).unwrap();
    assert_eq!((grid.rows.len(), grid.rows[0].tiles.len()), (LANES, 4));
    assert!(grid.rows.iter().flat_map(|row| &row.tiles).all(|tile| tile.measured.len() == 64));
    assert!(measured.outlined, "a square is outlined");
    let scattered = driftfield::reconstruct::measured_tile(&observed("random:keep=0.3,seed=1"));
    assert!(!scattered.outlined && !scattered.measured.is_empty());
    // Averaged pixels are shown as blocks of their means.
    let pooled = observed("pool:factor=14");
    let tile = driftfield::reconstruct::measured_tile(&pooled);
    assert!((tile.pixels[0] - pooled.values()[0]).abs() < 1e-12 && tile.measured.is_empty());
}
