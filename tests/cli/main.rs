//! The command line, held to its contract through the program itself.

mod answers;
mod data;
mod digits;
mod disks;
mod fields;
mod files;
mod fuzz;
mod limits;
mod measure;
mod newcomers;
mod noised;
mod notes;
mod numbers;
mod order;
mod pipes;
mod plot;
mod readme;
mod refusals;
mod sample;
mod signals;
mod spans;
mod study;
mod support;
mod train;
mod view;
mod words;
