//! The command line, held to its contract through the program itself.

mod data;
mod digits;
mod fields;
mod fuzz;
mod limits;
mod measure;
mod notes;
mod numbers;
mod pipes;
mod readme;
mod refusals;
mod sample;
mod spans;
mod study;
mod support;
mod train;
mod words;
