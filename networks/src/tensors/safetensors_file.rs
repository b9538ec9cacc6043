//! Tensors of a `.safetensors` file.

use std::collections::BTreeMap;

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
