//! Why tensors and a configuration do not make a network.

use driftfield_problems::echo::echo;
use driftfield_problems::spec::SpecError;

/// Why tensors and a configuration do not make a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// A tensor is missing.
    #[error(
        "`{architecture}` needs a tensor `{}`, which the file has not; is it of this architecture?",
        echo(name)
    )]
    Missing {
        /// The architecture asked for.
        architecture: &'static str,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than the architecture gives it.
    #[error(
        "tensor `{}` should be {expected:?} in `{architecture}`, the file has {found:?}; check the configuration and the layout of the kernels",
        echo(name)
    )]
    Shape {
        /// The architecture asked for.
        architecture: &'static str,
        /// The tensor.
        name: String,
        /// Shape it should have.
        expected: Vec<usize>,
        /// Shape it has.
        found: Vec<usize>,
    },
    /// Tensors are left over.
    #[error(
        "`{architecture}` has no use for {count} of the tensors, the first of which is `{}`; another architecture or configuration made the file",
        echo(first)
    )]
    Unused {
        /// The architecture asked for.
        architecture: &'static str,
        /// The first of them, by name.
        first: String,
        /// How many there are.
        count: usize,
    },
    /// The configuration is none of the architecture's, or one that is not supported.
    #[error("the configuration of `{architecture}` is refused: {reason}")]
    Config {
        /// The architecture asked for.
        architecture: &'static str,
        /// What is wrong and what to try.
        reason: String,
    },
    /// A key or its value is refused.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// candle refuses.
    #[error("`{architecture}` cannot be built: {source}")]
    Backend {
        /// The architecture asked for.
        architecture: &'static str,
        /// What it said.
        source: candle_core::Error,
    },
}
