//! The `driftfield` command.

fn main() {}
