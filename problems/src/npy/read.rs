use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ndarray::{Array2, ArrayD, Ix2, IxDyn, ShapeBuilder};

use super::dtype::Floats;
use super::header::{Header, LONGEST_FRONT};
use super::{NpyElement, NpyError};
use crate::memory;

/// Elements decoded at a time.
const CHUNK: usize = 1 << 13;

/// Reads an array of two or more axes, converting between f32 and f64.
pub fn read<T: NpyElement>(path: impl AsRef<Path>) -> Result<ArrayD<T>, NpyError> {
    from_file(path.as_ref(), Axes::TwoOrMore)
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
    Ok(from_file(path.as_ref(), Axes::One)?.into_iter().collect())
}

/// The array in the bytes of an `.npy` file; see [`read`].
pub fn parse<T: NpyElement>(bytes: &[u8]) -> Result<ArrayD<T>, NpyError> {
    let failed = NpyError::reading(Path::new("bytes in memory"));
    from_content(bytes, Some(bytes.len() as u64), Axes::TwoOrMore, &failed)
}

/// How many axes are wanted.
#[derive(Clone, Copy)]
enum Axes {
    One,
    TwoOrMore,
}

impl Axes {
    fn check(self, shape: &[usize]) -> Result<(), NpyError> {
        let expected = match self {
            Axes::One if shape.len() != 1 => "exactly one axis [n]",
            Axes::TwoOrMore if shape.len() < 2 => "two or more axes [n, d] or [n, c, h, w]",
            _ => return Ok(()),
        };
        Err(NpyError::Dimensions { expected, found: shape.to_vec() })
    }
}

fn from_file<T: NpyElement>(path: &Path, axes: Axes) -> Result<ArrayD<T>, NpyError> {
    let failed = NpyError::reading(path);
    let file = File::open(path).map_err(&failed)?;
    let metadata = file.metadata().map_err(&failed)?;
    let length = metadata.is_file().then_some(metadata.len());
    from_content(file, length, axes, &failed).map_err(|error| error.in_file(path))
}

/// The array of a file's content, of which `length` says how much there is, if that is known:
/// a pipe does not tell.
///
/// All that can be wrong with the header is found before anything is allocated: a damaged one may
/// promise more than any memory holds, and what has no end is read no further than promised.
fn from_content<T: NpyElement>(
    mut content: impl Read,
    length: Option<u64>,
    axes: Axes,
    failed: &impl Fn(io::Error) -> NpyError,
) -> Result<ArrayD<T>, NpyError> {
    let mut front = Vec::new();
    content.by_ref().take(LONGEST_FRONT as u64).read_to_end(&mut front).map_err(failed)?;
    let (Header { descr, fortran_order, shape }, begun) = Header::split(&front)?;
    let floats = Floats::parse(&descr)?;
    axes.check(&shape)?;
    if shape.contains(&0) {
        return Err(NpyError::EmptyArray { shape });
    }
    // Saturation is as wrong as the true product.
    let count = shape.iter().fold(1, |product: u128, &axis| product.saturating_mul(axis as u128));
    let promised = count.saturating_mul(floats.size as u128);
    let wrong_length = |found: u64| {
        let found = usize::try_from(found).unwrap_or(usize::MAX);
        Err(NpyError::Length { shape: shape.clone(), promised, found })
    };
    let before = (front.len() - begun.len()) as u64;
    if let Some(found) = length.map(|length| length.saturating_sub(before))
        && u128::from(found) != promised
    {
        return wrong_length(found);
    }
    let copies = if fortran_order { 2 } else { 1 };
    let bytes = count.saturating_mul(copies * size_of::<T>() as u128);
    let mut values = Vec::new();
    let reserved =
        usize::try_from(count).is_ok_and(|count| values.try_reserve_exact(count).is_ok());
    if bytes > u128::from(memory::available()) || !reserved {
        return Err(NpyError::Memory { shape, gigabytes: bytes as f64 / 1e9 });
    }
    let mut data = begun.chain(content);
    let mut chunk = Vec::new();
    // It has been reserved, so that it is a number of this machine.
    let count = count as usize;
    while values.len() < count {
        let wanted = CHUNK.min(count - values.len()) * floats.size;
        chunk.clear();
        data.by_ref().take(wanted as u64).read_to_end(&mut chunk).map_err(failed)?;
        if chunk.len() < wanted {
            return wrong_length((values.len() * floats.size + chunk.len()) as u64);
        }
        decode(&chunk, floats, &mut values)?;
    }
    chunk.clear();
    if data.take(1).read_to_end(&mut chunk).map_err(failed)? > 0 {
        return wrong_length(u64::try_from(promised).unwrap_or(u64::MAX).saturating_add(1));
    }
    let array = ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran_order), values)
        .map_err(|error| NpyError::Header { reason: error.to_string() })?;
    Ok(if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() })
}

/// Appends the elements of a chunk.
fn decode<T: NpyElement>(
    chunk: &[u8],
    Floats { size, big_endian }: Floats,
    values: &mut Vec<T>,
) -> Result<(), NpyError> {
    match (size, big_endian) {
        (4, false) => append(chunk, |bytes| from_f32(f32::from_le_bytes(bytes)), values),
        (4, true) => append(chunk, |bytes| from_f32(f32::from_be_bytes(bytes)), values),
        (_, false) => append(chunk, |bytes| from_f64(f64::from_le_bytes(bytes)), values),
        (_, true) => append(chunk, |bytes| from_f64(f64::from_be_bytes(bytes)), values),
    }
}

fn from_f32<T: NpyElement>(value: f32) -> Result<T, f64> {
    T::from_f32(value).ok_or(f64::from(value))
}

fn from_f64<T: NpyElement>(value: f64) -> Result<T, f64> {
    T::from_f64(value).ok_or(value)
}

fn append<T, const SIZE: usize>(
    chunk: &[u8],
    element: impl Fn([u8; SIZE]) -> Result<T, f64>,
    values: &mut Vec<T>,
) -> Result<(), NpyError> {
    for &bytes in chunk.as_chunks::<SIZE>().0 {
        let index = values.len();
        values.push(element(bytes).map_err(|value| NpyError::OutOfRange { index, value })?);
    }
    Ok(())
}
