//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file being written under a temporary name beside its final one.
///
/// Dropped before [`AtomicFile::commit`], it leaves nothing behind and what
/// was at the final name untouched. The temporary file shares the target's
/// directory because a rename is atomic within one file system only.
#[derive(Debug)]
pub struct AtomicFile {
    writer: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl AtomicFile {
    /// Begins writing what will become `path`.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let target = resolve(path.as_ref())?;
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".driftfield-").suffix(".part");
        // tempfile's own default is private to the user; a result file should
        // have the permissions of any other new file, which the umask decides.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(directory)?;
        Ok(AtomicFile { writer: BufWriter::new(file), target })
    }

    /// The open temporary file with everything written so far flushed to it,
    /// for seeking back.
    pub fn flushed_file(&mut self) -> io::Result<&mut File> {
        self.writer.flush()?;
        Ok(self.writer.get_mut().as_file_mut())
    }

    /// Brings the content to disk and gives the file its final name, replacing
    /// what was there: whoever comes after a crash finds the old file or the
    /// new one, never a part.
    pub fn commit(self) -> io::Result<()> {
        let file = self.writer.into_inner().map_err(|error| error.into_error())?;
        file.as_file().sync_all()?;
        file.persist(&self.target).map_err(|error| error.error)?;
        Ok(())
    }
}

/// The file a path stands for, links followed, unless it must not be replaced:
/// renaming over `/dev/null` would take it from the whole system.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let refuse = |kind, advice: &str| Err(io::Error::new(kind, advice));
    if path.file_name().is_none() {
        return refuse(io::ErrorKind::InvalidInput, "the path has no file name; give one");
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            refuse(io::ErrorKind::InvalidInput, "the path names a directory; give a file name")
        }
        Ok(found) if !found.is_file() => {
            refuse(io::ErrorKind::InvalidInput, "the path names a device or pipe; give a file name")
        }
        Ok(found) if found.permissions().readonly() => {
            refuse(io::ErrorKind::PermissionDenied, "the file there is read-only")
        }
        Ok(_) => std::fs::canonicalize(path),
        Err(_) => Ok(path.to_path_buf()),
    }
}

/// Writes `bytes` as the whole content of `path`.
pub fn write(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
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
}
