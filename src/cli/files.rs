use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use driftfield_problems::atomic_file::{AtomicFile, behind_links};
use driftfield_problems::data::Mnist;
use driftfield_problems::echo::echo_path;

use super::CommandError;
use crate::plot::PlotError;

/// The files that a request names, each with the option that does.
///
/// Every command says here what it reads and writes, and [`Files::check`]s it before anything is
/// read or computed: no output may be an input, or another output.
#[derive(Debug, Default)]
pub(super) struct Files {
    named: Vec<Named>,
}

#[derive(Debug)]
struct Named {
    option: String,
    path: PathBuf,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Input,
    /// Named within a longer text, and so known to be there.
    InputOfText,
    Output,
    Picture,
    /// A file in a folder of outputs that may be replaced.
    InFolder,
}

impl Role {
    fn is_input(self) -> bool {
        matches!(self, Role::Input | Role::InputOfText)
    }
}

impl Files {
    fn add<'a>(&mut self, option: &str, path: impl Into<Option<&'a PathBuf>>, role: Role) {
        let named = |path: &PathBuf| Named { option: option.to_owned(), path: path.clone(), role };
        self.named.extend(path.into().map(named));
    }

    /// A file that is read, if it was given.
    pub(super) fn input<'a>(&mut self, option: &str, path: impl Into<Option<&'a PathBuf>>) {
        self.add(option, path, Role::Input);
    }

    /// Files named in a text, such as `empirical:FILE.npy:0.1`, `mnist:DIR` or
    /// `matrix:file=FILE.npy,std=0.1`: whatever in it stands for something that is there.
    pub(super) fn inputs_in(&mut self, option: &str, text: Option<&str>) {
        for path in text.map_or(Vec::new(), named_in) {
            self.add(option, &path, Role::InputOfText);
        }
    }

    /// A file that is written, if it was given.
    pub(super) fn output<'a>(&mut self, option: &str, path: impl Into<Option<&'a PathBuf>>) {
        self.add(option, path, Role::Output);
    }

    /// A picture that is written, if it was given.
    pub(super) fn picture<'a>(&mut self, option: &str, path: impl Into<Option<&'a PathBuf>>) {
        self.add(option, path, Role::Picture);
    }

    /// A folder, there or not, for the files of these names and for pictures.
    pub(super) fn folder(&mut self, option: &str, folder: &Path, names: &[&str]) {
        for name in names {
            self.add(&format!("{option} ({name})"), &folder.join(name), Role::InFolder);
        }
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            if is_picture(&entry.path()) {
                self.add(option, &entry.path(), Role::InFolder);
            }
        }
    }

    /// Whether a path, or one in it, is among them.
    #[cfg(test)]
    pub(super) fn names(&self, path: &Path) -> bool {
        self.named.iter().any(|named| named.path.starts_with(path))
    }

    /// Refuses what would lose a file, and what could not be read or written.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        self.check_distinct()?;
        for Named { option, path, role } in &self.named {
            match role {
                Role::Input => check_there(option, path)?,
                Role::Picture if !is_picture(path) => {
                    return Err(PlotError::UnknownExtension { path: path.clone() }.into());
                }
                Role::Output | Role::Picture => check_writable(path)?,
                Role::InputOfText | Role::InFolder => {}
            }
        }
        Ok(())
    }

    fn check_distinct(&self) -> Result<(), CommandError> {
        let mut known: HashMap<Identity, Vec<&Named>> = HashMap::new();
        for second in &self.named {
            let same = known.entry(Identity::of(&second.path)).or_default();
            let clashes = |first: &&&Named| {
                first.option != second.option && !(first.role.is_input() && second.role.is_input())
            };
            if let Some(first) = same.iter().find(clashes) {
                return Err(CommandError::usage(format!(
                    "{} and {} name the same file, `{}`, of which one would be lost; give two names",
                    first.option,
                    second.option,
                    echo_path(&second.path)
                )));
            }
            same.push(second);
        }
        Ok(())
    }
}

/// What two paths of one file have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Device and number of a file that is there, so that hard links are one.
    #[cfg(unix)]
    Number(u64, u64),
    /// Where it is, or will be.
    Path(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Self {
        #[cfg(unix)]
        if let Ok(found) = std::fs::metadata(path) {
            use std::os::unix::fs::MetadataExt;
            return Identity::Number(found.dev(), found.ino());
        }
        let path = behind_links(path);
        let whole = path.canonicalize().ok();
        let beside = || {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(parent.join(path.file_name()?))
        };
        Identity::Path(whole.or_else(beside).unwrap_or(path))
    }
}

/// The files that parts of a text name: all of it, or what is behind a `:` or `=` and before a
/// `:` or `,`.
fn named_in(text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for part in paths_in(text) {
        if part.is_dir() {
            found.extend(Mnist::files(part));
        } else if part.exists() {
            found.push(part.to_path_buf());
        }
    }
    found
}

/// What a text names that is in `folder` and not here.
pub(super) fn only_in(folder: &Path, text: &str) -> Option<PathBuf> {
    let only = |path: &&Path| path.is_relative() && folder.join(path).exists() && !path.exists();
    Some(paths_in(text).into_iter().find(only)?.to_path_buf())
}

/// What in a text may be a path, be there anything under it or not.
fn paths_in(text: &str) -> Vec<&Path> {
    /// Beyond this many separators nobody means a file.
    const MOST: usize = 40;
    let after = text.match_indices([':', '=']).map(|(at, _)| at + 1);
    // A whole text without a dot is a name, such as `moons`.
    let whole = text.contains('.').then_some(0);
    let before = |start: usize| {
        let ends = text[start..].match_indices([':', ',']).map(move |(at, _)| start + at);
        // Whatever is in a name, the last of them may be what ends it.
        let last = [text.rfind(':'), text.rfind(',')].into_iter().flatten();
        ends.take(MOST).chain(last.filter(move |&end| end >= start)).chain([text.len()])
    };
    let starts = whole.into_iter().chain(after.take(MOST));
    let parts = starts.flat_map(|start| before(start).map(move |end| &text[start..end]));
    // As it stands, and as those read it who take no spaces for part of a name.
    let parts = parts.flat_map(|part| [part, part.trim()]);
    parts.filter(|part| !part.is_empty()).map(Path::new).collect()
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        ["png", "svg", "pdf"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn check_there(option: &str, path: &Path) -> Result<(), CommandError> {
    let found = std::fs::metadata(path).and_then(|found| match found.is_dir() {
        true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        false => Ok(()),
    });
    found.map_err(|error| {
        CommandError::usage(format!("cannot read `{}` ({option}): {error}", echo_path(path)))
    })
}

/// Refuses a file that could not be written, before anything is computed.
fn check_writable(path: &Path) -> Result<(), CommandError> {
    AtomicFile::create(path).map(drop).map_err(CommandError::from)
}

/// Refuses a folder in which `names` could not be written. One that is not there is not made yet.
pub(super) fn check_folder(folder: &Path, names: &[&str]) -> Result<(), CommandError> {
    if folder.is_dir() {
        return names.iter().try_for_each(|name| check_writable(&folder.join(name)));
    }
    if folder.exists() {
        let message = format!("cannot write to `{}`: it is no directory", echo_path(folder));
        return Err(CommandError::usage(message));
    }
    let mut missing = folder;
    while let Some(above) = missing.parent()
        && !above.as_os_str().is_empty()
        && !above.exists()
    {
        missing = above;
    }
    // Where a file could be made, so could a folder.
    check_writable(missing)
}
