//! The products that networks are made of, vectorised for the CPU found at run time.
//!
//! Not by `gemm`, which has no place for what is done to a result in registers nor for weights that
//! are packed once, and promises no order of sums by which a row's bits would be its own.

mod aligned;
mod elementwise;
mod epilogues;
mod panels;
mod product;
mod vector;

pub(crate) use aligned::AlignedBuffer;
pub(crate) use elementwise::{add_rows, add_scaled};
pub(crate) use epilogues::{Back, Hidden, Plain, Sums, Tangent};
pub(crate) use panels::{Panels, lanes};
pub(crate) use product::{
    BLOCK, Left, Rows, accumulate, accumulate_rows, multiply, multiply_transposed, stride,
    widest_blocks,
};
pub(crate) use vector::{silu, silu_with_derivative};
