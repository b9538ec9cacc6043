//! A plan as a network of predictors.

use driftfield_problems::host::values_like;
use driftfield_problems::predictor::{Cotangent, DifferentiableNetwork, Network, Pullback};
use driftfield_solvers::lanes::check_times;
use driftfield_solvers::{FieldError, HostState, StateError};

use super::{Plan, Pulled, check_rows};
use crate::pass::Times;

impl Plan {
    /// The rows of a state.
    fn rows<'a, H: HostState>(&self, x: &'a H) -> Result<&'a [H::Scalar], FieldError> {
        let values = x.values().ok_or(StateError::NotContiguous)?;
        // A container that is one lane (`[f32; 2]`) is one row, and an array of any shape is as
        // many as its first axis says.
        check_rows(x.lane_count(), values.len(), self.dimension())?;
        Ok(values)
    }

    fn forward_at<H: HostState>(
        &self,
        out: &mut H,
        x: &H,
        times: Times<'_>,
    ) -> Result<(), FieldError> {
        let values = self.rows(x)?;
        let out = values_like(out, x.lane_count(), values.len())?;
        self.evaluate(out, values, times)
    }

    /// One pass for lanes at times of their own; with labels of their own as well, a lane that
    /// has moved up in the batch would be given another's.
    fn check_label_for_all(&self) -> Result<(), FieldError> {
        match self.labels().len() {
            0 | 1 => Ok(()),
            count => Err(FieldError::Other(format!(
                "the {count} labels of this network are those of the lanes by number, and lanes \
                 that take steps of their own leave the batch; give one label, or take one step \
                 for all lanes"
            ))),
        }
    }
}

impl<H: HostState> Network<H> for Plan {
    fn forward(&self, out: &mut H, x: &H, t: f64) -> Result<(), FieldError> {
        self.forward_at(out, x, Times::One(t))
    }

    fn forward_lanes(&self, out: &mut H, x: &H, t: &[f64]) -> Result<(), FieldError> {
        self.check_label_for_all()?;
        check_times(x, t)?;
        self.forward_at(out, x, Times::Each(t))
    }

    fn forwards(&self) -> u64 {
        self.guidance.passes() as u64
    }
}

impl<H: HostState> DifferentiableNetwork<H> for Plan {
    fn forward_with_pullback(
        &self,
        results: Pullback<'_, H>,
        x: &H,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError> {
        let values = self.rows(x)?;
        let (lanes, len) = (x.lane_count(), values.len());
        let Pullback { output, direction, gradient } = results;
        let results = Pulled {
            output: values_like(output, lanes, len)?,
            direction: values_like(direction, lanes, len)?,
            states: Some(values_like(gradient, lanes, len)?),
            times: None,
            parameters: None,
        };
        self.pull_back(results, values, Times::One(t), cotangent)
    }
}
