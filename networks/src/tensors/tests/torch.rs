use super::*;
use crate::tensors::{Format, TensorsError};

const MLP: &[u8] = include_bytes!("../../../tests/data/torch-mlp.pt");
const CHECKPOINT: &[u8] = include_bytes!("../../../tests/data/torch-mlp-checkpoint.pt");

/// A class by name.
pub(super) fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

pub(super) fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub(super) fn int(value: i64) -> Vec<u8> {
    [&[0x8a, 8], &value.to_le_bytes()[..]].concat()
}

pub(super) fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", &items.concat()[..], b"t"].concat()
}

pub(super) fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> =
        entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"}(", &entries[..], b"u"].concat()
}

pub(super) fn storage(class: &str, key: &str, count: i64) -> Vec<u8> {
    let parts = [text("storage"), global("torch", class), text(key), text("cpu"), int(count)];
    [tuple(&parts), b"Q".to_vec()].concat()
}

/// A tensor as `torch.save` writes it.
pub(super) fn view(storage: Vec<u8>, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let sizes = |sizes: &[i64]| tuple(&sizes.iter().map(|&size| int(size)).collect::<Vec<_>>());
    let hooks = [global("collections", "OrderedDict"), b")R".to_vec()].concat();
    let parts = [storage, int(offset), sizes(shape), sizes(strides), vec![0x89], hooks];
    [global("torch._utils", "_rebuild_tensor_v2"), tuple(&parts), b"R".to_vec()].concat()
}

pub(super) fn pickle(root: &[u8]) -> Vec<u8> {
    [b"\x80\x02", root, b"."].concat()
}

/// The archive of a pickle, with the storages `0`, the numbers 0 to 5, and `1`, 100 to 107.
pub(super) fn archive(pickle: &[u8]) -> Vec<u8> {
    let numbers = |range: std::ops::Range<u8>| bytes(&range.map(f32::from).collect::<Vec<_>>());
    let files: [(&str, &[u8]); 4] = [
        ("net/data.pkl", pickle),
        ("net/byteorder", b"little"),
        ("net/data/0", &numbers(0..6)),
        ("net/data/1", &numbers(100..108)),
    ];
    zip(&files, CompressionMethod::Stored)
}

fn floats(offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    view(storage("FloatStorage", "0", 6), offset, shape, strides)
}

/// A pickle of a checkpoint of two networks and a counter.
pub(super) fn checkpoint() -> Vec<u8> {
    let net =
        |offset| dict(&[("a.weight", floats(offset, &[2, 2], &[2, 1])), ("n", b"N".to_vec())]);
    let moments =
        [b"}".to_vec(), int(0), dict(&[("exp_avg", floats(0, &[6], &[1]))]), b"s".to_vec()];
    pickle(&dict(&[
        ("step", floats(5, &[], &[])),
        ("model", net(0)),
        ("more", dict(&[("ema", net(1))])),
        ("optimizer", dict(&[("state", moments.concat())])),
        ("epoch", int(3)),
    ]))
}

/// The file of one state dict.
pub(super) fn file() -> Vec<u8> {
    archive(&pickle(&dict(&[("a.weight", floats(0, &[2, 3], &[3, 1]))])))
}

fn read(bytes: &[u8]) -> Result<NamedTensors, TensorsError> {
    NamedTensors::from_bytes(bytes, Format::Torch)
}

fn one(view: Vec<u8>) -> Result<Vec<f64>, TensorsError> {
    // A single number alone would be no network.
    let beside = ("w", floats(0, &[6], &[1]));
    Ok(values(&read(&archive(&pickle(&dict(&[("x", view), beside]))))?, "x"))
}

#[test]
fn a_state_dict_that_torch_wrote_is_read() {
    assert_eq!(Format::of_bytes(MLP), Some(Format::Torch));
    let tensors = read(MLP).unwrap();
    assert_eq!(tensors.len(), 9);
    assert_eq!(tensors.get("time.weight").unwrap().dims(), [8, 6]);
    assert_eq!(tensors.get("output.bias").unwrap().dtype(), DType::F32);
    let error = read(CHECKPOINT).unwrap_err();
    assert!(error.to_string().ends_with("have some: ema, net"), "{error}");
    let part = |key| NamedTensors::part_from_bytes(CHECKPOINT, Format::Torch, key);
    let net = part("net").unwrap();
    assert_eq!(net.checksum().unwrap(), tensors.checksum().unwrap());
    let halved: Vec<f64> = values(&net, "output.bias").iter().map(|value| value / 2.0).collect();
    assert_eq!(values(&part("ema").unwrap(), "output.bias"), halved);
    assert!(part("model").unwrap_err().to_string().contains("the key `model`"));
}

#[test]
fn the_dictionary_of_tensors_is_found_wherever_it_is() {
    let part = |key| NamedTensors::part_from_bytes(&archive(&checkpoint()), Format::Torch, key);
    assert_eq!(values(&part("model").unwrap(), "a.weight"), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(values(&part("more.ema").unwrap(), "a.weight"), [1.0, 2.0, 3.0, 4.0]);
    match read(&archive(&checkpoint())) {
        Err(TensorsError::Part { key: None, found }) => assert_eq!(found, ["model", "more.ema"]),
        other => panic!("{other:?}"),
    }
    let only = dict(&[("epoch", int(3)), ("net", dict(&[("x", floats(0, &[6], &[1]))]))]);
    assert_eq!(read(&archive(&pickle(&only))).unwrap().names().collect::<Vec<_>>(), ["x"]);
    // The state of a generator beside a network, and weights beside weights.
    let random = view(storage("ByteStorage", "0", 24), 0, &[24], &[1]);
    let root = |beside| dict(&[("beside", beside), ("net", dict(&[("x", floats(0, &[6], &[1]))]))]);
    assert_eq!(read(&archive(&pickle(&root(random)))).unwrap().names().collect::<Vec<_>>(), ["x"]);
    let both = archive(&pickle(&root(floats(0, &[6], &[1]))));
    assert!(read(&both).unwrap_err().to_string().ends_with("have some: net, ."));
    let outer = NamedTensors::part_from_bytes(&both, Format::Torch, ".").unwrap();
    assert_eq!(outer.names().collect::<Vec<_>>(), ["beside"]);
    let none = read(&archive(&pickle(&dict(&[("epoch", int(3))])))).unwrap_err().to_string();
    assert!(none.contains("no named tensors"), "{none}");
}

#[test]
fn views_are_gathered_from_their_storage() {
    assert_eq!(one(floats(0, &[2, 3], &[3, 1])).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(one(floats(0, &[3, 2], &[1, 3])).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(one(floats(1, &[2, 2], &[3, 1])).unwrap(), [1.0, 2.0, 4.0, 5.0]);
    assert_eq!(one(floats(5, &[], &[])).unwrap(), [5.0]);
    assert_eq!(one(floats(2, &[3], &[0])).unwrap(), [2.0; 3]);
    assert!(one(floats(0, &[0, 3], &[3, 1])).unwrap().is_empty());
    let parameter = [
        global("torch._utils", "_rebuild_parameter"),
        tuple(&[floats(0, &[2], &[1]), vec![0x88], b"}".to_vec()]),
        b"R".to_vec(),
    ];
    assert_eq!(one(parameter.concat()).unwrap(), [0.0, 1.0]);
    let hooks = || vec![b'}'];
    let given = tuple(&[
        storage("FloatStorage", "1", 8),
        int(7),
        tuple(&[int(1)]),
        tuple(&[int(1)]),
        vec![0x89],
        hooks(),
    ]);
    let function = global("torch._utils", "_rebuild_tensor_v2");
    let arguments = tuple(&[function, global("torch.nn.parameter", "Parameter"), given, hooks()]);
    let typed = [global("torch._tensor", "_rebuild_from_type_v2"), arguments, b"R".to_vec()];
    assert_eq!(one(typed.concat()).unwrap(), [107.0]);
    let long = view(storage("LongStorage", "1", 4), 0, &[1], &[1]);
    assert_eq!(one(long).unwrap(), [0x42ca_0000_42c8_0000u64 as f64]);
}

#[test]
fn views_beyond_their_storage_are_refused_by_name() {
    let huge = 1 << 40;
    let bad = [
        floats(0, &[7], &[1]),
        floats(1, &[2, 3], &[3, 1]),
        floats(-1, &[2], &[1]),
        floats(0, &[huge, huge], &[huge, 1]),
        floats(0, &[huge, huge, 0], &[huge, 1, 1]),
        floats(0, &[huge], &[0]),
        floats(i64::MAX, &[2], &[i64::MAX]),
        floats(0, &[2], &[-1]),
        floats(0, &[2, 3], &[1]),
        view(storage("FloatStorage", "0", huge), 0, &[huge], &[1]),
        view(storage("DoubleStorage", "0", 6), 0, &[6], &[1]),
        view(storage("FloatStorage", "0", -6), 0, &[6], &[1]),
        view(storage("FloatStorage", "none", 6), 0, &[6], &[1]),
        view(storage("ComplexFloatStorage", "0", 3), 0, &[3], &[1]),
        view(tuple(&[]), 0, &[6], &[1]),
    ];
    for (index, view) in bad.into_iter().enumerate() {
        let error = one(view).unwrap_err();
        let known = matches!(
            &error,
            TensorsError::TooLarge { .. }
                | TensorsError::Dtype { .. }
                | TensorsError::Malformed { .. }
        );
        assert!(known, "{index}: {error}");
    }
}

#[test]
fn every_cut_is_refused_and_other_files_of_torch_are_named() {
    for whole in [MLP.to_vec(), file()] {
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
    }
    let old = read(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.").unwrap_err().to_string();
    assert!(old.contains("before version 1.6") && old.contains("torch.save"), "{old}");
    let big: [(&str, &[u8]); 2] = [("n/data.pkl", b"\x80\x02}."), ("n/byteorder", b"big")];
    let error = read(&zip(&big, CompressionMethod::Stored)).unwrap_err().to_string();
    assert!(error.contains("big-endian"), "{error}");
    let none: [(&str, &[u8]); 1] = [("n/readme", b"")];
    assert!(read(&zip(&none, CompressionMethod::Stored)).is_err());
}
