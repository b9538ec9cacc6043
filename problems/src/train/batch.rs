//! Training batches as pure functions of (seed, step).

use ndarray::Array2;

use super::{Objective, TrainError, TrainingConfig};
use crate::network::{Purpose, SeededRng};
use crate::process::GaussianPath;

/// What one step is computed from: `rows` rows of `dimension` values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    /// `x_t`, row-major.
    pub(crate) x: Vec<f32>,
    /// What the network (with its residual, if any) should give, row-major.
    pub(crate) target: Vec<f32>,
    /// Time of every row.
    pub(crate) times: Vec<f64>,
    /// Weight of every row's loss.
    pub(crate) weights: Vec<f64>,
}

impl Batch {
    /// Draws the batch of `step`: rows of `data` (standardised) at random, times
    /// stratified over `[t_min, t_max]` (one uniform draw in each of as many
    /// equal cells, which takes most of the noise of the times out of the loss),
    /// and fresh noise.
    pub(crate) fn draw(
        &mut self,
        config: &TrainingConfig,
        objective: Objective,
        path: &dyn GaussianPath,
        data: &Array2<f64>,
        step: usize,
    ) -> Result<(), TrainError> {
        let mut rng = SeededRng::new(config.seed, Purpose::Batch, step as u64);
        self.x.clear();
        self.target.clear();
        self.times.clear();
        self.weights.clear();
        for row in 0..config.batch {
            let place = (row as f64 + rng.uniform()) / config.batch as f64;
            let t = config.t_min + (config.t_max - config.t_min) * place;
            let mixture = objective.mixture(path, t)?;
            self.times.push(t);
            self.weights.push(mixture.weight);
            for &clean in data.row(rng.index(data.nrows())) {
                let noise = rng.normal();
                self.x.push((mixture.alpha * clean + mixture.sigma * noise) as f32);
                self.target.push((mixture.data * clean + mixture.noise * noise) as f32);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::RectifiedFlow;

    #[test]
    fn a_batch_is_a_function_of_seed_and_step_and_its_times_are_stratified() {
        let data = Array2::from_shape_fn((50, 2), |(i, j)| i as f64 + 0.5 * j as f64);
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
