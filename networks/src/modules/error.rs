//! Why tensors and a configuration do not make a network.

use driftfield_problems::spec::SpecError;

use crate::tensors::TensorsError;

/// Why tensors and a configuration do not make a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// A tensor is missing, wrong or left over.
    #[error(transparent)]
    Tensors(#[from] TensorsError),
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
