/// Why something cannot be taken for square grey images.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Lanes of another shape.
    #[error(
        "lanes of shape {shape:?} are no square grey images; give ones of shape [1, s, s], such as [1, 28, 28]"
    )]
    NotSquare {
        /// Shape of a lane.
        shape: Vec<usize>,
    },
}
