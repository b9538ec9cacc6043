//! Files of the user's that are read whole.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::memory;

/// Most that is read of a pipe or a device.
const MOST_OF_NO_FILE: u64 = 1 << 28;

/// The content of a file of at most `most` bytes.
///
/// What has no end (`/dev/zero`, a pipe) is read no further, and what memory does not hold is an
/// error.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let known = if metadata.is_file() { metadata.len() } else { 0 };
    let most = if metadata.is_file() { most } else { most.min(MOST_OF_NO_FILE) };
    if known > most {
        return Err(too_large(most));
    }
    let mut bytes = Vec::new();
    let reserved = usize::try_from(known).is_ok_and(|known| bytes.try_reserve_exact(known).is_ok());
    if !reserved || known > memory::available() {
        return Err(ErrorKind::OutOfMemory.into());
    }
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

fn too_large(most: u64) -> io::Error {
    let most = most >> 20;
    let words = format!("it has more than {most} MiB, the most that is read of such a file");
    io::Error::new(ErrorKind::FileTooLarge, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_limit_and_no_further() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, vec![7; 1 << 20]).unwrap();
        assert_eq!(read(&path, 1 << 20).unwrap().len(), 1 << 20);
        let kind = |path: &Path, most| read(path, most).unwrap_err().kind();
        assert_eq!(kind(&path, (1 << 20) - 1), ErrorKind::FileTooLarge);
        assert_eq!(kind(&path.with_extension("none"), 1), ErrorKind::NotFound);
        #[cfg(unix)]
        {
            assert_eq!(kind(Path::new("/dev/zero"), 1 << 20), ErrorKind::FileTooLarge);
            assert_eq!(kind(directory.path(), 1 << 20), ErrorKind::IsADirectory);
        }
    }
}
