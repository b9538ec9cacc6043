//! The plan as an operation on candle tensors.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use driftfield_solvers::{FieldError, StateError};

use super::UNetPlan;
use driftfield_problems::predictor::{Network, Times};

/// The network at fixed times and labels, as a function of the images.
struct Evaluation {
    plan: UNetPlan,
    times: Vec<f64>,
    labels: Vec<u32>,
}

fn message(error: FieldError) -> candle_core::Error {
    candle_core::Error::Msg(error.to_string())
}

impl CustomOp1 for Evaluation {
    fn name(&self) -> &'static str {
        "unet"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = storage.as_slice::<f32>()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("the images must be contiguous")
        };
        let mut out = vec![0.0; end - start];
        let images = &values[start..end];
        self.plan.evaluate(&mut out, images, &self.times, &self.labels).map_err(message)?;
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (images, direction) = (values(x)?, values(g)?);
        let (mut out, mut gradient) = (vec![0.0; images.len()], vec![0.0; images.len()]);
        let results = (&mut out[..], &mut gradient[..]);
        self.plan
            .evaluate_with_gradient(results, &images, &direction, &self.times, &self.labels)
            .map_err(message)?;
        Tensor::from_vec(gradient, x.shape(), x.device()).map(Some)
    }
}

impl UNetPlan {
    /// The network at images `x` `[n, 1, s, s]` of `f32` on the CPU, at one time and label for
    /// all or one of each per image. Differentiable in the images.
    ///
    /// The way back evaluates the network again: nothing but `x` is kept for it. The gradient
    /// carries no graph of its own, so that there is none of second order.
    pub fn forward_tensor(&self, x: &Tensor, times: &[f64], labels: &[u32]) -> Result<Tensor> {
        let (times, labels) = (times.to_vec(), labels.to_vec());
        x.contiguous()?.apply_op1(Evaluation { plan: self.clone(), times, labels })
    }
}

/// A [`UNetPlan`] as a [`Network`] of candle tensors, of `f32` or `f64` and on any device. It is
/// evaluated on the CPU, and the result carries no graph.
#[derive(Debug, Clone)]
pub struct UNetOnTensors(pub UNetPlan);

impl Network<Tensor> for UNetOnTensors {
    fn forward(
        &self,
        out: &mut Tensor,
        x: &Tensor,
        t: Times<'_>,
    ) -> std::result::Result<(), FieldError> {
        let t = t.one()?;
        let backend = |error: candle_core::Error| FieldError::State(StateError::backend(error));
        let images = x.to_dtype(candle_core::DType::F32).and_then(|x| x.flatten_all()?.to_vec1());
        let images: Vec<f32> = images.map_err(backend)?;
        let mut result = vec![0.0; images.len()];
        self.0.evaluate(&mut result, &images, &[t], self.0.labels())?;
        *out = Tensor::from_vec(result, x.shape(), x.device())
            .and_then(|result| result.to_dtype(x.dtype()))
            .map_err(backend)?;
        Ok(())
    }
}
