use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::atomic_file::WriteError;
use crate::echo::echo_path;

/// What is wrong with an `.npy` file, and what to try.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The operating system refused to read.
    #[error("cannot read {}: {source}", echo_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// Any other error, with the file it was found in.
    #[error("{}: {source}", echo_path(path))]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<NpyError>,
    },
    /// There is not a single byte.
    #[error(
        "the file is empty: an .npy file has at least a header; save the array again with numpy.save"
    )]
    NoBytes,
    /// Something else than an `.npy` file.
    #[error("not an .npy file: {found}; save one array with numpy.save")]
    NotNpy {
        /// What the first bytes look like.
        found: &'static str,
    },
    /// The header cannot be understood.
    #[error("the .npy header is broken: {reason}; save the array again with numpy.save")]
    Header {
        /// What the parser found.
        reason: String,
    },
    /// Not f32 or f64.
    #[error(
        "the elements are {what} (dtype {found}), and arrays of float32 and float64 are read; {advice}"
    )]
    Dtype {
        /// The descriptor found.
        found: String,
        /// What the elements are.
        what: &'static str,
        /// What to do with them.
        advice: &'static str,
    },
    /// Too few or too many axes.
    #[error(
        "the array has shape {found:?}, but {expected} are needed; reshape it, one sample per row"
    )]
    Dimensions {
        /// The axes that were expected, in words.
        expected: &'static str,
        /// The shape found.
        found: Vec<usize>,
    },
    /// An axis of length zero.
    #[error(
        "the array has shape {shape:?} and so holds no numbers; at least one row and one column are needed"
    )]
    EmptyArray {
        /// The shape found.
        shape: Vec<usize>,
    },
    /// The file is shorter or longer than its header says.
    #[error(
        "the header promises {promised} bytes of data for shape {shape:?}, but there are {found}; the file is cut short or damaged, copy or save it again"
    )]
    Length {
        /// The shape in the header.
        shape: Vec<usize>,
        /// The number of data bytes this shape takes.
        promised: u128,
        /// The number of data bytes found.
        found: usize,
    },
    /// More than fits in memory.
    #[error(
        "an array of shape {shape:?} takes {gigabytes:.1} GB, more memory than there is; save a part of it"
    )]
    Memory {
        /// The shape in the header.
        shape: Vec<usize>,
        /// What it takes.
        gigabytes: f64,
    },
    /// A finite f64 that f32 cannot hold.
    #[error(
        "element {index} is {value:e}, beyond the range of f32; read the file as f64 or rescale it"
    )]
    OutOfRange {
        /// Position of the element in storage order.
        index: usize,
        /// The element.
        value: f64,
    },
    /// A row handed to a [`RowWriter`](super::RowWriter) has another shape than announced.
    #[error("the row has shape {found:?}, but this file's rows have shape {expected:?}")]
    RowShape {
        /// The shape announced at creation.
        expected: Vec<usize>,
        /// The shape of the row.
        found: Vec<usize>,
    },
}

impl NpyError {
    /// Names the file an error was found in.
    pub(super) fn in_file(self, path: &Path) -> Self {
        match self {
            named @ (NpyError::Io { .. } | NpyError::Write(_) | NpyError::InFile { .. }) => named,
            source => NpyError::InFile { path: path.to_path_buf(), source: Box::new(source) },
        }
    }

    pub(super) fn reading(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| NpyError::Io { path: path.to_path_buf(), source }
    }
}
