//! The weights that come with the program, so that it runs wherever it is
//! installed.

/// File names and contents of the shipped weights.
pub const SHIPPED: &[(&str, &[u8])] = &[
    ("cat-vp.safetensors", include_bytes!("../../weights/cat-vp.safetensors")),
    (
        "cat-brownian-bridge.safetensors",
        include_bytes!("../../weights/cat-brownian-bridge.safetensors"),
    ),
    (
        "cat-rectified-flow.safetensors",
        include_bytes!("../../weights/cat-rectified-flow.safetensors"),
    ),
];

/// The shipped weights a path names, by its file name alone.
pub fn shipped(path: &str) -> Option<&'static [u8]> {
    let name = std::path::Path::new(path).file_name()?.to_str()?;
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, bytes)| *bytes)
}
