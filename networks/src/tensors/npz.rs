//! Tensors of an `.npz` file: a zip archive of one `.npy` an array.

use candle_core::Tensor;
use driftfield_problems::echo::echo;
use driftfield_problems::npy::Header;

use super::archive::Archive;
use super::element::Element;
use super::map::check_memory;
use super::{Format, NamedTensors, TensorsError};

fn malformed(name: &str, reason: impl ToString) -> TensorsError {
    TensorsError::malformed(Format::Npz, format!("`{name}`: {}", reason.to_string()))
}

/// The tensors of the bytes of an `.npz` file.
pub(super) fn read(bytes: &[u8]) -> Result<NamedTensors, TensorsError> {
    let mut archive = Archive::new(bytes, Format::Npz)?;
    let names = archive.names();
    let sizes = names.iter().map(|name| u128::from(archive.size(name).unwrap_or(0)));
    check_memory(names.len(), sizes.sum())?;
    let mut tensors = NamedTensors::new();
    for file in names {
        let Some(name) = file.strip_suffix(".npy") else {
            return Err(malformed(&file, "it is no .npy; make the file by numpy.savez"));
        };
        if let Some(tensor) = array(name, &archive.read(&file, u64::MAX)?)? {
            tensors.insert(name.replace('/', "."), tensor)?;
        }
    }
    Ok(tensors)
}

/// The tensor of the bytes of an `.npy`; none of text, which names what is in the others.
fn array(name: &str, bytes: &[u8]) -> Result<Option<Tensor>, TensorsError> {
    let (header, data) = Header::split(bytes).map_err(|error| malformed(name, error))?;
    let Header { descr, fortran_order, mut shape } = header;
    let letters = descr.trim_start_matches(['<', '|', '=']);
    if letters.trim_start_matches('>').starts_with(['U', 'S']) {
        return Ok(None);
    }
    let element = Element::of_npy(letters)
        .ok_or_else(|| TensorsError::Dtype { name: echo(name), found: echo(&descr) })?;
    if !fortran_order {
        return element.tensor(name, &shape, data).map(Some);
    }
    shape.reverse();
    let backwards: Vec<usize> = (0..shape.len()).rev().collect();
    let tensor = element.tensor(name, &shape, data)?.permute(backwards)?.contiguous()?;
    Ok(Some(tensor))
}
