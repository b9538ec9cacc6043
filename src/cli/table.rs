use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use console::Term;
use driftfield_problems::atomic_file;
use driftfield_problems::echo::echo_path;

use super::files::Files;
use super::{CommandError, exit, list};
use crate::study::{StudyResult, TableFormat, TableOptions, answers_text};

#[derive(Args)]
pub(super) struct TableArguments {
    /// The `study.json` of a study
    study: PathBuf,
    #[command(flatten)]
    shape: ShapeArguments,
    #[arg(long, default_value = "terminal", help = help_of_format())]
    format: TableFormat,
    /// File for the table, in place of standard output
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What a table shows.
#[derive(Args, Debug, Default)]
pub(super) struct ShapeArguments {
    /// Columns (`driftfield list columns`), such as solver,nfe,chamfer,chamfer_above_floor [default:
    /// the usual]
    #[arg(long, value_delimiter = ',')]
    columns: Vec<String>,
    /// Columns to sort by within a group, with a `-` before those that fall
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    sort: Vec<String>,
    /// Columns whose values make a group [default: process,field]
    #[arg(long, value_delimiter = ',')]
    group_by: Vec<String>,
}

impl ShapeArguments {
    /// What was asked for, and for the rest what `file` says.
    pub(super) fn over(&self, file: TableOptions) -> TableOptions {
        let list = |given: &Vec<String>, file| if given.is_empty() { file } else { given.clone() };
        TableOptions {
            columns: list(&self.columns, file.columns),
            sort: list(&self.sort, file.sort),
            group_by: list(&self.group_by, file.group_by),
            width: None,
        }
    }
}

/// That of the terminal; none where there is none, and a table is as wide as it comes.
pub(super) fn terminal_width() -> Option<u16> {
    Term::stdout().size_checked().map(|(_, width)| width)
}

fn help_of_format() -> String {
    format!("Form of the table: {}", list::names(&TableFormat::catalog()))
}

impl TableArguments {
    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.input("STUDY", &self.study);
        files.output("--out", &self.out);
        files
    }
}

pub(super) fn run(arguments: &TableArguments) -> Result<ExitCode, CommandError> {
    arguments.files().check()?;
    let result = StudyResult::read(&arguments.study)?;
    let mut options = arguments.shape.over(TableOptions::default());
    if arguments.out.is_none() {
        options.width = terminal_width();
    }
    let mut text = options.render(&result, arguments.format)?;
    if arguments.format == TableFormat::Terminal {
        text = format!("{text}\n{}", answers_text(&result));
    }
    match &arguments.out {
        Some(file) => {
            atomic_file::write(file, text.as_bytes()).map_err(CommandError::failed)?;
            exit::say(format_args!("table: {}", echo_path(file)))?;
        }
        None => exit::say(text.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}
