//! What can go wrong with a picture.

use std::path::PathBuf;

use driftfield_problems::atomic_file::WriteError;
use driftfield_problems::echo::echo_path;
use driftfield_solvers::number::Number;
use plotters::drawing::DrawingAreaErrorKind;

/// Why a picture could not be made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is nothing to draw.
    #[error("\"{title}\" has nothing to draw: {reason}")]
    Empty {
        /// The title of the picture.
        title: String,
        /// What was looked for, and what to try.
        reason: String,
    },
    /// Two columns that belong together have different lengths.
    #[error(
        "\"{title}\": {what} has {found} values where {expected} are needed, one for each {per}"
    )]
    LengthMismatch {
        /// The title of the picture.
        title: String,
        /// The column at fault.
        what: String,
        /// What there should be one value for.
        per: &'static str,
        /// The number of values needed.
        expected: usize,
        /// The number of values given.
        found: usize,
    },
    /// A window or limit is not an interval.
    #[error(
        "\"{title}\": the limits {low} to {high} of {what} are not an interval: both must be finite{and_positive}, the lower first",
        low = Number(*low), high = Number(*high)
    )]
    InvalidLimits {
        /// The title of the picture.
        title: String,
        /// The axis.
        what: &'static str,
        /// The lower limit given.
        low: f64,
        /// The upper limit given.
        high: f64,
        /// `" and positive"` on a logarithmic axis, else empty.
        and_positive: &'static str,
    },
    /// A measured pixel that the image does not have.
    #[error(
        "\"{title}\": {image} has a measured pixel {pixel}, but pixels 0 to {last} only; number them row by row from 0"
    )]
    MeasuredPixel {
        /// The title of the picture.
        title: String,
        /// Which image.
        image: String,
        /// The number given.
        pixel: usize,
        /// The last number there is.
        last: usize,
    },
    /// More pixels than can be drawn in reasonable memory.
    #[error(
        "\"{title}\" would be {width} x {height} pixels, more than {most} in all; show fewer images or take a smaller scale",
        width = Number(*width), height = Number(*height)
    )]
    TooLarge {
        /// The title of the picture.
        title: String,
        /// Its width.
        width: f64,
        /// Its height.
        height: f64,
        /// The most pixels drawn.
        most: u32,
    },
    /// A picture cannot be made so: its width, the size of its letters or their family.
    #[error("`{what}` is {found}, and can be {allowed}")]
    Style {
        /// What was asked for, as options and study files call it.
        what: &'static str,
        /// What it was to be.
        found: String,
        /// What it can be.
        allowed: String,
    },
    /// The file name does not say which format is meant.
    #[error(
        "cannot tell the picture format from \"{}\": use a name that ends in .png, .svg or .pdf",
        echo_path(path)
    )]
    UnknownExtension {
        /// The path given.
        path: PathBuf,
    },
    /// The drawing library refused.
    #[error("drawing failed: {message}")]
    Backend {
        /// What it said.
        message: String,
    },
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PlotError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        PlotError::backend(error)
    }
}

impl PlotError {
    /// What the drawing library, or the encoder of PNG, said.
    pub(crate) fn backend(message: impl std::fmt::Display) -> Self {
        PlotError::Backend { message: message.to_string() }
    }
}
