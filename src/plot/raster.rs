//! Images of equal, square cells, kept sharp in all file formats: an element of our own, for
//! plotters' becomes one rectangle a pixel in SVG and is smoothed when enlarged.

use std::io;
use std::iter;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plotters::element::{Drawable, PointCollection};
use plotters_backend::{BackendCoord, DrawingBackend, DrawingErrorKind};

use super::canvas::{Canvas, fill};
use super::color::Color;
use super::error::PlotError;

/// Rows of opaque, square cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raster {
    /// Where the first cell's upper left corner is, in units of the canvas.
    pub corner: BackendCoord,
    /// Side of a cell, in units of the canvas.
    pub cell: i32,
    /// Cells side by side.
    pub columns: usize,
    /// Row by row.
    pub colors: Vec<Color>,
}

impl<'a> PointCollection<'a, BackendCoord> for &'a Raster {
    type Point = &'a BackendCoord;
    type IntoIter = iter::Once<&'a BackendCoord>;

    fn point_iter(self) -> Self::IntoIter {
        iter::once(&self.corner)
    }
}

impl Drawable<Canvas<'_>> for Raster {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut corner: I,
        canvas: &mut Canvas<'_>,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<io::Error>> {
        let Some(corner) = corner.next() else { return Ok(()) };
        if let Canvas::Svg { images, .. } = canvas {
            let element = self
                .svg_element(corner)
                .map_err(|error| DrawingErrorKind::DrawingError(io::Error::other(error)))?;
            images.borrow_mut().push_str(&element);
            return Ok(());
        }
        if let Canvas::Pdf(page) = canvas {
            page.draw_cells(corner, self.cell, self.columns, &self.colors);
            return Ok(());
        }
        for (index, &color) in self.colors.iter().enumerate() {
            let [row, column] = [index / self.columns, index % self.columns].map(|n| n as i32);
            let low = (corner.0 + column * self.cell, corner.1 + row * self.cell);
            let high = (low.0 + self.cell, low.1 + self.cell);
            canvas.draw_rect(low, high, &fill(color), true)?;
        }
        Ok(())
    }
}

impl Raster {
    /// A PNG of one pixel a cell, which the viewer is told not to smooth: rectangles, even
    /// with equal neighbours merged, take fifty times the bytes for a handwritten digit.
    fn svg_element(&self, (left, top): BackendCoord) -> Result<String, PlotError> {
        let pixels: Vec<u8> =
            self.colors.iter().flat_map(|color| [color.red, color.green, color.blue]).collect();
        let rows = self.colors.len() / self.columns;
        let data = STANDARD.encode(encode_png(&pixels, self.columns as u32, rows as u32)?);
        let [width, height] = [self.columns, rows].map(|cells| cells as i32 * self.cell);
        // The last rendering that a viewer knows counts. Browsers know `pixelated`, older
        // programs `optimizeSpeed`.
        Ok(format!(
            "<image x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
             preserveAspectRatio=\"none\" \
             style=\"image-rendering:optimizeSpeed;image-rendering:pixelated\" \
             href=\"data:image/png;base64,{data}\"/>\n"
        ))
    }
}

/// Opaque pixels, three bytes each, as the bytes of a PNG file.
pub(crate) fn encode_png(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PlotError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(PlotError::backend)?;
    writer.write_image_data(pixels).map_err(PlotError::backend)?;
    writer.finish().map_err(PlotError::backend)?;
    Ok(bytes)
}
