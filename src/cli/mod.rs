//! The command line: see `driftfield --help`.
//!
//! Exit status 0 on success, 2 on bad usage or input (message on stderr,
//! nothing on stdout), 1 on a failed computation (its outcome still printed).

mod data;
mod exit;
mod metrics;
mod reconstruct;
mod sample;
mod solvers;
mod study;
mod threads;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use driftfield_problems::echo::echo;

pub use exit::CommandError;

#[derive(Parser)]
#[command(
    name = "driftfield",
    version,
    about = "Generation with diffusion and flow models as differential equations",
    long_about = "Generation with diffusion and flow models as differential equations.\n\n\
                  Without a command: the study of the cat data set with the shipped weights."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Compare solvers on processes: table, pictures, report
    Study(study::StudyArguments),
    /// Train a network on a data set
    Train(train::TrainArguments),
    /// Generate samples with one solver
    Sample(Box<sample::SampleArguments>),
    /// Sample what an image was, given a measurement of it
    Reconstruct(Box<reconstruct::ReconstructArguments>),
    /// Draw points of a data set into a file
    Data(data::DataArguments),
    /// List every method
    Solvers(solvers::SolversArguments),
    /// Compare two sets of samples
    Metrics(metrics::MetricsArguments),
}

/// The command line, or why it is none; clap repeats the user's words, which are therefore read
/// again in the form that a message may have.
fn parse() -> Result<Arguments, clap::Error> {
    Arguments::try_parse().map_err(|error| {
        let words = std::env::args_os().map(|word| echo(&word.to_string_lossy()));
        Arguments::try_parse_from(words).err().unwrap_or(error)
    })
}

/// Runs the command line and returns the exit status.
pub fn run() -> ExitCode {
    threads::prepare();
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` and `--version` are answers, everything else is misuse.
            let status = if error.use_stderr() { exit::USAGE } else { 0 };
            // A closed pipe leaves nobody to tell.
            let _ = error.print();
            return ExitCode::from(status);
        }
    };
    let result = match arguments.command {
        None => study::run(&study::StudyArguments::default()),
        Some(Command::Study(arguments)) => study::run(&arguments),
        Some(Command::Train(arguments)) => train::run(&arguments),
        Some(Command::Sample(arguments)) => sample::run(&arguments),
        Some(Command::Reconstruct(arguments)) => reconstruct::run(&arguments),
        Some(Command::Data(arguments)) => data::run(&arguments),
        Some(Command::Solvers(arguments)) => solvers::run(&arguments),
        Some(Command::Metrics(arguments)) => metrics::run(&arguments),
    };
    match result {
        Ok(status) => status,
        Err(error) => error.report(),
    }
}
