//! Zip archives whose claims are held against what they can hold.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use driftfield_problems::echo::echo;
use zip::{CompressionMethod, ZipArchive};

use super::map::check_memory;
use super::{Format, TensorsError};

/// What a byte of DEFLATE can at most become: 258 bytes by a code of two bits, and a little more.
const LARGEST_RATIO: u64 = 1032;
/// Bytes that an entry may have beyond that, for the ends of its blocks.
const SLACK: u64 = 1024;

/// A zip archive in memory.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    format: Format,
    /// Index and claimed size of every entry.
    entries: HashMap<String, (usize, u64)>,
}

impl<'a> Archive<'a> {
    /// Reads the directory, and refuses entries that claim more than their bytes can become.
    pub(super) fn new(bytes: &'a [u8], format: Format) -> Result<Self, TensorsError> {
        let malformed = |error| TensorsError::malformed(format, error);
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
        let mut entries = HashMap::new();
        for index in 0..zip.len() {
            // Raw: an entry that nobody asks for may be compressed as it likes.
            let entry = zip.by_index_raw(index).map_err(malformed)?;
            let name = entry.name().map_err(malformed)?.into_owned();
            let (claimed, packed) = (entry.size(), entry.compressed_size());
            let held = match entry.compression() {
                CompressionMethod::Stored => packed,
                _ => packed.saturating_mul(LARGEST_RATIO).saturating_add(SLACK),
            };
            if claimed > held || packed > bytes.len() as u64 {
                let claimed = u128::from(claimed.max(packed));
                let held = held.min(bytes.len() as u64);
                return Err(TensorsError::TooLarge { name: echo(&name), claimed, held });
            }
            entries.insert(name, (index, claimed));
        }
        Ok(Archive { zip, format, entries })
    }

    /// The names of the files in it, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.entries.keys().cloned().collect();
        names.sort();
        names
    }

    /// The size that a file in it claims.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|(_, size)| *size)
    }

    /// A file in it of at most `most` bytes.
    pub(super) fn read(&mut self, name: &str, most: u64) -> Result<Vec<u8>, TensorsError> {
        let malformed = |error| TensorsError::malformed(self.format, error);
        let Some(&(index, claimed)) = self.entries.get(name) else {
            return Err(malformed(format!("it has no `{}`", echo(name))));
        };
        if claimed > most {
            let (name, claimed) = (echo(name), u128::from(claimed));
            return Err(TensorsError::TooLarge { name, claimed, held: most });
        }
        check_memory(1, u128::from(claimed))?;
        let entry = self.zip.by_index(index).map_err(|error| malformed(error.to_string()))?;
        let mut bytes = Vec::with_capacity(claimed as usize);
        // One more than claimed: an entry that goes on is found out.
        entry
            .take(claimed.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| malformed(error.to_string()))?;
        if bytes.len() as u64 != claimed {
            return Err(malformed(format!("`{}` has another length than it claims", echo(name))));
        }
        Ok(bytes)
    }
}
