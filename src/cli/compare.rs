use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::files::Files;
use super::table::terminal_width;
use super::{CommandError, exit};
use crate::study::{Comparison, StudyResult};

#[derive(Args)]
pub(super) struct CompareArguments {
    /// The `study.json` of the first study
    a: PathBuf,
    /// That of the second
    b: PathBuf,
    /// Numbers to compare, such as solver_error,chamfer,nfe,seconds [default: the solver error and
    /// the metrics of the table]
    #[arg(long, value_delimiter = ',')]
    columns: Vec<String>,
    /// Print Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

impl CompareArguments {
    /// All that is read.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.input("A", &self.a);
        files.input("B", &self.b);
        files
    }
}

pub(super) fn run(arguments: &CompareArguments) -> Result<ExitCode, CommandError> {
    arguments.files().check()?;
    let (a, b) = (StudyResult::read(&arguments.a)?, StudyResult::read(&arguments.b)?);
    let comparison = Comparison::of(&a, &b, &arguments.columns)?;
    if arguments.json {
        exit::say(format_args!("{:#}", comparison.to_json()))?;
    } else if arguments.markdown {
        exit::say(comparison.to_markdown().trim_end())?;
    } else {
        exit::say(comparison.to_text(terminal_width()).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}
