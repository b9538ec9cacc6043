//! Candle tensors as states.

use candle_core::{Tensor, Var};
use driftfield_problems::predictor::{Network, Pullback, Times};
use driftfield_solvers::{FieldError, State, TrackedTensor};

use super::Conditioned;
use crate::tensor_layers::backend;

impl Conditioned {
    /// Refuses products of a network that knows no way back: candle would find no graph and give
    /// zeros.
    fn check_differentiable(&self) -> Result<(), FieldError> {
        if self.network.differentiable() {
            return Ok(());
        }
        Err(FieldError::Refused(
            "products with its Jacobian: its network knows no way back, as graphs in ONNX do not; take \
             weights for an architecture of `list architectures`"
                .to_owned(),
        ))
    }

    /// Evaluates, and multiplies the Jacobian in the states from the left by candle's way back.
    pub(super) fn pull_back_tensor(
        &self,
        pull: Pullback<'_, Tensor>,
        x: &Tensor,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.check_differentiable()?;
        pull.without_time()?;
        pull.inputs.none()?;
        let Pullback { value, cotangent, state, .. } = pull;
        let variable = Var::from_tensor(&x.detach()).map_err(backend)?;
        let result = self.evaluate(variable.as_tensor(), t)?;
        *value = result.detach();
        let mut c = value.zeros_like().map_err(backend)?;
        cotangent(0..x.lanes(), value, &mut c)?;
        let pulled = || {
            let gradients = (result * c)?.sum_all()?.backward()?;
            gradients.get(&variable).cloned().map_or_else(|| variable.zeros_like(), Ok)
        };
        *state = pulled().map_err(backend)?;
        Ok(())
    }
}

/// A state `[n, ..]` of any type of numbers; the result has its shape, type and device and carries no
/// graph. Products with the Jacobian in the states from the left are candle's.
impl Network<Tensor> for Conditioned {
    fn forward(&self, out: &mut Tensor, x: &Tensor, t: Times<'_>) -> Result<(), FieldError> {
        *out = self.evaluate(x, t)?.detach();
        Ok(())
    }

    fn pull_back(
        &self,
        pull: Pullback<'_, Tensor>,
        x: &Tensor,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.pull_back_tensor(pull, x, t)
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.passes(t)
    }
}

/// The result carries the graph of the states, so that gradients go back through a solve.
impl Network<TrackedTensor> for Conditioned {
    fn forward(
        &self,
        out: &mut TrackedTensor,
        x: &TrackedTensor,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.check_differentiable()?;
        out.0 = self.evaluate(&x.0, t)?;
        Ok(())
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.passes(t)
    }
}
