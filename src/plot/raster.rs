//! Images of equal, square cells, kept sharp in both file formats.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::color::Color;
use super::error::PlotError;
use super::picture::Pixel;

/// Rows of opaque, square cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raster {
    /// Where the first cell's upper left corner is.
    pub corner: Pixel,
    /// Side of a cell, in pixels.
    pub cell: f64,
    /// Cells side by side.
    pub columns: usize,
    /// Row by row.
    pub colors: Vec<Color>,
}

impl Raster {
    fn rows(&self) -> usize {
        self.colors.len() / self.columns.max(1)
    }

    /// Every cell's opposite corners with its colour.
    pub fn cells(&self) -> impl Iterator<Item = (Pixel, Pixel, Color)> + '_ {
        let columns = self.columns.max(1);
        let corner = move |row: usize, column: usize| {
            let [left, top] = self.corner;
            [left + column as f64 * self.cell, top + row as f64 * self.cell]
        };
        self.colors.iter().enumerate().map(move |(index, &color)| {
            let (row, column) = (index / columns, index % columns);
            (corner(row, column), corner(row + 1, column + 1), color)
        })
    }

    /// The `<image>` element of an SVG whose unit is `1 / scale` pixels.
    ///
    /// A PNG of one pixel a cell, which the viewer is told not to smooth: rectangles, even
    /// with equal neighbours merged, take fifty times the bytes for a handwritten digit.
    pub fn svg_element(&self, scale: f64) -> Result<String, PlotError> {
        let data = STANDARD.encode(self.png()?);
        let [left, top] = self.corner.map(|length| length * scale);
        let width = self.columns as f64 * self.cell * scale;
        let height = self.rows() as f64 * self.cell * scale;
        let mut element = String::with_capacity(data.len() + 256);
        // The last rendering that a viewer knows counts. Browsers know `pixelated`, older
        // programs `optimizeSpeed`.
        writeln!(
            element,
            "<image x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
             preserveAspectRatio=\"none\" \
             style=\"image-rendering:optimizeSpeed;image-rendering:pixelated\" \
             href=\"data:image/png;base64,{data}\"/>"
        )
        .map_err(PlotError::backend)?;
        Ok(element)
    }

    fn png(&self) -> Result<Vec<u8>, PlotError> {
        let pixels: Vec<u8> =
            self.colors.iter().flat_map(|color| [color.red, color.green, color.blue]).collect();
        encode_png(&pixels, self.columns as u32, self.rows() as u32)
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
