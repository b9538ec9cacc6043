//! The map of tensors by name.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use driftfield_problems::echo::echo;
use driftfield_problems::{checksum, memory, spec, user_file};

use super::{Format, TensorsError, flax, npz, safetensors_file, torch};

/// Largest file read, if memory holds it.
const LARGEST: u64 = 1 << 36;
/// Names listed in a message.
const LISTED: usize = 8;

/// Tensors on the CPU by name, sorted by name. Names are dotted paths: `layers.0.weight`.
///
/// ```
/// use driftfield_networks::candle_core::{DType, Device, Tensor};
/// use driftfield_networks::tensors::NamedTensors;
///
/// let mut tensors = NamedTensors::new();
/// tensors.insert("layer.weight", Tensor::ones((2, 3), DType::F32, &Device::Cpu).unwrap()).unwrap();
/// let vars = tensors.var_builder(DType::F64, &Device::Cpu).unwrap();
/// assert_eq!(vars.pp("layer").get((2, 3), "weight").unwrap().dtype(), DType::F64);
/// ```
#[derive(Debug, Clone, Default)]
pub struct NamedTensors {
    tensors: BTreeMap<String, Tensor>,
}

impl NamedTensors {
    /// No tensors.
    pub fn new() -> Self {
        NamedTensors::default()
    }

    /// The tensors of a file, of which the first bytes say the [`Format`], or else the name.
    ///
    /// A PyTorch checkpoint may hold its state dict under a key (`state_dict`, `model`, `ema`):
    /// the only dictionary with weights is taken, and of several none, with their keys in the error.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TensorsError> {
        let path = path.as_ref();
        let bytes = bytes_of(path)?;
        Self::from_bytes(&bytes, detect(&bytes, path)?)
    }

    /// The tensors under a key of a file: of a PyTorch checkpoint the dictionary there (dots lead
    /// into dictionaries in dictionaries, `.` alone is the outermost), of others those whose name
    /// begins with `key.`, without it.
    pub fn read_part(path: impl AsRef<Path>, key: &str) -> Result<Self, TensorsError> {
        let path = path.as_ref();
        let bytes = bytes_of(path)?;
        Self::part_from_bytes(&bytes, detect(&bytes, path)?, key)
    }

    /// The tensors of the bytes of a file, as [`NamedTensors::read`] takes them.
    pub fn from_bytes(bytes: &[u8], format: Format) -> Result<Self, TensorsError> {
        match format {
            Format::Safetensors => safetensors_file::read(bytes),
            Format::Torch => torch::read(bytes, None),
            Format::Flax => flax::read(bytes),
            Format::Npz => npz::read(bytes),
        }
    }

    /// The tensors under a key of the bytes of a file, as [`NamedTensors::read_part`] takes them.
    pub fn part_from_bytes(bytes: &[u8], format: Format, key: &str) -> Result<Self, TensorsError> {
        match format {
            Format::Torch => torch::read(bytes, Some(key)),
            _ => Self::from_bytes(bytes, format)?.part(key),
        }
    }

    /// The tensors whose name begins with `key.`, without it.
    pub fn part(&self, key: &str) -> Result<Self, TensorsError> {
        let within = |name: &str| Some(name.strip_prefix(key)?.strip_prefix('.')?.to_owned());
        let inside = self.iter().filter_map(|(name, tensor)| Some((within(name)?, tensor.clone())));
        let tensors: BTreeMap<_, _> = inside.collect();
        if tensors.is_empty() {
            let mut found: Vec<String> =
                self.names().filter_map(|name| Some(echo(name.split_once('.')?.0))).collect();
            found.dedup();
            return Err(TensorsError::Part { key: Some(key.to_owned()), found: first(found) });
        }
        Ok(NamedTensors { tensors })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Names and tensors, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The tensor of a name, or an error that gives the nearest one there is.
    pub fn get(&self, name: &str) -> Result<&Tensor, TensorsError> {
        self.tensors.get(name).ok_or_else(|| TensorsError::Missing {
            name: echo(name),
            nearest: spec::nearest(name, self.names()).map(echo),
        })
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Adds a tensor under a name that none has yet.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) -> Result<(), TensorsError> {
        let name = name.into();
        if self.tensors.contains_key(&name) {
            return Err(TensorsError::Duplicate { name: echo(&name) });
        }
        self.tensors.insert(name, tensor);
        Ok(())
    }

    /// Refuses values that are NaN or infinite, by the name of their tensor.
    pub fn check_finite(&self) -> Result<(), TensorsError> {
        for (name, tensor) in self.iter() {
            if !is_finite(tensor)? {
                return Err(TensorsError::NonFinite { name: echo(name) });
            }
        }
        Ok(())
    }

    /// Refuses tensors that are not among `known`.
    pub fn check_none_left<'k>(
        &self,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Result<(), TensorsError> {
        let known: std::collections::BTreeSet<&str> = known.into_iter().collect();
        let left: Vec<String> =
            self.names().filter(|name| !known.contains(name)).map(echo).collect();
        if left.is_empty() { Ok(()) } else { Err(TensorsError::Leftover { names: first(left) }) }
    }

    /// The tensors for candle modules, converted to `dtype` and moved to `device` as they are
    /// taken. Values must be finite.
    pub fn var_builder(
        &self,
        dtype: DType,
        device: &Device,
    ) -> Result<VarBuilder<'static>, TensorsError> {
        self.check_finite()?;
        let tensors = self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone()));
        Ok(VarBuilder::from_tensors(tensors.collect(), dtype, device))
    }

    /// The values of a tensor that must have `shape`, rounded to `f32` where they are not.
    pub fn f32s(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TensorsError> {
        let tensor = self.get(name)?;
        if tensor.dims() != shape {
            let (expected, found) = (format!("{shape:?}"), tensor.dims().to_vec());
            return Err(TensorsError::Shape { name: echo(name), expected, found });
        }
        Ok(tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
    }

    /// A sum over names, types, shapes and values, the same on every machine and for every format
    /// that they came in.
    pub fn checksum(&self) -> Result<u64, TensorsError> {
        let mut sum = Sum(checksum::of([""]));
        for (name, tensor) in self.iter() {
            let head = format!("{name} {:?} {:?}", tensor.dtype(), tensor.dims());
            sum.0 = checksum::extended(sum.0, head.as_bytes());
            tensor.write_bytes(&mut sum)?;
        }
        Ok(sum.0)
    }
}

/// A writer that keeps the checksum of what it is given.
struct Sum(u64);

impl io::Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = checksum::extended(self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first of a list, for a message.
fn first(mut names: Vec<String>) -> Vec<String> {
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names
}

fn is_finite(tensor: &Tensor) -> Result<bool, TensorsError> {
    if !tensor.dtype().is_float() {
        return Ok(true);
    }
    let values = tensor.flatten_all()?;
    Ok(match tensor.dtype() {
        DType::F32 => values.to_vec1::<f32>()?.iter().all(|value| value.is_finite()),
        _ => values.to_dtype(DType::F64)?.to_vec1::<f64>()?.iter().all(|value| value.is_finite()),
    })
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, TensorsError> {
    let io = |source| TensorsError::Io { path: path.to_path_buf(), source };
    user_file::read(path, LARGEST).map_err(io)
}

fn detect(bytes: &[u8], path: &Path) -> Result<Format, TensorsError> {
    Format::detect(bytes, path).ok_or(TensorsError::UnknownFormat)
}

/// Refuses tensors of that many bytes in all, if memory does not hold them.
pub(super) fn check_memory(count: usize, bytes: u128) -> Result<(), TensorsError> {
    Ok(memory::check("tensors", count as u64, bytes)?)
}
