//! The command line, held to its contract through the program itself.

mod digits;
mod fields;
mod fuzz;
mod measure;
mod notes;
mod numbers;
mod pipes;
mod refusals;
mod sample;
mod spans;
mod study;
mod support;
mod train;
