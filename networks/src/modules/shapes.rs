//! The shapes of a file's tensors, from which sizes are read.

use std::collections::{BTreeMap, HashMap};

use candle_core::Tensor;

use super::ModuleError;

/// The shapes of tensors by name, in torch's layout: `[out, in]`, `[out, in, height, width]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shapes(BTreeMap<String, Vec<usize>>);

impl Shapes {
    /// Those of tensors.
    pub fn of(tensors: &HashMap<String, Tensor>) -> Self {
        tensors.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect()
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Size `axis` of a tensor, which has to be there and have one.
    pub(super) fn size(
        &self,
        architecture: &'static str,
        name: &str,
        axis: usize,
    ) -> Result<usize, ModuleError> {
        let missing = || ModuleError::Missing { architecture, name: name.to_owned() };
        let shape = self.0.get(name).ok_or_else(missing)?;
        shape.get(axis).copied().ok_or_else(|| ModuleError::Config {
            architecture,
            reason: format!("its tensor `{name}` has only {} axes", shape.len()),
        })
    }

    /// Axes of a tensor, none if it is not there.
    #[cfg(feature = "diffusers")]
    pub(super) fn rank(&self, name: &str) -> usize {
        self.0.get(name).map_or(0, Vec::len)
    }

    /// How many there are of `prefix.0.suffix`, `prefix.1.suffix`, ... without a gap.
    pub(super) fn count(&self, prefix: &str, suffix: &str) -> usize {
        (0..).take_while(|i| self.has(&format!("{prefix}.{i}.{suffix}"))).count()
    }
}

impl FromIterator<(String, Vec<usize>)> for Shapes {
    fn from_iter<I: IntoIterator<Item = (String, Vec<usize>)>>(shapes: I) -> Self {
        Shapes(shapes.into_iter().collect())
    }
}
