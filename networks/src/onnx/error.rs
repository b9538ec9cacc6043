//! Why a graph is no network.

use driftfield_problems::echo::echo;

/// Why a graph is no network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// Not a whole graph, or one of operators that are not known.
    #[error(
        "not a graph that can be run: {}; export it again (`torch.onnx.export`, opset 17 or later), \
         with all weights in the one file",
        echo(.0)
    )]
    Load(String),
    /// An input is not found.
    #[error(
        "which input is the {role} is not clear; the graph has {inputs}: say it with `{role}=NAME`"
    )]
    Input {
        /// `state`, `time` or `labels`.
        role: &'static str,
        /// Names and shapes of its inputs.
        inputs: String,
    },
    /// An input that was named is not there, or is not what it should be.
    #[error("the input `{}` cannot be the {role}: {reason}; the graph has {inputs}", echo(name))]
    Named {
        /// What it was to be.
        role: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
        /// Names and shapes of its inputs.
        inputs: String,
    },
    /// An output that was named is not there, or the graph has none.
    #[error("the graph has no output `{}`; it has {outputs}", echo(name))]
    Output {
        /// Its name.
        name: String,
        /// Names of its outputs.
        outputs: String,
    },
}
