use py_literal::Value;

use super::NpyError;

/// NumPy's own limit for headers it does not trust.
const LONGEST_HEADER: usize = 10_000;
/// All before the data, at most: magic string, version and length as well.
pub(super) const LONGEST_FRONT: usize = LONGEST_HEADER + 12;
/// Far deeper than any dtype; it bounds the recursion of the literal parser.
const DEEPEST_NESTING: usize = 16;

/// What the front of an `.npy` file says about the data behind it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    /// The type descriptor, such as `<f4`.
    pub descr: String,
    pub fortran_order: bool,
    pub shape: Vec<usize>,
}

impl Header {
    /// The header of a file, and the bytes behind it.
    pub fn split(bytes: &[u8]) -> Result<(Self, &[u8]), NpyError> {
        let (text, data) = split_text(bytes)?;
        Ok((Header::from_literal(text)?, data))
    }

    fn from_literal(text: &str) -> Result<Self, NpyError> {
        // The parser's own message is a picture over several lines.
        let value: Value = without_long_integers(text.trim())
            .parse()
            .map_err(|_| broken("it is not a Python dictionary"))?;
        let Value::Dict(entries) = value else {
            return Err(broken("it is not a Python dictionary"));
        };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        for (key, value) in entries {
            match (key.as_string().map(String::as_str), value) {
                (Some("descr"), Value::String(name)) => descr = Some(name),
                (Some("descr"), structured) => descr = Some(structured.to_string()),
                (Some("fortran_order"), Value::Boolean(flag)) => fortran_order = Some(flag),
                (Some("shape"), Value::Tuple(axes)) => shape = lengths(&axes),
                _ => return Err(broken("it has an unknown or ill-typed entry")),
            }
        }
        Ok(Header {
            descr: descr.ok_or_else(|| broken("it has no descr"))?,
            fortran_order: fortran_order.ok_or_else(|| broken("it has no fortran_order"))?,
            shape: shape.ok_or_else(|| broken("it has no shape of whole numbers"))?,
        })
    }
}

/// The version 1.0 header of a C-order array, byte for byte as NumPy writes it.
///
/// NumPy leaves room for the first axis to grow to 21 digits, so that rows can
/// be appended and the header written over in place.
pub(super) fn to_bytes(dtype: &str, shape: &[usize]) -> Result<Vec<u8>, NpyError> {
    const PREFIX: usize = 10;
    const LONGEST_COUNT: usize = 21;
    const ALIGNMENT: usize = 64;
    let axes = match shape {
        [single] => format!("({single},)"),
        axes => format!("({})", axes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let text = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {axes}, }}");
    let growth = shape.first().map_or(0, |rows| LONGEST_COUNT - rows.to_string().len());
    let unaligned = PREFIX + text.len() + growth + 1;
    let total = unaligned + ALIGNMENT - unaligned % ALIGNMENT;
    let length = u16::try_from(total - PREFIX)
        .map_err(|_| broken(format!("{} axes do not fit in it", shape.len())))?;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(total - 1, b' ');
    bytes.push(b'\n');
    Ok(bytes)
}

/// Python 2 wrote `(3L, 2L)` on some machines, which NumPy still reads.
fn without_long_integers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let follows_digit = out.ends_with(|before: char| before.is_ascii_digit());
        if !(letter == 'L' && follows_digit) {
            out.push(letter);
        }
    }
    out
}

fn lengths(axes: &[Value]) -> Option<Vec<usize>> {
    axes.iter().map(|axis| usize::try_from(axis.as_integer()?).ok()).collect()
}

fn broken(reason: impl Into<String>) -> NpyError {
    NpyError::Header { reason: reason.into() }
}

/// Splits off the header's text, once it is known to be one that the literal
/// parser treats kindly: that parser recurses on nesting and unwraps escapes.
fn split_text(bytes: &[u8]) -> Result<(&str, &[u8]), NpyError> {
    if bytes.is_empty() {
        return Err(NpyError::NoBytes);
    }
    let Some(rest) = bytes.strip_prefix(b"\x93NUMPY") else {
        return Err(NpyError::NotNpy { found: guess(bytes) });
    };
    let (length, rest) = match rest {
        [1, 0, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, 0, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [major, minor, ..] if !matches!((major, minor), (1..=3, 0)) => {
            return Err(broken(format!("unknown version {major}.{minor}")));
        }
        _ => return Err(broken("the file ends inside it")),
    };
    if length > LONGEST_HEADER {
        return Err(broken(format!("it claims {length} bytes, more than {LONGEST_HEADER}")));
    }
    let (text, data) =
        rest.split_at_checked(length).ok_or_else(|| broken("the file ends inside it"))?;
    let text = std::str::from_utf8(text).map_err(|_| broken("it is not text"))?;
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\\' => return Err(broken("it holds a backslash")),
            _ => {}
        }
        if depth > DEEPEST_NESTING {
            return Err(broken("its brackets are nested too deeply"));
        }
    }
    Ok((text, data))
}

fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'P', b'K', ..] => "it is a zip archive, perhaps an .npz of several arrays",
        [0x80, ..] => "it looks like a Python pickle",
        _ if bytes.iter().take(64).all(u8::is_ascii) => "it looks like text",
        _ => "the first bytes are not those of the format",
    }
}
