//! What training needs of an architecture.

use ndarray::Array2;

use super::Objective;
use super::batch::Batch;
use super::gradient::Gradient;
use super::image_gradient::ImageGradient;
use crate::network::{Architecture, MlpConfig, UNetConfig};
use crate::weights::{Standardisation, StandardisationError};

/// Loss and gradient of a network, for batches of one size.
pub trait LossGradient: std::fmt::Debug {
    /// The loss `1/n sum_i w_i |f(x_i, t_i) - target_i|^2 / d` at the weights `values`; leaves
    /// its gradient in [`LossGradient::total`].
    fn evaluate(&mut self, values: &[f32], batch: &Batch) -> f64;

    /// The same loss; what it leaves in [`LossGradient::total`] is arbitrary.
    fn loss(&mut self, values: &[f32], batch: &Batch) -> f64;

    /// The gradient of the last batch, in the order of the parameters.
    fn total(&self) -> &[f32];
}

/// An architecture that [`super::Trainer`] can train.
pub trait Trainable: Architecture {
    /// Its hand-written gradient.
    type Gradient: LossGradient;

    /// Buffers for batches of `batch` rows.
    fn gradient(&self, batch: usize) -> Self::Gradient;

    /// The units it works in, for such data.
    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError>;

    /// Changes what the objective requires.
    fn prepare(&mut self, _objective: Objective) {}
}

impl Trainable for MlpConfig {
    type Gradient = Gradient;

    fn gradient(&self, batch: usize) -> Gradient {
        Gradient::new(self, batch)
    }

    /// Those in which the data has mean zero and variance one.
    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
        Standardisation::fit(data)
    }

    fn prepare(&mut self, objective: Objective) {
        self.residual |= objective.residual();
    }
}

impl Trainable for UNetConfig {
    type Gradient = ImageGradient;

    fn gradient(&self, batch: usize) -> ImageGradient {
        ImageGradient::new(self, batch)
    }

    /// Pixels from 0 to 1 become -1 to 1: dark and bright are as far from noise.
    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
        // Finds what is not finite.
        Standardisation::fit(data)?;
        let axes = self.dimension();
        Ok(Standardisation { mean: vec![0.5; axes], std: vec![0.5; axes] })
    }
}
