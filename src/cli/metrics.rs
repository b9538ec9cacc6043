use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use driftfield_problems::{memory, npy};
use driftfield_solvers::number::decimals;

use super::CommandError;
use super::exit::say;
use super::files::Files;
use crate::metrics::{self, MetricReport};

#[derive(Args)]
pub(super) struct MetricsArguments {
    /// First sample, `.npy` of shape [n, ...]
    a: PathBuf,
    /// Second sample, `.npy` with lanes of the same length
    b: PathBuf,
    #[arg(long, help = help_of_all())]
    all: bool,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

fn help_of_all() -> String {
    let slow: Vec<_> = metrics::catalog().defaults().filter(|metric| metric.slow).collect();
    let slow = slow.into_iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ");
    format!("Also the metrics that take seconds on thousands of points: {slow}")
}

impl MetricsArguments {
    /// All that is read.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.input("A", &self.a);
        files.input("B", &self.b);
        files
    }
}

pub(super) fn run(arguments: &MetricsArguments) -> Result<ExitCode, CommandError> {
    arguments.files().check()?;
    let (a, b) = (npy::read_rows::<f64>(&arguments.a)?.0, npy::read_rows::<f64>(&arguments.b)?.0);
    let points = a.nrows() + b.nrows();
    // Copies by coordinate and by tree, and sorted projections of every thread.
    let numbers = 3 * (a.len() + b.len()) + points * (4 + 2 * rayon::current_num_threads());
    memory::check("points", points as u64, numbers as u128 * size_of::<f64>() as u128)?;
    let catalog = metrics::catalog();
    let asked = catalog.defaults().filter(|metric| arguments.all || !metric.slow);
    let report = MetricReport::with(&a.view(), &b.view(), asked)?;
    if arguments.json {
        say(serde_json::to_string_pretty(&report)?)?;
    } else {
        say(text(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(report: &MetricReport) -> String {
    let mut lines = vec![
        format!("Chamfer distance            {:.6e}", report.chamfer),
        format!("Chamfer distance, squared   {:.6e}", report.chamfer_squared),
        format!("sliced Wasserstein-2        {:.6e}", report.sliced_wasserstein),
        format!("energy distance             {:.6e}", report.energy_distance),
    ];
    for (i, h) in report.bandwidths.iter().enumerate() {
        let unbiased = report.mmd2_unbiased.get(i).copied().flatten();
        let unbiased = unbiased.map_or("-".to_owned(), |value| format!("{value:.6e}"));
        let biased = report.mmd2_biased[i];
        let h = decimals(*h, 4);
        lines.push(format!("MMD^2 (h = {h})   unbiased {unbiased}   biased {biased:.6e}"));
    }
    let hausdorff = [("hausdorff", Ok(report.hausdorff))];
    let others = report.others.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in hausdorff.into_iter().chain(others) {
        let value = value.map_or_else(|why| format!("- ({why})"), |value| format!("{value:.6e}"));
        lines.push(format!("{name:<28}{value}"));
    }
    lines.join("\n")
}
