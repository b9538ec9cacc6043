//! The command line: see `driftfield --help`.
//!
//! Exit status 0 on success, 2 on bad usage or input (message on stderr,
//! nothing on stdout), 1 on a failed computation (its outcome still printed), 130
//! after SIGINT and 143 after SIGTERM.

mod compare;
mod data;
mod examples;
mod exit;
mod files;
mod foreign;
mod guidance;
mod import;
mod list;
mod metrics;
mod names;
mod pictures;
mod plot;
mod reconstruct;
mod sample;
mod sampling_progress;
mod signals;
mod solvers;
mod start;
mod study;
mod table;
mod threads;
mod train;
mod training_progress;
mod view;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use driftfield_problems::echo::echo;

pub use exit::CommandError;
use signals::Signals;

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
    Study(Box<study::StudyArguments>),
    /// Show a study again: columns, order, groups and form of its table
    Table(table::TableArguments),
    /// Hold two studies against each other, row by row
    Compare(compare::CompareArguments),
    /// Train a network on a data set
    Train(train::TrainArguments),
    /// Generate samples with one solver
    Sample(Box<sample::SampleArguments>),
    /// Sample what an image was, given a measurement of it
    Reconstruct(Box<reconstruct::ReconstructArguments>),
    /// Keep a network of someone else's file, with what has to be known of it
    Import(import::ImportArguments),
    /// Write a network for PyTorch
    Export(import::ExportArguments),
    /// Draw points of a data set into a file
    Data(data::DataArguments),
    /// List what can be chosen by name, with its parameters
    List(list::ListArguments),
    /// List every method
    Solvers(solvers::SolversArguments),
    /// Compare two sets of samples
    Metrics(metrics::MetricsArguments),
    /// Look at samples, a trajectory or a study: one page for a browser
    View(view::ViewArguments),
}

/// Columns of the help, or as many as a narrower terminal has.
const WIDTH: usize = 80;

fn program() -> clap::Command {
    examples::below_help(Arguments::command()).max_term_width(WIDTH)
}

fn parse_from<W: Into<OsString> + Clone>(
    words: impl IntoIterator<Item = W>,
) -> Result<Arguments, clap::Error> {
    let mut program = program();
    let matches = program.try_get_matches_from_mut(words)?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut program))
}

/// The command line, or why it is none; clap repeats the user's words, which are therefore read
/// again in the form that a message may have.
fn parse() -> Result<Arguments, clap::Error> {
    parse_from(std::env::args_os()).map_err(|error| {
        let words = std::env::args_os().map(|word| echo(&word.to_string_lossy()));
        parse_from(words).err().unwrap_or(error)
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
    let signals = Signals::install();
    let result = match arguments.command {
        None => study::run(&study::StudyArguments::default(), &signals),
        Some(Command::Study(arguments)) => study::run(&arguments, &signals),
        Some(Command::Table(arguments)) => table::run(&arguments),
        Some(Command::Compare(arguments)) => compare::run(&arguments),
        Some(Command::Train(arguments)) => train::run(&arguments, &signals),
        Some(Command::Sample(arguments)) => sample::run(&arguments, &signals),
        Some(Command::Reconstruct(arguments)) => reconstruct::run(&arguments, &signals),
        Some(Command::Import(arguments)) => import::import(&arguments),
        Some(Command::Export(arguments)) => import::export(&arguments),
        Some(Command::Data(arguments)) => data::run(&arguments, &signals),
        Some(Command::List(arguments)) => list::run(&arguments),
        Some(Command::Solvers(arguments)) => solvers::run(&arguments),
        Some(Command::Metrics(arguments)) => metrics::run(&arguments),
        Some(Command::View(arguments)) => view::run(&arguments),
    };
    match result {
        // What was being written when the signal came is whole.
        Ok(_) if signals.received().is_some() => {
            CommandError::failed("done all the same").report_with(&signals)
        }
        Ok(status) => status,
        Err(error) => error.report_with(&signals),
    }
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;
    use std::path::{Path, PathBuf};

    use clap::{Arg, CommandFactory};

    use super::{Arguments, Command, WIDTH, parse_from, program};
    use crate::cli::files::Files;

    /// What each command takes beside its files.
    const LINES: [(&str, &str); 13] = [
        ("study", ""),
        ("table", ""),
        ("compare", ""),
        ("train", "--process vp --data moons"),
        ("sample", "--process vp --field cat-vp --solver heun --steps 2"),
        ("reconstruct", "--measurement pool"),
        ("list", "solvers"),
        ("import", "model.pt"),
        ("export", ""),
        ("solvers", ""),
        ("metrics", ""),
        ("data", "moons --n 1"),
        ("view", ""),
    ];

    fn files(arguments: &[String]) -> Files {
        let parsed = parse_from(arguments).unwrap_or_else(|e| panic!("{e}"));
        match parsed.command.unwrap() {
            Command::Study(study) => study.files(),
            Command::Table(table) => table.files(),
            Command::Compare(compare) => compare.files(),
            Command::Train(train) => train.files(),
            Command::Sample(sample) => sample.files(),
            Command::Reconstruct(reconstruct) => reconstruct.files(),
            Command::Metrics(metrics) => metrics.files(),
            Command::Data(data) => data.files(),
            Command::Import(import) => import.files(),
            Command::Export(export) => export.files(),
            Command::View(view) => view.files(),
            Command::List(_) | Command::Solvers(_) => Files::default(),
        }
    }

    /// Whoever gives a command another file is reminded to have it compared with the others.
    #[test]
    fn every_option_that_is_a_path_is_among_the_files_that_are_compared() {
        let program = Arguments::command();
        assert_eq!(program.get_subcommands().count(), LINES.len());
        for command in program.get_subcommands() {
            let name = command.get_name();
            let (_, usual) = LINES.iter().find(|(known, _)| *known == name).unwrap();
            let usual = usual.split_whitespace().map(str::to_owned);
            let usual: Vec<String> =
                ["driftfield".to_owned(), name.to_owned()].into_iter().chain(usual).collect();
            let is_path =
                |argument: &&Arg| argument.get_value_parser().type_id() == TypeId::of::<PathBuf>();
            let paths: Vec<&Arg> = command.get_arguments().filter(is_path).collect();
            // One at a time beside those that there must be: some exclude each other.
            for tried in &paths {
                let mut line = usual.clone();
                let there = |argument: &&&Arg| argument.is_required_set() || *argument == tried;
                for argument in paths.iter().filter(there) {
                    line.extend(argument.get_long().map(|long| format!("--{long}")));
                    line.push(format!("path-{}", argument.get_id()));
                }
                let path = format!("path-{}", tried.get_id());
                assert!(files(&line).names(Path::new(&path)), "{line:?}: {path} is not compared");
            }
        }
    }

    /// The lines of an example, which a mark at their ends joins.
    fn examples(help: &str) -> Vec<String> {
        let below = help.split_once("Examples:\n").map_or("", |(_, below)| below);
        let joined = below.replace(" \\\n      ", " ");
        joined.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect()
    }

    #[test]
    fn every_command_has_a_narrow_help_and_two_examples_that_can_be_typed() {
        let mut program = program().term_width(WIDTH);
        program.build();
        let names: Vec<String> =
            program.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        let mut helps = vec![("", program.render_help()), ("", program.render_long_help())];
        for name in names.iter().filter(|name| *name != "help") {
            let command = program.find_subcommand_mut(name).unwrap();
            helps.push((name, command.render_help()));
            helps.push((name, command.render_long_help()));
        }
        for (name, help) in helps {
            let help = help.to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= WIDTH, "{name}: {line}");
            }
            if name.is_empty() {
                continue;
            }
            let examples = examples(&help);
            assert_eq!(examples.len(), 2, "{help}");
            for example in examples {
                assert!(example.starts_with(&format!("  driftfield {name}")), "{example}");
                parse_from(example.split_whitespace()).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}
