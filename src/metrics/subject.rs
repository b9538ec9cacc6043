use driftfield_problems::process::SharedPath;
use ndarray::{ArrayD, ArrayView2};

use super::PreparedSample;
use crate::generate::{Condition, GenerateError, Model, SharedPredictor, Span};

/// What a [`Metric`](super::Metric) is asked of: samples, the data they should be like, and what they
/// were made by.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Subject<'a> {
    /// The samples, with their [labels](PreparedSample::labels) and their
    /// [weights](PreparedSample::weights), if they have any.
    pub samples: &'a PreparedSample,
    /// The data they should be like, if there is any.
    pub data: Option<&'a PreparedSample>,
    /// What they were made by: nothing of a file of samples, or of a second draw of the data.
    pub maker: Option<Maker<'a>>,
}

impl<'a> Subject<'a> {
    /// Samples of which nothing else is known, beside `data` if there is any.
    pub fn of(samples: &'a PreparedSample, data: Option<&'a PreparedSample>) -> Self {
        Subject { samples, data, maker: None }
    }
}

/// A model on a path, and the solve that made samples of it: what a likelihood, or a density under the
/// model, is worked out of.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Maker<'a> {
    /// The model.
    pub model: &'a dyn Model,
    /// The path that it ran on.
    pub path: &'a SharedPath,
    /// What it was told of labels.
    pub condition: &'a Condition,
    /// Start and end of the integration: the samples are at its end.
    pub span: Span,
}

impl<'a> Maker<'a> {
    /// A model under `condition`, whose samples were made along `span` of `path`.
    pub fn new(
        model: &'a dyn Model,
        path: &'a SharedPath,
        condition: &'a Condition,
        span: Span,
    ) -> Self {
        Maker { model, path, condition, span }
    }

    /// Its predictor of so many lanes from the first on, which is asked of [states](Self::states).
    pub fn predictor(&self, lanes: usize) -> Result<SharedPredictor<f64>, GenerateError> {
        self.model.predictor(self.path, &self.condition.of_lanes(0, lanes))
    }

    /// Points, `[n, d]` in the units of the data, as states of its process.
    pub fn states(&self, points: &ArrayView2<f64>) -> Result<ArrayD<f64>, GenerateError> {
        let shape = [vec![points.nrows()], self.model.row_shape()].concat();
        let numbers = points.iter().copied().collect();
        let (expected, found) = (self.model.dimension(), points.shape().to_vec());
        let mut states = ArrayD::from_shape_vec(shape, numbers)
            .map_err(|_| GenerateError::Dimension { expected, found })?;
        self.model.to_process_units(&mut states)?;
        Ok(states)
    }
}
