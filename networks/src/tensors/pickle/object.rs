//! The values of a pickle.

use super::classes::Class;
use crate::tensors::element::Element;

/// A value: itself if it is small, else the number of an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::tensors) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// Its value is of no use to us.
    Float,
    Text(&'a str),
    /// A place on the stack, below which a list of arguments begins.
    Mark,
    Object(usize),
}

/// What a number stands for.
#[derive(Debug)]
pub(in crate::tensors) enum Object<'a> {
    List(Vec<Value<'a>>),
    Tuple(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
    Class(Class),
    Storage(Storage<'a>),
    View(View),
    /// A value that is kept for nothing but its type.
    Inert,
}

/// A run of numbers in a file of its own.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tensors) struct Storage<'a> {
    /// The name of its file.
    pub key: &'a str,
    /// Its type; `None` if it is one that is not read.
    pub element: Option<Element>,
    /// How many numbers it has.
    pub count: usize,
}

/// A tensor as a view of a storage.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tensors) struct View {
    /// The number of its storage.
    pub storage: usize,
    /// Where it begins, in numbers.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// How far apart neighbours along every axis are, in numbers.
    pub strides: Vec<usize>,
}

impl View {
    /// How many numbers of its storage it reaches, if that is a number.
    pub(in crate::tensors) fn reach(&self) -> Option<usize> {
        let values = self.shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis))?;
        if values == 0 {
            return Some(0);
        }
        let last =
            self.shape.iter().zip(&self.strides).try_fold(self.offset, |at, (&n, &step)| {
                at.checked_add((n - 1).checked_mul(step)?)
            })?;
        last.checked_add(1)
    }
}
