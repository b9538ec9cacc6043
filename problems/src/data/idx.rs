//! The IDX format of the MNIST files, plain or gzipped.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// Largest content accepted, far above that of any MNIST-like file (47 MB).
const LARGEST: u64 = 1 << 31;

/// Why an IDX file is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdxError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The gzip stream ends early or is damaged.
    #[error("{path}: the gzip stream is damaged or cut short ({source}); fetch the file again")]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: io::Error,
    },
    /// The file begins with other bytes than such a file does.
    #[error(
        "{path}: the first four bytes are {found:02x?}, an IDX file of {dimensions} dimension(s) of bytes begins with {expected:02x?}"
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// Dimensions that were to be read.
        dimensions: usize,
        /// Its first bytes.
        found: Vec<u8>,
        /// What they should be.
        expected: [u8; 4],
    },
    /// The header announces more values than can be.
    #[error(
        "{path}: the header announces an array of shape {shape:?}, which is empty or too large"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The announced shape.
        shape: Vec<usize>,
    },
    /// More or fewer values than announced.
    #[error(
        "{path}: the header announces {expected} values, the file has {found}; fetch the file again"
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// Values by the header.
        expected: u64,
        /// Values in the file: one more than announced stands for any number more.
        found: u64,
    },
}

/// An array of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// Sizes of all dimensions.
    pub shape: Vec<usize>,
    /// Values, the last dimension fastest.
    pub values: Vec<u8>,
}

impl Idx {
    /// Reads an array of bytes with as many dimensions; what begins as gzip does is unpacked.
    ///
    /// The format: two zero bytes, 8 for unsigned bytes, the number of dimensions, each
    /// dimension as a big-endian `u32`, and the values.
    pub fn read(path: impl AsRef<Path>, dimensions: usize) -> Result<Self, IdxError> {
        let path = path.as_ref();
        let io = |source| IdxError::Io { path: path.to_path_buf(), source };
        let mut file = BufReader::new(File::open(path).map_err(io)?);
        let is_gzip = io::BufRead::fill_buf(&mut file).map_err(io)?.starts_with(&[0x1f, 0x8b]);
        if is_gzip {
            let gzip = |source| IdxError::Gzip { path: path.to_path_buf(), source };
            return read_content(GzDecoder::new(file), path, dimensions, &gzip);
        }
        read_content(file, path, dimensions, &io)
    }
}

fn read_content(
    mut content: impl Read,
    path: &Path,
    dimensions: usize,
    failed: &dyn Fn(io::Error) -> IdxError,
) -> Result<Idx, IdxError> {
    let path_buf = || path.to_path_buf();
    let expected = [0, 0, 8, dimensions as u8];
    let header = take(&mut content, 4).map_err(failed)?;
    if header != expected {
        return Err(IdxError::Magic { path: path_buf(), dimensions, found: header, expected });
    }
    let sizes = take(&mut content, 4 * dimensions as u64).map_err(failed)?;
    let shape: Vec<usize> =
        sizes.as_chunks().0.iter().map(|&size| u32::from_be_bytes(size) as usize).collect();
    let count = shape.iter().try_fold(1u64, |count, &size| count.checked_mul(size as u64));
    let count = count.filter(|count| shape.len() == dimensions && (1..=LARGEST).contains(count));
    let Some(expected) = count else { return Err(IdxError::Shape { path: path_buf(), shape }) };
    let values = take(&mut content, expected + 1).map_err(failed)?;
    let found = values.len() as u64;
    if found != expected {
        return Err(IdxError::Size { path: path_buf(), expected, found });
    }
    Ok(Idx { shape, values })
}

/// At most `count` bytes.
fn take(content: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    content.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}
