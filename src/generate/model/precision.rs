use driftfield_problems::method;
use driftfield_problems::process::SharedPath;

use super::{Model, SharedPredictor};
use crate::generate::{Condition, GenerateError};

/// The numbers that states are made of, `f32` or `f64`, as what chooses among the predictors of a
/// [`Model`].
pub trait Precision: method::MethodPrecision {
    /// The model's predictor of such states.
    fn predictor(
        model: &dyn Model,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<Self>, GenerateError>;
}

impl Precision for f32 {
    fn predictor(
        model: &dyn Model,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f32>, GenerateError> {
        model.predictor_f32(path, condition)
    }
}

impl Precision for f64 {
    fn predictor(
        model: &dyn Model,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError> {
        model.predictor_f64(path, condition)
    }
}
