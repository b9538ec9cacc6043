use std::fmt;

use driftfield_solvers::{FieldError, VectorField};

use super::{PathField, ScoreField};

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

impl<S> VectorField<S> for MarginalScore<S> {
    fn eval(&self, du: &mut S, u: &S, _t: f64) -> Result<(), FieldError> {
        self.field.score(du, u, self.t)
    }
    fn network_forwards(&self) -> u64 {
        self.field.score_network_forwards()
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
