//! Arrays in NumPy's `.npy` files: C order, f32 or f64.
//!
//! Reading accepts either float width (in any of NumPy's spellings and either byte order, C or
//! Fortran layout) and converts to the width asked for; anything else is refused with
//! a message that says what was found and what to do. Writing is C order,
//! header version 1.0, and atomic: a reader never sees half a file.
//!
//! `ndarray-npy` reads the header. The elements are ours: it takes two spellings of each type and
//! one width, and reads all at once, where here they are converted a chunk at a time.
//!
//! The format: `numpy.lib.format`, NumPy Enhancement Proposal 1.

mod dtype;
mod element;
mod error;
mod header;
mod read;
mod row_writer;
mod write;

pub use element::NpyElement;
pub use error::NpyError;
pub use header::Header;
pub use read::{parse, read, read_matrix, read_rows, read_vector};
pub use row_writer::RowWriter;
pub use write::{to_bytes, write};
