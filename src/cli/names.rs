//! Names of other libraries on a command line, which become ours before anything else is done with
//! them: labels, summaries and pictures have one name for one thing.

use driftfield_problems::catalog::{Catalog, Translated};
use driftfield_problems::{method, process, spacing};

use super::exit;

/// Puts a text in names of ours and says on stderr what its name is here.
pub(super) fn translate<T>(catalog: &Catalog<T>, text: &mut String) {
    if let Some(translated) = put(catalog, text) {
        exit::remark(translated);
    }
}

fn put<T>(catalog: &Catalog<T>, text: &mut String) -> Option<Translated> {
    let translated = catalog.translated(text)?;
    translated.text().clone_into(text);
    Some(translated)
}

/// The same of a process.
pub(super) fn translate_process(process: &mut String) {
    translate(&process::catalog(), process);
}

/// The same of a solver and of the spacing of its grid, if it has one: a name that says a spacing as
/// well gives it where no other is asked for.
pub(super) fn translate_solver(solver: &mut String, spacing: &mut Option<String>, grid: bool) {
    if let Some(spacing) = spacing {
        translate(&spacing::catalog(), spacing);
    }
    let Some(translated) = put(&method::catalog(), solver) else { return };
    match translated.alias().said_spacing() {
        Some(said) if grid && spacing.is_none() => {
            exit::remark(format_args!("{translated}, with --spacing {said}"));
            *spacing = Some(said.to_owned());
        }
        _ => exit::remark(translated),
    }
}
