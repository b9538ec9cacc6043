//! Files that appear whole or not at all.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::echo::echo_path;

/// A file could not be written. What was there under its name before is there still.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {source}; {}", echo_path(path), advice(source))]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the operating system says.
    pub source: io::Error,
}

impl WriteError {
    /// What `path` could not be written for.
    pub fn at(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| WriteError { path: path.as_ref().to_path_buf(), source }
    }
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        io::Error::new(error.source.kind(), error)
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::FileTooLarge
        | ErrorKind::WriteZero => {
            "make room and try again, a file that was there before is unchanged"
        }
        _ => {
            "check that the directory exists and is writable, a file that was there before is unchanged"
        }
    }
}

/// A file being written under a temporary name beside its final one.
///
/// Dropped before [`AtomicFile::commit`], it leaves nothing behind and what
/// was at the final name untouched. The temporary file shares the target's
/// directory because a rename is atomic within one file system only.
///
/// A killed process leaves its temporary file, `.driftfield-NAME-XXXXXX.part`. It is locked while
/// its writer lives, so that the next to write the same file knows one that nobody will finish,
/// and removes it.
#[derive(Debug)]
pub struct AtomicFile {
    writer: BufWriter<File>,
    part: TempPath,
    path: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Begins writing what will become `path`, or what a symbolic link there leads to.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, WriteError> {
        let path = path.as_ref();
        let begun = resolve(path).and_then(|target| Ok((begin(&target)?, target)));
        let (file, target) = begun.map_err(WriteError::at(path))?;
        let (file, part) = file.into_parts();
        Ok(AtomicFile { writer: BufWriter::new(file), part, path: path.to_path_buf(), target })
    }

    /// The open temporary file with everything written so far flushed to it,
    /// for seeking back.
    pub fn flushed_file(&mut self) -> io::Result<&mut File> {
        self.writer.flush()?;
        Ok(self.writer.get_mut())
    }

    /// Brings the content to disk and gives the file its final name, replacing
    /// what was there: whoever comes after a crash finds the old file or the
    /// new one, never a part.
    pub fn commit(self) -> Result<(), WriteError> {
        let AtomicFile { writer, part, path, target } = self;
        let finished = || {
            // Open, and so locked, until it has its name.
            let file = writer.into_inner().map_err(|error| error.into_error())?;
            file.sync_all()?;
            part.persist(&target).map_err(|error| error.error)
        };
        finished().map_err(WriteError::at(path))
    }
}

/// The file a path stands for, links followed, unless it must not be replaced:
/// renaming over `/dev/null` would take it from the whole system.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let refuse = |kind, advice: &str| Err(io::Error::new(kind, advice));
    if path.as_os_str().as_encoded_bytes().last() == Some(&b'/') {
        return refuse(ErrorKind::InvalidInput, "the path ends as a directory's");
    }
    if path.file_name().is_none() {
        return refuse(ErrorKind::InvalidInput, "the path has no file name");
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            refuse(ErrorKind::InvalidInput, "the path names a directory")
        }
        Ok(found) if !found.is_file() => {
            refuse(ErrorKind::InvalidInput, "the path names a device or pipe")
        }
        Ok(found) if found.permissions().readonly() => {
            refuse(ErrorKind::PermissionDenied, "the file there is read-only")
        }
        Ok(_) => std::fs::canonicalize(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(behind_links(path)),
        Err(error) => Err(error),
    }
}

/// The path that the symbolic links at `path` lead to, be there a file or not.
pub fn behind_links(path: &Path) -> PathBuf {
    /// As many as Linux follows.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(next) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    path
}

/// The temporary file of a target, locked, those of killed writers removed.
fn begin(target: &Path) -> io::Result<NamedTempFile> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(LONGEST).collect();
    remove_parts(directory, |of| of == name);
    let prefix = format!("{PREFIX}{name}-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
    // tempfile's own default is private to the user; a result file should
    // have the permissions of any other new file, which the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let file = builder.tempfile_in(directory)?;
        // Before the lock was had, somebody may have taken the file for an abandoned one. Where
        // files cannot be locked, nobody does.
        let taken = matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
        if !taken && file.path().try_exists()? {
            return Ok(file);
        }
    }
}

/// A temporary name is `PREFIX NAME - RANDOM SUFFIX`.
const PREFIX: &str = ".driftfield-";
const SUFFIX: &str = ".part";
/// Letters of a file's name in its temporary one, so that the whole has at most 255 bytes.
const LONGEST: usize = 50;
/// Random letters in a temporary name.
const RANDOM: usize = 6;

/// Removes the temporary files that killed writers left in a directory, of whatever file.
pub fn remove_abandoned(directory: impl AsRef<Path>) {
    remove_parts(directory.as_ref(), |_| true);
}

/// Removes the temporary files that no living process writes, of files whose (shortened) name is
/// wanted. What cannot be opened, locked or removed stays: it is in nobody's way.
fn remove_parts(directory: &Path, wanted: impl Fn(&str) -> bool) {
    let Ok(entries) = directory.read_dir() else { return };
    for entry in entries.flatten() {
        let regular = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !regular || !entry.file_name().to_str().and_then(target_of).is_some_and(&wanted) {
            continue;
        }
        let opened = OpenOptions::new().write(true).open(entry.path());
        if let Ok(file) = opened
            && file.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The (shortened) name of the file that a temporary name is of.
fn target_of(name: &str) -> Option<&str> {
    let (target, random) = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.rsplit_once('-')?;
    (random.len() == RANDOM).then_some(target)
}

/// Writes `bytes` as the whole content of `path`.
pub fn write(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), WriteError> {
    let path = path.as_ref();
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(WriteError::at(path))?;
    file.commit()
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abandoned_file_leaves_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result");
        std::fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half of the n").unwrap();
        drop(file);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn directories_and_missing_parents_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(AtomicFile::create(directory.path()).is_err());
        assert!(AtomicFile::create(directory.path().join("no/such/file")).is_err());
        assert!(AtomicFile::create("").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_read_only_files_are_refused_and_links_followed() {
        assert!(AtomicFile::create("/dev/null").is_err());
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        let mut permissions = std::fs::metadata(&file).unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&file, permissions).unwrap();
        assert!(AtomicFile::create(&file).is_err());
        assert!(AtomicFile::create(&link).is_err());
    }

    fn entries(directory: &Path) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_is_written_through() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("inner")).unwrap();
        // Relative to the folder of each link.
        symlink("inner/second", at("first")).unwrap();
        symlink("../file", at("inner/second")).unwrap();
        write(at("first"), b"new").unwrap();
        assert_eq!(std::fs::read_to_string(at("file")).unwrap(), "new");
        assert!([at("first"), at("inner/second")].iter().all(|link| link.is_symlink()));
        assert_eq!((entries(directory.path()), entries(&at("inner"))), (3, 1));

        symlink("no/such", at("nowhere")).unwrap();
        assert!(write(at("nowhere"), b"new").is_err());
        symlink("circle", at("circle")).unwrap();
        assert!(write(at("circle"), b"new").is_err());
        assert!(at("nowhere").is_symlink() && at("circle").is_symlink());
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.npy");
        let left = [".driftfield-r.npy-abc123.part", ".driftfield-r.npy-Zzzzz9.part"];
        // Of another file, by another name, and of nobody.
        let others =
            [".driftfield-r-abc123.part", ".driftfield-r.npy-x-abc123.part", ".r.npy-abc123.part"];
        for name in left.into_iter().chain(others) {
            std::fs::write(directory.path().join(name), "half").unwrap();
        }
        let mut living = AtomicFile::create(&path).unwrap();
        living.write_all(b"first").unwrap();
        assert_eq!(entries(directory.path()), others.len() + 1);
        write(&path, b"second").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second");
        living.commit().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(entries(directory.path()), others.len() + 1);
        assert!(others.iter().all(|name| directory.path().join(name).exists()));
        // All but that of nobody, and one still being written.
        let living = AtomicFile::create(&path).unwrap();
        remove_abandoned(directory.path());
        assert!(directory.path().join(others[2]).exists());
        assert_eq!(entries(directory.path()), 3);
        living.commit().unwrap();
    }

    #[test]
    fn names_of_any_length_and_alphabet_have_temporary_ones() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["x".repeat(255), "\u{e9}".repeat(120), "a-b".to_owned()] {
            write(directory.path().join(name), b"new").unwrap();
        }
        assert_eq!(entries(directory.path()), 3);
    }

    #[test]
    fn the_advice_is_that_of_the_failure() {
        let path = Path::new("some/file");
        let said = |kind: ErrorKind| WriteError::at(path)(kind.into()).to_string();
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge] {
            assert!(said(kind).contains("make room"), "{}", said(kind));
        }
        for kind in [ErrorKind::PermissionDenied, ErrorKind::NotFound] {
            assert!(said(kind).contains("directory exists"), "{}", said(kind));
        }
        let all = said(ErrorKind::Other);
        assert!(all.contains("cannot write `some/file`") && all.contains("unchanged"), "{all}");
    }
}
