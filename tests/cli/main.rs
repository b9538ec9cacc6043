//! The command line, held to its contract through the program itself.

mod digits;
mod disks;
mod fields;
mod files;
mod fuzz;
mod measure;
mod order;
mod pipes;
mod refusals;
mod sample;
mod signals;
mod spans;
mod study;
mod support;
mod train;
