//! Tensors of a `.safetensors` file, and such a file of tensors.

use std::collections::{BTreeMap, HashMap};

use driftfield_problems::echo::echo;
use safetensors::SafeTensors;

use super::element::Element;
use super::{Format, NamedTensors, TensorsError};

/// The tensors of the bytes of a `.safetensors` file.
pub(super) fn read(bytes: &[u8]) -> Result<NamedTensors, TensorsError> {
    let malformed = |error| TensorsError::malformed(Format::Safetensors, error);
    let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
    let mut tensors = NamedTensors::new();
    // In the order of their names, so that of several faults the same is named every time.
    for (name, view) in file.iter().collect::<BTreeMap<_, _>>() {
        let Some(element) = Element::of_safetensors(view.dtype()) else {
            let found = format!("{:?}", view.dtype()).to_lowercase();
            return Err(TensorsError::Dtype { name: echo(name), found });
        };
        tensors.insert(name, element.tensor(name, view.shape(), view.data())?)?;
    }
    Ok(tensors)
}

impl NamedTensors {
    /// The bytes of a `.safetensors` file of the tensors, with texts of the caller's in its header.
    /// With one text at most they are the same for the same tensors.
    pub fn to_safetensors(&self, texts: HashMap<String, String>) -> Result<Vec<u8>, TensorsError> {
        let malformed = |error| TensorsError::malformed(Format::Safetensors, error);
        let texts = (!texts.is_empty()).then_some(texts);
        safetensors::serialize(self.iter(), texts).map_err(malformed)
    }
}
