//! What a network takes out of a file while it is built.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use driftfield_problems::echo::echo;

use crate::tensors::{NamedTensors, TensorsError};

/// Names that were asked for, and the first refusal.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) names: BTreeSet<String>,
    pub(super) refused: Option<TensorsError>,
}

/// Tensors that keep account of what is taken.
struct Recording {
    tensors: NamedTensors,
    taken: Arc<Mutex<Taken>>,
}

/// The tensors for candle modules, and the account of what is taken of them.
///
/// candle's own errors have the name of a tensor in their text at best; the account has it typed.
pub(super) fn recorded(
    tensors: &NamedTensors,
    dtype: DType,
    device: &Device,
) -> (VarBuilder<'static>, Arc<Mutex<Taken>>) {
    let taken = Arc::<Mutex<Taken>>::default();
    let backend = Recording { tensors: tensors.clone(), taken: taken.clone() };
    (VarBuilder::from_backend(Box::new(backend), dtype, device.clone()), taken)
}

impl Recording {
    fn note(&self, note: impl FnOnce(&mut Taken)) {
        note(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn refuse(&self, error: TensorsError) -> Error {
        let text = Error::msg(&error);
        self.note(|taken| {
            taken.refused.get_or_insert(error);
        });
        text
    }
}

impl SimpleBackend for Recording {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() == &shape {
            return Ok(tensor);
        }
        let (expected, found) = (format!("{:?}", shape.dims()), tensor.dims().to_vec());
        Err(self.refuse(TensorsError::Shape { name: echo(name), expected, found }))
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let tensor = self.tensors.get(name).map_err(|error| self.refuse(error))?;
        self.note(|taken| {
            taken.names.insert(name.to_owned());
        });
        tensor.to_device(device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.tensors.contains(name)
    }
}
