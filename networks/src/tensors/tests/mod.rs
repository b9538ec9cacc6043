//! Files of every format, right and wrong, made here.

mod damage;
mod flax;
mod npz;
mod pickles;
mod renaming;
mod safetensors;
mod torch;

use std::io::{Cursor, Write};

use candle_core::{DType, Device, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::NamedTensors;

/// The values of a tensor, row-major.
fn values(tensors: &NamedTensors, name: &str) -> Vec<f64> {
    let tensor = tensors.get(name).unwrap().flatten_all().unwrap();
    tensor.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// `a.weight` 1 to 6 of shape [2, 3], `a.bias` of shape [3].
fn sample() -> NamedTensors {
    let tensor =
        |values: &[f32], shape: &[usize]| Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
    let mut tensors = NamedTensors::new();
    tensors.insert("a.weight", tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])).unwrap();
    tensors.insert("a.bias", tensor(&[-1.0, 0.5, 0.25], &[3])).unwrap();
    tensors
}

/// A zip archive.
fn zip(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Little-endian bytes.
fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
