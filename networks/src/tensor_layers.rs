//! candle-nn's layers with weights as they are stored: `[inputs, outputs]`, and `[3, 3, inputs,
//! outputs]` for convolutions.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Embedding, GroupNorm, Linear, VarBuilder};
use driftfield_solvers::{FieldError, StateError};

use crate::{Architecture, Parameters};

/// What candle refuses, as a field does.
pub(crate) fn backend(error: candle_core::Error) -> FieldError {
    FieldError::State(StateError::backend(error))
}

impl<A: Architecture> Parameters<A> {
    /// The weights by name, in `f32`, `f64` or another type and on any device: what candle-nn's
    /// layers are built from.
    pub fn tensors(&self, dtype: DType, device: &Device) -> Result<VarBuilder<'static>> {
        let tensor = |entry: crate::ParameterEntry| {
            let values = &self.values()[entry.range];
            Ok((entry.name, Tensor::from_slice(values, entry.shape, device)?.to_dtype(dtype)?))
        };
        let tensors = self.entries().into_iter().map(tensor).collect::<Result<HashMap<_, _>>>()?;
        Ok(VarBuilder::from_tensors(tensors, dtype, device))
    }
}

/// `x W + b`.
pub(crate) fn linear(vars: VarBuilder<'_>, inputs: usize, outputs: usize) -> Result<Linear> {
    let weight = vars.get((inputs, outputs), "weight")?.t()?;
    Ok(Linear::new(weight, Some(vars.get(outputs, "bias")?)))
}

/// `x W`.
pub(crate) fn matrix(vars: VarBuilder<'_>, inputs: usize, outputs: usize) -> Result<Linear> {
    Ok(Linear::new(vars.get((inputs, outputs), "weight")?.t()?, None))
}

/// `x W + b` on the channels of every pixel of `[n, c, h, w]`.
pub(crate) fn pixelwise(vars: VarBuilder<'_>, inputs: usize, outputs: usize) -> Result<Conv2d> {
    let weight = vars.get((inputs, outputs), "weight")?.t()?.contiguous()?;
    let weight = weight.reshape((outputs, inputs, 1, 1))?;
    Ok(Conv2d::new(weight, Some(vars.get(outputs, "bias")?), Conv2dConfig::default()))
}

/// A convolution over 3 x 3 pixels of `[n, c, h, w]`, surrounded by zeros.
pub(crate) fn convolution(vars: VarBuilder<'_>, inputs: usize, outputs: usize) -> Result<Conv2d> {
    let weight = vars.get((3, 3, inputs, outputs), "weight")?;
    let weight = weight.permute((3, 2, 0, 1))?.contiguous()?;
    let config = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
    Ok(Conv2d::new(weight, Some(vars.get(outputs, "bias")?), config))
}

/// Group normalisation of `[n, c, h, w]`.
pub(crate) fn norm(vars: VarBuilder<'_>, channels: usize, groups: usize) -> Result<GroupNorm> {
    let (scale, shift) = (vars.get(channels, "scale")?, vars.get(channels, "shift")?);
    GroupNorm::new(scale, shift, channels, groups, 1e-5)
}

/// A row for every index.
pub(crate) fn table(vars: VarBuilder<'_>, rows: usize, columns: usize) -> Result<Embedding> {
    Ok(Embedding::new(vars.get((rows, columns), "weight")?, columns))
}

/// Blocks of 2 x 2 pixels to channels: `[n, c, 2 s, 2 s]` to `[n, 4 c, s, s]`, all channels of a
/// pixel side by side.
pub(crate) fn to_channels(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let blocks = x.reshape(vec![n, c, h / 2, 2, w / 2, 2])?.permute(vec![0, 3, 5, 1, 2, 4])?;
    blocks.reshape((n, 4 * c, h / 2, w / 2))
}

/// The inverse of [`to_channels`].
pub(crate) fn from_channels(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let blocks = x.reshape(vec![n, 2, 2, c / 4, h, w])?.permute(vec![0, 3, 4, 1, 5, 2])?;
    blocks.reshape((n, c / 4, 2 * h, 2 * w))
}
