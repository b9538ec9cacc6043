use rmpv::Value;
use rmpv::encode::write_value;

use super::*;
use crate::tensors::{Format, TensorsError};

fn packed(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_value(&mut bytes, value).unwrap();
    bytes
}

fn map(entries: Vec<(&str, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// An array as flax writes it.
fn array(kind: i8, shape: &[usize], dtype: &str, bytes: Vec<u8>) -> Value {
    let shape = Value::Array(shape.iter().map(|&n| (n as u64).into()).collect());
    Value::Ext(kind, packed(&Value::Array(vec![shape, dtype.into(), Value::Binary(bytes)])))
}

fn floats(shape: &[usize], values: &[f32]) -> Value {
    array(1, shape, "float32", bytes(values))
}

/// The sample, with a list, a scalar, an array in pieces and leaves that are no tensors.
pub(super) fn file() -> Vec<u8> {
    let pieces = map(vec![
        ("__msgpack_chunked_array__", true.into()),
        ("shape", map(vec![("0", 2.into()), ("1", 2.into())])),
        ("chunks", map(vec![("1", floats(&[1], &[4.0])), ("0", floats(&[3], &[1.0, 2.0, 3.0]))])),
    ]);
    let layer = |value| map(vec![("kernel", floats(&[1, 1], &[value]))]);
    packed(&map(vec![
        ("step", 7.into()),
        ("name", "net".into()),
        ("none", Value::Nil),
        ("scale", array(3, &[], "bfloat16", vec![0xc0, 0x3f])),
        ("layers", map(vec![("0", layer(1.0)), ("1", layer(2.0))])),
        (
            "a",
            map(vec![
                ("weight", floats(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
                ("pieces", pieces),
            ]),
        ),
    ]))
}

fn read(bytes: &[u8]) -> Result<NamedTensors, TensorsError> {
    NamedTensors::from_bytes(bytes, Format::Flax)
}

#[test]
fn maps_lists_scalars_and_arrays_in_pieces_are_read() {
    let bytes = file();
    assert_eq!(Format::of_bytes(&bytes), Some(Format::Flax));
    let tensors = read(&bytes).unwrap();
    let names: Vec<&str> = tensors.names().collect();
    assert_eq!(names, ["a.pieces", "a.weight", "layers.0.kernel", "layers.1.kernel", "scale"]);
    assert_eq!(tensors.get("a.weight").unwrap().dims(), [2, 3]);
    assert_eq!(values(&tensors, "a.weight"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(tensors.get("a.pieces").unwrap().dims(), [2, 2]);
    assert_eq!(values(&tensors, "a.pieces"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(values(&tensors, "layers.1.kernel"), [2.0]);
    assert_eq!(tensors.get("scale").unwrap().dtype(), DType::BF16);
    assert_eq!(values(&tensors, "scale"), [1.5]);
    let part = NamedTensors::part_from_bytes(&bytes, Format::Flax, "layers").unwrap();
    assert_eq!(part.names().collect::<Vec<_>>(), ["0.kernel", "1.kernel"]);
}

#[test]
fn every_cut_is_refused() {
    let whole = file();
    for cut in 0..whole.len() {
        assert!(matches!(read(&whole[..cut]), Err(TensorsError::Malformed { .. })), "{cut}");
    }
}

#[test]
fn what_is_no_tree_of_arrays_is_refused_by_name() {
    let one = |value| read(&packed(&map(vec![("x", value)])));
    let claimed = one(floats(&[1 << 40], &[1.0]));
    assert!(matches!(claimed, Err(TensorsError::TooLarge { name, .. }) if name == "x"));
    let empty = one(floats(&[0, 1 << 40, 1 << 40], &[]));
    assert!(matches!(empty, Err(TensorsError::TooLarge { .. })));
    let long = one(floats(&[1], &[1.0, 2.0]));
    assert!(matches!(long, Err(TensorsError::Shape { name, .. }) if name == "x"));
    let complex = one(array(1, &[1], "complex64", vec![0; 8]));
    assert!(matches!(complex, Err(TensorsError::Dtype { found, .. }) if found == "complex64"));
    let no_array = one(Value::Ext(1, packed(&"text".into())));
    assert!(no_array.unwrap_err().to_string().contains("`x` is no [shape, type, bytes]"));
    let pieces = |shape, chunks| {
        let chunked = ("__msgpack_chunked_array__", true.into());
        one(map(vec![chunked, ("shape", map(shape)), ("chunks", map(chunks))]))
    };
    let piece = || floats(&[1], &[1.0]);
    assert!(pieces(vec![("0", 1.into())], vec![("0", piece())]).is_ok());
    assert!(pieces(vec![("0", 1.into())], vec![("1", piece())]).is_err());
    assert!(pieces(vec![("0", 9.into())], vec![("0", piece())]).is_err());
    assert!(pieces(vec![("0", 1.into())], vec![]).is_err());
    assert!(read(&packed(&Value::Array(vec![]))).is_err());
    assert!(read(&packed(&Value::Map(vec![(1.into(), piece())]))).is_err());
    let twice = map(vec![("a.b", piece()), ("a", map(vec![("b", piece())]))]);
    assert!(matches!(read(&packed(&twice)), Err(TensorsError::Duplicate { .. })));
    let mut followed = file();
    followed.push(0xc0);
    assert!(read(&followed).unwrap_err().to_string().contains("1 bytes follow"));
}

#[test]
fn a_tree_deeper_than_any_network_is_refused() {
    for opening in [&[0x91u8][..], &[0x81, 0xa1, b'x']] {
        let deep = [b"\x81\xa1x", &opening.repeat(1 << 20)[..]].concat();
        assert!(matches!(read(&deep), Err(TensorsError::Malformed { .. })));
    }
}
