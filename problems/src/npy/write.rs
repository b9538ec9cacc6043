use std::path::Path;

use ndarray::{ArrayRef, Dimension};

use super::header;
use super::{NpyElement, NpyError};
use crate::atomic_file;

/// Writes an array of any number of axes, in C order, atomically.
pub fn write<T: NpyElement, D: Dimension>(
    path: impl AsRef<Path>,
    array: &ArrayRef<T, D>,
) -> Result<(), NpyError> {
    let path = path.as_ref();
    let bytes = to_bytes(array).map_err(|error| error.in_file(path))?;
    Ok(atomic_file::write(path, &bytes)?)
}

/// The bytes of the `.npy` file of an array: what `numpy.save` would write of
/// it in C order.
pub fn to_bytes<T: NpyElement, D: Dimension>(array: &ArrayRef<T, D>) -> Result<Vec<u8>, NpyError> {
    let mut bytes = header::to_bytes(T::DTYPE, array.shape())?;
    // `iter` visits in C order whatever the layout in memory.
    array.iter().for_each(|value| value.extend_bytes(&mut bytes));
    Ok(bytes)
}
