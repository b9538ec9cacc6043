//! Methods that ask a field for more than a derivative.

mod ancestral;

pub use ancestral::{Ancestral, AncestralMemory};
