use std::path::Path;

use ndarray::{Array2, ArrayD, Ix2, IxDyn, ShapeBuilder};

use super::header::Header;
use super::{NpyElement, NpyError};

/// Reads an array of two or more axes, converting between f32 and f64.
pub fn read<T: NpyElement>(path: impl AsRef<Path>) -> Result<ArrayD<T>, NpyError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(NpyError::reading(path))?;
    parse(&bytes).map_err(|error| error.in_file(path))
}

/// Reads an array of exactly two axes `[n, d]`, converting between f32 and f64.
pub fn read_matrix<T: NpyElement>(path: impl AsRef<Path>) -> Result<Array2<T>, NpyError> {
    let path = path.as_ref();
    let array = read(path)?;
    let shape = array.shape().to_vec();
    array.into_dimensionality::<Ix2>().map_err(|_| {
        NpyError::Dimensions { expected: "exactly two axes [n, d]", found: shape }.in_file(path)
    })
}

/// Reads an array of two or more axes as rows `[n, d]`, one for each entry of its first axis, and
/// the shape that a row has in the file.
pub fn read_rows<T: NpyElement>(
    path: impl AsRef<Path>,
) -> Result<(Array2<T>, Vec<usize>), NpyError> {
    let array = read::<T>(path)?;
    let (count, shape) = (array.shape()[0], array.shape()[1..].to_vec());
    let rows = array
        .into_shape_with_order((count, shape.iter().product::<usize>()))
        .map_err(|error| NpyError::Header { reason: error.to_string() })?;
    Ok((rows, shape))
}

/// Reads a list of numbers, an array of exactly one axis.
pub fn read_vector<T: NpyElement>(path: impl AsRef<Path>) -> Result<Vec<T>, NpyError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(NpyError::reading(path))?;
    let array = any_shape(&bytes).map_err(|error| error.in_file(path))?;
    if array.ndim() == 1 {
        return Ok(array.into_iter().collect());
    }
    let found = array.shape().to_vec();
    Err(NpyError::Dimensions { expected: "exactly one axis [n]", found }.in_file(path))
}

/// The array in the bytes of an `.npy` file; see [`read`].
pub fn parse<T: NpyElement>(bytes: &[u8]) -> Result<ArrayD<T>, NpyError> {
    let (header, _) = Header::split(bytes)?;
    // Before the data is looked at: the shape is the first thing to be said to be wrong.
    if ["<f4", ">f4", "<f8", ">f8"].contains(&header.dtype.as_str()) && header.shape.len() < 2 {
        let expected = "two or more axes [n, d] or [n, c, h, w]";
        return Err(NpyError::Dimensions { expected, found: header.shape });
    }
    any_shape(bytes)
}

fn any_shape<T: NpyElement>(bytes: &[u8]) -> Result<ArrayD<T>, NpyError> {
    let (Header { dtype, fortran_order, shape }, data) = Header::split(bytes)?;
    let size = match dtype.as_str() {
        "<f4" | ">f4" => 4,
        "<f8" | ">f8" => 8,
        _ => return Err(NpyError::Dtype { found: dtype }),
    };
    if shape.contains(&0) {
        return Err(NpyError::EmptyArray { shape });
    }
    // Checked before anything is allocated: a damaged header may promise more
    // than any memory holds. Saturation is as wrong as the true product.
    let promised =
        shape.iter().fold(size as u128, |product, &axis| product.saturating_mul(axis as u128));
    if promised != data.len() as u128 {
        return Err(NpyError::Length { shape, promised, found: data.len() });
    }
    let values = match dtype.as_str() {
        "<f4" => decode(data, |bytes| from_f32(f32::from_le_bytes(bytes))),
        ">f4" => decode(data, |bytes| from_f32(f32::from_be_bytes(bytes))),
        "<f8" => decode(data, |bytes| from_f64(f64::from_le_bytes(bytes))),
        _ => decode(data, |bytes| from_f64(f64::from_be_bytes(bytes))),
    }?;
    let array = ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran_order), values)
        .map_err(|error| NpyError::Header { reason: error.to_string() })?;
    Ok(if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() })
}

fn from_f32<T: NpyElement>(value: f32) -> Result<T, f64> {
    T::from_f32(value).ok_or(f64::from(value))
}

fn from_f64<T: NpyElement>(value: f64) -> Result<T, f64> {
    T::from_f64(value).ok_or(value)
}

fn decode<T, const SIZE: usize>(
    data: &[u8],
    element: impl Fn([u8; SIZE]) -> Result<T, f64>,
) -> Result<Vec<T>, NpyError> {
    let (chunks, _) = data.as_chunks::<SIZE>();
    chunks
        .iter()
        .enumerate()
        .map(|(index, &bytes)| {
            element(bytes).map_err(|value| NpyError::OutOfRange { index, value })
        })
        .collect()
}
