//! What a network is told, lane by lane.

use candle_core::{DType, Device, Result, Tensor};
use driftfield_problems::echo::echo;
use driftfield_solvers::FieldError;

use crate::modules::{Conditions, TensorNetwork};

impl Conditions {
    /// Labels alone: one for each lane, or one for all.
    ///
    /// # Errors
    ///
    /// candle's own.
    pub fn labelled(labels: &[u32]) -> Result<Self> {
        let labels = Tensor::from_slice(labels, labels.len(), &Device::Cpu)?;
        Ok(Conditions { labels: Some(labels), ..Conditions::default() })
    }

    /// The same beside a tensor of that name, one row for each lane or one for all.
    #[must_use]
    pub fn and(mut self, name: impl Into<String>, rows: Tensor) -> Self {
        self.tensors.insert(name.into(), rows);
        self
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.labels.is_none() && self.tensors.is_empty()
    }

    /// On the device of a network, and but for labels and other whole numbers in its type of numbers.
    pub(super) fn like(&self, network: &dyn TensorNetwork) -> Result<Self> {
        let of_type = |tensor: &Tensor| match tensor.dtype() {
            // Labels.
            DType::U32 => Ok(tensor.clone()),
            _ => tensor.to_dtype(network.dtype()),
        };
        self.each(&|tensor| of_type(tensor)?.to_device(network.device()))
    }

    /// The same of every tensor.
    pub(crate) fn each(&self, of: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        let tensors = self.tensors.iter();
        let tensors = tensors.map(|(name, tensor)| Ok((name.clone(), of(tensor)?)));
        let tensors = tensors.collect::<Result<_>>()?;
        Ok(Conditions { labels: self.labels.as_ref().map(of).transpose()?, tensors })
    }

    /// Refuses rows that are neither one nor as many as there are lanes.
    pub(super) fn check_lanes(&self, lanes: usize) -> std::result::Result<(), FieldError> {
        let labels = self.labels.iter().map(|labels| ("labels", labels));
        let tensors = self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
        for (name, tensor) in labels.chain(tensors) {
            let rows = tensor.dims().first().copied().unwrap_or(0);
            if rows != 1 && rows != lanes {
                return Err(FieldError::Shape {
                    expected: format!("`{}` of one row, or of {lanes}, one a lane", echo(name)),
                    found: format!("{rows} rows"),
                });
            }
        }
        Ok(())
    }

    /// What `lanes` lanes are told of this, and after them the lanes of an index of the other; what
    /// only one of both says, all are told.
    pub(super) fn followed_by(&self, other: &Self, lanes: usize, index: &Tensor) -> Result<Self> {
        let join = |first: Option<&Tensor>, second: Option<&Tensor>| -> Result<Tensor> {
            let rows = |tensor: &Tensor| {
                let shape = [&[lanes], &tensor.dims()[1..]].concat();
                tensor.broadcast_as(shape)?.contiguous()
            };
            match (first.or(second), second.or(first)) {
                (Some(first), Some(second)) => {
                    let second = rows(second)?.index_select(index, 0)?;
                    Tensor::cat(&[rows(first)?, second], 0)
                }
                _ => candle_core::bail!("nothing is told"),
            }
        };
        let (labels, tensors) = (&self.labels, &self.tensors);
        let labels = match (labels, &other.labels) {
            (None, None) => None,
            (first, second) => Some(join(first.as_ref(), second.as_ref())?),
        };
        let names = tensors.keys().chain(other.tensors.keys());
        let joined =
            names.map(|name| Ok((name.clone(), join(tensors.get(name), other.tensors.get(name))?)));
        Ok(Conditions { labels, tensors: joined.collect::<Result<_>>()? })
    }
}

/// Forwards to what is pointed at.
macro_rules! forward_network {
    ($pointer:ty) => {
        impl<N: TensorNetwork + ?Sized> TensorNetwork for $pointer {
            fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
                (**self).forward(x, t, conditions)
            }
            fn dtype(&self) -> DType {
                (**self).dtype()
            }
            fn device(&self) -> &Device {
                (**self).device()
            }
            fn differentiable(&self) -> bool {
                (**self).differentiable()
            }
        }
    };
}
forward_network!(std::sync::Arc<N>);
forward_network!(Box<N>);
