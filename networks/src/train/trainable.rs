//! What training needs of an architecture.

use ndarray::Array2;

use super::batch::Batch;
use super::classifier_gradient::ClassifierGradient;
use super::gradient::Gradient;
use super::image_gradient::ImageGradient;
use super::{Objective, TrainError};
use crate::{Architecture, ClassifierConfig, MlpConfig, UNetConfig};
use driftfield_problems::standardisation::{Standardisation, StandardisationError};

/// Loss and gradient of a network, for batches of one size.
pub trait LossGradient: std::fmt::Debug {
    /// The loss `1/n sum_i w_i |f(x_i, t_i) - target_i|^2 / d` at the weights `values`; with
    /// `backward` its gradient in [`LossGradient::total`], whose content is else arbitrary.
    fn pass(&mut self, values: &[f32], batch: &Batch, backward: bool) -> f64;

    /// The loss, its gradient left in [`LossGradient::total`].
    fn evaluate(&mut self, values: &[f32], batch: &Batch) -> f64 {
        self.pass(values, batch, true)
    }

    /// The loss alone.
    fn loss(&mut self, values: &[f32], batch: &Batch) -> f64 {
        self.pass(values, batch, false)
    }

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

    /// Changes what the objective requires, and refuses one that it cannot be trained for.
    fn prepare(&mut self, objective: Objective) -> Result<(), TrainError> {
        predicts_no_label(objective)
    }
}

/// Refuses to train what follows a process for labels.
fn predicts_no_label(objective: Objective) -> Result<(), TrainError> {
    match objective {
        Objective::Label => Err(TrainError::Objective { objective: objective.prediction() }),
        _ => Ok(()),
    }
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

    fn prepare(&mut self, objective: Objective) -> Result<(), TrainError> {
        self.residual |= objective.residual();
        predicts_no_label(objective)
    }
}

impl Trainable for UNetConfig {
    type Gradient = ImageGradient;

    fn gradient(&self, batch: usize) -> ImageGradient {
        ImageGradient::new(self, batch)
    }

    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
        of_pixels(data)
    }
}

impl Trainable for ClassifierConfig {
    type Gradient = ClassifierGradient;

    fn gradient(&self, batch: usize) -> ClassifierGradient {
        ClassifierGradient::new(self, batch)
    }

    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
        of_pixels(data)
    }

    fn prepare(&mut self, objective: Objective) -> Result<(), TrainError> {
        match objective {
            Objective::Label => Ok(()),
            _ => Err(TrainError::Objective { objective: objective.prediction() }),
        }
    }
}

/// The units of pixels, which are those of the data only if it holds pixels.
fn of_pixels(data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
    Standardisation::fit(data)?;
    let other = data.indexed_iter().find(|(_, value)| !(0.0..=1.0).contains(*value));
    if let Some(((row, column), &value)) = other {
        return Err(StandardisationError::NotPixels { row, column, value });
    }
    Ok(Standardisation::of_pixels(data.ncols()))
}
