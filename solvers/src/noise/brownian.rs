use super::{LaneRng, Noise, NoiseError, Stream};
use crate::state::State;

/// No path at all: what deterministic methods are given.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNoise;

impl<S> Noise<S> for NoNoise {
    fn increment(&mut self, _a: f64, _b: f64, _dw: &mut S) -> Result<(), NoiseError> {
        Err(NoiseError::Absent)
    }
}

/// The Brownian path of a fixed grid: the increment of lane `i` over the
/// `k`-th base interval is `sqrt(|dt_k|)` times the `k`-th normals of the
/// lane's own stream, whatever the batch.
///
/// The path is drawn as the solve goes: increments are asked for in the order
/// of the grid and once. Steps may join several base intervals: their increments are summed from
/// left to right, which is how two step sizes share one path. They may also divide one at times
/// inside it: a Brownian bridge gives the part, from a stream of (seed, lane, interval), and
/// the parts add up to the increment that the interval has anyway.
#[derive(Debug, Clone)]
pub struct BrownianPath<S> {
    seed: u64,
    first_lane: u64,
    grid: Vec<f64>,
    lanes: Vec<LaneRng>,
    next: usize,
    interval: S,
    bridge: Bridge<S>,
}

/// What is left of a base interval that is being divided.
#[derive(Debug, Clone)]
struct Bridge<S> {
    /// Up to where it has been handed out.
    at: Option<f64>,
    lanes: Vec<LaneRng>,
    rest: S,
}

impl<S: State> BrownianPath<S> {
    /// The path over `grid` of a batch shaped like `state`, whose first lane is
    /// lane number `first_lane` of the whole ensemble.
    pub fn new(seed: u64, first_lane: u64, state: &S, grid: Vec<f64>) -> Self {
        let lanes = (0..state.lanes() as u64)
            .map(|lane| LaneRng::new(seed, first_lane + lane, Stream::Increments))
            .collect();
        let bridge = Bridge { at: None, lanes: Vec::new(), rest: state.zeros_like() };
        BrownianPath {
            seed,
            first_lane,
            grid,
            lanes,
            next: 0,
            interval: state.zeros_like(),
            bridge,
        }
    }

    fn draw(lanes: &mut [LaneRng], dt: f64, out: &mut S) -> Result<(), NoiseError> {
        let scale = dt.abs().sqrt();
        out.fill_lanes(|lane, block| {
            lanes[lane].fill_normal(block);
            block.iter_mut().for_each(|value| *value *= scale);
        })?;
        Ok(())
    }

    /// The increment over `[a, b]`, `b` inside the base interval that `a` is in.
    fn divide(&mut self, a: f64, b: f64, end: f64, dw: &mut S) -> Result<(), NoiseError> {
        let Bridge { at, lanes, rest } = &mut self.bridge;
        if at.is_none() {
            Self::draw(&mut self.lanes, end - a, rest)?;
            let stream = |lane| LaneRng::of_interval(self.seed, lane, self.next as u64);
            lanes.clear();
            lanes.extend((0..self.lanes.len() as u64).map(|lane| stream(self.first_lane + lane)));
        }
        // A bridge from 0 at `a` to `rest` at `end`.
        let share = (b - a) / (end - a);
        Self::draw(lanes, (1.0 - share) * (b - a), dw)?;
        dw.linear_combination(1.0, &[(share, rest)])?;
        rest.linear_combination(1.0, &[(-1.0, dw)])?;
        *at = Some(b);
        Ok(())
    }
}

impl<S: State> Noise<S> for BrownianPath<S> {
    fn increment(&mut self, a: f64, b: f64, dw: &mut S) -> Result<(), NoiseError> {
        let rest = &self.grid[self.next.min(self.grid.len())..];
        let at = self.bridge.at.or(rest.first().copied());
        if at != Some(a) || rest.len() < 2 {
            return Err(NoiseError::OffGrid { a, b });
        }
        let end = rest[1];
        if (a < b && b < end) || (end < b && b < a) {
            return self.divide(a, b, end, dw);
        }
        let intervals = rest.iter().position(|&t| t == b).unwrap_or(0);
        if intervals == 0 {
            return Err(NoiseError::OffGrid { a, b });
        }
        match self.bridge.at.take() {
            Some(_) => dw.copy_from(&self.bridge.rest)?,
            None => Self::draw(&mut self.lanes, end - a, dw)?,
        }
        for ends in rest[1..=intervals].windows(2) {
            Self::draw(&mut self.lanes, ends[1] - ends[0], &mut self.interval)?;
            dw.linear_combination(1.0, &[(1.0, &self.interval)])?;
        }
        self.next += intervals;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    const GRID: [f64; 4] = [1.0, 0.7, 0.4, 0.1];

    fn path(first_lane: u64, lanes: usize) -> (BrownianPath<Array2<f64>>, Array2<f64>) {
        let state = Array2::zeros((lanes, 2));
        (BrownianPath::new(7, first_lane, &state, GRID.to_vec()), state)
    }

    fn increments(first_lane: u64, lanes: usize, times: &[f64]) -> Vec<Array2<f64>> {
        let (mut path, state) = path(first_lane, lanes);
        let increment = |ends: &[f64]| {
            let mut dw = state.clone();
            path.increment(ends[0], ends[1], &mut dw).unwrap();
            dw
        };
        times.windows(2).map(increment).collect()
    }

    #[test]
    fn the_parts_of_an_interval_make_up_its_increment() {
        let whole = increments(0, 5, &GRID);
        let parts = increments(0, 5, &[1.0, 0.7, 0.6, 0.45, 0.4, 0.1]);
        assert_eq!(parts[0], whole[0]);
        let sum = &parts[1] + &parts[2] + &parts[3];
        assert!((sum - &whole[1]).iter().all(|gap| gap.abs() < 1e-15));
        assert_eq!(parts[4], whole[2]);
        // A part may also be joined to what follows.
        let joined = increments(0, 5, &[1.0, 0.9, 0.1]);
        let sum = &whole[0] + &whole[1] + &whole[2];
        assert!((&joined[0] + &joined[1] - sum).iter().all(|gap| gap.abs() < 1e-15));
    }

    #[test]
    fn the_parts_are_independent_and_as_large_as_their_time() {
        let parts = increments(0, 20_000, &[1.0, 0.9, 0.7, 0.5, 0.4, 0.1]);
        let n = parts[0].len() as f64;
        let variances: [f64; 5] = [0.1, 0.2, 0.2, 0.1, 0.3];
        for (i, a) in parts.iter().enumerate() {
            for (j, b) in parts.iter().enumerate().take(i + 1) {
                let size = (variances[i] * variances[j]).sqrt();
                let product = (a * b).sum() / n / size;
                let (expected, spread) = if i == j { (1.0, 2.0f64) } else { (0.0, 1.0) };
                // Five standard errors, 15 comparisons: a false alarm in 1e5 seeds.
                assert!(
                    (product - expected).abs() < 5.0 * (spread / n).sqrt(),
                    "{i} {j}: {product}"
                );
            }
        }
    }

    #[test]
    fn a_lanes_parts_are_its_own() {
        let times = [1.0, 0.8, 0.7, 0.5, 0.4];
        let (all, some) = (increments(0, 9, &times), increments(4, 3, &times));
        for (all, some) in all.iter().zip(&some) {
            assert_eq!(all.slice(ndarray::s![4..7, ..]), some);
        }
        // Whether an earlier interval was divided changes nothing.
        let later = increments(0, 9, &[1.0, 0.7, 0.5, 0.4]);
        assert_eq!(later[1..], all[2..]);
    }

    #[test]
    fn times_out_of_order_are_refused() {
        let (mut path, mut dw) = path(0, 1);
        for (a, b) in [(0.7, 0.4), (1.0, 1.1), (1.0, 0.65), (1.0, f64::NAN), (1.0, 1.0)] {
            let refused = path.increment(a, b, &mut dw);
            assert!(matches!(refused, Err(NoiseError::OffGrid { .. })), "{a} {b}");
        }
        path.increment(1.0, 0.8, &mut dw).unwrap();
        for (a, b) in [(1.0, 0.7), (0.7, 0.4), (0.8, 0.9), (0.8, 0.65)] {
            assert_eq!(path.increment(a, b, &mut dw), Err(NoiseError::OffGrid { a, b }));
        }
        path.increment(0.8, 0.7, &mut dw).unwrap();
    }
}
