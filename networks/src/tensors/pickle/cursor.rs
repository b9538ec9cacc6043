//! The bytes of a pickle, in order.

use driftfield_problems::echo::echo;

use crate::tensors::{Format, TensorsError};

/// Reads bytes from the front; whatever is missing is an error.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], TensorsError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], TensorsError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, TensorsError> {
        Ok(self.array::<1>()?[0])
    }

    /// A length in `N` bytes.
    pub(super) fn length<const N: usize>(&mut self) -> Result<usize, TensorsError> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(self.take(N)?);
        usize::try_from(u64::from_le_bytes(wide)).map_err(malformed)
    }

    /// Bytes after their length in `N` bytes.
    pub(super) fn counted<const N: usize>(&mut self) -> Result<&'a [u8], TensorsError> {
        let length = self.length::<N>()?;
        self.take(length)
    }

    /// Text after its length in `N` bytes.
    pub(super) fn text<const N: usize>(&mut self) -> Result<&'a str, TensorsError> {
        std::str::from_utf8(self.counted::<N>()?).map_err(malformed)
    }

    /// Text up to the end of its line.
    pub(super) fn line(&mut self) -> Result<&'a str, TensorsError> {
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(end.ok_or_else(|| malformed("a line has no end"))?)?;
        self.take(1)?;
        std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).map_err(malformed)
    }
}

pub(super) fn malformed(reason: impl ToString) -> TensorsError {
    TensorsError::malformed(Format::Torch, format!("its pickle: {}", echo(&reason.to_string())))
}
