use ndarray_npy::npy::header;

use super::NpyError;

/// NumPy's own limit for headers it does not trust.
const LONGEST_HEADER: usize = 10_000;
/// All before the data, at most: magic string, version and length as well.
pub(super) const LONGEST_FRONT: usize = LONGEST_HEADER + 12;
/// Far deeper than any dtype; it bounds the recursion of the literal parser.
const DEEPEST_NESTING: usize = 16;

/// What the front of an `.npy` file says about the data behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The type descriptor, such as `<f4`.
    pub descr: String,
    /// Whether the first index runs fastest.
    pub fortran_order: bool,
    /// The length of every axis.
    pub shape: Vec<usize>,
}

impl Header {
    /// The header of a file, and the bytes behind it.
    pub fn split(bytes: &[u8]) -> Result<(Self, &[u8]), NpyError> {
        let (front, data) = split_front(bytes)?;
        let header = header::Header::from_reader(&mut without_long_integers(front).as_slice());
        let header = header.map_err(|error| broken(reason(error)))?;
        let descr = match header.type_descriptor.as_string() {
            Some(name) => name.clone(),
            None => header.type_descriptor.to_string(),
        };
        let fortran_order = header.layout.is_fortran();
        Ok((Header { descr, fortran_order, shape: header.shape }, data))
    }
}

/// What the library found, in the words of somebody who only saved an array. Its own message for
/// what is no literal is a picture over several lines.
fn reason(error: header::ReadHeaderError) -> String {
    use header::{ParseHeaderError as Parse, ReadHeaderError as Read};
    match error {
        Read::Parse(Parse::DictParse(_) | Parse::MetaNotDict(_)) => {
            "it is not a Python dictionary".to_owned()
        }
        Read::Parse(Parse::IllegalValue { key, .. }) if key == "shape" => {
            "it has no shape of whole numbers".to_owned()
        }
        Read::Parse(Parse::IllegalValue { .. } | Parse::UnknownKey(_)) => {
            "it has an unknown or ill-typed entry".to_owned()
        }
        Read::Parse(Parse::NonAscii | Parse::Utf8Parse(_)) => "it is not text".to_owned(),
        Read::Parse(error) => error.to_string(),
        Read::Io(_) => "the file ends inside it".to_owned(),
    }
}

/// The version 1.0 header of a C-order array, byte for byte as NumPy writes it. Not by
/// `ndarray-npy`, which leaves no room.
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
fn without_long_integers(front: &[u8]) -> Vec<u8> {
    let mut front = front.to_vec();
    for index in 1..front.len() {
        if front[index] == b'L' && front[index - 1].is_ascii_digit() {
            front[index] = b' ';
        }
    }
    front
}

fn broken(reason: impl Into<String>) -> NpyError {
    NpyError::Header { reason: reason.into() }
}

/// Splits off the front, once it is known to be one that the library treats kindly: it allocates
/// what the header claims, and its literal parser recurses on nesting and unwraps escapes.
fn split_front(bytes: &[u8]) -> Result<(&[u8], &[u8]), NpyError> {
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
    let mut depth = 0usize;
    for byte in text {
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
    Ok((&bytes[..bytes.len() - data.len()], data))
}

fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'P', b'K', ..] => "it is a zip archive, perhaps an .npz of several arrays",
        [0x80, ..] => "it looks like a Python pickle",
        _ if bytes.iter().take(64).all(u8::is_ascii) => "it looks like text",
        _ => "the first bytes are not those of the format",
    }
}
