use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use driftfield_problems::atomic_file::AtomicFile;
use driftfield_problems::echo::{echo_path, printable};
use driftfield_solvers::Outcome;

use crate::generate::Note;
use crate::images;
use crate::plot::PlotError;

/// Exit status of bad usage or input.
pub(super) const USAGE: u8 = 2;
/// Exit status of a failed computation.
const FAILED: u8 = 1;

/// Why a command ends without its result: what to say and the exit status.
#[derive(Debug)]
pub struct CommandError {
    message: String,
    status: u8,
}

impl CommandError {
    /// The request was bad.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        CommandError { message: message.into(), status: USAGE }
    }

    /// The request was good and its computation failed.
    pub(super) fn failed(message: impl fmt::Display) -> Self {
        CommandError { message: message.to_string(), status: FAILED }
    }

    /// Says what went wrong and returns the exit status.
    pub(super) fn report(&self) -> ExitCode {
        warn(self);
        ExitCode::from(self.status)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error met on the way to a computation is the request's fault; one met
/// later is turned with `CommandError::failed`.
impl<E: std::error::Error> From<E> for CommandError {
    fn from(error: E) -> Self {
        CommandError::usage(error.to_string())
    }
}

/// One line on stderr; if that is closed there is nobody to tell.
pub(super) fn warn(message: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "driftfield: {}", readable(&message.to_string()));
}

/// Characters of a line of a message at most.
const LONGEST_LINE: usize = 2_000;

/// A message as it may be written to a terminal, whatever words of others have come into it:
/// nothing that does not print, and no line without end.
fn readable(message: &str) -> String {
    let line = |line: &str| {
        let line = printable(line);
        match line.char_indices().nth(LONGEST_LINE) {
            Some((end, _)) => format!("{} ...", &line[..end]),
            None => line,
        }
    };
    message.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Says on stderr what may not be as it was meant.
pub(super) fn note(notes: &[Note]) {
    notes.iter().for_each(|note| warn(format_args!("note: {note}")));
}

/// The same for JSON.
pub(super) fn texts(notes: &[Note]) -> Vec<String> {
    notes.iter().map(Note::to_string).collect()
}

/// Writes `text` and a line break to stdout.
///
/// A reader that has gone (`driftfield study | head`) has seen what it wanted.
pub(super) fn say(text: impl fmt::Display) -> Result<(), CommandError> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CommandError::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// The exit status of a solve.
pub(super) fn status(outcome: &Outcome) -> ExitCode {
    if outcome.is_success() {
        return ExitCode::SUCCESS;
    }
    CommandError::failed(format!("the solve failed: {outcome}")).report()
}

/// Refuses a picture that could not be drawn, before anything is computed.
fn check_picture(path: &Path) -> Result<(), CommandError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("png" | "svg") => check_writable(path),
        _ => Err(PlotError::UnknownExtension { path: path.to_owned() }.into()),
    }
}

/// An output by its option, if it was asked for.
pub(super) type Output<'a> = (&'a str, &'a Option<PathBuf>);

/// Refuses what could not be written of arrays and of pictures of lanes, before anything is
/// computed: two outputs in one file, of which the first would be lost, among it.
pub(super) fn check_outputs(
    arrays: &[Output<'_>],
    pictures: &[Output<'_>],
    lane: &[usize],
) -> Result<(), CommandError> {
    check_distinct(&[arrays, pictures].concat())?;
    for file in arrays.iter().filter_map(|(_, file)| file.as_ref()) {
        check_writable(file)?;
    }
    for file in pictures.iter().filter_map(|(_, file)| file.as_ref()) {
        images::side_of(lane)?;
        check_picture(file)?;
    }
    Ok(())
}

fn check_distinct(outputs: &[Output<'_>]) -> Result<(), CommandError> {
    let given: Vec<_> =
        outputs.iter().filter_map(|(name, file)| Some((*name, file.as_ref()?))).collect();
    for (index, (name, file)) in given.iter().enumerate() {
        if let Some((other, _)) = given[..index].iter().find(|(_, other)| other == file) {
            return Err(CommandError::usage(format!(
                "{other} and {name} name the same file; give two names"
            )));
        }
    }
    Ok(())
}

/// Refuses a file that could not be written, before anything is computed.
pub(super) fn check_writable(path: &Path) -> Result<(), CommandError> {
    AtomicFile::create(path).map(drop).map_err(|error| {
        CommandError::usage(format!(
            "cannot write `{}`: {error}; give a file in an existing, writable directory",
            echo_path(path)
        ))
    })
}
