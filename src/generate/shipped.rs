//! The weights that come with the program, so that it runs wherever it is
//! installed.

use std::path::Path;

/// Names and contents of the shipped weights.
pub const SHIPPED: &[(&str, &[u8])] = &[
    ("cat-vp", include_bytes!("../../weights/cat-vp.safetensors")),
    ("cat-brownian-bridge", include_bytes!("../../weights/cat-brownian-bridge.safetensors")),
    ("cat-rectified-flow", include_bytes!("../../weights/cat-rectified-flow.safetensors")),
];

/// The shipped weights that `text` names: `cat-vp`, `cat-vp.safetensors` or
/// that file in a directory `weights`.
///
/// A file of that name in any other directory is somebody's own.
pub fn shipped(text: &str) -> Option<&'static [u8]> {
    let path = Path::new(text);
    let directory = path.parent()?;
    if !(directory.as_os_str().is_empty() || directory.ends_with("weights")) {
        return None;
    }
    let file = path.file_name()?.to_str()?;
    let name = file.strip_suffix(".safetensors").unwrap_or(file);
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, bytes)| *bytes)
}
