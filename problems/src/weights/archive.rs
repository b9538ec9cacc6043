//! A checked `.safetensors` file: tensors, one JSON document, one checksum.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StandardisationError;
use crate::atomic_file::{self, WriteError};
use crate::network::ParametersError;

/// The metadata key of the document.
const DOCUMENT: &str = "driftfield";
/// The name of the tensor that holds the checksum.
const CHECKSUM: &str = "checksum";

/// Why a file of weights cannot be written, read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file system refused to read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Not a whole `.safetensors` file.
    #[error(
        "not a whole .safetensors file ({0}); it may have been cut short, fetch or make it again"
    )]
    Malformed(String),
    /// A `.safetensors` file without our document.
    #[error(
        "the file has no `driftfield` metadata; only networks made by `driftfield train` can be loaded"
    )]
    MissingMetadata,
    /// The document cannot be understood.
    #[error("the file's metadata cannot be read: {0}")]
    Metadata(String),
    /// The document says it is something else, or of a later version.
    #[error("the file holds {found}, expected {expected}")]
    Kind {
        /// What was asked for.
        expected: String,
        /// What the file says it is.
        found: String,
    },
    /// A tensor is missing.
    #[error("the file has no tensor `{name}`")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A tensor has another shape or type than the document says.
    #[error("tensor `{name}` should be {expected}, the file has {found}")]
    WrongShape {
        /// Its name.
        name: String,
        /// Shape and type it should have.
        expected: String,
        /// Shape and type it has.
        found: String,
    },
    /// The checksum does not match.
    #[error("the file is damaged: its checksum does not match; fetch or make it again")]
    Checksum,
    /// The weights do not make a network.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The standardisation is unusable.
    #[error(transparent)]
    Standardisation(#[from] StandardisationError),
}

/// Values of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

impl Values {
    fn to_bytes(&self) -> (Dtype, Vec<u8>) {
        match self {
            Values::F32(values) => {
                (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
            Values::F64(values) => {
                (Dtype::F64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
        }
    }
}

/// Named tensors with a document, as written to one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Archive {
    /// JSON.
    document: String,
    tensors: BTreeMap<String, (Vec<usize>, Values)>,
}

/// Tensors as little-endian bytes, by name.
type Encoded<'a> = BTreeMap<&'a str, (Dtype, Vec<usize>, Vec<u8>)>;

/// 64-bit FNV-1a, continued from `hash`.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// 64-bit FNV-1a of some bytes: against accidents, not against adversaries.
pub(crate) fn checksum_of(bytes: impl IntoIterator<Item = impl AsRef<[u8]>>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, bytes| fnv(hash, bytes.as_ref()))
}

impl Archive {
    pub(crate) fn new(document: &impl Serialize) -> Result<Self, WeightsError> {
        let document = serde_json::to_string(document)
            .map_err(|error| WeightsError::Metadata(error.to_string()))?;
        Ok(Archive { document, tensors: BTreeMap::new() })
    }

    pub(crate) fn insert(&mut self, name: &str, shape: &[usize], values: Values) {
        self.tensors.insert(name.to_string(), (shape.to_vec(), values));
    }

    /// The document, read as a `T`.
    pub(crate) fn document<T: DeserializeOwned>(&self) -> Result<T, WeightsError> {
        serde_json::from_str(&self.document)
            .map_err(|error| WeightsError::Metadata(error.to_string()))
    }

    /// The `f32` values of a tensor that must have `shape`.
    pub(crate) fn f32s(&self, name: &str, shape: &[usize]) -> Result<&[f32], WeightsError> {
        match self.tensors.get(name) {
            None => Err(WeightsError::MissingTensor { name: name.to_string() }),
            Some((found, Values::F32(values))) if found == shape => Ok(values),
            Some(found) => Err(wrong_shape(name, "f32", shape, found)),
        }
    }

    /// The `f64` values of a tensor that must have `shape`.
    pub(crate) fn f64s(&self, name: &str, shape: &[usize]) -> Result<&[f64], WeightsError> {
        match self.tensors.get(name) {
            None => Err(WeightsError::MissingTensor { name: name.to_string() }),
            Some((found, Values::F64(values))) if found == shape => Ok(values),
            Some(found) => Err(wrong_shape(name, "f64", shape, found)),
        }
    }

    /// Covers the document's text and every tensor with its name and shape.
    fn checksum(&self, tensors: &Encoded<'_>) -> u64 {
        tensors.iter().fold(checksum_of([&self.document]), |hash, (name, tensor)| {
            let (dtype, shape, bytes) = tensor;
            let hash = fnv(hash, format!("{name} {dtype:?} {shape:?}").as_bytes());
            fnv(hash, bytes)
        })
    }

    fn encoded(&self) -> Encoded<'_> {
        self.tensors
            .iter()
            .map(|(name, (shape, values))| {
                let (dtype, bytes) = values.to_bytes();
                (name.as_str(), (dtype, shape.clone(), bytes))
            })
            .collect()
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        let malformed =
            |error: safetensors::SafeTensorError| WeightsError::Malformed(error.to_string());
        let tensors = self.encoded();
        let checksum = self.checksum(&tensors).to_le_bytes();
        let mut views = tensors
            .iter()
            .map(|(&name, (dtype, shape, bytes))| {
                Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(malformed)?;
        let guard = TensorView::new(Dtype::U64, vec![1], &checksum).map_err(malformed)?;
        views.push((CHECKSUM, guard));
        let metadata = HashMap::from([(DOCUMENT.to_string(), self.document.clone())]);
        safetensors::serialize(views, Some(metadata)).map_err(malformed)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        let malformed =
            |error: safetensors::SafeTensorError| WeightsError::Malformed(error.to_string());
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(malformed)?;
        let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
        let document = header.metadata().as_ref().and_then(|metadata| metadata.get(DOCUMENT));
        let document = document.ok_or(WeightsError::MissingMetadata)?.clone();
        let mut archive = Archive { document, tensors: BTreeMap::new() };
        let mut stored = None;
        for (name, view) in file.iter() {
            // Byte by byte: embedded files are aligned to nothing.
            let values = match view.dtype() {
                Dtype::F32 => {
                    let (values, _) = view.data().as_chunks();
                    Values::F32(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
                }
                Dtype::F64 => {
                    let (values, _) = view.data().as_chunks();
                    Values::F64(values.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect())
                }
                Dtype::U64 if name == CHECKSUM => {
                    stored = view.data().try_into().ok().map(u64::from_le_bytes);
                    continue;
                }
                other => {
                    return Err(WeightsError::WrongShape {
                        name: name.to_string(),
                        expected: "f32 or f64".into(),
                        found: format!("{other:?} {:?}", view.shape()),
                    });
                }
            };
            archive.tensors.insert(name.to_string(), (view.shape().to_vec(), values));
        }
        let stored = stored.ok_or(WeightsError::MissingTensor { name: CHECKSUM.into() })?;
        if stored != archive.checksum(&archive.encoded()) {
            return Err(WeightsError::Checksum);
        }
        Ok(archive)
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), WeightsError> {
        Ok(atomic_file::write(path, &self.to_bytes()?)?)
    }

    pub(crate) fn load(path: &Path) -> Result<Self, WeightsError> {
        let io = |source| WeightsError::Io { path: path.to_path_buf(), source };
        Archive::from_bytes(&std::fs::read(path).map_err(io)?)
    }
}

fn wrong_shape(
    name: &str,
    dtype: &str,
    shape: &[usize],
    (found, values): &(Vec<usize>, Values),
) -> WeightsError {
    let found_dtype = match values {
        Values::F32(_) => "f32",
        Values::F64(_) => "f64",
    };
    WeightsError::WrongShape {
        name: name.to_string(),
        expected: format!("{dtype} {shape:?}"),
        found: format!("{found_dtype} {found:?}"),
    }
}
