use std::borrow::Cow;
use std::collections::BTreeMap;

use driftfield_problems::checksum;
use driftfield_problems::echo::echo;
use driftfield_problems::spacing::Spacing;
use serde::{Deserialize, Serialize};

use super::{Case, Session, Study, StudyFile};

/// How a study was made: what it takes to make it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The command line.
    pub command: Vec<String>,
    /// What it asked for, as the text of a study file.
    pub file: String,
    /// The directory that the paths in it are relative to.
    #[serde(default)]
    pub directory: Option<String>,
    /// Version of driftfield.
    pub version: String,
    /// Its commit, if that is known.
    pub commit: Option<String>,
    /// When it was begun (RFC 3339, UTC).
    pub date: String,
    /// System and processor.
    pub machine: String,
    /// Threads that it shared.
    pub threads: usize,
    /// Checksums of the files of models (weights, points), by what they were read from.
    pub weights: BTreeMap<String, String>,
    /// Checksums of the data that each case is compared with.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
    /// Checksums of the spacings that are read from files.
    #[serde(default)]
    pub spacings: BTreeMap<String, String>,
}

impl Origin {
    /// Of a study that begins now.
    pub fn now(file: &StudyFile, study: &Study) -> Self {
        let mut weights = BTreeMap::new();
        for model in study.cases.iter().map(|case| &case.model) {
            // Cases share their models, and a checksum reads all of one.
            if !weights.contains_key(model.source())
                && let Some(sum) = model.checksum()
            {
                weights.insert(model.source().to_owned(), hexadecimal(sum));
            }
        }
        let Session { date, machine, threads, commit } = Session::now();
        Origin {
            command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
            file: file.to_text(),
            directory: working_directory(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit,
            date,
            machine,
            threads,
            weights,
            data: study.cases.iter().filter_map(data_of).collect(),
            spacings: file.listed_spacings().into_iter().map(told_by).collect(),
        }
    }

    /// Why figures made again may be others: weights, points, data or a program that changed.
    pub fn reasons_to_differ(&self, now: &Origin) -> Vec<String> {
        let mut reasons: Vec<String> =
            changed("the weights or points", &self.weights, &now.weights)
                .chain(changed("the data", &self.data, &now.data))
                .chain(changed("the times", &self.spacings, &now.spacings))
                .collect();
        if self.program() != now.program() {
            reasons.push(format!(
                "it was made by version {}, this is {}",
                echo(&self.program()),
                now.program()
            ));
        }
        reasons
    }

    /// Version and commit.
    fn program(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{} ({commit})", self.version),
            None => self.version.clone(),
        }
    }

    /// What the study is called, if it is.
    pub(super) fn title(&self) -> Option<String> {
        StudyFile::parse(&self.file).ok()?.title
    }

    /// The command line as a shell reads it.
    pub(super) fn command_line(&self) -> String {
        self.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// A sentence of it: title, command line, program, machine and date.
    pub(super) fn told(&self) -> String {
        let title = self.title().map(|title| format!("\"{}\", ", echo(&title)));
        format!(
            "{}`{}`, version {}, {}, {}.",
            title.unwrap_or_default(),
            echo(&self.command_line()),
            echo(&self.program()),
            echo(&self.machine),
            echo(&self.date)
        )
    }

    /// What the data is called that cases are compared with.
    pub(super) fn data_name(&self) -> String {
        let named = StudyFile::parse(&self.file).ok().and_then(|file| file.data);
        named.map_or("the field's own data".to_owned(), |data| format!("`{}`", echo(&data)))
    }

    /// What was asked for, as far as rows depend on it.
    fn asked_of_rows(&self) -> String {
        let parsed = StudyFile::parse(&self.file);
        parsed.map_or_else(|_| self.file.clone(), |file| file.of_rows().to_text())
    }

    /// Where the study was made, if not in the directory that this program runs in: paths of its file
    /// lead elsewhere from here.
    pub fn elsewhere(&self) -> Option<&str> {
        self.directory.as_deref().filter(|made| Some(*made) != working_directory().as_deref())
    }

    /// Whether both would make the same rows: what was asked for, by the same program on the same
    /// weights and data.
    pub fn is_same_study(&self, other: &Origin) -> bool {
        let of = |origin: &Origin| {
            let Origin { version, commit, weights, data, spacings, .. } = origin.clone();
            (origin.asked_of_rows(), version, commit, weights, data, spacings)
        };
        of(self) == of(other)
    }
}

/// A word of a command line, within quotes where a shell would take it for something else.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    let mut text = String::from('"');
    for letter in word.chars() {
        if ['"', '\\', '$', '`'].contains(&letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    Cow::Owned(text + "\"")
}

/// Where paths that are not absolute begin.
fn working_directory() -> Option<String> {
    Some(std::env::current_dir().ok()?.to_string_lossy().into_owned())
}

/// What a study was made of that another was not.
fn changed<'o>(
    what: &'o str,
    before: &'o BTreeMap<String, String>,
    now: &'o BTreeMap<String, String>,
) -> impl Iterator<Item = String> + 'o {
    let other = now.iter().filter(|(name, sum)| before.get(*name).is_some_and(|old| old != *sum));
    other.map(move |(name, _)| format!("{what} of {} are others now", echo(name)))
}

/// A case with the checksum of its data, whichever lanes and seeds are drawn of that.
fn data_of(case: &Case) -> Option<(String, String)> {
    Some((case.label(), hexadecimal(case.data.as_ref()?.checksum())))
}

/// A spacing with the checksum of what it is: a file of times may change under its name.
fn told_by((text, spacing): (String, Spacing)) -> (String, String) {
    (text, hexadecimal(checksum::of([spacing.to_string()])))
}

fn hexadecimal(sum: u64) -> String {
    format!("{sum:016x}")
}

#[cfg(test)]
mod tests {
    use crate::study::made_up;

    #[test]
    fn a_command_line_is_what_a_shell_reads() {
        let mut origin = made_up::origin();
        let words = [
            "driftfield",
            "study",
            "--solver",
            "every stochastic",
            "--field",
            "",
            "a$b\"c",
            "x=1/2",
        ];
        origin.command = words.map(str::to_owned).to_vec();
        let line = r#"driftfield study --solver "every stochastic" --field "" "a\$b\"c" x=1/2"#;
        assert_eq!(origin.command_line(), line);
        assert!(origin.told().contains(line), "{}", origin.told());
    }
}
