//! Pictures of samples, trajectories, errors and losses, as PNG, SVG and PDF.
//!
//! Every picture is a plain struct that knows nothing of solvers: fill in the
//! data, then [`render`](Plot::render) it to a file (`.png`, `.svg` or `.pdf`
//! decides the format) or embed it through [`to_svg_string`](Plot::to_svg_string) and
//! [`to_png_bytes`](Plot::to_png_bytes).
//!
//! ```
//! use driftfield::plot::{Color, Plot, PointLayer, Scatter};
//!
//! let samples = vec![[0.1, 0.4], [0.3, -0.2], [-0.5, 0.0]];
//! let scatter = Scatter::new("DDIM, 20 steps")
//!     .layer(PointLayer::new("samples", samples, Color::nth(0)));
//! assert!(scatter.to_svg_string()?.starts_with("<svg"));
//! # Ok::<(), driftfield::plot::PlotError>(())
//! ```
//!
//! Frames, axes, marks and legends are plotters' charts; see [`plotters`](https://docs.rs/plotters).
//! Pictures need neither network nor system fonts: the bitmap font is embedded
//! and SVG names a generic sans-serif family. Values that cannot be drawn (not
//! finite, or not positive on a logarithmic axis) are left out; a picture with
//! nothing left is [`PlotError::Empty`].

mod axis;
mod canvas;
mod chart;
mod color;
mod color_bar;
mod curve;
mod end_labels;
mod error;
mod error_curves;
mod error_curves_grid;
mod floors;
mod font;
mod image_grid;
mod image_layout;
mod image_tile;
mod loss_curve;
mod marker;
mod path_layer;
mod pdf;
mod picture;
mod range;
mod raster;
mod scatter;
mod space;
mod stroke;
mod style;
mod trajectories;

pub use axis::Scale;
pub use color::{Color, PALETTE};
pub use error::PlotError;
pub use error_curves::{ErrorCurves, Floor, Series, SeriesStyle};
pub use error_curves_grid::ErrorCurvesGrid;
pub use image_grid::{ImageGrid, ImageRow};
pub use image_tile::ImageTile;
pub use loss_curve::LossCurve;
pub use marker::{Marker, MarkerShape};
pub use path_layer::PathLayer;
pub use picture::Picture;
pub use scatter::{Scatter, ScatterGrid};
pub use space::{Limits, Outline, OutlineForm, PointLayer};
pub use stroke::LineStyle;
pub use style::{Format, PictureStyle, Titles};
pub use trajectories::{Trajectories, TrajectoryColor};

use std::path::Path;

/// Pixels of a picture along an inch, as in CSS.
const PIXELS: f64 = 96.0;

/// Something that can be drawn.
pub trait Plot {
    /// Lays the picture out in the format that a [`PictureStyle`] asks for.
    fn laid_out(&self, format: Format) -> Result<Picture<'_>, PlotError>;

    /// Lays it out as is usual for what is drawn, with its title.
    fn picture(&self) -> Result<Picture<'_>, PlotError> {
        self.laid_out(Format::default())
    }

    /// Writes the picture to a file, whose extension decides the format. The
    /// file appears whole or not at all.
    fn render(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        self.picture()?.write(path)
    }

    /// The picture as an SVG document that can also stand inside HTML.
    fn to_svg_string(&self) -> Result<String, PlotError> {
        self.picture()?.svg()
    }

    /// The picture as the bytes of a PDF file of one page, whose letters can be searched.
    fn to_pdf_bytes(&self) -> Result<Vec<u8>, PlotError> {
        self.picture()?.pdf()
    }

    /// The picture as the bytes of a PNG file.
    fn to_png_bytes(&self) -> Result<Vec<u8>, PlotError> {
        self.picture()?.png()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Scatter {
        Scatter::new("one").layer(PointLayer::new("", vec![[0.0, 0.0]], Color::nth(0)))
    }

    #[test]
    fn the_extension_decides_the_format() {
        let directory = tempfile::tempdir().unwrap();
        let (png, svg) = (directory.path().join("a.PNG"), directory.path().join("a.svg"));
        plot().render(&png).unwrap();
        plot().render(&svg).unwrap();
        assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(std::fs::read_to_string(svg).unwrap().starts_with("<svg"));
        let pdf = directory.path().join("a.pdf");
        plot().render(&pdf).unwrap();
        assert!(std::fs::read(pdf).unwrap().starts_with(b"%PDF"));
    }

    #[test]
    fn bad_paths_are_typed_errors() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing/a.png");
        let error = plot().render(&missing).unwrap_err();
        assert!(matches!(&error, PlotError::Write(error) if error.path == missing));
        assert!(error.to_string().contains("check that the directory exists"));
        for name in ["a.jpeg", "a", ".png"] {
            let outcome = plot().render(directory.path().join(name));
            assert!(matches!(outcome, Err(PlotError::UnknownExtension { .. })), "{name}");
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
