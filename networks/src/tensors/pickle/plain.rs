//! Plain values, each after its instruction.

use super::cursor::Cursor;
use super::object::Value;
use crate::tensors::TensorsError;

/// Instructions that are followed by a plain value.
pub(super) fn plain<'a>(code: u8, from: &mut Cursor<'a>) -> Result<Value<'a>, TensorsError> {
    Ok(match code {
        b'N' => Value::None,
        0x88 => Value::Bool(true),
        0x89 => Value::Bool(false),
        b'K' => Value::Int(from.byte()?.into()),
        b'M' => Value::Int(u16::from_le_bytes(from.array()?).into()),
        b'J' => Value::Int(i32::from_le_bytes(from.array()?).into()),
        0x8a => long(from.counted::<1>()?),
        0x8b => long(from.counted::<4>()?),
        b'X' => Value::Text(from.text::<4>()?),
        0x8c => Value::Text(from.text::<1>()?),
        0x8d => Value::Text(from.text::<8>()?),
        // Bytes, and text of Python 2, which may be in any encoding.
        b'U' | b'C' => text(from.counted::<1>()?),
        b'T' | b'B' => text(from.counted::<4>()?),
        0x8e => text(from.counted::<8>()?),
        _ => {
            from.take(8)?;
            Value::Float
        }
    })
}

fn text(bytes: &[u8]) -> Value<'_> {
    std::str::from_utf8(bytes).map_or(Value::None, Value::Text)
}

/// A whole number in two's complement, of any length. None of ours is longer than eight bytes.
fn long(bytes: &[u8]) -> Value<'_> {
    if bytes.len() > 8 {
        return Value::Float;
    }
    let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut wide = if negative { [0xff; 8] } else { [0; 8] };
    wide[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(wide))
}
