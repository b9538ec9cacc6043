//! Brownian paths: pure functions of (seed, lane, base grid, t), with the law of
//! Brownian motion.

use driftfield_solvers::noise::{
    BrownianPath, BrownianTree, Channels, Noise, NoiseError, NoiseRequest, RecordedPath, Retraced,
};
use driftfield_solvers::{State, StateError};
use ndarray::Array2;
use proptest::prelude::*;

type Batch = Array2<f64>;

fn grid(intervals: usize, span: (f64, f64)) -> Vec<f64> {
    let at = |k: usize| span.0 + (span.1 - span.0) * k as f64 / intervals as f64;
    (0..=intervals).map(at).collect()
}

/// Increments and areas over `[a, b]`.
fn piece<S: State>(path: &mut impl Noise<S>, like: &S, a: f64, b: f64) -> (Vec<S>, Vec<S>) {
    pieces(path, like, 1, a, b)
}

fn pieces<S: State>(
    path: &mut impl Noise<S>,
    like: &S,
    states: usize,
    a: f64,
    b: f64,
) -> (Vec<S>, Vec<S>) {
    let mut dw = vec![like.zeros_like(); states];
    let mut areas = dw.clone();
    path.increments_and_areas(a, b, &mut dw, &mut areas).unwrap();
    let mut alone = vec![like.zeros_like(); states];
    path.increments(a, b, &mut alone).unwrap();
    // With or without areas, the increment is the same number.
    let mut difference = dw[0].clone();
    difference.linear_combination(1.0, &[(-1.0, &alone[0])]).unwrap();
    let mut squares = Vec::new();
    let tolerance = driftfield_solvers::Tolerance::new(1.0, 0.0);
    difference.weighted_mean_squares(&alone[0], &alone[0], &tolerance, &mut squares).unwrap();
    assert!(squares.iter().all(|&square| square == 0.0));
    (dw, areas)
}

#[test]
fn tree_and_increments_agree_to_the_bit_over_base_intervals() {
    let like = Batch::zeros((3, 70));
    for span in [(0.0, 1.0), (1.0, 0.1)] {
        let times = grid(7, span);
        let mut path = BrownianPath::new(5, 2, &like, times.clone());
        let mut tree = BrownianTree::new(5, 2, &like, times.clone()).unwrap();
        // Something in between first: it must not matter.
        piece(&mut tree, &like, 0.37, 0.37 + 0.2 * (span.1 - span.0));
        for (a, b) in [(0, 1), (0, 7), (3, 4), (2, 6), (1, 2), (0, 3)] {
            let from_path = piece(&mut path, &like, times[a], times[b]);
            let from_tree = piece(&mut tree, &like, times[a], times[b]);
            assert_eq!(from_path, from_tree, "{a} {b}");
        }
    }
}

#[test]
fn a_fixed_path_can_be_asked_in_any_order() {
    let times = grid(5, (0.0, 2.0));
    let mut forwards = BrownianPath::new(9, 0, &0.0, times.clone());
    let in_order: Vec<_> =
        times.windows(2).map(|ends| piece(&mut forwards, &0.0, ends[0], ends[1])).collect();
    for k in [4, 0, 2, 2, 1, 3] {
        assert_eq!(piece(&mut forwards, &0.0, times[k], times[k + 1]), in_order[k]);
    }
}

#[test]
fn lanes_do_not_depend_on_the_batch() {
    for channels in [Channels::PerComponent, Channels::Shared(3)] {
        let path = |lanes: usize, first: u64| {
            let like = Batch::zeros((lanes, 2));
            let mut tree =
                BrownianTree::with_channels(channels, (3, first), &like, grid(2, (0.0, 1.0)))
                    .unwrap();
            pieces(&mut tree, &like, channels.states(), 0.123, 0.77)
        };
        let whole = path(8, 0);
        for lane in 0..8 {
            let alone = path(1, lane as u64);
            for k in 0..channels.states() {
                for (whole, alone) in [(&whole.0, &alone.0), (&whole.1, &alone.1)] {
                    assert_eq!(whole[k].row(lane), alone[k].row(0));
                }
            }
        }
    }
}

#[test]
fn shared_channels_are_the_same_in_all_components_of_a_lane_and_only_there() {
    let like = Batch::zeros((2, 100));
    let times = grid(3, (0.0, 1.0));
    let shared = Channels::Shared(2);
    let mut path = BrownianPath::with_channels(shared, (1, 0), &like, times);
    let (dw, _) = pieces(&mut path, &like, 2, 0.0, 1.0);
    for state in &dw {
        for lane in state.rows() {
            assert!(lane.iter().all(|&value| value == lane[0]));
        }
    }
    let heads = [dw[0][[0, 0]], dw[0][[1, 0]], dw[1][[0, 0]], dw[1][[1, 0]]];
    for (i, head) in heads.iter().enumerate() {
        assert!(heads[..i].iter().all(|other| other != head));
    }
    // The normals of a lane are its stream's, channel after channel.
    let mut flat = BrownianPath::new(1, 0, &Batch::zeros((2, 2)), vec![0.0, 1.0 / 3.0]);
    let (by_component, _) = piece(&mut flat, &Batch::zeros((2, 2)), 0.0, 1.0 / 3.0);
    let mut path = BrownianPath::with_channels(shared, (1, 0), &like, grid(3, (0.0, 1.0)));
    let (first, _) = pieces(&mut path, &like, 2, 0.0, 1.0 / 3.0);
    for (k, state) in first.iter().enumerate() {
        assert_eq!(
            [state[[0, 7]], state[[1, 7]]],
            [by_component[0][[0, k]], by_component[0][[1, k]]]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: proptest::test_runner::RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn queries_are_pure_and_consistent(
        cuts in proptest::collection::vec(0.0..1.0_f64, 2..9),
        order in proptest::collection::vec(0..100_usize, 12),
        down in proptest::bool::ANY,
        intervals in 1..4_usize,
    ) {
        let span = if down { (1.0, 0.0) } else { (0.0, 1.0) };
        let mut times = cuts.clone();
        times.sort_by(f64::total_cmp);
        times.dedup();
        if down {
            times.reverse();
        }
        let new = || BrownianTree::new(8, 0, &[0.0; 2], grid(intervals, span)).unwrap();
        let mut in_order = new();
        let expected: Vec<_> =
            times.windows(2).map(|ends| piece(&mut in_order, &[0.0; 2], ends[0], ends[1])).collect();
        // Any order of queries, the same bits.
        let mut shuffled = new();
        for k in order.iter().map(|k| k % (expected.len().max(1))).filter(|&k| k < expected.len()) {
            let again = piece(&mut shuffled, &[0.0; 2], times[k], times[k + 1]);
            prop_assert_eq!(&again, &expected[k]);
        }
        // The parts make up the whole, increment and area.
        let (a, b) = (times[0], times[times.len() - 1]);
        if a != b {
            let whole = piece(&mut in_order, &[0.0; 2], a, b);
            for i in 0..2 {
                let (mut w, mut u) = (0.0, 0.0);
                for (ends, (dw, area)) in times.windows(2).zip(&expected) {
                    let h = (ends[1] - ends[0]).abs();
                    u += h * (0.5 * dw[0][i] + area[0][i]) + h * w;
                    w += dw[0][i];
                }
                prop_assert!((w - whole.0[0][i]).abs() < 1e-14);
                let length = (b - a).abs();
                let area = u / length - 0.5 * w;
                // The tolerance of a sum of unit size divided by a short length.
                prop_assert!((area - whole.1[0][i]).abs() < 1e-13 / length.min(1.0));
            }
        }
    }
}

/// Sample covariances of `columns` and the largest deviation from `expected`, in
/// standard errors of a covariance of normals.
fn worst_deviation(columns: &[Vec<f64>], expected: impl Fn(usize, usize) -> f64) -> f64 {
    let n = columns[0].len() as f64;
    let mut worst = 0.0_f64;
    for (i, x) in columns.iter().enumerate() {
        let mean = x.iter().sum::<f64>() / n;
        worst = worst.max(mean.abs() / (expected(i, i) / n).sqrt());
        for (j, y) in columns[..=i].iter().enumerate() {
            let product: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
            let variance = expected(i, i) * expected(j, j) + expected(i, j).powi(2);
            worst = worst.max((product / n - expected(i, j)).abs() / (variance / n).sqrt());
        }
    }
    worst
}

/// False alarms: 5.6 standard errors are exceeded by a normal estimate with
/// probability 2.1e-8, and 44 are compared.
#[test]
fn any_increments_and_areas_have_the_law_of_brownian_motion() {
    let lanes = 100_000;
    let like = Batch::zeros((lanes, 1));
    let mut tree = BrownianTree::new(17, 0, &like, vec![0.0, 0.7, 1.3]).unwrap();
    // Neighbours, one across the base grid.
    let times = [0.11, 0.113, 0.5, 1.2001, 1.3];
    let mut columns = Vec::new();
    let mut variances = Vec::new();
    for ends in times.windows(2) {
        let (mut dw, mut areas) = ([like.clone()], [like.clone()]);
        tree.increments_and_areas(ends[0], ends[1], &mut dw, &mut areas).unwrap();
        columns.push(dw[0].iter().copied().collect());
        columns.push(areas[0].iter().copied().collect());
        variances.extend([ends[1] - ends[0], (ends[1] - ends[0]) / 12.0]);
    }
    let expected = |i: usize, j: usize| if i == j { variances[i] } else { 0.0 };
    let worst = worst_deviation(&columns, expected);
    assert!(worst < 5.6, "{worst}");
    // The same sample does not pass for one whose increments are 2 % off.
    let wrong = |i: usize, j: usize| 1.02_f64.powi(2) * expected(i, j);
    assert!(worst_deviation(&columns, wrong) > 5.6);
}

#[test]
fn below_the_resolution_single_times_keep_their_law() {
    let lanes = 50_000;
    let like = Batch::zeros((lanes, 1));
    let tree = BrownianTree::new(2, 0, &like, vec![0.0, 1.0]).unwrap();
    let mut coarse = tree.resolution(2);
    let t = 0.3;
    let (dw, areas) = piece(&mut coarse, &like, 0.0, t);
    let columns = [dw[0].iter().copied().collect(), areas[0].iter().copied().collect()];
    let expected = [[t, 0.0], [0.0, t / 12.0]];
    let worst = worst_deviation(&columns, |i, j| expected[i][j]);
    assert!(worst < 5.6, "{worst}");
    // Both ends in one leaf: still what the two increments from 0 leave.
    let (inside, _) = piece(&mut coarse, &like, 0.3, 0.31);
    let (longer, _) = piece(&mut coarse, &like, 0.0, 0.31);
    let gap = (&longer[0] - &dw[0] - &inside[0]).iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    assert!(gap < 1e-14, "{gap}");
}

#[test]
fn a_recorded_path_is_coarsened_refined_and_replayed() {
    let like = [0.0; 2];
    let times = grid(10, (0.0, 1.0));
    let request = NoiseRequest { areas: true, ..NoiseRequest::default() };
    let mut drawn = BrownianPath::new(6, 0, &like, times.clone());
    let mut record = RecordedPath::record(&mut drawn, &request, &like, times.clone()).unwrap();
    for (a, b) in [(0, 1), (3, 7), (0, 10)] {
        let expected = piece(&mut drawn, &like, times[a], times[b]);
        assert_eq!(piece(&mut record, &like, times[a], times[b]), expected, "replayed");
    }
    let mut coarse = record.coarsened(4).unwrap();
    assert_eq!(coarse.grid(), [0.0, 0.4, 0.8, 1.0]);
    for (a, b) in [(0, 4), (4, 8), (8, 10)] {
        let expected = piece(&mut record, &like, times[a], times[b]);
        assert_eq!(piece(&mut coarse, &like, times[a], times[b]), expected, "coarsened");
    }
    assert!(matches!(
        piece_error(&mut coarse, 0.1, 0.4),
        NoiseError::OffGrid { a, .. } if a == 0.1
    ));
    let mut refined = BrownianTree::through(coarse.clone(), 1, 0).unwrap();
    let expected = piece(&mut coarse, &like, 0.4, 0.8);
    assert_eq!(piece(&mut refined, &like, 0.4, 0.8), expected, "refined");
    let (early, _) = piece(&mut refined, &like, 0.4, 0.55);
    let (late, _) = piece(&mut refined, &like, 0.55, 0.8);
    for i in 0..2 {
        assert!((early[0][i] + late[0][i] - expected.0[0][i]).abs() < 1e-15);
    }
}

fn piece_error(path: &mut impl Noise<[f64; 2]>, a: f64, b: f64) -> NoiseError {
    path.increment(a, b, &mut [0.0; 2]).unwrap_err()
}

#[test]
fn a_retraced_path_undoes_the_path() {
    let times = grid(4, (0.0, 1.0));
    let tree = BrownianTree::new(3, 0, &0.0, times).unwrap();
    let mut back = Retraced::new(tree.clone());
    let mut tree = tree;
    let (dw, area) = piece(&mut tree, &0.0, 0.2, 0.9);
    let (back_dw, back_area) = piece(&mut back, &0.0, 0.9, 0.2);
    assert_eq!(back_dw[0], -dw[0]);
    assert_eq!(back_area, area);
    // int (W_s - W_b) ds over the way back, from what the way there knows: the mean
    // of the path over the interval is the same seen from either end.
    let gap: f64 = 0.5 * dw[0] + area[0] - (dw[0] + 0.5 * back_dw[0] + back_area[0]);
    assert!(gap.abs() < 1e-15);
}

#[test]
fn what_a_path_does_not_have_is_said() {
    let mut tree = BrownianTree::new(1, 0, &[0.0; 2], vec![0.0, 1.0]).unwrap();
    for (a, b) in [(0.5, 1.1), (-0.1, 0.5), (0.6, 0.2), (0.3, 0.3), (f64::NAN, 0.5)] {
        assert!(matches!(piece_error(&mut tree, a, b), NoiseError::OutsidePath { .. }), "{a} {b}");
    }
    for bad in [vec![], vec![0.0], vec![0.0, 1.0, 0.5], vec![0.0, 0.0], vec![0.0, f64::NAN]] {
        assert_eq!(BrownianTree::new(1, 0, &0.0, bad).unwrap_err(), NoiseError::Grid);
    }
    let two = Channels::Shared(2);
    let mut shared = BrownianTree::with_channels(two, (1, 0), &[0.0; 2], vec![0.0, 1.0]).unwrap();
    assert_eq!(piece_error(&mut shared, 0.0, 1.0), NoiseError::Channels { available: 2, asked: 1 });
    let mut plain = RecordedPath::new(vec![0.0, 1.0], vec![[0.1, 0.2]]).unwrap();
    let mut out = ([[0.0; 2]], [[0.0; 2]]);
    let areas = plain.increments_and_areas(0.0, 1.0, &mut out.0, &mut out.1);
    assert_eq!(areas, Err(NoiseError::NoAreas));
    let mut linear = plain.piecewise_linear();
    linear.increments_and_areas(0.0, 1.0, &mut out.0, &mut out.1).unwrap();
    assert_eq!(out, ([[0.1, 0.2]], [[0.0; 2]]));
    let mismatched = RecordedPath::new(vec![0.0, 1.0], vec![Batch::zeros((2, 2))]).unwrap();
    let wrong = { mismatched }.increment(0.0, 1.0, &mut Batch::zeros((2, 3)));
    assert!(matches!(wrong, Err(NoiseError::State(StateError::ShapeMismatch { .. }))));
}
