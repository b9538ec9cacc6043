use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use driftfield_problems::data::{self, DataSet};
use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::npy::RowWriter;
use ndarray::{ArrayView, IxDyn};

use super::files::Files;
use super::signals::Signals;
use super::{CommandError, exit, list};

/// Rows drawn at a time.
const ROWS: usize = 1024;

#[derive(Args)]
pub(super) struct DataArguments {
    #[arg(help = list::written(&data::catalog()))]
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

impl DataArguments {
    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.inputs_in("what is drawn from", Some(&self.name));
        files.output("--out", &self.out);
        files
    }
}

pub(super) fn run(arguments: &DataArguments, signals: &Signals) -> Result<ExitCode, CommandError> {
    let DataArguments { name, n, seed, out } = arguments;
    if *n == 0 {
        return Err(CommandError::usage("0 points were asked for; ask for at least one"));
    }
    arguments.files().check()?;
    let data = data::by_name(name)?;
    write(data.as_ref(), arguments, &signals.listen())?;
    let shape = [&[*n], data.row_shape().as_slice()].concat();
    exit::say(format_args!(
        "{}: {n} points of {}, shape {shape:?}, seed {seed}",
        echo_path(out),
        echo(name)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Draws and writes a few rows at a time: no number of them is too large for memory.
fn write(
    data: &dyn DataSet,
    arguments: &DataArguments,
    stop: &AtomicBool,
) -> Result<(), CommandError> {
    let shape = data.row_shape();
    let mut writer =
        RowWriter::<f64>::create(&arguments.out, &shape).map_err(CommandError::failed)?;
    for first in (0..arguments.n).step_by(ROWS) {
        if stop.load(Ordering::Relaxed) {
            return Err(CommandError::failed("stopped before the last point; nothing is written"));
        }
        let count = ROWS.min(arguments.n - first);
        for row in data.sample_from(first as u64, count, arguments.seed).rows() {
            let values = row.to_vec();
            let row = ArrayView::from_shape(IxDyn(&shape), &values)?;
            writer.push(&row).map_err(CommandError::failed)?;
        }
    }
    writer.finish().map_err(CommandError::failed)
}
