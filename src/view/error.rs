use super::MOST_NUMBERS;

/// Why something cannot be shown on a page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// Neither points nor images nor a trajectory of either.
    #[error(
        "an array of shape {found:?} is neither points [n, d] of two or more components nor images [n, 1, h, w] or [n, 3, h, w] nor a trajectory of either, [times, n, ..]; reshape it"
    )]
    Shape {
        /// Its shape.
        found: Vec<usize>,
    },
    /// More than a browser takes.
    #[error(
        "{found} numbers are more than a page holds, {MOST_NUMBERS}; show the first lanes only, with --n"
    )]
    TooMany {
        /// Numbers of the array.
        found: usize,
    },
    /// All numbers are infinite or none.
    #[error(
        "no number of the array of shape {shape:?} is finite; there is nothing to show of a run that failed at once"
    )]
    NothingFinite {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// Text that is no JSON.
    #[error("not the JSON of a study: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON without rows.
    #[error(
        "not the JSON of a study: it has no `rows` of named values; give the study.json of one"
    )]
    NoRows,
}
