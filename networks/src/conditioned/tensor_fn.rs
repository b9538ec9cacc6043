//! A function of tensors as a network.

use std::fmt;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::Module;

use crate::modules::{Conditions, TensorNetwork};

/// A function `(x, t, conditions) -> output` of candle tensors as a [`TensorNetwork`]: a module of
/// one's own, whatever it is called with.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use candle_nn::{Module, VarBuilder, linear};
/// use driftfield_networks::modules::Conditions;
/// use driftfield_networks::{Conditioned, TensorFn};
///
/// let layer = linear(3, 2, VarBuilder::zeros(DType::F32, &Device::Cpu))?;
/// let network = TensorFn::new(DType::F32, Device::Cpu, move |x: &Tensor, t: &Tensor, _: &Conditions| {
///     let t = t.broadcast_as(x.dim(0)?)?.reshape((x.dim(0)?, 1))?;
///     layer.forward(&Tensor::cat(&[x, &t], 1)?)
/// });
/// let network = Conditioned::new(network, [2], Conditions::default())?;
/// # let _ = network;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TensorFn<F> {
    dtype: DType,
    device: Device,
    function: F,
}

impl<F> TensorFn<F>
where
    F: Fn(&Tensor, &Tensor, &Conditions) -> Result<Tensor>,
{
    /// A function that computes in this type of numbers and on this device. It is given states
    /// `[n, ..]` and times `[n]` or `[1]`.
    pub fn new(dtype: DType, device: Device, function: F) -> Self {
        TensorFn { dtype, device, function }
    }
}

/// A module that is not told the time: a field that is the same at all times.
pub fn timeless<M: Module>(
    dtype: DType,
    device: Device,
    module: M,
) -> TensorFn<impl Fn(&Tensor, &Tensor, &Conditions) -> Result<Tensor>> {
    TensorFn::new(dtype, device, move |x: &Tensor, _: &Tensor, _: &Conditions| module.forward(x))
}

impl<F> TensorNetwork for TensorFn<F>
where
    F: Fn(&Tensor, &Tensor, &Conditions) -> Result<Tensor> + Send + Sync,
{
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        (self.function)(x, t, conditions)
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

impl<F> fmt::Debug for TensorFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dtype, device, .. } = self;
        f.debug_struct("TensorFn").field("dtype", dtype).field("device", device).finish()
    }
}
