//! Sizes of a network, read from its tensors.

use super::ModuleError;
use crate::tensors::{NamedTensors, TensorsError};

/// Length of an axis of a tensor, which has to be there and have it.
pub(super) fn size(tensors: &NamedTensors, name: &str, axis: usize) -> Result<usize, ModuleError> {
    let shape = tensors.get(name)?.dims();
    let short = || TensorsError::Shape {
        name: name.to_owned(),
        expected: format!("of {} axes or more", axis + 1),
        found: shape.to_vec(),
    };
    Ok(shape.get(axis).copied().ok_or_else(short)?)
}

/// How many there are of `prefix.0.suffix`, `prefix.1.suffix`, ... without a gap.
pub(super) fn count(tensors: &NamedTensors, prefix: &str, suffix: &str) -> usize {
    (0..).take_while(|i| tensors.contains(&format!("{prefix}.{i}.{suffix}"))).count()
}
