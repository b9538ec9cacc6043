//! Handwritten digits from a directory of IDX files.

use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::idx::{IdxError, IdxFile};
use crate::checksum;
use crate::echo::echo_path;

/// Why a directory of digits is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MnistError {
    /// A file cannot be read.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// There is no such file.
    #[error(
        "{}: neither {name} nor {name}.gz is there; `mnist:DIR` takes a directory with the usual four files",
        echo_path(directory)
    )]
    Missing {
        /// The directory.
        directory: PathBuf,
        /// The file looked for.
        name: &'static str,
    },
    /// Images and labels do not belong together.
    #[error("{}: {images} image(s) but {labels} label(s) under {part}-*", echo_path(directory))]
    Count {
        /// The directory.
        directory: PathBuf,
        /// `train` or `t10k`.
        part: &'static str,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The images are not 28 x 28 pixels.
    #[error(
        "{}: images of {found:?} pixels under {part}-*; digits are 28 x 28",
        echo_path(directory)
    )]
    Side {
        /// The directory.
        directory: PathBuf,
        /// `train` or `t10k`.
        part: &'static str,
        /// Height and width.
        found: [usize; 2],
    },
    /// A label is no digit.
    #[error("{}: label {row} under {part}-* is {label}; digits are 0 to 9", echo_path(directory))]
    Label {
        /// The directory.
        directory: PathBuf,
        /// `train` or `t10k`.
        part: &'static str,
        /// Which.
        row: usize,
        /// Its value.
        label: u8,
    },
}

/// Labelled images, one row of pixels in `[0, 1]` each.
#[derive(Debug, Clone, PartialEq)]
pub struct Digits {
    /// `[n, 784]`.
    pub pixels: Array2<f64>,
    /// One per image, 0 to 9.
    pub labels: Vec<u32>,
}

/// The digits of a directory with the four files of the MNIST database (LeCun, Cortes &
/// Burges), each plain or gzipped: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mnist {
    /// The digits under `train-*`.
    pub train: Digits,
    /// The digits under `t10k-*`.
    pub test: Digits,
}

const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

impl Mnist {
    /// Pixels along a side.
    pub const SIDE: usize = 28;

    /// Those of the four files that are there.
    pub fn files(directory: impl AsRef<Path>) -> Vec<PathBuf> {
        let names = TRAIN.into_iter().chain(TEST);
        names.filter_map(|name| find(directory.as_ref(), name).ok()).collect()
    }

    /// Reads all four files.
    pub fn read(directory: impl AsRef<Path>) -> Result<Self, MnistError> {
        let directory = directory.as_ref();
        Ok(Mnist {
            train: Digits::read(directory, "train", TRAIN)?,
            test: Digits::read(directory, "t10k", TEST)?,
        })
    }

    /// A checksum of all of them, pixels and labels.
    pub fn checksum(&self) -> u64 {
        let labels = [&self.train, &self.test].into_iter().flat_map(|digits| &digits.labels);
        let pixels = self.train.pixels.iter().chain(&self.test.pixels);
        let sum = checksum::of_numbers(pixels);
        labels.fold(sum, |sum, label| checksum::extended(sum, &label.to_le_bytes()))
    }

    /// The first half of the digits under `train-*`: what a classifier is trained on.
    pub fn first_half(&self) -> Digits {
        self.train.rows(0..self.train.len() / 2)
    }

    /// The second half, which a classifier trained on the same digits has not seen: what samples
    /// are compared with.
    pub fn second_half(&self) -> Digits {
        self.train.rows(self.train.len() / 2..self.train.len())
    }
}

fn find(directory: &Path, name: &'static str) -> Result<PathBuf, MnistError> {
    let plain = directory.join(name);
    let gzipped = directory.join(format!("{name}.gz"));
    [plain, gzipped]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| MnistError::Missing { directory: directory.to_path_buf(), name })
}

impl Digits {
    fn read(
        directory: &Path,
        part: &'static str,
        [images, labels]: [&'static str; 2],
    ) -> Result<Self, MnistError> {
        let images = IdxFile::open(find(directory, images)?, 3)?;
        let labels = IdxFile::open(find(directory, labels)?, 1)?;
        let directory = || directory.to_path_buf();
        // By the headers, before anything is unpacked.
        let (count, found) = (images.shape()[0], [images.shape()[1], images.shape()[2]]);
        if found != [Mnist::SIDE; 2] {
            return Err(MnistError::Side { directory: directory(), part, found });
        }
        let given = labels.shape()[0];
        if given != count {
            let (images, labels) = (count, given);
            return Err(MnistError::Count { directory: directory(), part, images, labels });
        }
        // A byte of the file and a number of the array.
        images.check_memory(1 + size_of::<f64>() as u64)?;
        let (images, labels) = (images.values()?, labels.values()?);
        if let Some((row, &label)) = labels.iter().enumerate().find(|(_, label)| **label > 9) {
            return Err(MnistError::Label { directory: directory(), part, row, label });
        }
        let side = Mnist::SIDE * Mnist::SIDE;
        let pixels = Array2::from_shape_fn((count, side), |(row, pixel)| {
            f64::from(images[row * side + pixel]) / 255.0
        });
        Ok(Digits { pixels, labels: labels.into_iter().map(u32::from).collect() })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The images in `rows` (those that there are).
    #[must_use]
    pub fn rows(&self, rows: std::ops::Range<usize>) -> Digits {
        let end = rows.end.min(self.len());
        let rows = rows.start.min(end)..end;
        Digits {
            pixels: self.pixels.slice(ndarray::s![rows.clone(), ..]).to_owned(),
            labels: self.labels[rows].to_vec(),
        }
    }
}
