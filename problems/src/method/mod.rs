//! Methods that ask a field for more than a derivative, and the registry of all
//! that run on the fields of a Gaussian path.

mod ancestral;
mod registry;

pub use ancestral::{Ancestral, AncestralMemory};
pub use registry::{PathMethod, parse, path_methods};
