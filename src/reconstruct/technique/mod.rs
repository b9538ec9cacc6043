//! Techniques: how a measurement is taken into account. A technique is one file and its line in
//! [`catalog()`].

mod dps;
mod pseudo_inverse;
mod replacement;

use std::fmt;
use std::sync::Arc;

use driftfield_problems::catalog::{Catalog, Key};
use driftfield_problems::inverse::Observation;
use driftfield_problems::process::SharedPath;
use driftfield_problems::spec::SpecError;

pub use dps::Dps;
pub use pseudo_inverse::PseudoInverse;
pub use replacement::Replacement;

use super::ReconstructError;
use crate::generate::{
    Condition, GenerateError, Generated, Model, Precision, SharedPredictor, Steered,
};

/// What is known of the data before it is measured: a model on a path.
pub struct Prior<'a> {
    /// The path.
    pub path: &'a SharedPath,
    /// The model.
    pub model: &'a dyn Model,
    /// What the model is told of the lanes.
    pub condition: Condition,
}

impl Prior<'_> {
    /// The predictor of the data.
    pub fn predictor<T: Precision>(&self) -> Result<SharedPredictor<T>, GenerateError> {
        self.model.predictor(self.path, &self.condition)
    }

    /// `given`, or else the standard deviation of the model's data.
    pub fn data_std(&self, given: Option<f64>) -> Result<f64, GenerateError> {
        given.map_or_else(|| self.model.data_std(), Ok)
    }
}

/// What a technique cost beside the evaluations of its solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Costs {
    /// Gradients of the predicted data, each of them a way back through the predictor.
    pub gradients: u64,
    /// Network forward passes made for them that are not the solver's.
    pub network_forwards: u64,
}

/// The solve that a technique steers.
pub type Solve<'a, T> = Box<dyn FnOnce(Steered<'_, T>) -> Result<Generated<T>, GenerateError> + 'a>;

/// A technique for states of numbers `T`. One of your own is a [`Technique`] if it is this for
/// `f32` and `f64`.
pub trait TechniqueFor<T: Precision>: Send + Sync {
    /// Samples what was measured in `observation`, which is in the process's units: `solve` is
    /// given a predictor made of the prior's, or an observer that corrects its steps, or both.
    fn reconstruct(
        &self,
        prior: &Prior<'_>,
        observation: Arc<Observation>,
        solve: Solve<'_, T>,
    ) -> Result<(Generated<T>, Costs), ReconstructError>;
}

/// A technique with a label, for states of either precision.
///
/// ```
/// use driftfield::reconstruct::{Technique, technique};
/// let ours = Technique::parse("dps:history=forget").unwrap();
/// assert_eq!(ours.label(), "dps:zeta=0.5,history=forget");
/// let same = Technique::new("forgetful", technique::Dps { zeta: 0.5, forgets_history: true });
/// assert_eq!(same.label(), "forgetful");
/// ```
#[derive(Clone)]
pub struct Technique {
    label: Arc<str>,
    single: Arc<dyn TechniqueFor<f32>>,
    double: Arc<dyn TechniqueFor<f64>>,
}

impl Technique {
    /// A technique of your own, or one of [ours](catalog()) with other settings.
    pub fn new<M>(label: impl Into<Arc<str>>, technique: M) -> Self
    where
        M: TechniqueFor<f32> + TechniqueFor<f64> + 'static,
    {
        let technique = Arc::new(technique);
        Technique { label: label.into(), single: technique.clone(), double: technique }
    }

    /// The technique written `name` or `name:key=value`.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        catalog().build(text)
    }

    /// What it is called in tables and messages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The technique for numbers `T`.
    pub(super) fn of<T: TechniquePrecision>(&self) -> &dyn TechniqueFor<T> {
        T::technique(self)
    }
}

impl fmt::Debug for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Technique").field(&self.label).finish()
    }
}

impl fmt::Display for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// The numbers that a [`Technique`] is for: `f32` and `f64`.
pub trait TechniquePrecision: Precision {
    /// The technique for states of these numbers.
    fn technique(technique: &Technique) -> &dyn TechniqueFor<Self>;
}

impl TechniquePrecision for f32 {
    fn technique(technique: &Technique) -> &dyn TechniqueFor<f32> {
        technique.single.as_ref()
    }
}

impl TechniquePrecision for f64 {
    fn technique(technique: &Technique) -> &dyn TechniqueFor<f64> {
        technique.double.as_ref()
    }
}

/// Every technique by name.
pub fn catalog() -> Catalog<Technique> {
    Catalog::new("technique", [dps::entry(), pseudo_inverse::entry(), replacement::entry()])
}

/// The standard deviation of the data, in the units of the process.
fn data_std_key() -> Key {
    Key::number(
        "data_std",
        1.0,
        "spread of the data in the process's units; the model's own unless given",
    )
    .within("positive", |std| std > 0.0)
    .without_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for is said in full, however it is written.
    #[test]
    fn labels_are_complete() {
        for (text, label) in [
            ("dps", "dps:zeta=0.5,history=keep"),
            ("dps:zeta=0.5", "dps:zeta=0.5,history=keep"),
            ("dps:history=forget,zeta=3e-1", "dps:zeta=0.3,history=forget"),
            ("pigdm", "pigdm"),
            ("pigdm:data_std=0.8,least_signal=0", "pigdm:data_std=0.8,least_signal=0"),
            ("replacement:data_std=2", "replacement:data_std=2"),
        ] {
            let technique = Technique::parse(text).unwrap();
            assert_eq!(technique.label(), label);
            assert_eq!(Technique::parse(label).unwrap().label(), label);
        }
        for text in [
            "dps:zeta=x",
            "dps:zeta=-1",
            "dps:history=all",
            "pigdm:zeta=1",
            "pigdm:least_signal=-1",
            "pigdm:data_std=0",
            "replacement:zeta=1",
            "ddrm",
            "",
        ] {
            assert!(Technique::parse(text).is_err(), "{text}");
        }
    }
}
