//! Graphs in ONNX, run by `rten`: a network of anyone's who can export it.

mod error;
mod graph;
mod inputs;
mod run;
#[cfg(test)]
mod tests;

pub use error::OnnxError;
pub use graph::Graph;
pub use inputs::InputNames;
