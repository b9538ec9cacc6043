//! The types of numbers in foreign files, and tensors of their bytes.

use candle_core::{DType, Device, Tensor};
use driftfield_problems::echo::echo;

use super::TensorsError;

/// A type of numbers that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F16,
    BF16,
    F32,
    F64,
}

/// Every type: as numpy and flax name it, as the header of an `.npy` does, as PyTorch's storages.
const NAMES: [(Element, &str, &str, &str); 13] = [
    (Element::Bool, "bool", "b1", "BoolStorage"),
    (Element::I8, "int8", "i1", "CharStorage"),
    (Element::U8, "uint8", "u1", "ByteStorage"),
    (Element::I16, "int16", "i2", "ShortStorage"),
    (Element::U16, "uint16", "u2", ""),
    (Element::I32, "int32", "i4", "IntStorage"),
    (Element::U32, "uint32", "u4", ""),
    (Element::I64, "int64", "i8", "LongStorage"),
    (Element::U64, "uint64", "u8", ""),
    (Element::F16, "float16", "f2", "HalfStorage"),
    (Element::BF16, "bfloat16", "", "BFloat16Storage"),
    (Element::F32, "float32", "f4", "FloatStorage"),
    (Element::F64, "float64", "f8", "DoubleStorage"),
];

impl Element {
    /// By the name that numpy and flax give it.
    pub(super) fn of_numpy(name: &str) -> Option<Element> {
        NAMES.iter().find(|(_, numpy, ..)| *numpy == name).map(|(element, ..)| *element)
    }

    /// By the letters in the header of an `.npy`, without the byte order.
    pub(super) fn of_npy(letters: &str) -> Option<Element> {
        let mut named = NAMES.iter().filter(|(_, _, npy, _)| !npy.is_empty());
        named.find(|(_, _, npy, _)| *npy == letters).map(|(element, ..)| *element)
    }

    /// By the class of a PyTorch storage.
    pub(super) fn of_storage(class: &str) -> Option<Element> {
        let mut named = NAMES.iter().filter(|(.., storage)| !storage.is_empty());
        named.find(|(.., storage)| *storage == class).map(|(element, ..)| *element)
    }

    /// By the type in the header of a `.safetensors`.
    pub(super) fn of_safetensors(dtype: safetensors::Dtype) -> Option<Element> {
        use safetensors::Dtype;
        Some(match dtype {
            Dtype::BOOL => Element::Bool,
            Dtype::I8 => Element::I8,
            Dtype::U8 => Element::U8,
            Dtype::I16 => Element::I16,
            Dtype::U16 => Element::U16,
            Dtype::I32 => Element::I32,
            Dtype::U32 => Element::U32,
            Dtype::I64 => Element::I64,
            Dtype::U64 => Element::U64,
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::BF16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            _ => return None,
        })
    }

    /// Whether its numbers are floating-point numbers.
    pub(super) fn is_float(self) -> bool {
        matches!(self, Element::F16 | Element::BF16 | Element::F32 | Element::F64)
    }

    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Element::Bool | Element::I8 | Element::U8 => 1,
            Element::I16 | Element::U16 | Element::F16 | Element::BF16 => 2,
            Element::I32 | Element::U32 | Element::F32 => 4,
            Element::I64 | Element::U64 | Element::F64 => 8,
        }
    }

    /// Bytes of a tensor of this shape, which may be more than there are addresses.
    pub(super) fn bytes(self, shape: &[usize]) -> u128 {
        let values = shape.iter().fold(1u128, |product, &n| product.saturating_mul(n as u128));
        values.saturating_mul(self.size() as u128)
    }

    /// The tensor of these little-endian bytes, row-major.
    ///
    /// Types that candle lacks become the next wider that it has, truth values become 0 and 1.
    pub(super) fn tensor(
        self,
        name: &str,
        shape: &[usize],
        bytes: &[u8],
    ) -> Result<Tensor, TensorsError> {
        let expected = self.bytes(shape);
        if expected > bytes.len() as u128 {
            let held = bytes.len() as u64;
            return Err(TensorsError::TooLarge { name: echo(name), claimed: expected, held });
        }
        if expected < bytes.len() as u128 {
            let expected = format!("of {} values", bytes.len() / self.size());
            return Err(TensorsError::Shape { name: echo(name), expected, found: shape.to_vec() });
        }
        // Beside an axis of length zero others may be too long for anybody to multiply.
        let full: Vec<usize> = shape.iter().map(|&axis| axis.max(1)).collect();
        if self.bytes(&full) > isize::MAX as u128 {
            let (claimed, held) = (self.bytes(&full), bytes.len() as u64);
            return Err(TensorsError::TooLarge { name: echo(name), claimed, held });
        }
        let raw =
            |dtype, bytes: &[u8]| Ok(Tensor::from_raw_buffer(bytes, dtype, shape, &Device::Cpu)?);
        let (twos, _) = bytes.as_chunks::<2>();
        match self {
            Element::U8 => raw(DType::U8, bytes),
            Element::I16 => raw(DType::I16, bytes),
            Element::I32 => raw(DType::I32, bytes),
            Element::U32 => raw(DType::U32, bytes),
            Element::I64 => raw(DType::I64, bytes),
            Element::F16 => raw(DType::F16, bytes),
            Element::BF16 => raw(DType::BF16, bytes),
            Element::F32 => raw(DType::F32, bytes),
            Element::F64 => raw(DType::F64, bytes),
            Element::Bool => {
                raw(DType::U8, &bytes.iter().map(|&byte| u8::from(byte != 0)).collect::<Vec<_>>())
            }
            Element::I8 => {
                let wide = bytes.iter().flat_map(|&byte| i16::from(byte as i8).to_le_bytes());
                raw(DType::I16, &wide.collect::<Vec<_>>())
            }
            Element::U16 => {
                let wide =
                    twos.iter().flat_map(|&two| u32::from(u16::from_le_bytes(two)).to_le_bytes());
                raw(DType::U32, &wide.collect::<Vec<_>>())
            }
            Element::U64 => {
                let (eights, _) = bytes.as_chunks();
                if eights.iter().any(|&eight| i64::try_from(u64::from_le_bytes(eight)).is_err()) {
                    let found = "integers above 2^63".to_owned();
                    return Err(TensorsError::Dtype { name: echo(name), found });
                }
                raw(DType::I64, bytes)
            }
        }
    }
}
