//! The architectures of other people's that a file may be of.

use std::fmt::Debug;
use std::sync::PoisonError;

use candle_nn::VarBuilder;
use driftfield_problems::catalog::{Catalog, Entry, Key};
use driftfield_problems::spec::{Spec, SpecError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::taken::recorded;
use super::{CondUNet2dConfig, ModuleError, PsDenoiserConfig, Shapes, TensorNetwork, UNet2dConfig};
use crate::registry::{keys_of, overlaid};

/// How the files of an architecture hold its kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelLayout {
    /// As PyTorch does: `weight` is `[out, in]` or `[out, in, height, width]`.
    Torch,
    /// As flax does: `kernel` is `[in, out]` or `[height, width, in, out]`, and a norm's weight is
    /// its `scale`. Networks here are built from what is renamed to `weight` and transposed to
    /// torch's layout.
    Flax,
}

/// The configuration of an architecture of someone else's: what its constructor was told, under
/// the names it has there. Defaults are the original's.
pub trait ModuleConfig: Debug + Default + Serialize + DeserializeOwned {
    /// What the command line calls it.
    const NAME: &'static str;
    /// What it is, in a line.
    const SUMMARY: &'static str;
    /// What no shape tells, which a user may set: names of fields, each with a line.
    const KEYS: &'static [(&'static str, &'static str)];
    /// How its files hold kernels.
    const LAYOUT: KernelLayout;
    /// Tensors of its files that together no other architecture has.
    const MARKS: &'static [&'static str];
    /// Parts of names of tensors that its files have and its forward pass does not.
    const SPARE: &'static [&'static str] = &[];

    /// The configuration that makes tensors of these shapes, defaults where they do not say.
    fn infer(shapes: &Shapes) -> Result<Self, ModuleError>;

    /// Refuses what no network has, or none that is supported, with the reason.
    fn check(&self) -> Result<(), String>;

    /// The network, of tensors under their original names.
    fn build(&self, tensors: VarBuilder<'_>) -> candle_core::Result<Box<dyn TensorNetwork>>;
}

/// One architecture of someone else's: what it is called, and how it is recognised and built.
#[derive(Debug)]
pub struct ModuleEntry {
    /// What the command line calls it.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// How its files hold kernels.
    pub layout: KernelLayout,
    marks: &'static [&'static str],
    spare: &'static [&'static str],
    keys: fn() -> Vec<Key>,
    infer: fn(&Shapes) -> Result<Value, ModuleError>,
    build: Build,
}

/// Builds a network as a configuration says, which it checks first.
type Build = for<'a> fn(
    VarBuilder<'a>,
    &Value,
) -> Result<Result<Box<dyn TensorNetwork>, Source>, ModuleError>;
type Source = candle_core::Error;

/// All architectures.
pub const MODULES: &[ModuleEntry] = &[
    ModuleEntry::of::<CondUNet2dConfig>(),
    ModuleEntry::of::<PsDenoiserConfig>(),
    ModuleEntry::of::<UNet2dConfig>(),
    #[cfg(feature = "diffusers")]
    ModuleEntry::of::<super::UNet2dConditionConfig>(),
];

/// All architectures by name, each with what a user may set of it.
pub fn catalog() -> Catalog<&'static ModuleEntry> {
    Catalog::new("architecture", MODULES.iter().map(listed))
}

fn listed(module: &'static ModuleEntry) -> Entry<&'static ModuleEntry> {
    Entry::new(module.name, module.summary, move |_| Ok(module)).keys(module.keys())
}

/// The architectures whose files have tensors of such names.
pub fn recognise(shapes: &Shapes) -> impl Iterator<Item = &'static ModuleEntry> {
    MODULES.iter().filter(|module| module.recognises(shapes))
}

impl ModuleEntry {
    /// How networks that `C` configures are recognised and built.
    pub const fn of<C: ModuleConfig>() -> Self {
        ModuleEntry {
            name: C::NAME,
            summary: C::SUMMARY,
            layout: C::LAYOUT,
            marks: C::MARKS,
            spare: C::SPARE,
            keys: || keys_of(&document(&C::default()), C::KEYS),
            infer: |shapes| Ok(document(&C::infer(shapes)?)),
            build: |tensors, config| Ok(configured::<C>(config)?.build(tensors)),
        }
    }

    /// The architecture of this name.
    pub fn named(name: &str) -> Result<&'static ModuleEntry, SpecError> {
        catalog().find(name)?.build(&Spec::of_name(name))
    }

    /// What a user may set, with the defaults.
    pub fn keys(&self) -> Vec<Key> {
        (self.keys)()
    }

    /// Whether a file with tensors of these names is of this architecture.
    pub fn recognises(&self, shapes: &Shapes) -> bool {
        self.marks.iter().all(|mark| shapes.has(mark))
    }

    /// The configuration of a file with tensors of these shapes: what they tell, what `spec` sets,
    /// and the original's defaults for the rest.
    ///
    /// # Errors
    /// A tensor is missing, or a key is refused.
    pub fn configuration(&self, shapes: &Shapes, spec: &Spec) -> Result<Value, ModuleError> {
        // Refuses keys that the architecture does not have.
        Entry::new(self.name, self.summary, |_| Ok(())).keys(self.keys()).build(spec)?;
        Ok(overlaid((self.infer)(shapes)?, spec)?)
    }

    /// The network that `config` describes, in the type of numbers and on the device of
    /// `tensors`, all of whose names and `shapes` have to be the architecture's.
    ///
    /// `config` is from [`configuration`](Self::configuration), or has what the original's
    /// constructor was told under the names it has there, as diffusers' `config.json` does.
    ///
    /// # Errors
    /// The configuration is refused, or a tensor is missing, wrong or left over.
    pub fn build(
        &self,
        tensors: VarBuilder<'_>,
        shapes: &Shapes,
        config: &Value,
    ) -> Result<Box<dyn TensorNetwork>, ModuleError> {
        let architecture = self.name;
        let (tensors, taken) = recorded(architecture, tensors);
        let built = (self.build)(tensors, config)?;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let network = built.map_err(|source| {
            taken.refused.take().unwrap_or(ModuleError::Backend { architecture, source })
        })?;
        let spare = |name: &str| self.spare.iter().any(|part| name.contains(part));
        let mut unused = shapes.names().filter(|&name| !taken.names.contains(name) && !spare(name));
        match unused.next() {
            None => Ok(network),
            Some(first) => Err(ModuleError::Unused {
                architecture,
                first: first.to_owned(),
                count: 1 + unused.count(),
            }),
        }
    }
}

/// A configuration as it is written; what is in it can be.
fn document<C: ModuleConfig>(config: &C) -> Value {
    serde_json::to_value(config).unwrap_or_default()
}

/// A configuration as it is read.
fn configured<C: ModuleConfig>(config: &Value) -> Result<C, ModuleError> {
    let refused = |reason: String| ModuleError::Config { architecture: C::NAME, reason };
    let config: C = C::deserialize(config).map_err(|error| refused(error.to_string()))?;
    config.check().map_err(refused)?;
    Ok(config)
}
