//! How much room there is for a file.

use std::path::{Path, PathBuf};

use crate::atomic_file::behind_links;
use crate::echo::echo_path;
use crate::memory::{fits, gigabytes};

/// A file would not fit on its disk.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{count} {what} take {:.2} GB, more than the disk of `{}` has: {:.2} GB are free; ask for fewer, {fits} at most, or write them elsewhere", gigabytes(*.bytes), echo_path(file), gigabytes(u128::from(*.free))
)]
pub struct DiskError {
    /// What there is too much of.
    pub what: &'static str,
    /// How many were asked for.
    pub count: u64,
    /// What they take.
    pub bytes: u128,
    /// Where they were to go.
    pub file: PathBuf,
    /// What is free there.
    pub free: u64,
    /// How many that is enough for.
    pub fits: u64,
}

/// Refuses `count` things that together take `bytes`, if their file would not fit. What is no file on
/// a disk, such as a pipe, takes any number of them.
pub fn check(file: &Path, what: &'static str, count: u64, bytes: u128) -> Result<(), DiskError> {
    let target = behind_links(file);
    if target.exists() && !target.is_file() {
        return Ok(());
    }
    match free(&target) {
        Some(free) if bytes > u128::from(free) => {
            let (file, fits) = (file.to_path_buf(), fits(count, bytes, free));
            Err(DiskError { what, count, bytes, file, free, fits })
        }
        _ => Ok(()),
    }
}

/// Bytes that the user may still write beside `target`, where the system says it. A file is written
/// whole before it takes the place of another, whose room is therefore not counted.
#[cfg(unix)]
fn free(target: &Path) -> Option<u64> {
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let room = rustix::fs::statvfs(parent.unwrap_or(Path::new("."))).ok()?;
    room.f_bavail.checked_mul(room.f_frsize)
}

#[cfg(not(unix))]
fn free(_target: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_no_disk_has_is_refused_before_it_is_written() {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("points.npy");
        assert_eq!(check(&file, "points", 10, 160), Ok(()));
        let error = check(&file, "points", u64::MAX, u128::MAX).unwrap_err();
        assert!(error.fits < 1 << 20, "{error}");
        let words = error.to_string();
        assert!(words.contains("points.npy") && words.contains("GB are free"), "{words}");
        // Nobody knows how much a pipe takes.
        assert_eq!(check(Path::new("/dev/null"), "points", u64::MAX, u128::MAX), Ok(()));
    }
}
