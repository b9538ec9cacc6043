//! Training batches as pure functions of (seed, step).

use driftfield_problems::process::GaussianPath;
use ndarray::Array2;

use super::{Objective, TimeSampling, TrainError, TrainingConfig};
use crate::Architecture;
use crate::seeded::{Purpose, SeededRng};

/// What one step is computed from: `rows` rows of `dimension` values.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// `x_t`, row-major.
    pub(crate) x: Vec<f32>,
    /// What the network (with its residual, if any) should give, row-major.
    pub(crate) target: Vec<f32>,
    /// Time of every row.
    pub(crate) times: Vec<f64>,
    /// Weight of every row's loss.
    pub(crate) weights: Vec<f64>,
    /// Label of every row; none if the network takes none.
    pub(crate) labels: Vec<u32>,
}

/// What batches are drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// Standardised.
    pub(crate) values: Array2<f64>,
    /// One per row, or none at all.
    pub(crate) labels: Vec<u32>,
}

impl Batch {
    /// Draws the batch of `step`: rows of `data` at random, times over
    /// `[t_min, t_max]`, and fresh noise; labels are left out at random.
    ///
    /// Uniform times are stratified: one in each of as many equal cells, which
    /// takes most of the noise of the times out of the loss.
    pub(crate) fn draw<A: Architecture>(
        &mut self,
        config: &TrainingConfig<A>,
        objective: Objective,
        path: &dyn GaussianPath,
        data: &Rows,
        step: usize,
    ) -> Result<(), TrainError> {
        let mut rng = SeededRng::new(config.seed, Purpose::Batch, step as u64);
        self.x.clear();
        self.target.clear();
        self.times.clear();
        self.weights.clear();
        self.labels.clear();
        for row in 0..config.batch {
            let place = match config.times {
                TimeSampling::Uniform => (row as f64 + rng.uniform()) / config.batch as f64,
                TimeSampling::LogitNormal => 1.0 / (1.0 + (-rng.normal()).exp()),
            };
            let t = config.t_min + (config.t_max - config.t_min) * place;
            let mixture = objective.mixture(path, t)?;
            self.times.push(t);
            self.weights.push(mixture.weight);
            let drawn = rng.index(data.values.nrows());
            if let Some(&label) = data.labels.get(drawn) {
                let dropped = rng.uniform() < config.label_dropout;
                self.labels.push(if dropped { config.network.labels() as u32 } else { label });
            }
            let shift = Shift::draw(&mut rng, config);
            let values = data.values.row(drawn);
            for index in 0..values.len() {
                let clean = values[shift.source(index)];
                let noise = rng.normal();
                self.x.push((mixture.alpha * clean + mixture.sigma * noise) as f32);
                self.target.push((mixture.data * clean + mixture.noise * noise) as f32);
            }
        }
        Ok(())
    }
}

/// A shift of an image, whose border is repeated.
struct Shift {
    /// Pixels along a side.
    side: usize,
    /// Down and to the right.
    by: [isize; 2],
}

impl Shift {
    fn draw<A: Architecture>(rng: &mut SeededRng, config: &TrainingConfig<A>) -> Self {
        let most = config.shift;
        if most == 0 {
            return Shift { side: 0, by: [0; 2] };
        }
        let side = config.network.row_shape().last().copied().unwrap_or(0);
        Shift { side, by: [0; 2].map(|_: isize| rng.index(2 * most + 1) as isize - most as isize) }
    }

    /// The pixel that comes to the place of this one.
    fn source(&self, pixel: usize) -> usize {
        if self.by == [0; 2] {
            return pixel;
        }
        let place = [pixel / self.side, pixel % self.side];
        let [y, x] = [0, 1].map(|axis| {
            (place[axis] as isize - self.by[axis]).clamp(0, self.side as isize - 1) as usize
        });
        y * self.side + x
    }
}

#[cfg(test)]
mod tests {
    use driftfield_problems::process::RectifiedFlow;

    use super::*;

    #[test]
    fn a_batch_is_a_function_of_seed_and_step_and_its_times_are_stratified() {
        let values = Array2::from_shape_fn((50, 2), |(i, j)| i as f64 + 0.5 * j as f64);
        let data = Rows { values, labels: Vec::new() };
        let config = TrainingConfig { batch: 40, ..TrainingConfig::new("", "", 2) };
        let draw = |seed, step| {
            let mut batch = Batch::default();
            let config = TrainingConfig { seed, ..config.clone() };
            batch.draw(&config, Objective::Velocity, &RectifiedFlow, &data, step).unwrap();
            batch
        };
        let batch = draw(1, 2);
        assert_eq!(batch.x, draw(1, 2).x);
        assert_ne!(batch.x, draw(2, 2).x);
        assert_ne!(batch.x, draw(1, 3).x);
        for (row, &t) in batch.times.iter().enumerate() {
            let cell = (t - 1e-3) / (1.0 - 1e-3) * 40.0;
            assert!(cell >= row as f64 && cell <= (row + 1) as f64);
        }
        // x_t - t (target) = x_0: what was drawn is a row of the data.
        for row in 0..40 {
            let t = batch.times[row];
            let clean = |j: usize| {
                f64::from(batch.x[2 * row + j]) - t * f64::from(batch.target[2 * row + j])
            };
            assert!((clean(0) - clean(0).round()).abs() < 1e-4);
            assert!((clean(1) - clean(0) - 0.5).abs() < 1e-4);
        }
    }
}
