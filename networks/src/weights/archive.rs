//! A checked `.safetensors` file: tensors, one JSON document, one checksum.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use driftfield_problems::atomic_file::{self, WriteError};
use driftfield_problems::checksum;
use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::standardisation::StandardisationError;
use driftfield_problems::user_file;
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ParametersError;

/// The metadata key of the document.
pub(crate) const DOCUMENT: &str = "driftfield";
/// The name of the tensor that holds the checksum.
const CHECKSUM: &str = "checksum";
/// The document of a `.safetensors` file under a key of its metadata, as text.
pub(crate) fn document_of(bytes: &[u8], key: &str) -> Option<String> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    header.metadata().as_ref()?.get(key).cloned()
}

/// Largest file read, if memory holds it.
const LARGEST: u64 = 1 << 36;

/// Why a file of weights cannot be written, read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file system refused to read.
    #[error("{}: {source}", echo_path(path))]
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
    #[error(
        "the file is damaged, or was changed after it was made: its checksum does not match; fetch or make it again"
    )]
    Checksum,
    /// Numbers of a type that no network has.
    #[error(
        "tensor `{name}` holds {found}; weights are f32, and f16, bf16 and f64 are converted, convert it to one of these"
    )]
    Dtype {
        /// Its name.
        name: String,
        /// The type found.
        found: String,
    },
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
    /// Half precision of either kind, converted.
    Half(Vec<f32>),
}

impl Values {
    /// Those of a tensor, if they are floating-point numbers.
    ///
    /// Byte by byte: embedded files are aligned to nothing.
    fn of(view: &TensorView<'_>) -> Option<Values> {
        let data = view.data();
        let halves = |convert: fn(u16) -> f32| {
            let (values, _) = data.as_chunks();
            Values::Half(values.iter().map(|&two| convert(u16::from_le_bytes(two))).collect())
        };
        Some(match view.dtype() {
            Dtype::F32 => {
                let (values, _) = data.as_chunks();
                Values::F32(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
            }
            Dtype::F64 => {
                let (values, _) = data.as_chunks();
                Values::F64(values.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect())
            }
            Dtype::F16 => halves(|bits| f16::from_bits(bits).to_f32()),
            Dtype::BF16 => halves(|bits| bf16::from_bits(bits).to_f32()),
            _ => return None,
        })
    }

    fn dtype(&self) -> &'static str {
        match self {
            Values::F32(_) => "f32",
            Values::F64(_) => "f64",
            Values::Half(_) => "f16 or bf16",
        }
    }

    fn to_bytes(&self) -> (Dtype, Vec<u8>) {
        match self {
            Values::F32(values) | Values::Half(values) => {
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

    /// The values of a tensor that must have `shape`, rounded to `f32` where they are not.
    pub(crate) fn f32s(&self, name: &str, shape: &[usize]) -> Result<Cow<'_, [f32]>, WeightsError> {
        match self.tensors.get(name) {
            None => Err(WeightsError::MissingTensor { name: name.to_string() }),
            Some((found, values)) if found == shape => Ok(match values {
                Values::F32(values) | Values::Half(values) => Cow::Borrowed(values),
                Values::F64(values) => values.iter().map(|&value| value as f32).collect(),
            }),
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
        tensors.iter().fold(checksum::of([&self.document]), |sum, (name, tensor)| {
            let (dtype, shape, bytes) = tensor;
            let sum = checksum::extended(sum, format!("{name} {dtype:?} {shape:?}").as_bytes());
            checksum::extended(sum, bytes)
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
        let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
        let document = document_of(bytes, DOCUMENT).ok_or(WeightsError::MissingMetadata)?;
        let mut archive = Archive { document, tensors: BTreeMap::new() };
        let mut stored = None;
        // In the order of their names, which a hash map does not keep: the same fault is named
        // every time.
        for (name, view) in file.iter().collect::<BTreeMap<_, _>>() {
            if name == CHECKSUM {
                stored = checksum_in(&view);
                continue;
            }
            let Some(values) = Values::of(&view) else {
                let found = format!("{:?}", view.dtype()).to_lowercase();
                return Err(WeightsError::Dtype { name: echo(name), found });
            };
            archive.tensors.insert(name.to_string(), (view.shape().to_vec(), values));
        }
        if !archive.was_halved() {
            let stored = stored.ok_or(WeightsError::MissingTensor { name: CHECKSUM.into() })?;
            archive.verify(stored)?;
        }
        Ok(archive)
    }

    /// Whether weights were rounded to half precision since the file was made, so that what its
    /// checksum guards is no longer there.
    fn was_halved(&self) -> bool {
        self.tensors.values().any(|(_, values)| matches!(values, Values::Half(_)))
    }

    /// Checks the tensors as they are, or as the `f32` that conversion to `f64` leaves them.
    fn verify(&self, stored: u64) -> Result<(), WeightsError> {
        let mut tensors = self.encoded();
        if stored == self.checksum(&tensors) {
            return Ok(());
        }
        for (name, (shape, values)) in &self.tensors {
            if let Values::F64(values) = values {
                let bytes = values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
                tensors.insert(name, (Dtype::F32, shape.clone(), bytes));
            }
        }
        if stored == self.checksum(&tensors) { Ok(()) } else { Err(WeightsError::Checksum) }
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), WeightsError> {
        Ok(atomic_file::write(path, &self.to_bytes()?)?)
    }

    pub(crate) fn load(path: &Path) -> Result<Self, WeightsError> {
        Archive::from_bytes(&bytes_of(path)?)
    }
}

/// The bytes of a file of weights, of which [`AnyNetwork::from_bytes`](super::AnyNetwork::from_bytes)
/// makes the network.
pub fn bytes_of(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let io = |source| WeightsError::Io { path: path.to_path_buf(), source };
    user_file::read(path, LARGEST).map_err(io)
}

fn wrong_shape(
    name: &str,
    dtype: &str,
    shape: &[usize],
    (found, values): &(Vec<usize>, Values),
) -> WeightsError {
    WeightsError::WrongShape {
        name: name.to_string(),
        expected: format!("{dtype} {shape:?}"),
        found: format!("{} {found:?}", values.dtype()),
    }
}

/// The number in the checksum's tensor, if it is still one: a conversion of all tensors may have
/// made something else of it.
fn checksum_in(view: &TensorView<'_>) -> Option<u64> {
    let bytes = (view.dtype() == Dtype::U64).then(|| view.data())?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}
