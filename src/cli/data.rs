use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use driftfield_problems::data::{self, DataSet};
use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::npy::{NpyError, RowWriter};
use ndarray::{ArrayView, IxDyn};

use super::{CommandError, exit};

/// Rows drawn at a time.
const ROWS: usize = 1024;

#[derive(Args)]
pub(super) struct DataArguments {
    /// `cat`, `moons`, `checkerboard`, `swiss-roll`, `eight-gaussians`, `FILE.npy`, a mixture
    /// `FILE.json`, or digits `mnist:DIR`, of which those under `train-*` are drawn
    name: String,
    /// Number of points
    #[arg(long, allow_negative_numbers = true)]
    n: usize,
    /// Seed of the draw
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Where they go, `.npy` of shape [n, d], digits [n, 1, 28, 28]
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn run(arguments: &DataArguments) -> Result<ExitCode, CommandError> {
    let DataArguments { name, n, seed, out } = arguments;
    if *n == 0 {
        return Err(CommandError::usage("0 points were asked for; ask for at least one"));
    }
    check_input(name, out)?;
    exit::check_outputs(&[("--out", &Some(out.clone()))], &[], &[])?;
    let data = data::by_name(name)?;
    write(data.as_ref(), arguments).map_err(CommandError::failed)?;
    let shape = [&[*n], data.row_shape().as_slice()].concat();
    exit::say(format_args!(
        "{}: {n} points of {}, shape {shape:?}, seed {seed}",
        echo_path(out),
        echo(name)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses to write over what is drawn from.
fn check_input(name: &str, out: &Path) -> Result<(), CommandError> {
    let Some((_, input)) = data::file_of(name) else { return Ok(()) };
    match (fs::canonicalize(input), fs::canonicalize(out)) {
        (Ok(input), Ok(out)) if out.starts_with(&input) => Err(CommandError::usage(format!(
            "`{}` is what is drawn from; give --out another name",
            echo_path(&out)
        ))),
        _ => Ok(()),
    }
}

/// Draws and writes a few rows at a time: no number of them is too large for memory.
fn write(data: &dyn DataSet, arguments: &DataArguments) -> Result<(), NpyError> {
    let shape = data.row_shape();
    let mut writer = RowWriter::<f64>::create(&arguments.out, &shape)?;
    for first in (0..arguments.n).step_by(ROWS) {
        let count = ROWS.min(arguments.n - first);
        for row in data.sample_from(first as u64, count, arguments.seed).rows() {
            let values = row.to_vec();
            let row = ArrayView::from_shape(IxDyn(&shape), &values)
                .map_err(|error| NpyError::Header { reason: error.to_string() })?;
            writer.push(&row)?;
        }
    }
    writer.finish()
}
