use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use driftfield_problems::echo::printable;
use driftfield_solvers::Outcome;

use super::signals::Signals;
use crate::generate::Note;

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

    /// The same of a command that a signal may have ended, which then has the status that shells
    /// know.
    pub(super) fn report_with(&self, signals: &Signals) -> ExitCode {
        match signals.received() {
            Some((signal, name)) => {
                warn(format_args!("{name}: {self}"));
                ExitCode::from(128 + signal)
            }
            None => self.report(),
        }
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

/// Says on stderr what may be worth knowing.
pub(super) fn remark(text: impl fmt::Display) {
    warn(format_args!("note: {text}"));
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
