//! The IDX format of the MNIST files, plain or gzipped.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::echo::echo_path;
use crate::memory;

/// Largest content accepted, far above that of any MNIST-like file (47 MB).
const LARGEST: u64 = 1 << 31;

/// Why an IDX file is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdxError {
    /// The file system refused.
    #[error("{}: {source}", echo_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The gzip stream ends early or is damaged.
    #[error(
        "{}: the gzip stream is damaged or cut short ({source}); fetch the file again",
        echo_path(path)
    )]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: io::Error,
    },
    /// The file begins with other bytes than such a file does.
    #[error(
        "{}: the first four bytes are {found:02x?}, an IDX file of {dimensions} dimension(s) of bytes begins with {expected:02x?}",
        echo_path(path)
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
        "{}: the header announces an array of shape {shape:?}, which is empty or too large",
        echo_path(path)
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The announced shape.
        shape: Vec<usize>,
    },
    /// More values than there is memory for.
    #[error(
        "{}: an array of shape {shape:?} takes {gigabytes:.1} GB, more memory than there is; take a part of it",
        echo_path(path)
    )]
    Memory {
        /// The file.
        path: PathBuf,
        /// The announced shape.
        shape: Vec<usize>,
        /// What it takes.
        gigabytes: f64,
    },
    /// More or fewer values than announced.
    #[error(
        "{}: the header announces {expected} values, the file has {found}; fetch the file again",
        echo_path(path)
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

/// A file whose header has been read, and whose values have not.
pub struct IdxFile {
    path: PathBuf,
    shape: Vec<usize>,
    content: Box<dyn Read>,
    is_gzip: bool,
}

impl IdxFile {
    /// Opens an array of bytes with as many dimensions; what begins as gzip does is unpacked.
    ///
    /// The format: two zero bytes, 8 for unsigned bytes, the number of dimensions, each
    /// dimension as a big-endian `u32`, and the values.
    pub fn open(path: impl AsRef<Path>, dimensions: usize) -> Result<Self, IdxError> {
        let path = path.as_ref().to_path_buf();
        let io = |source| IdxError::Io { path: path.clone(), source };
        let mut file = BufReader::new(File::open(&path).map_err(io)?);
        let is_gzip = io::BufRead::fill_buf(&mut file).map_err(io)?.starts_with(&[0x1f, 0x8b]);
        let content: Box<dyn Read> =
            if is_gzip { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
        let mut idx = IdxFile { path, shape: Vec::new(), content, is_gzip };
        let expected = [0, 0, 8, dimensions as u8];
        let found = idx.take(4)?;
        if found != expected {
            return Err(IdxError::Magic { path: idx.path, dimensions, found, expected });
        }
        let sizes = idx.take(4 * dimensions as u64)?;
        let sizes = sizes.as_chunks().0.iter();
        idx.shape = sizes.map(|&size| u32::from_be_bytes(size) as usize).collect();
        if idx.shape.len() != dimensions || !(1..=LARGEST).contains(&idx.count()) {
            return Err(IdxError::Shape { path: idx.path, shape: idx.shape });
        }
        Ok(idx)
    }

    /// Sizes of all dimensions, by the header.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Values, by the header.
    fn count(&self) -> u64 {
        self.shape.iter().fold(1, |count: u64, &size| count.saturating_mul(size as u64))
    }

    /// Refuses what memory does not hold if every value takes so many bytes.
    pub(super) fn check_memory(&self, bytes_each: u64) -> Result<(), IdxError> {
        let bytes = self.count().saturating_mul(bytes_each);
        if bytes <= memory::available() { Ok(()) } else { Err(self.no_memory(bytes)) }
    }

    fn no_memory(&self, bytes: u64) -> IdxError {
        let (path, shape) = (self.path.clone(), self.shape.clone());
        IdxError::Memory { path, shape, gigabytes: bytes as f64 / 1e9 }
    }

    /// The values, the last dimension fastest.
    pub fn values(mut self) -> Result<Vec<u8>, IdxError> {
        self.check_memory(1)?;
        let expected = self.count();
        let values = self.take(expected + 1)?;
        let found = values.len() as u64;
        if found == expected {
            return Ok(values);
        }
        Err(IdxError::Size { path: self.path, expected, found })
    }

    /// At most `count` bytes.
    fn take(&mut self, count: u64) -> Result<Vec<u8>, IdxError> {
        let mut bytes = Vec::new();
        match self.content.by_ref().take(count).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            // Growing the buffer failed: the file is as good as it was.
            Err(error) if error.kind() == ErrorKind::OutOfMemory => Err(self.no_memory(count)),
            Err(source) if self.is_gzip => Err(IdxError::Gzip { path: self.path.clone(), source }),
            Err(source) => Err(IdxError::Io { path: self.path.clone(), source }),
        }
    }
}
