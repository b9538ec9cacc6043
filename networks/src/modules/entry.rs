//! The architectures of other people's that a file may be of.

use std::fmt::Debug;
use std::sync::PoisonError;

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use driftfield_problems::catalog::{Catalog, Entry, Key};
use driftfield_problems::spec::{Spec, SpecError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::taken::recorded;
use super::{CondUNet2dConfig, ModuleError, PsDenoiserConfig, TensorNetwork, UNet2dConfig};
use crate::registry::{keys_of, overlaid};
use crate::tensors::{NamedTensors, Renaming};

/// The configuration of an architecture of someone else's: what its constructor was told, under
/// the names it has there. Defaults are the original's.
pub trait ModuleConfig: Debug + Default + Serialize + DeserializeOwned {
    /// What the command line calls it.
    const NAME: &'static str;
    /// What it is, in a line.
    const SUMMARY: &'static str;
    /// What no shape tells, which a user may set: names of fields, each with a line.
    const KEYS: &'static [(&'static str, &'static str)];
    /// Tensors of its files that together no other architecture has, under the names that the
    /// network takes them by.
    const MARKS: &'static [&'static str];
    /// Parts of names of tensors that its files have and its forward pass does not.
    const SPARE: &'static [&'static str] = &[];

    /// From the names and layouts of the original's files to those that the network takes: torch's
    /// layouts, `weight` and `bias`. None if the original is of torch.
    fn renaming() -> Renaming {
        Renaming::default()
    }

    /// The configuration that makes tensors of these shapes, defaults where they do not say.
    fn infer(tensors: &NamedTensors) -> Result<Self, ModuleError>;

    /// Refuses what no network has, or none that is supported, with the reason.
    fn check(&self) -> Result<(), String>;

    /// The network of these tensors.
    fn build(&self, tensors: VarBuilder<'_>) -> candle_core::Result<Box<dyn TensorNetwork>>;
}

/// One architecture of someone else's: what it is called, and how it is recognised and built.
#[derive(Debug)]
pub struct ModuleEntry {
    /// What the command line calls it.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    marks: &'static [&'static str],
    spare: &'static [&'static str],
    renaming: fn() -> Renaming,
    keys: fn() -> Vec<Key>,
    infer: fn(&NamedTensors) -> Result<Value, ModuleError>,
    build: Build,
}

/// Builds a network as a configuration says, which is checked first.
type Build = for<'a> fn(VarBuilder<'a>, &Value) -> Result<Built, ModuleError>;
type Built = candle_core::Result<Box<dyn TensorNetwork>>;

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

/// The architectures that a file of these tensors may be of.
pub fn recognise(tensors: &NamedTensors) -> impl Iterator<Item = &'static ModuleEntry> {
    MODULES.iter().filter(|module| module.recognises(tensors))
}

impl ModuleEntry {
    /// How networks that `C` configures are recognised and built.
    pub const fn of<C: ModuleConfig>() -> Self {
        ModuleEntry {
            name: C::NAME,
            summary: C::SUMMARY,
            marks: C::MARKS,
            spare: C::SPARE,
            renaming: C::renaming,
            keys: || keys_of(&document(&C::default()), C::KEYS),
            infer: |tensors| Ok(document(&C::infer(tensors)?)),
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

    /// Whether a file of these tensors is of this architecture, by their names.
    pub fn recognises(&self, tensors: &NamedTensors) -> bool {
        self.marked(&self.adapted(tensors))
    }

    fn marked(&self, tensors: &NamedTensors) -> bool {
        self.marks.iter().all(|mark| tensors.contains(mark))
    }

    /// The tensors under the names and in the layouts that the network takes them by: those of an
    /// original's file renamed, and others as they are.
    fn adapted(&self, tensors: &NamedTensors) -> NamedTensors {
        let renamed = || tensors.rename(&(self.renaming)()).ok();
        let named = |tensors: &NamedTensors| self.marked(tensors);
        if named(tensors) { None } else { renamed().filter(named) }
            .unwrap_or_else(|| tensors.clone())
    }

    /// The configuration of a network of these tensors: what their shapes tell, what `spec` sets,
    /// and the original's defaults for the rest.
    ///
    /// # Errors
    /// A tensor is missing, or a key is refused.
    pub fn configuration(&self, tensors: &NamedTensors, spec: &Spec) -> Result<Value, ModuleError> {
        // Refuses keys that the architecture does not have.
        Entry::new(self.name, self.summary, |_| Ok(())).keys(self.keys()).build(spec)?;
        Ok(overlaid((self.infer)(&self.adapted(tensors))?, spec)?)
    }

    /// The network of these tensors that `config` describes.
    ///
    /// `config` is from [`configuration`](Self::configuration), or has what the original's
    /// constructor was told under the names it has there, as diffusers' `config.json` does.
    ///
    /// # Errors
    /// The configuration is refused, or a tensor is missing, wrong, left over or not finite.
    pub fn build(
        &self,
        tensors: &NamedTensors,
        config: &Value,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn TensorNetwork>, ModuleError> {
        let tensors = self.adapted(tensors);
        tensors.check_finite()?;
        let (variables, taken) = recorded(&tensors, dtype, device);
        let built = (self.build)(variables, config)?;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let network = match (built, taken.refused.take()) {
            (Ok(network), _) => network,
            (Err(_), Some(refused)) => return Err(refused.into()),
            (Err(source), None) => {
                return Err(ModuleError::Backend { architecture: self.name, source });
            }
        };
        let spare = |name: &&str| self.spare.iter().any(|part| name.contains(part));
        let known = taken.names.iter().map(String::as_str);
        tensors.check_none_left(known.chain(tensors.names().filter(spare)))?;
        Ok(network)
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
