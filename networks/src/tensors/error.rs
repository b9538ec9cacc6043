//! Why tensors cannot be read, renamed or used.

use std::path::PathBuf;

use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::memory::MemoryError;

use super::Format;
use crate::ParametersError;

/// Why tensors of a file cannot be read, renamed or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorsError {
    /// The file system refused to read.
    #[error("{}: {source}", echo_path(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// Neither the first bytes nor the name are those of a known format.
    #[error(
        "no format of weights is recognised by the first bytes or by the name; give a .safetensors, a PyTorch .pt or .pth, a flax .msgpack or an .npz"
    )]
    UnknownFormat,
    /// Not a whole file of its format.
    #[error(
        "not a whole {format} file ({reason}); it may have been cut short, fetch or make it again"
    )]
    Malformed {
        /// The format.
        format: Format,
        /// What is wrong.
        reason: String,
    },
    /// A file of its kind that is not read, with what to make of it.
    #[error("{found} is not read; {advice}")]
    Unsupported {
        /// What the file is.
        found: &'static str,
        /// How to make a file that is read.
        advice: &'static str,
    },
    /// A pickle that asks for code.
    #[error(
        "the file asks for `{name}`, which is code and no tensor; nothing of it was run. If you trust who made it, load it in Python and save its numbers alone: torch.save(model.state_dict(), FILE)"
    )]
    Code {
        /// What it asks for.
        name: String,
    },
    /// The file has several dictionaries of tensors, or not the one asked for.
    #[error("{}; {}", part_asked(key), parts_found(found))]
    Part {
        /// The key that was given, if one was.
        key: Option<String>,
        /// The keys that hold tensors.
        found: Vec<String>,
    },
    /// More is claimed than the file can hold.
    #[error(
        "`{name}` claims {claimed} bytes where the file holds {held}; it is damaged or made to exhaust memory, take another"
    )]
    TooLarge {
        /// The tensor, or the file inside the archive.
        name: String,
        /// Bytes claimed.
        claimed: u128,
        /// Bytes there can be.
        held: u64,
    },
    /// Memory does not hold the tensors.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Numbers of a type that is not read.
    #[error(
        "tensor `{name}` holds {found}, which is not read; convert it to f32, or leave it out of the file"
    )]
    Dtype {
        /// Its name.
        name: String,
        /// The type found.
        found: String,
    },
    /// A tensor is missing.
    #[error(
        "there is no tensor `{name}`{}; rename what the file has by rules, or give another file",
        nearest_is(nearest)
    )]
    Missing {
        /// Its name.
        name: String,
        /// The name most like it, if one is alike.
        nearest: Option<String>,
    },
    /// Tensors that the network has no place for.
    #[error(
        "the file has tensors that the network has no place for: {}; rename them, drop them by a rule, or give the architecture that has them", names.join(", ")
    )]
    Leftover {
        /// The first few of them.
        names: Vec<String>,
    },
    /// A tensor has another shape than it must have.
    #[error(
        "tensor `{name}` should be {expected}, it is {found:?}; give the architecture it is from, or a rule that changes its layout"
    )]
    Shape {
        /// Its name.
        name: String,
        /// What it should be.
        expected: String,
        /// Its shape.
        found: Vec<usize>,
    },
    /// A value is NaN or infinite.
    #[error(
        "tensor `{name}` has a value that is NaN or infinite; take weights of before the training diverged, or drop the tensor by a rule if the network does not need it"
    )]
    NonFinite {
        /// Its name.
        name: String,
    },
    /// Two tensors of one name.
    #[error("two tensors are called `{name}`; rename or drop one of them by a rule before")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A rule that cannot be followed.
    #[error("rule {number} (`{from}`): {reason}")]
    Rule {
        /// Its place in the list, from 1.
        number: usize,
        /// Its pattern.
        from: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The text of rules cannot be understood.
    #[error(
        "the rules cannot be read: {0}; they are a JSON list of {{\"from\": .., \"to\": .., \"layout\": ..}} or {{\"from\": .., \"drop\": true}}"
    )]
    Rules(String),
    /// The tensors do not make a network.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The library of tensors refused.
    #[error("tensors: {0}")]
    Backend(#[from] candle_core::Error),
}

fn part_asked(key: &Option<String>) -> String {
    match key {
        Some(key) => format!("the file has no tensors under the key `{}`", echo(key)),
        None => "the file does not say which of its tensors are the network's".to_owned(),
    }
}

fn parts_found(found: &[String]) -> String {
    if found.is_empty() {
        return "it has no named tensors of floating-point numbers; save model.state_dict()"
            .to_owned();
    }
    format!("give one of the keys that have some: {}", found.join(", "))
}

fn nearest_is(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!(" (there is `{nearest}`)"))
}

impl TensorsError {
    pub(super) fn malformed(format: Format, reason: impl ToString) -> Self {
        TensorsError::Malformed { format, reason: echo(&reason.to_string()) }
    }
}
