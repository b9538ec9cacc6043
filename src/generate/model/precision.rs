use driftfield_problems::method;
use driftfield_problems::process::SharedPath;

use super::{Model, SharedDifferentiable, SharedPredictor};
use crate::generate::{Condition, GenerateError};

/// The numbers that states are made of, `f32` or `f64`, as what chooses among the predictors of a
/// [`Model`].
pub trait Precision: method::Precision {
    /// The model's predictor of such states.
    fn predictor(
        model: &dyn Model,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<Self>, GenerateError>;

    /// The same, differentiable in the state.
    fn differentiable(
        model: &dyn Model,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedDifferentiable<Self>, GenerateError>;
}

macro_rules! precision {
    ($number:ty, $predictor:ident, $differentiable:ident) => {
        impl Precision for $number {
            fn predictor(
                model: &dyn Model,
                path: &SharedPath,
                condition: &Condition,
            ) -> Result<SharedPredictor<Self>, GenerateError> {
                model.$predictor(path, condition)
            }

            fn differentiable(
                model: &dyn Model,
                path: &SharedPath,
                condition: &Condition,
            ) -> Result<SharedDifferentiable<Self>, GenerateError> {
                model.$differentiable(path, condition)
            }
        }
    };
}
precision!(f32, predictor_f32, differentiable_f32);
precision!(f64, predictor_f64, differentiable_f64);
