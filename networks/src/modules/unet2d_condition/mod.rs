//! `UNet2DConditionModel` of diffusers, the U-Net of Stable Diffusion, as `candle-transformers`
//! has it.

mod config;
#[cfg(test)]
mod tests;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::stable_diffusion::unet_2d::UNet2DConditionModel;

pub use config::UNet2dConditionConfig;

use super::layers::check_sides;
use super::{Conditions, TensorNetwork};

/// The U-Net of Stable Diffusion, told `encoder_hidden_states`, `[n, tokens, cross_attention_dim]`.
///
/// `candle-transformers` computes its attention in single precision, takes tanh for erf in its
/// GELU, which moves outputs by parts in 10^4 from those of diffusers, and knows one time for all
/// lanes: lanes of unlike times are evaluated in runs of one time. Its normalisation and softmax
/// have no backward pass, so that outputs carry no graph.
#[derive(Debug)]
pub struct UNet2dCondition {
    network: UNet2DConditionModel,
    levels: usize,
    dtype: DType,
    device: Device,
}

impl UNet2dCondition {
    /// The network of these tensors, under the names of `diffusion_pytorch_model.safetensors`.
    ///
    /// # Errors
    /// A tensor is missing or of another shape.
    pub fn new(config: &UNet2dConditionConfig, tensors: &VarBuilder<'_>) -> Result<Self> {
        let (inputs, outputs) = (config.in_channels, config.out_channels);
        let network =
            UNet2DConditionModel::new(tensors.clone(), inputs, outputs, false, config.of_candle())?;
        Ok(UNet2dCondition {
            network,
            levels: config.block_out_channels.len(),
            dtype: tensors.dtype(),
            device: tensors.device().clone(),
        })
    }
}

impl TensorNetwork for UNet2dCondition {
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        check_sides(x, self.levels)?;
        let text = conditions.rows("encoder_hidden_states", x.dim(0)?)?;
        let times: Vec<f64> = t.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?;
        let [time] = times[..] else { return self.in_runs(x, &times, &text) };
        Ok(self.network.forward(x, time, &text)?.detach())
    }

    fn differentiable(&self) -> bool {
        false
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

impl UNet2dCondition {
    /// Lanes of one time together, for as long as they follow each other.
    fn in_runs(&self, x: &Tensor, times: &[f64], text: &Tensor) -> Result<Tensor> {
        if times.len() != x.dim(0)? {
            candle_core::bail!("{} times for {} lanes", times.len(), x.dim(0)?);
        }
        let mut outputs = Vec::new();
        let mut start = 0;
        for run in times.chunk_by(|a, b| a == b) {
            let of_run = |all: &Tensor| all.narrow(0, start, run.len())?.contiguous();
            let output = self.network.forward(&of_run(x)?, run[0], &of_run(text)?)?;
            outputs.push(output.detach());
            start += run.len();
        }
        Tensor::cat(&outputs, 0)
    }
}
