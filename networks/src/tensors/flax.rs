//! Tensors of a flax `.msgpack` file.
//!
//! A tree of maps with text keys; lists and tuples are maps too, with `0`, `1`, ... as keys. Its
//! leaves are extensions that hold a msgpack of their own, `[shape, type, bytes]`: number 1 an
//! array, number 3 a scalar. An array too long for msgpack is a map that says so, with its shape
//! and its pieces as maps with indices as keys. Other leaves (step counters, text) are no tensors
//! and are left out.

use std::collections::HashMap;

use candle_core::Tensor;
use driftfield_problems::echo::echo;
use driftfield_problems::memory;
use rmpv::ValueRef;
use rmpv::decode::read_value_ref_with_max_depth;

use super::element::Element;
use super::{Format, NamedTensors, TensorsError, msgpack};

const ARRAY: i8 = 1;
const SCALAR: i8 = 3;
/// The key that says that a map is an array in pieces.
const CHUNKED: &str = "__msgpack_chunked_array__";
/// Deepest tree. Each level takes two of rmpv's count.
const DEPTH: usize = 200;

/// Entries of a map.
type Entries<'a> = [(ValueRef<'a>, ValueRef<'a>)];

fn malformed(reason: impl ToString) -> TensorsError {
    TensorsError::malformed(Format::Flax, reason)
}

/// The tensors of the bytes of a `.msgpack` file of flax.
pub(super) fn read(bytes: &[u8]) -> Result<NamedTensors, TensorsError> {
    let count = msgpack::count(bytes).ok_or_else(|| malformed("it ends too early"))?;
    // A value of one byte becomes one of forty, in lists that double as they grow.
    let room = u128::from(count) * 2 * size_of::<ValueRef<'_>>() as u128;
    memory::check("values of a tree", count, room)?;
    let mut rest = bytes;
    let tree = read_value_ref_with_max_depth(&mut rest, DEPTH).map_err(malformed)?;
    if !rest.is_empty() {
        return Err(malformed(format!("{} bytes follow its end", rest.len())));
    }
    if !matches!(tree, ValueRef::Map(_)) {
        return Err(malformed("it holds no map of names"));
    }
    let mut tensors = NamedTensors::new();
    collect(&mut tensors, String::new(), &tree)?;
    Ok(tensors)
}

/// Adds the tensors at and below `value`, which has the name `name`.
fn collect(
    tensors: &mut NamedTensors,
    name: String,
    value: &ValueRef<'_>,
) -> Result<(), TensorsError> {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        ValueRef::Map(entries) if field(entries, CHUNKED).is_some() => {
            let tensor = joined(&name, entries)?;
            tensors.insert(name, tensor)
        }
        ValueRef::Map(entries) => entries.iter().try_for_each(|(key, value)| {
            let key = text(key).ok_or_else(|| malformed("a key is no text"))?;
            collect(tensors, below(key), value)
        }),
        ValueRef::Array(values) => values
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| collect(tensors, below(&index.to_string()), value)),
        ValueRef::Ext(ARRAY | SCALAR, body) => {
            let Body { shape, element, bytes } = Body::read(&name, body)?;
            let tensor = element.tensor(&name, &shape, bytes)?;
            tensors.insert(name, tensor)
        }
        _ => Ok(()),
    }
}

fn field<'v, 'a>(entries: &'v Entries<'a>, key: &str) -> Option<&'v ValueRef<'a>> {
    entries.iter().find(|(found, _)| text(found) == Some(key)).map(|(_, value)| value)
}

/// What an extension holds.
struct Body<'a> {
    shape: Vec<usize>,
    element: Element,
    bytes: &'a [u8],
}

impl<'a> Body<'a> {
    fn read(name: &str, mut body: &'a [u8]) -> Result<Self, TensorsError> {
        let wrong = || malformed(format!("`{name}` is no [shape, type, bytes]"));
        let value = read_value_ref_with_max_depth(&mut body, DEPTH).map_err(malformed)?;
        let ValueRef::Array(parts) = value else { return Err(wrong()) };
        let [ValueRef::Array(shape), dtype, ValueRef::Binary(bytes)] = &parts[..] else {
            return Err(wrong());
        };
        let dtype = text(dtype).ok_or_else(wrong)?;
        let element = Element::of_numpy(dtype)
            .ok_or_else(|| TensorsError::Dtype { name: echo(name), found: echo(dtype) })?;
        let shape = shape.iter().map(size).collect::<Option<_>>().ok_or_else(wrong)?;
        Ok(Body { shape, element, bytes })
    }
}

/// Text.
fn text<'v>(value: &'v ValueRef<'_>) -> Option<&'v str> {
    match value {
        ValueRef::String(text) => text.as_str(),
        _ => None,
    }
}

fn size(value: &ValueRef<'_>) -> Option<usize> {
    value.as_u64().and_then(|size| usize::try_from(size).ok())
}

/// The values of a map with the keys `0`, `1`, ..., in order.
fn listed<'v, 'a>(value: Option<&'v ValueRef<'a>>) -> Option<Vec<&'v ValueRef<'a>>> {
    match value? {
        ValueRef::Map(entries) => {
            let keys = entries.iter().filter_map(|(key, value)| Some((text(key)?, value)));
            let by_key: HashMap<&str, _> = keys.collect();
            (0..entries.len()).map(|index| by_key.get(&*index.to_string()).copied()).collect()
        }
        ValueRef::Array(values) => Some(values.iter().collect()),
        _ => None,
    }
}

/// An array that was written in pieces.
fn joined(name: &str, entries: &Entries<'_>) -> Result<Tensor, TensorsError> {
    let wrong = || malformed(format!("`{name}` is no array in pieces"));
    let shape = listed(field(entries, "shape")).ok_or_else(wrong)?;
    let shape = shape.into_iter().map(size).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
    let chunks = listed(field(entries, "chunks")).ok_or_else(wrong)?;
    let mut element = None;
    let mut bytes = Vec::new();
    for chunk in chunks {
        let ValueRef::Ext(ARRAY, body) = chunk else { return Err(wrong()) };
        let body = Body::read(name, body)?;
        if *element.get_or_insert(body.element) != body.element {
            return Err(wrong());
        }
        bytes.extend_from_slice(body.bytes);
    }
    element.ok_or_else(wrong)?.tensor(name, &shape, &bytes)
}
