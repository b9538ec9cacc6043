//! All processes by name. A new process is a file and its line in
//! [`PROCESSES`].

use super::SharedPath;
use crate::spec::{Spec, SpecError};

/// A process as the command line knows it.
#[derive(Debug, Clone, Copy)]
pub struct ProcessEntry {
    /// Name.
    pub name: &'static str,
    /// Keys of its parameters.
    pub keys: &'static [&'static str],
    /// What it is, in a few words.
    pub summary: &'static str,
    /// Makes it from its parameters.
    pub build: fn(&Spec) -> Result<SharedPath, SpecError>,
}

/// Every process.
pub const PROCESSES: &[ProcessEntry] = &[
    super::vp::ENTRY,
    super::sub_vp::ENTRY,
    super::vp_cosine::ENTRY,
    super::ve::ENTRY,
    super::edm::ENTRY,
    super::rectified_flow::ENTRY,
    super::brownian_bridge::ENTRY,
    super::ddpm::ENTRY,
    super::mean_reverting::ENTRY,
];

/// The process written `name:key=value,key=value`.
///
/// ```
/// use driftfield_problems::process::{self, GaussianPath};
/// let path = process::parse("vp:beta_max=15").unwrap();
/// assert_eq!(path.spec(), "vp:beta_min=0.1,beta_max=15");
/// let error = process::parse("rectified_flow").unwrap_err();
/// assert!(error.to_string().contains("did you mean `rectified-flow`"));
/// ```
pub fn parse(text: &str) -> Result<SharedPath, SpecError> {
    let spec: Spec = text.parse()?;
    let entry = PROCESSES.iter().find(|entry| entry.name == spec.name()).ok_or_else(|| {
        SpecError::unknown_name("process", spec.name(), PROCESSES.iter().map(|entry| entry.name))
    })?;
    (entry.build)(&spec)
}
