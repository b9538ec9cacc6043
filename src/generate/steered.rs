//! Generation along a predictor and under an observer of the caller's.

use std::sync::Arc;

use driftfield_problems::predictor::Predictor;
use driftfield_solvers::Scalar;
use driftfield_solvers::observer::Observer;
use ndarray::ArrayD;

use super::{
    GenerateError, Generated, Initial, Model, Precision, Settings, SharedPredictor, check_request,
    solve_steered,
};

/// What a solve follows, and who looks at its steps.
pub struct Steered<'a, T: Scalar> {
    pub(super) predictor: SharedPredictor<T>,
    pub(super) observer: Option<Box<dyn Observer<ArrayD<T>> + 'a>>,
}

impl<'a, T: Scalar> Steered<'a, T> {
    /// Along `predictor`, which is of a model or around one: its path is that of the solve.
    pub fn along(predictor: Arc<dyn Predictor<ArrayD<T>>>) -> Self {
        Steered { predictor, observer: None }
    }

    /// The same with every accepted step told to `observer`, which may change the state.
    #[must_use]
    pub fn under(mut self, observer: impl Observer<ArrayD<T>> + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }
}

/// Generates lanes of `model` from `initial` as `settings` say, steered.
///
/// [`generate`](super::generate) is this along the model's own predictor. Here the predictor is made
/// already, so that labels and guidance are what it was made with.
///
/// ```
/// use driftfield::generate::{
///     Budget, Condition, Initial, Settings, Steered, generate_steered, model,
/// };
/// use driftfield::problems::method::Solver;
/// use driftfield::problems::process;
/// use driftfield::solvers::observer::{AcceptedStep, Flow};
/// use ndarray::ArrayD;
///
/// let (model, path) = (model::parse("cat-vp")?, process::parse("vp")?);
/// let mut steps = 0;
/// let count = |_: &mut AcceptedStep<'_, ArrayD<f32>>| {
///     steps += 1;
///     Flow::Continue
/// };
/// let predictor = model.predictor(&path, &Condition::default())?;
/// let (noise, settings) =
///     (Initial::Noise { lanes: 4 }, Settings::new(Solver::parse("heun")?, Budget::Steps(10)));
/// let steered = Steered::along(predictor).under(count);
/// let samples = generate_steered(&*model, noise, &settings, steered)?.complete()?;
/// assert_eq!((steps, samples.shape()[0]), (10, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn generate_steered<T: Precision>(
    model: &dyn Model,
    initial: Initial<T>,
    settings: &Settings,
    steered: Steered<'_, T>,
) -> Result<Generated<T>, GenerateError> {
    attempt_steered(model, initial, settings, steered)?.unless_nothing_was_made()
}

/// The same, however it ended.
pub(crate) fn attempt_steered<T: Precision>(
    model: &dyn Model,
    initial: Initial<T>,
    settings: &Settings,
    steered: Steered<'_, T>,
) -> Result<Generated<T>, GenerateError> {
    check_request::<T>(model, &settings.condition, initial.lanes())?;
    solve_steered(model, initial, settings, steered)
}
