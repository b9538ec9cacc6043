//! All processes by name. A new process is a file and its line here.

use super::SharedPath;
use crate::catalog::{Alias, Catalog};
use crate::spec::SpecError;

/// Every process by name.
pub fn catalog() -> Catalog<SharedPath> {
    Catalog::new(
        "process",
        [
            super::vp::entry(),
            super::sub_vp::entry(),
            super::vp_cosine::entry(),
            super::ve::entry(),
            super::edm::entry(),
            super::rectified_flow::entry(),
            super::brownian_bridge::entry(),
            super::ddpm::entry(),
            super::mean_reverting::entry(),
        ],
    )
    .aliases(ALIASES.map(|(name, ours, whose)| Alias::new(name, ours, whose)))
}

/// What else they are called.
const ALIASES: [(&str, &str, &str); 11] = [
    ("flow", "rectified-flow", "flow matching"),
    ("flow_matching", "rectified-flow", "flow matching"),
    ("rf", "rectified-flow", "Liu et al."),
    ("cosine", "vp-cosine", "Nichol and Dhariwal"),
    ("vpsde", "vp", "score_sde"),
    ("subvpsde", "sub-vp", "score_sde"),
    ("vesde", "ve", "score_sde"),
    ("karras", "edm", "Karras et al."),
    ("scaled_linear", "ddpm:schedule=scaled-linear", "diffusers"),
    ("squaredcos_cap_v2", "ddpm:schedule=cosine", "diffusers"),
    ("iddpm", "ddpm:schedule=cosine", "Nichol and Dhariwal"),
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
    catalog().build(text)
}
