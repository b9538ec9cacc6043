//! A plan as a network of predictors.

use std::ops::Range;

use driftfield_problems::host::values_like;
use driftfield_problems::predictor::{Inputs, Network, Pullback, Pushforward, Times};
use driftfield_solvers::{FieldError, HostState, State, StateError};

use super::{Plan, Pulled, Pushed, check_rows};

impl Plan {
    /// The rows of a state, if its times fit.
    fn rows<'a, H: HostState>(
        &self,
        x: &'a H,
        t: Times<'_>,
    ) -> Result<&'a [H::Scalar], FieldError> {
        let values = x.values().ok_or(StateError::NotContiguous)?;
        // A container that is one lane (`[f32; 2]`) is one row, and an array of any shape is as
        // many as its first axis says.
        check_rows(x.lane_count(), values.len(), self.dimension())?;
        self.check_times(x, t)?;
        Ok(values)
    }

    /// One pass for lanes at times of their own; with labels of their own as well, a lane that
    /// has moved up in the batch would be given another's.
    pub(super) fn check_times<S: State>(&self, x: &S, t: Times<'_>) -> Result<(), FieldError> {
        t.check(x)?;
        match (t, self.labels().len()) {
            (Times::One(_), _) | (_, 0 | 1) => Ok(()),
            (_, count) => Err(FieldError::other(format!(
                "the {count} labels of this network are those of the lanes by number, and lanes \
                 that take steps of their own leave the batch; give one label, or take one step \
                 for all lanes"
            ))),
        }
    }
}

impl<H: HostState> Network<H> for Plan {
    fn forward(&self, out: &mut H, x: &H, t: Times<'_>) -> Result<(), FieldError> {
        let values = self.rows(x, t)?;
        let out = values_like(out, x.lane_count(), values.len())?;
        self.evaluate(out, values, t)
    }

    fn pull_back(&self, pull: Pullback<'_, H>, x: &H, t: Times<'_>) -> Result<(), FieldError> {
        let values = self.rows(x, t)?;
        let (lanes, len) = (x.lane_count(), values.len());
        check_inputs(&pull.inputs)?;
        let Pullback { value, cotangent, state, time, inputs } = pull;
        let parameters = inputs.parameters;
        // The cotangent is of states.
        let of_rows = |rows: Range<usize>, output: &[H::Scalar], c: &mut [H::Scalar]| {
            let count = rows.len();
            let mut piece = x.zeros_of_lanes(count).ok_or(StateError::LanesInseparable)?;
            values_like(&mut piece, count, output.len())?.copy_from_slice(output);
            let mut along = piece.zeros();
            cotangent(rows, &piece, &mut along)?;
            c.copy_from_slice(values_like(&mut along, count, output.len())?);
            Ok(())
        };
        let mut sums = parameters.as_ref().map(|_| vec![0.0; self.weights()]);
        let results = Pulled {
            output: values_like(value, lanes, len)?,
            states: Some(values_like(state, lanes, len)?),
            times: time,
            parameters: sums.as_deref_mut(),
        };
        self.pull_back(results, values, t, &of_rows)?;
        if let (Some(parameters), Some(sums)) = (parameters, sums) {
            add(parameters, &sums)?;
        }
        Ok(())
    }

    fn push_forward(
        &self,
        push: Pushforward<'_, H>,
        x: &H,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let values = self.rows(x, t)?;
        let (lanes, len) = (x.lane_count(), values.len());
        let direction = push.direction.values().ok_or(StateError::NotContiguous)?;
        let results = Pushed {
            output: values_like(push.value, lanes, len)?,
            product: values_like(push.tangent, lanes, len)?,
        };
        let tau: Vec<f64> = (0..lanes).map(|lane| push.time.of(lane)).collect();
        self.push_forward(results, (values, direction), (t, &tau))
    }

    fn forwards(&self, _t: Times<'_>) -> u64 {
        self.guidance.passes() as u64
    }
}

/// A network knows its parameters alone: labels are no numbers, and a process is its predictor's.
pub(super) fn check_inputs<S>(inputs: &Inputs<'_, S>) -> Result<(), FieldError> {
    inputs.without_conditioning()?;
    inputs.without_process()
}

/// Adds what the weights receive, in their order.
pub(super) fn add(parameters: &mut [f64], sums: &[f32]) -> Result<(), FieldError> {
    if parameters.len() != sums.len() {
        return Err(FieldError::Shape {
            expected: format!("room for the products of {} parameter(s)", sums.len()),
            found: parameters.len().to_string(),
        });
    }
    parameters.iter_mut().zip(sums).for_each(|(to, &sum)| *to += f64::from(sum));
    Ok(())
}
