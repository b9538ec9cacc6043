//! What a pickle says, without doing any of it.
//!
//! A pickle is a program for a stack machine of Python's. Of its instructions those that make
//! plain values, lists and dictionaries are followed here; those that call something make a
//! tensor's description if what is called makes tensors, nothing at all if it is known to hold
//! settings only, and are refused otherwise ([`TensorsError::Code`](super::TensorsError::Code)),
//! as `torch.load(weights_only=True)` does.
//!
//! Not by candle's reader: a call without arguments makes it panic, a tuple in a tuple a million
//! times ends the process, what is remembered is copied, so that two hundred bytes become
//! gigabytes, and tensors that it cannot read are skipped. Here values are numbers of objects in
//! one list: nothing is copied, nothing recurses.
//!
//! The instructions: Python's `Lib/pickletools.py`, protocols 2 to 5.

mod classes;
mod cursor;
mod machine;
mod object;
mod plain;

pub(super) use machine::{Pickle, read};
pub(super) use object::{Object, Storage, Value, View};
