//! One grey image, and what of it was measured.

use super::color::Color;
use super::picture::{Picture, Pixel};
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

    /// Draws the image, checked to be `side` x `side`.
    pub(super) fn draw(&self, picture: &mut Picture, corner: Pixel, side: usize, scale: f64) {
        let mut measured = vec![false; self.pixels.len()];
        for &pixel in &self.measured {
            measured[pixel] = true;
        }
        let color = |(&value, &measured): (&f64, &bool)| color(value, measured);
        let colors = self.pixels.iter().zip(&measured).map(color).collect();
        picture.raster(Raster { corner, cell: scale, columns: side, colors });
        if self.outlined {
            outline(picture, &measured, corner, side, scale);
        }
    }
}

fn color(value: f64, measured: bool) -> Color {
    if value.is_nan() {
        return NOT_A_NUMBER;
    }
    let brightest = if measured { MEASURED } else { Color::WHITE };
    BLACK.mixed(brightest, value.clamp(0.0, 1.0))
}

/// The sides of pixels with only one of their two neighbours measured, those in one line drawn
/// as one.
fn outline(picture: &mut Picture, measured: &[bool], corner: Pixel, side: usize, scale: f64) {
    let width = (scale / 4.0).round().max(1.0);
    let inside = |row: usize, column: usize| {
        // The pixel before the first wraps round to one that is outside as well.
        row < side && column < side && measured[row * side + column]
    };
    let place = |row: usize, column: usize| {
        [corner[0] + column as f64 * scale, corner[1] + row as f64 * scale]
    };
    for line in 0..=side {
        let before = line.wrapping_sub(1);
        for run in runs(side, |along| inside(before, along) != inside(line, along)) {
            let (from, to) = (place(line, run.start), place(line, run.end));
            picture.rectangle(from, [to[0] + width, to[1] + width], MEASURED);
        }
        for run in runs(side, |along| inside(along, before) != inside(along, line)) {
            let (from, to) = (place(run.start, line), place(run.end, line));
            picture.rectangle(from, [to[0] + width, to[1] + width], MEASURED);
        }
    }
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
    use crate::plot::picture::Shape;

    fn drawn(tile: &ImageTile, side: usize, scale: f64) -> Picture {
        let mut picture = Picture::new(100.0, 100.0);
        tile.draw(&mut picture, [10.0, 20.0], side, scale);
        picture
    }

    #[test]
    fn values_become_greys_reds_and_blue() {
        let tile = ImageTile::new(vec![0.0, 0.5, 1.0, -3.0, 7.0, f64::NAN, 1.0, 0.5, 0.0])
            .measured(vec![6, 7, 8]);
        let picture = drawn(&tile, 3, 2.0);
        let colors: Vec<_> =
            picture.shapes[0].raster().unwrap().cells().map(|(_, _, color)| color).collect();
        let greys = [0x000000, 0x808080, 0xFFFFFF, 0x000000, 0xFFFFFF].map(Color::hex);
        assert_eq!(colors[..5], greys);
        assert_eq!(colors[5], NOT_A_NUMBER);
        assert_eq!(colors[6..], [MEASURED, Color::hex(0x801818), BLACK]);
    }

    #[test]
    fn the_outline_encloses_what_was_measured() {
        // The lower right 2 x 2 of 3 x 3 pixels: a side of two pixels in each of four directions.
        let tile = ImageTile::new(vec![0.0; 9]).measured(vec![4, 5, 7, 8]).outlined();
        let picture = drawn(&tile, 3, 4.0);
        let boxes: Vec<_> = picture.shapes[1..]
            .iter()
            .map(|shape| match shape {
                Shape::Rectangle { low, high, .. } => [*low, *high],
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            [[14.0, 24.0], [23.0, 25.0]],
            [[14.0, 24.0], [15.0, 33.0]],
            [[14.0, 32.0], [23.0, 33.0]],
            [[22.0, 24.0], [23.0, 33.0]],
        ];
        assert_eq!(boxes, expected);
        let plain = ImageTile { outlined: false, ..tile };
        assert_eq!(drawn(&plain, 3, 4.0).shapes.len(), 1);
    }
}
