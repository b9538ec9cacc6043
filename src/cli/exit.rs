use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use driftfield_problems::atomic_file::AtomicFile;
use driftfield_solvers::Outcome;

/// Exit status of bad usage or input.
pub(super) const USAGE: u8 = 2;
/// Exit status of a failed computation.
const FAILED: u8 = 1;

/// What was wrong with the request, in words.
#[derive(Debug)]
pub struct UserError(String);

impl UserError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        UserError(message.into())
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for UserError {
    fn from(error: E) -> Self {
        UserError(error.to_string())
    }
}

/// The exit status of a solve.
pub(super) fn status(outcome: &Outcome) -> ExitCode {
    if outcome.is_success() {
        return ExitCode::SUCCESS;
    }
    eprintln!("driftfield: the solve failed: {outcome}");
    ExitCode::from(FAILED)
}

/// Refuses a file that could not be written, before anything is computed.
pub(super) fn check_writable(path: &Path) -> Result<(), UserError> {
    AtomicFile::create(path).map(drop).map_err(|error| {
        UserError(format!(
            "cannot write `{}`: {error}; give a file in an existing, writable directory",
            path.display()
        ))
    })
}
