use std::fmt;

use driftfield_solvers::field::{Pullback, Pushforward, Times};
use driftfield_solvers::{FieldError, SemilinearField, State, Target, VectorField};

use super::PathField;
use crate::predictor::{Asked, Rates};

/// The score of a path's marginal at one time, whatever time it is asked at.
pub struct MarginalScore<S> {
    field: PathField<S>,
    t: f64,
}

impl<S> MarginalScore<S> {
    pub(super) fn new(field: PathField<S>, t: f64) -> Self {
        MarginalScore { field, t }
    }
}

impl<S: State> MarginalScore<S> {
    /// The score as a prediction, which needs noise to be one.
    fn target(&self) -> Result<Target, FieldError> {
        let sigma = self.field.schedule().at_end(self.t)?.sigma;
        let target = Target { data: 0.0, noise: -1.0 / sigma };
        if target.is_finite() {
            return Ok(target);
        }
        Err(FieldError::Refused("products of a score where there is no noise".to_owned()))
    }
}

impl<S: State> VectorField<S> for MarginalScore<S> {
    fn eval(&self, du: &mut S, u: &S, _t: Times<'_>) -> Result<(), FieldError> {
        self.field.score(du, u, self.t)
    }
    fn pull_back(&self, pull: Pullback<'_, S>, u: &S, _t: Times<'_>) -> Result<(), FieldError> {
        let Pullback { time, .. } = pull;
        // It does not move with the time.
        if let Some(time) = time {
            time.fill(0.0);
        }
        let pull = Pullback { time: None, ..pull };
        let path = self.field.path();
        let rates = Rates::of_score(path, self.t, u.lanes(), Asked::of(path, &pull)?)?;
        pull.through(rates.of_one(), u, |inner| {
            self.field.pull_back_prediction(self.target()?, inner, u, self.t.into())
        })
    }
    fn push_forward(
        &self,
        push: Pushforward<'_, S>,
        u: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        let push = Pushforward { time: 0.0.into(), ..push };
        self.field.push_forward_prediction(self.target()?, push, u, self.t.into())
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        VectorField::forwards(&self.field, t)
    }
}

impl<S> Clone for MarginalScore<S> {
    fn clone(&self) -> Self {
        MarginalScore { field: self.field.clone(), t: self.t }
    }
}

impl<S> fmt::Debug for MarginalScore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarginalScore").field("field", &self.field).field("t", &self.t).finish()
    }
}
