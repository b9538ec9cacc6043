//! One grey image, and what of it was measured.

use plotters::element::Rectangle;

use super::canvas::{SCALE, fill};
use super::color::Color;
use super::error::PlotError;
use super::picture::Page;
use super::raster::Raster;

/// The red of what was measured.
const MEASURED: Color = Color::hex(0xFF3030);
/// Neither a grey nor a red: what is not a number.
const NOT_A_NUMBER: Color = Color::hex(0x00A0FF);
const BLACK: Color = Color::hex(0x000000);

/// A square grey image, of which some pixels may be marked as measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageTile {
    /// Values in `[0, 1]`, row by row; clipped to that range where they are drawn. What is not
    /// a number is blue.
    pub pixels: Vec<f64>,
    /// Numbers of the measured pixels, row by row from 0: drawn red instead of white, as
    /// bright as their value.
    pub measured: Vec<usize>,
    /// Whether the measured region has a red outline, which shows also where it is black. For
    /// connected regions: around scattered pixels it hides the image.
    pub outlined: bool,
    /// A line below the image; may be empty.
    pub caption: String,
}

impl ImageTile {
    /// An image without measurement.
    pub fn new(pixels: Vec<f64>) -> Self {
        Self { pixels, ..Self::default() }
    }

    /// Marks pixels as measured.
    #[must_use]
    pub fn measured(mut self, pixels: Vec<usize>) -> Self {
        self.measured = pixels;
        self
    }

    /// Draws a red outline around what was measured.
    #[must_use]
    pub fn outlined(mut self) -> Self {
        self.outlined = true;
        self
    }

    /// Writes a line below the image.
    #[must_use]
    pub fn captioned(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Draws the image, checked to be `side` x `side`, with pixels that are `cell` units of the
    /// canvas wide.
    pub(super) fn draw(
        &self,
        page: &Page<'_>,
        corner: (i32, i32),
        side: usize,
        cell: i32,
    ) -> Result<(), PlotError> {
        page.draw(&Raster { corner, cell, columns: side, colors: self.colors() })?;
        for [low, high] in if self.outlined { self.outline(side, cell) } else { Vec::new() } {
            let corners = [low, high].map(|(x, y)| (corner.0 + x, corner.1 + y));
            page.draw(&Rectangle::new(corners, fill(MEASURED)))?;
        }
        Ok(())
    }

    fn is_measured(&self) -> Vec<bool> {
        let mut measured = vec![false; self.pixels.len()];
        for &pixel in &self.measured {
            measured[pixel] = true;
        }
        measured
    }

    fn colors(&self) -> Vec<Color> {
        let pixels = self.pixels.iter().zip(self.is_measured());
        pixels.map(|(&value, measured)| color(value, measured)).collect()
    }

    /// The sides of pixels with only one of their two neighbours measured, those in one line
    /// drawn as one box.
    fn outline(&self, side: usize, cell: i32) -> Vec<[(i32, i32); 2]> {
        let measured = self.is_measured();
        let unit = SCALE as i32;
        let width = ((f64::from(cell) / f64::from(4 * unit)).round() as i32).max(1) * unit;
        let inside = |row: usize, column: usize| {
            // The pixel before the first wraps round to one that is outside as well.
            row < side && column < side && measured[row * side + column]
        };
        let place = |cells: usize| cells as i32 * cell;
        let mut boxes = Vec::new();
        for line in 0..=side {
            let before = line.wrapping_sub(1);
            for run in runs(side, |along| inside(before, along) != inside(line, along)) {
                let low = (place(run.start), place(line));
                boxes.push([low, (place(run.end) + width, low.1 + width)]);
            }
            for run in runs(side, |along| inside(along, before) != inside(along, line)) {
                let low = (place(line), place(run.start));
                boxes.push([low, (low.0 + width, place(run.end) + width)]);
            }
        }
        boxes
    }
}

fn color(value: f64, measured: bool) -> Color {
    if value.is_nan() {
        return NOT_A_NUMBER;
    }
    let brightest = if measured { MEASURED } else { Color::WHITE };
    BLACK.mixed(brightest, value.clamp(0.0, 1.0))
}

/// The longest ranges within `0..count` in which all numbers are `chosen`.
fn runs(count: usize, chosen: impl Fn(usize) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for index in (0..count).filter(|&index| chosen(index)) {
        match runs.last_mut() {
            Some(run) if run.end == index => run.end += 1,
            _ => runs.push(index..index + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_greys_reds_and_blue() {
        let tile = ImageTile::new(vec![0.0, 0.5, 1.0, -3.0, 7.0, f64::NAN, 1.0, 0.5, 0.0])
            .measured(vec![6, 7, 8]);
        let colors = tile.colors();
        let greys = [0x000000, 0x808080, 0xFFFFFF, 0x000000, 0xFFFFFF].map(Color::hex);
        assert_eq!(colors[..5], greys);
        assert_eq!(colors[5], NOT_A_NUMBER);
        assert_eq!(colors[6..], [MEASURED, Color::hex(0x801818), BLACK]);
    }

    #[test]
    fn the_outline_encloses_what_was_measured() {
        // The lower right 2 x 2 of 3 x 3 pixels: a side of two pixels in each of four directions.
        let tile = ImageTile::new(vec![0.0; 9]).measured(vec![4, 5, 7, 8]).outlined();
        let boxes = tile.outline(3, 16);
        let expected = [
            [(16, 16), (52, 20)],
            [(16, 16), (20, 52)],
            [(16, 48), (52, 52)],
            [(48, 16), (52, 52)],
        ];
        assert_eq!(boxes, expected);
        let grid = |tile: ImageTile| {
            let row = crate::plot::ImageRow::new("", vec![tile]);
            let grid = crate::plot::ImageGrid::new("", 3).row(row);
            crate::plot::Plot::to_svg_string(&grid).unwrap().matches("#FF3030").count()
        };
        assert_eq!(grid(tile.clone()), 4);
        assert_eq!(grid(ImageTile { outlined: false, ..tile }), 0);
    }
}
