//! How NumPy spells the types of elements.

use super::NpyError;
use crate::echo::echo;

/// Floating-point numbers of four or eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Floats {
    /// Bytes of an element.
    pub size: usize,
    pub big_endian: bool,
}

impl Floats {
    /// The type that a header's `descr` names; NumPy reads every spelling of `numpy.dtype`, though
    /// it writes `<f4` and `<f8` only.
    pub fn parse(descr: &str) -> Result<Floats, NpyError> {
        let (order, name) = match descr.as_bytes() {
            [order @ (b'<' | b'>' | b'=' | b'|'), ..] => (Some(*order), &descr[1..]),
            _ => (None, descr),
        };
        let size = match (name, order) {
            ("f4" | "f", _) | ("float32" | "single", None) => 4,
            ("f8" | "d", _) | ("float64" | "double" | "float", None) => 8,
            _ => return Err(refusal(descr, name)),
        };
        let big_endian = match order {
            Some(b'>') => true,
            Some(b'<') => false,
            _ => cfg!(target_endian = "big"),
        };
        Ok(Floats { size, big_endian })
    }
}

const TO_FLOAT: &str = "convert with array.astype('float32')";

/// What the elements are instead, and what to do with them.
fn refusal(descr: &str, name: &str) -> NpyError {
    let numbered = |letter: char| {
        name.strip_prefix(letter).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    let (what, advice) = if descr.starts_with(['[', '(', '{'])
        || name.contains(',')
        || numbered('V')
    {
        ("records", "save one field of them, such as array['x'], as float32 or float64")
    } else if numbered('O') || begins(&["object"]) {
        ("Python objects", "make numbers of them, as array.astype('float64') does")
    } else if matches!(name, "e" | "f2" | "half" | "float16") {
        ("floats of 16 bits", TO_FLOAT)
    } else if matches!(name, "g" | "f12" | "f16" | "longdouble") {
        ("floats of more than 64 bits", "convert with array.astype('float64')")
    } else if matches!(name, "c8" | "c16" | "F" | "D" | "G") || begins(&["complex"]) {
        ("complex numbers", "save array.real and array.imag apart")
    } else if matches!(name, "?" | "b1") || begins(&["bool"]) {
        ("booleans", TO_FLOAT)
    } else if ['i', 'u'].into_iter().any(numbered) || begins(&["int", "uint"]) {
        ("integers", TO_FLOAT)
    } else if ['U', 'S', 'a'].into_iter().any(numbered) || begins(&["str", "bytes"]) {
        ("text", "make numbers of it, as array.astype('float64') does")
    } else if begins(&["M", "m", "datetime", "timedelta"]) {
        ("dates or durations", "make numbers of them first")
    } else {
        ("of a type that is not known here", "save it again with numpy.save, as float32 or float64")
    };
    NpyError::Dtype { found: echo(descr), what, advice }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `numpy.load` of NumPy 2.4 makes of a header with this `descr`, on a little-endian
    /// machine: bytes of a float, and whether they are swapped.
    const READ_BY_NUMPY: [(&str, usize, bool); 22] = [
        ("<f8", 8, false),
        (">f8", 8, true),
        ("=f8", 8, false),
        ("|f8", 8, false),
        ("f8", 8, false),
        ("d", 8, false),
        ("=d", 8, false),
        ("<d", 8, false),
        (">d", 8, true),
        ("|d", 8, false),
        ("float64", 8, false),
        ("float", 8, false),
        ("double", 8, false),
        ("f", 4, false),
        ("=f", 4, false),
        ("<f", 4, false),
        (">f", 4, true),
        ("f4", 4, false),
        ("=f4", 4, false),
        ("|f4", 4, false),
        ("float32", 4, false),
        ("single", 4, false),
    ];

    #[test]
    #[cfg(target_endian = "little")]
    fn every_spelling_that_numpy_reads_is_read() {
        for (descr, size, big_endian) in READ_BY_NUMPY {
            let found = Floats::parse(descr).unwrap_or_else(|error| panic!("{descr}: {error}"));
            assert_eq!(found, Floats { size, big_endian }, "{descr}");
        }
    }

    #[test]
    fn the_rest_is_called_what_it_is() {
        for (descr, what) in [
            ("<f2", "floats of 16 bits"),
            ("half", "floats of 16 bits"),
            ("f16", "floats of more than 64 bits"),
            ("longdouble", "floats of more than 64 bits"),
            ("<c16", "complex numbers"),
            ("D", "complex numbers"),
            ("<i8", "integers"),
            ("=i8", "integers"),
            ("|u1", "integers"),
            ("?", "booleans"),
            ("|b1", "booleans"),
            ("|O", "Python objects"),
            ("|O8", "Python objects"),
            ("<U4", "text"),
            ("|S3", "text"),
            ("<M8[s]", "dates or durations"),
            ("|V8", "records"),
            ("f8,f8", "records"),
            ("[('x', '<f4')]", "records"),
            ("('<f4', (2,))", "records"),
        ] {
            let error = Floats::parse(descr).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains(descr), "{descr}: {error}");
            // No advice to convert to what it is already.
            assert!(error.contains("float32 and float64 are read"), "{descr}: {error}");
        }
        // NumPy refuses these as well.
        for descr in ["", "<", "8", "<float64", "=double", "!f8", "f8 ", " f8", "d8", "Float64"] {
            let error = Floats::parse(descr).unwrap_err().to_string();
            assert!(error.contains("not known"), "{descr}: {error}");
        }
        let long = Floats::parse(&"\u{1b}".repeat(9_000)).unwrap_err().to_string();
        assert!(long.len() < 2_000 && !long.contains('\u{1b}'), "{long}");
    }
}
