use std::io::{Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use ndarray::{ArrayRef, Dimension};

use super::header;
use super::{NpyElement, NpyError};
use crate::atomic_file::{AtomicFile, WriteError};

/// Writes an array row by row, the number of rows being known only at the end.
///
/// Rows of shape `s` make an array of shape `[rows, s...]`, such as a
/// trajectory `[steps + 1, n, d]`. The header is laid down with room for any
/// count and written over by [`RowWriter::finish`]; before that call there is
/// no file under the final name, and a dropped writer leaves none.
#[derive(Debug)]
pub struct RowWriter<T> {
    file: AtomicFile,
    path: PathBuf,
    row_shape: Vec<usize>,
    rows: usize,
    buffer: Vec<u8>,
    element: PhantomData<T>,
}

impl<T: NpyElement> RowWriter<T> {
    /// Begins the file `path` of rows of shape `row_shape`.
    pub fn create(path: impl AsRef<Path>, row_shape: &[usize]) -> Result<Self, NpyError> {
        let path = path.as_ref().to_path_buf();
        let file = AtomicFile::create(&path)?;
        let mut writer = RowWriter {
            file,
            path,
            row_shape: row_shape.to_vec(),
            rows: 0,
            buffer: Vec::new(),
            element: PhantomData,
        };
        let header = writer.header()?;
        writer.file.write_all(&header).map_err(WriteError::at(&writer.path))?;
        Ok(writer)
    }

    /// Appends one row.
    pub fn push<D: Dimension>(&mut self, row: &ArrayRef<T, D>) -> Result<(), NpyError> {
        if row.shape() != self.row_shape {
            return Err(NpyError::RowShape {
                expected: self.row_shape.clone(),
                found: row.shape().to_vec(),
            });
        }
        self.buffer.clear();
        row.iter().for_each(|value| value.extend_bytes(&mut self.buffer));
        self.file.write_all(&self.buffer).map_err(WriteError::at(&self.path))?;
        self.rows += 1;
        Ok(())
    }

    /// Rows written so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Completes the header and gives the file its name.
    pub fn finish(mut self) -> Result<(), NpyError> {
        let header = self.header()?;
        let overwritten = self.file.flushed_file().and_then(|file| {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header)
        });
        overwritten.map_err(WriteError::at(&self.path))?;
        Ok(self.file.commit()?)
    }

    /// The header for the rows so far; its length does not depend on them.
    fn header(&self) -> Result<Vec<u8>, NpyError> {
        let mut shape = vec![self.rows];
        shape.extend_from_slice(&self.row_shape);
        header::to_bytes(T::DTYPE, &shape).map_err(|error| error.in_file(&self.path))
    }
}
