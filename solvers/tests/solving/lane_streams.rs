//! Every lane's numbers are, to the bit, those of `rand_distr::StandardNormal` on
//! `rand_xoshiro::Xoshiro256PlusPlus`, however many lanes are drawn together.

use driftfield_solvers::State;
use driftfield_solvers::noise::{
    BrownianPath, BrownianTree, Channels, LaneRng, Noise, Stream, fill_initial_normals,
};
use ndarray::{Array2, Array3};
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

/// Numbers of lanes about those of a group (8) and of a tile (64).
const LANES: [usize; 11] = [1, 2, 7, 8, 9, 16, 63, 64, 65, 127, 200];

/// The published recipe, written again: the keys through SplitMix64, then rand's own
/// generator and distribution.
struct Reference(Xoshiro256PlusPlus);

impl Reference {
    fn new(seed: u64, keys: &[u64]) -> Self {
        let mut mixed = seed;
        for key in keys {
            mixed = SplitMix64::seed_from_u64(mixed).next_u64() ^ key;
        }
        Reference(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    fn stream(seed: u64, lane: u64, stream: Stream) -> Self {
        Reference::new(seed, &[lane, stream as u64])
    }

    fn next(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }
}

fn references(seed: u64, first: u64, lanes: usize, stream: Stream) -> Vec<Reference> {
    (first..first + lanes as u64).map(|lane| Reference::stream(seed, lane, stream)).collect()
}

fn grid(intervals: usize) -> Vec<f64> {
    // Uneven, so that a number with another interval's scale is seen.
    (0..=intervals).map(|k| k as f64 + 0.01 * (k * k) as f64).collect()
}

#[test]
fn a_single_stream_is_the_reference() {
    let mut values = vec![0.0; 300_001];
    LaneRng::new(7, 3, Stream::Areas).fill_normal(&mut values);
    let mut reference = Reference::stream(7, 3, Stream::Areas);
    assert!(values.iter().all(|value| value.to_bits() == reference.next().to_bits()));
}

#[test]
fn initial_draws_are_the_reference_for_any_number_and_length_of_lanes() {
    for lanes in LANES {
        for components in [1, 2, 3, 15, 16, 17, 70, 1025] {
            let mut state = Array2::<f64>::zeros((lanes, components));
            fill_initial_normals(&mut state, 1.7, 11, 5).unwrap();
            let mut references = references(11, 5, lanes, Stream::Initial);
            for (row, reference) in state.rows().into_iter().zip(&mut references) {
                for (i, value) in row.iter().enumerate() {
                    let expected = reference.next() * 1.7;
                    assert_eq!(value.to_bits(), expected.to_bits(), "{lanes}x{components} {i}");
                }
            }
        }
    }
}

/// Millions of numbers, in which every way through the ziggurat is taken in every lane
/// of a group: 256 of a million lie in its tail.
#[test]
fn increments_in_single_precision_are_the_reference_rounded() {
    let (lanes, intervals) = (1003, 3001);
    let times = grid(intervals);
    let like = Array2::<f32>::zeros((lanes, 1));
    let mut path = BrownianPath::new(3, 40, &like, times.clone());
    let mut references = references(3, 40, lanes, Stream::Increments);
    let (mut dw, mut largest) = (like.clone(), 0.0_f64);
    for ends in times.windows(2) {
        path.increment(ends[0], ends[1], &mut dw).unwrap();
        let scale = (ends[1] - ends[0]).sqrt();
        for (value, reference) in dw.iter().zip(&mut references) {
            let normal = reference.next();
            largest = largest.max(normal.abs());
            assert_eq!(value.to_bits(), ((normal * scale) as f32).to_bits());
        }
    }
    assert!(largest > 4.5, "{largest}");
}

fn check_path(lanes: usize, components: usize, channels: Channels, intervals: usize) {
    let (times, like) = (grid(intervals), Array2::<f64>::zeros((lanes, components)));
    let mut path = BrownianPath::with_channels(channels, (9, 2), &like, times.clone());
    let mut increments = references(9, 2, lanes, Stream::Increments);
    let mut areas = references(9, 2, lanes, Stream::Areas);
    let mut dw = vec![like.clone(); channels.states()];
    let mut drawn = dw.clone();
    for ends in times.windows(2) {
        path.increments_and_areas(ends[0], ends[1], &mut dw, &mut drawn).unwrap();
        let h = ends[1] - ends[0];
        let laws = [(&dw, h.sqrt(), &mut increments), (&drawn, (h / 12.0).sqrt(), &mut areas)];
        for (states, scale, references) in laws {
            for state in states {
                for (row, reference) in state.rows().into_iter().zip(&mut *references) {
                    let shared = (channels != Channels::PerComponent).then(|| reference.next());
                    for value in row {
                        let expected = shared.unwrap_or_else(|| reference.next()) * scale;
                        assert_eq!(value.to_bits(), expected.to_bits());
                    }
                }
            }
        }
    }
}

#[test]
fn increments_and_areas_are_the_reference_across_blocks() {
    for lanes in LANES {
        for components in [1, 2, 5, 8, 9, 40] {
            // Fewer intervals than are drawn ahead, as many, and a last block cut short.
            for intervals in [1, 2, 16, 19, 33] {
                check_path(lanes, components, Channels::PerComponent, intervals);
            }
            for channels in [1, 3, 20] {
                check_path(lanes, components, Channels::Shared(channels), 7);
            }
        }
    }
}

#[test]
fn going_back_and_ahead_on_the_grid_changes_nothing() {
    let (times, like) = (grid(50), Array2::<f32>::zeros((70, 1)));
    let new = || BrownianPath::new(1, 0, &like, times.clone());
    let mut dw = like.clone();
    let mut in_order = new();
    let mut expected = Vec::new();
    for ends in times.windows(2) {
        in_order.increment(ends[0], ends[1], &mut dw).unwrap();
        expected.push(dw.clone());
    }
    let mut path = new();
    for k in [3, 3, 4, 2, 16, 15, 31, 32, 49, 0, 48, 49, 17, 20, 20] {
        path.increment(times[k], times[k + 1], &mut dw).unwrap();
        assert_eq!(dw, expected[k], "{k}");
        // What the caller does with its state is not the path's business.
        dw.fill(f32::NAN);
    }
    // Several intervals at once.
    path.increment(times[14], times[18], &mut dw).unwrap();
    let sum = &expected[14] + &expected[15] + &expected[16] + &expected[17];
    assert_eq!(dw, sum);
}

#[test]
fn a_lane_is_the_same_in_any_batch() {
    let times = grid(20);
    let whole = Array2::<f64>::zeros((100, 1));
    let mut path = BrownianPath::new(4, 0, &whole, times.clone());
    let parts = [(0, 3), (3, 8), (11, 64), (75, 25)];
    let mut of_parts: Vec<_> = parts
        .iter()
        .map(|&(first, lanes)| {
            let like = Array2::<f64>::zeros((lanes, 1));
            (BrownianPath::new(4, first as u64, &like, times.clone()), like)
        })
        .collect();
    let mut dw = whole.clone();
    for ends in times.windows(2) {
        path.increment(ends[0], ends[1], &mut dw).unwrap();
        for (&(first, lanes), (path, part)) in parts.iter().zip(&mut of_parts) {
            path.increment(ends[0], ends[1], part).unwrap();
            assert_eq!(dw.slice(ndarray::s![first..first + lanes, ..]), *part);
        }
    }
}

#[test]
fn nodes_of_a_tree_are_the_reference() {
    for lanes in LANES {
        let like = Array2::<f64>::zeros((lanes, 2));
        let mut tree = BrownianTree::new(6, 1, &like, vec![0.0, 1.0]).unwrap();
        let (mut half, mut whole) = (like.clone(), like.clone());
        tree.increment(0.0, 0.5, &mut half).unwrap();
        tree.increment(0.0, 1.0, &mut whole).unwrap();
        for lane in 0..lanes {
            let key = lane as u64 + 1;
            let mut area = Reference::stream(6, key, Stream::Areas);
            let mut node = Reference::new(6, &[key, Stream::Bridge as u64, 0, 1]);
            for i in 0..2 {
                // Halving an interval of length 1: W/2 + 3/2 H + X/4.
                let h = area.next() / 12.0_f64.sqrt();
                let expected = 0.5 * whole[[lane, i]] + 1.5 * h + 0.25 * node.next();
                assert!((half[[lane, i]] - expected).abs() < 1e-14, "{lanes} {lane}");
            }
        }
    }
}

#[test]
fn a_path_keeps_the_shape_it_is_asked_for() {
    // As many lanes and components, but another array: its shape stays.
    let like = Array3::<f64>::zeros((64, 2, 1)).into_dyn();
    let mut path = BrownianPath::new(2, 0, &like, grid(4));
    let times = grid(4);
    let (mut own, mut other) = (like.clone(), Array2::<f64>::zeros((64, 2)).into_dyn());
    path.increment(times[0], times[1], &mut own).unwrap();
    path.increment(times[0], times[1], &mut other).unwrap();
    assert_eq!((own.shape(), other.shape()), (&[64, 2, 1][..], &[64, 2][..]));
    assert!(own.iter().eq(other.iter()));
    // Other lanes are refused.
    for lanes in [1, 63, 65, 100] {
        let mut wrong = Array2::<f64>::zeros((lanes, 2)).into_dyn();
        assert!(path.increment(times[1], times[2], &mut wrong).is_err(), "{lanes}");
    }
    assert_eq!(own.lanes(), 64);
}
