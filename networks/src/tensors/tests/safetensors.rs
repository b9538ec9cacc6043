use std::collections::HashMap;

use ::safetensors::Dtype;
use ::safetensors::tensor::TensorView;
use candle_core::{DType, Device};

use super::*;
use crate::tensors::{Format, TensorsError};

/// A file of one tensor, `x`.
fn file(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let view = TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
    ::safetensors::serialize([("x", view)], None).unwrap()
}

fn read(bytes: &[u8]) -> Result<NamedTensors, TensorsError> {
    NamedTensors::from_bytes(bytes, Format::Safetensors)
}

#[test]
fn every_type_has_its_values() {
    let cases: [(Dtype, Vec<u8>, [f64; 2], DType); 13] = [
        (Dtype::F32, bytes(&[1.5, -2.0]), [1.5, -2.0], DType::F32),
        (Dtype::F64, [1.5f64, -2.0].map(f64::to_le_bytes).concat(), [1.5, -2.0], DType::F64),
        (Dtype::F16, vec![0x00, 0x3e, 0x00, 0xc0], [1.5, -2.0], DType::F16),
        (Dtype::BF16, vec![0xc0, 0x3f, 0x00, 0xc0], [1.5, -2.0], DType::BF16),
        (Dtype::BOOL, vec![0, 1], [0.0, 1.0], DType::U8),
        (Dtype::U8, vec![3, 255], [3.0, 255.0], DType::U8),
        (Dtype::I8, vec![3, 255], [3.0, -1.0], DType::I16),
        (Dtype::I16, vec![3, 0, 255, 255], [3.0, -1.0], DType::I16),
        (Dtype::U16, vec![3, 0, 255, 255], [3.0, 65535.0], DType::U32),
        (Dtype::I32, [3i32, -1].map(i32::to_le_bytes).concat(), [3.0, -1.0], DType::I32),
        (Dtype::U32, [3u32, 9].map(u32::to_le_bytes).concat(), [3.0, 9.0], DType::U32),
        (Dtype::I64, [3i64, -1].map(i64::to_le_bytes).concat(), [3.0, -1.0], DType::I64),
        (Dtype::U64, [3u64, 9].map(u64::to_le_bytes).concat(), [3.0, 9.0], DType::I64),
    ];
    for (dtype, bytes, expected, becomes) in cases {
        let tensors = read(&file(dtype, &[2], &bytes)).unwrap();
        assert_eq!(tensors.get("x").unwrap().dtype(), becomes);
        assert_eq!(values(&tensors, "x"), expected, "{dtype:?}");
    }
    let huge = read(&file(Dtype::U64, &[1], &u64::MAX.to_le_bytes()));
    assert!(matches!(huge, Err(TensorsError::Dtype { .. })));
    let tiny = read(&file(Dtype::F8_E4M3, &[1], &[0]));
    assert!(matches!(tiny, Err(TensorsError::Dtype { found, .. }) if found == "f8_e4m3"));
    assert_eq!(
        read(&file(Dtype::F32, &[], &bytes(&[7.0]))).unwrap().f32s("x", &[]).unwrap(),
        [7.0]
    );
    assert_eq!(read(&file(Dtype::F32, &[2, 0], &[])).unwrap().get("x").unwrap().dims(), [2, 0]);
}

#[test]
fn a_file_is_written_and_read_whatever_it_is_called() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("weights.bin");
    let written = sample().to_safetensors(HashMap::new()).unwrap();
    std::fs::write(&path, &written).unwrap();
    let read = NamedTensors::read(&path).unwrap();
    assert_eq!(read.names().collect::<Vec<_>>(), ["a.bias", "a.weight"]);
    assert_eq!(read.checksum().unwrap(), sample().checksum().unwrap());
    let part = NamedTensors::read_part(&path, "a").unwrap();
    assert_eq!(part.names().collect::<Vec<_>>(), ["bias", "weight"]);
    let error = NamedTensors::read_part(&path, "b").unwrap_err().to_string();
    assert!(error.contains("`b`") && error.ends_with("have some: a"), "{error}");
    std::fs::write(&path, b"?").unwrap();
    assert!(matches!(NamedTensors::read(&path), Err(TensorsError::Malformed { .. })));
    let other = path.with_extension("h5");
    std::fs::write(&other, b"?").unwrap();
    assert!(matches!(NamedTensors::read(&other), Err(TensorsError::UnknownFormat)));
    let absent = NamedTensors::read(directory.path().join("none.pt"));
    assert!(matches!(absent, Err(TensorsError::Io { .. })));
}

#[test]
fn every_cut_is_refused_with_advice() {
    let whole = sample().to_safetensors(HashMap::new()).unwrap();
    for cut in 0..whole.len() {
        let error = read(&whole[..cut]).unwrap_err();
        assert!(error.to_string().contains("cut short"), "{error}");
    }
}

#[test]
fn the_checksum_covers_names_types_shapes_and_values() {
    let one = |name: &str, values: &[f32], shape: &[usize], dtype| {
        let tensor = Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
        let mut tensors = NamedTensors::new();
        tensors.insert(name, tensor.to_dtype(dtype).unwrap()).unwrap();
        tensors.checksum().unwrap()
    };
    let sums = [
        one("a", &[1.0, 2.0], &[2], DType::F32),
        one("b", &[1.0, 2.0], &[2], DType::F32),
        one("a", &[1.0, 3.0], &[2], DType::F32),
        one("a", &[1.0, 2.0], &[1, 2], DType::F32),
        one("a", &[1.0, 2.0], &[2], DType::F64),
    ];
    assert_eq!(sums.iter().collect::<std::collections::BTreeSet<_>>().len(), sums.len());
}

#[test]
fn values_that_are_not_finite_are_refused_by_name_where_a_network_takes_them() {
    for dtype in [DType::F16, DType::BF16, DType::F32, DType::F64] {
        for bad in [f32::NAN, f32::NEG_INFINITY] {
            let tensor = Tensor::new(&[1.0, bad], &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            let mut tensors = sample();
            tensors.insert("z.bias", tensor).unwrap();
            let error = tensors.var_builder(DType::F32, &Device::Cpu).err().unwrap();
            assert!(error.to_string().contains("`z.bias`"), "{error}");
        }
    }
    sample().check_finite().unwrap();
}

#[test]
fn names_are_given_once_and_missing_ones_are_met_with_the_nearest() {
    let mut tensors = sample();
    let again = tensors.get("a.bias").unwrap().clone();
    assert!(matches!(tensors.insert("a.bias", again), Err(TensorsError::Duplicate { .. })));
    let error = tensors.get("a.wieght").unwrap_err().to_string();
    assert!(error.contains("there is `a.weight`"), "{error}");
    let error = tensors.f32s("a.bias", &[4]).unwrap_err().to_string();
    assert!(error.contains("should be [4], it is [3]"), "{error}");
    let error = tensors.check_none_left(["a.bias"]).unwrap_err().to_string();
    assert!(error.contains("a.weight"), "{error}");
}
