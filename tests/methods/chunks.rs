//! Many lanes generated in chunks are those of one batch, bit for bit.

use driftfield::generate::{
    Budget, GenerateError, Generated, Initial, MixtureModel, Model, Saved, Settings, Streamed,
    TrainedModel, generate, generate_in_chunks, shipped,
};
use driftfield::problems::method::Solver;
use driftfield_networks::weights::AnyNetwork;
use driftfield_problems::exact::GaussianMixture;
use driftfield_problems::process;
use driftfield_solvers::Outcome;
use ndarray::{ArrayD, Axis, IxDyn, concatenate};

/// More than one chunk of lanes in the plane.
const LANES: usize = 70_000;

fn mixture() -> MixtureModel {
    let means = vec![vec![-1.0, 0.0], vec![1.0, 0.5]];
    MixtureModel::new(GaussianMixture::isotropic(vec![0.4, 0.6], means, vec![0.3, 0.4]).unwrap())
}

fn chunks(
    process: &str,
    model: &dyn Model,
    initial: Initial<f32>,
    settings: &Settings,
) -> (Vec<Generated<f32>>, Streamed) {
    let path = process::parse(process).unwrap();
    let mut chunks = Vec::new();
    let streamed = generate_in_chunks(&path, model, initial, settings, |chunk| {
        chunks.push(chunk);
        Ok::<(), GenerateError>(())
    });
    (chunks, streamed.unwrap())
}

fn check(process: &str, model: &dyn Model, initial: Initial<f32>, solver: &str, parts: usize) {
    let settings =
        Settings { seed: 5, ..Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(3)) };
    let path = process::parse(process).unwrap();
    let whole = generate(&path, model, initial.clone(), &settings).unwrap();
    let (chunks, streamed) = chunks(process, model, initial, &settings);
    assert_eq!(chunks.len(), parts, "{solver}");
    let samples: Vec<_> = chunks.iter().map(|chunk| chunk.samples.view()).collect();
    assert_eq!(concatenate(Axis(0), &samples).unwrap(), whole.samples, "{solver}");
    assert_eq!(streamed.statistics, whole.statistics);
    assert_eq!((streamed.steps, streamed.span), (whole.steps, whole.span));
    assert_eq!((streamed.lanes, streamed.lane_shape), (whole.samples.shape()[0], vec![2]));
}

fn noise(lanes: usize) -> Initial<f32> {
    Initial::Noise { lanes, seed: 3 }
}

#[test]
fn lanes_do_not_depend_on_the_chunks() {
    let solvers = ["heun", "unipc-2", "euler-maruyama", "ancestral", "ddim:eta=1", "pc"];
    for solver in solvers {
        check("vp", &mixture(), noise(LANES), solver, 2);
    }
    check("vp", &mixture(), noise(1000), "heun", 1);
    let given = ArrayD::from_shape_fn(IxDyn(&[LANES, 2]), |index| (index[0] as f32).sin());
    check("rectified-flow", &mixture(), Initial::State(given), "rk4", 2);
    let network = AnyNetwork::from_bytes(shipped("cat-vp").unwrap()).unwrap();
    check("vp", &TrainedModel::new(network, "cat-vp"), noise(66_000), "euler", 2);
}

#[test]
fn what_couples_lanes_stays_in_one_chunk() {
    check("vp", &mixture(), noise(LANES), "pc:corrector=langevin", 1);
    let tolerance = Budget::Adaptive { abstol: 1e-2, reltol: 1e-2, max_nfe: None };
    let (parts, _) = chunks(
        "vp",
        &mixture(),
        noise(LANES),
        &Settings::new(Solver::parse("tsit5").unwrap(), tolerance),
    );
    assert_eq!(parts.len(), 1);
    let settings = Settings {
        saved: Saved::All,
        ..Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(2))
    };
    let (parts, _) = chunks("vp", &mixture(), noise(LANES), &settings);
    assert_eq!((parts.len(), parts[0].trajectory.len()), (1, 3));
}

/// Lanes with steps of their own depend on no other lane either.
#[test]
fn lanes_at_their_own_pace_do_not_depend_on_the_chunks() {
    let tolerance = Budget::Adaptive { abstol: 1e-2, reltol: 1e-2, max_nfe: None };
    let settings =
        Settings { per_lane: true, ..Settings::new(Solver::parse("tsit5").unwrap(), tolerance) };
    let network = AnyNetwork::from_bytes(shipped("cat-vp").unwrap()).unwrap();
    let model = TrainedModel::new(network, "cat-vp");
    let given = ArrayD::from_shape_fn(IxDyn(&[66_000, 2]), |index| {
        2.0 * (0.7 * index[0] as f32 + index[1] as f32).sin()
    });
    let last = given.slice_axis(Axis(0), (65_990..).into()).to_owned();
    let (parts, streamed) = chunks("vp", &model, Initial::State(given), &settings);
    assert_eq!(parts.len(), 2);
    let all = streamed.lane_evaluations.unwrap();
    assert_eq!(streamed.statistics.nfe, streamed.statistics.network_forwards);
    let totals = parts.iter().map(|part| part.lane_evaluations.unwrap().total);
    assert_eq!(totals.sum::<u64>(), all.total);
    assert!(all.least < all.most);
    assert_eq!(all.unfinished, 0);
    // The last lanes, which were the second chunk's, in a batch of their own.
    let path = process::parse("vp").unwrap();
    let few = generate(&path, &model, Initial::State(last), &settings).unwrap();
    let second = &parts[1].samples;
    assert_eq!(few.samples, second.slice_axis(Axis(0), (second.shape()[0] - 10..).into()));
}

/// One lane that does not arrive keeps no other from it, in no chunk.
#[test]
fn a_lane_that_spends_its_budget_ends_alone() {
    let tolerance = Budget::Adaptive { abstol: 1e-4, reltol: 1e-4, max_nfe: Some(70) };
    let settings =
        Settings { per_lane: true, ..Settings::new(Solver::parse("tsit5").unwrap(), tolerance) };
    let (parts, streamed) = chunks("vp", &mixture(), noise(70_000), &settings);
    assert_eq!((parts.len(), streamed.lanes), (2, 70_000));
    let all = streamed.lane_evaluations.unwrap();
    assert!(all.unfinished > 0 && all.unfinished < 70_000, "{all:?}");
    assert!(all.most <= 70);
    assert!(matches!(streamed.outcome, Outcome::BudgetSpent { .. }));
}

#[test]
fn a_chunk_that_fails_is_the_last_and_names_the_lane_of_the_whole() {
    let bad = 69_000;
    let given =
        ArrayD::from_shape_fn(
            IxDyn(&[3 * LANES, 2]),
            |index| {
                if index[0] == bad { f32::MAX } else { 0.5 }
            },
        );
    let settings = Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(4));
    let (parts, streamed) = chunks("ve", &mixture(), Initial::State(given), &settings);
    assert_eq!(parts.len(), 2);
    assert!(parts[0].outcome.is_success());
    assert!(
        matches!(streamed.outcome, Outcome::NonFinite { lane, .. } if lane == bad),
        "{:?}",
        streamed.outcome
    );
    assert_eq!(streamed.lanes, parts.iter().map(|part| part.samples.shape()[0]).sum::<usize>());
}

#[test]
fn no_lanes_are_refused() {
    let path = process::parse("vp").unwrap();
    let settings = Settings::new(Solver::parse("heun").unwrap(), Budget::Steps(2));
    let refused =
        generate_in_chunks(&path, &mixture(), noise(0), &settings, |_| Ok::<(), GenerateError>(()));
    assert!(matches!(refused, Err(GenerateError::NoLanes)));
}
