//! Which format a file of weights has.

use std::fmt;
use std::path::Path;

/// A format of files of named tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `.safetensors`.
    Safetensors,
    /// What `torch.save` writes: a zip archive of a pickle and storages (`.pt`, `.pth`, `.ckpt`,
    /// `.bin`).
    Torch,
    /// What `flax.serialization` writes (`.msgpack`).
    Flax,
    /// What `numpy.savez` writes (`.npz`).
    Npz,
}

/// Name endings, where the first bytes do not say.
const EXTENSIONS: [(&str, Format); 7] = [
    ("safetensors", Format::Safetensors),
    ("pt", Format::Torch),
    ("pth", Format::Torch),
    ("ckpt", Format::Torch),
    ("bin", Format::Torch),
    ("msgpack", Format::Flax),
    ("npz", Format::Npz),
];

/// The first bytes of a zip archive.
const ZIP: &[u8] = b"PK\x03\x04";

impl Format {
    /// The format by the first bytes, or by the name where these do not say.
    pub fn detect(bytes: &[u8], path: &Path) -> Option<Format> {
        Self::of_bytes(bytes).or_else(|| Self::of_name(path))
    }

    /// The format that the first bytes say.
    pub fn of_bytes(bytes: &[u8]) -> Option<Format> {
        match bytes {
            _ if bytes.starts_with(ZIP) => Self::of_archive(bytes),
            // The length of a header, below 2^32, and the header. First: a length of 640 begins as
            // a pickle does.
            [_, _, _, _, 0, 0, 0, 0, b'{', ..] => Some(Format::Safetensors),
            // A pickle's protocol; as msgpack it would be an empty map with bytes to spare.
            [0x80, 2..=5, ..] => Some(Format::Torch),
            // A map of up to 15 entries, or one with its length in 16 or 32 bits.
            [0x80..=0x8f | 0xde | 0xdf, ..] => Some(Format::Flax),
            _ => None,
        }
    }

    fn of_name(path: &Path) -> Option<Format> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        EXTENSIONS.iter().find(|(known, _)| *known == extension).map(|(_, format)| *format)
    }

    /// numpy and PyTorch both write zip archives: the name of the first file in it follows the 30
    /// bytes of its header and says whose it is.
    fn of_archive(bytes: &[u8]) -> Option<Format> {
        let length = usize::from(u16::from_le_bytes([*bytes.get(26)?, *bytes.get(27)?]));
        let name = bytes.get(30..30 + length)?;
        if name.ends_with(b".npy") {
            return Some(Format::Npz);
        }
        let torch: [&[u8]; 4] = [b"data.pkl", b"byteorder", b".format_version", b"version"];
        torch.iter().any(|end| name.ends_with(end)).then_some(Format::Torch)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Safetensors => ".safetensors",
            Format::Torch => "PyTorch",
            Format::Flax => "flax .msgpack",
            Format::Npz => ".npz",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide_and_the_name_where_they_do_not() {
        let safetensors = b"\x10\0\0\0\0\0\0\0{\"a\"";
        let by = |bytes: &[u8], name: &str| Format::detect(bytes, Path::new(name));
        assert_eq!(by(safetensors, "model.pt"), Some(Format::Safetensors));
        let as_pickle = b"\x80\x02\0\0\0\0\0\0{\"a\"";
        assert_eq!(by(as_pickle, "model.pt"), Some(Format::Safetensors));
        assert_eq!(by(b"\x81\xa6params", "model"), Some(Format::Flax));
        assert_eq!(by(b"\x81\xa6epochs{", "model"), Some(Format::Flax));
        assert_eq!(by(b"\x80\x02\x8a\x0a", "model.msgpack"), Some(Format::Torch));
        assert_eq!(by(b"", "a/MODEL.PTH"), Some(Format::Torch));
        assert_eq!(by(b"?", "model.npz"), Some(Format::Npz));
        assert_eq!(by(b"?", "model.h5"), None);
        let mut zip = b"PK\x03\x04".to_vec();
        zip.resize(30, 0);
        for (name, format) in [("a.npy", Format::Npz), ("m/data.pkl", Format::Torch)] {
            let mut zip = zip.clone();
            zip[26] = name.len() as u8;
            zip.extend(name.bytes());
            assert_eq!(by(&zip, "model.npz"), Some(format));
        }
        assert_eq!(by(&zip[..20], "model.npz"), Some(Format::Npz));
    }
}
