//! What the blocks of a `UNet2DModel` are told: time, and a label.

use candle_core::{DType, Result, Tensor};
use candle_nn::{Embedding, Linear, Module, VarBuilder, embedding, linear};

use super::UNet2dConfig;
use crate::modules::Conditions;
use crate::modules::time::{Order, frequencies, sinusoids};

/// Two maps of sines and cosines.
#[derive(Debug)]
struct OfTime {
    maps: [Linear; 2],
}

impl OfTime {
    fn new(config: &UNet2dConfig, tensors: &VarBuilder<'_>) -> Result<Self> {
        let width = config.time_width();
        let first = linear(config.features(), width, tensors.pp("linear_1"))?;
        Ok(OfTime { maps: [first, linear(width, width, tensors.pp("linear_2"))?] })
    }

    fn forward(&self, features: &Tensor) -> Result<Tensor> {
        let [first, second] = &self.maps;
        second.forward(&first.forward(features)?.silu()?)
    }
}

#[derive(Debug)]
enum OfLabels {
    Table(Embedding),
    Times(OfTime),
}

/// The embedding of times and labels.
#[derive(Debug)]
pub(super) struct Told {
    frequencies: Vec<f32>,
    order: Order,
    time: OfTime,
    labels: Option<OfLabels>,
    dtype: DType,
}

impl Told {
    pub(super) fn new(config: &UNet2dConfig, tensors: &VarBuilder<'_>) -> Result<Self> {
        let classes = tensors.pp("class_embedding");
        let labels = match config.num_class_embeds {
            _ if config.embeds_labels_as_times() => {
                Some(OfLabels::Times(OfTime::new(config, &classes)?))
            }
            Some(count) => Some(OfLabels::Table(embedding(count, config.time_width(), classes)?)),
            None => None,
        };
        Ok(Told {
            frequencies: frequencies(config.features() / 2, config.freq_shift as f32),
            order: if config.flip_sin_to_cos { Order::CosineFirst } else { Order::SineFirst },
            time: OfTime::new(config, &tensors.pp("time_embedding"))?,
            labels,
            dtype: tensors.dtype(),
        })
    }

    /// For times `[n]`, as every block takes it: behind its activation.
    pub(super) fn forward(&self, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        let lanes = t.dim(0)?;
        let features = |t: &Tensor| sinusoids(t, &self.frequencies, self.order, self.dtype);
        let time = self.time.forward(&features(t)?)?;
        let labels = match &self.labels {
            None => return time.silu(),
            Some(OfLabels::Table(table)) => table.forward(&conditions.labels(lanes)?)?,
            Some(OfLabels::Times(times)) => {
                times.forward(&features(&conditions.labels(lanes)?.to_dtype(t.dtype())?)?)?
            }
        };
        (time + labels)?.silu()
    }
}
