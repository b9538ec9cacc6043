//! The `driftfield` command.

use std::process::ExitCode;

/// glibc maps and unmaps the large buffers that candle allocates for every
/// operation; page faults then take about half of a forward pass.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    driftfield::cli::run()
}
