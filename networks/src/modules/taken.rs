//! What a network takes out of a file while it is built.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};

use super::ModuleError;

/// Names that were asked for, and the first refusal.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) names: BTreeSet<String>,
    pub(super) refused: Option<ModuleError>,
}

/// Tensors that keep account of what is taken.
struct Recording<'a> {
    architecture: &'static str,
    tensors: VarBuilder<'a>,
    taken: Arc<Mutex<Taken>>,
}

/// The same tensors, and the account of what is taken of them.
///
/// candle's own errors have the name of a tensor in their text at best; the account has it typed.
pub(super) fn recorded<'a>(
    architecture: &'static str,
    tensors: VarBuilder<'a>,
) -> (VarBuilder<'a>, Arc<Mutex<Taken>>) {
    let taken = Arc::<Mutex<Taken>>::default();
    let (dtype, device) = (tensors.dtype(), tensors.device().clone());
    let backend = Recording { architecture, tensors, taken: taken.clone() };
    (VarBuilder::from_backend(Box::new(backend), dtype, device), taken)
}

impl Recording<'_> {
    fn note(&self, note: impl FnOnce(&mut Taken)) {
        note(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn refuse(&self, error: ModuleError) -> Error {
        let text = Error::msg(&error);
        self.note(|taken| {
            taken.refused.get_or_insert(error);
        });
        text
    }
}

impl SimpleBackend for Recording<'_> {
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
        Err(self.refuse(ModuleError::Shape {
            architecture: self.architecture,
            name: name.to_owned(),
            expected: shape.into_dims(),
            found: tensor.dims().to_vec(),
        }))
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        if !self.tensors.contains_tensor(name) {
            let (architecture, name) = (self.architecture, name.to_owned());
            return Err(self.refuse(ModuleError::Missing { architecture, name }));
        }
        self.note(|taken| {
            taken.names.insert(name.to_owned());
        });
        self.tensors.get_unchecked_dtype(name, dtype)?.to_device(device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.tensors.contains_tensor(name)
    }
}
