//! A picture as a list of shapes in pixels: what every plot lays out and both
//! file formats draw.
//!
//! Layout and output meet only here, so that a plot is laid out once, can be
//! tested without decoding an image, and looks alike as PNG and SVG.

use super::color::Color;
use super::font::{self, Weight};
use super::raster::Raster;

/// A place in pixels, y pointing down.
pub(crate) type Pixel = [f64; 2];

/// Which part of a text lies at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text; `position` is on its baseline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub text: String,
    pub position: Pixel,
    pub size: f64,
    pub weight: Weight,
    pub anchor: Anchor,
    pub color: Color,
    /// Reads from bottom to top.
    pub upright: bool,
}

/// Something to draw.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Rectangle { low: Pixel, high: Pixel, fill: Color },
    Polygon { points: Vec<Pixel>, fill: Color },
    Polyline { points: Vec<Pixel>, width: f64, color: Color },
    Disc { center: Pixel, radius: f64, fill: Color },
    Text(Text),
    Raster(Raster),
}

impl Shape {
    /// The image, if it is one.
    pub fn raster(&self) -> Option<&Raster> {
        match self {
            Shape::Raster(raster) => Some(raster),
            _ => None,
        }
    }
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub fn contains(&self, point: Pixel) -> bool {
        (self.left..=self.right).contains(&point[0]) && (self.top..=self.bottom).contains(&point[1])
    }
}

/// Shapes on a white ground, drawn in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) shapes: Vec<Shape>,
}

impl Picture {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width: width.ceil(), height: height.ceil(), shapes: Vec::new() }
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width as u32, self.height as u32)
    }

    pub(crate) fn line(&mut self, points: Vec<Pixel>, width: f64, color: Color) {
        if points.len() > 1 {
            self.shapes.push(Shape::Polyline { points, width, color });
        }
    }

    /// A line along an axis, moved onto whole pixels so that it stays sharp.
    pub(crate) fn rule(&mut self, from: Pixel, to: Pixel, color: Color) {
        let low = [from[0].min(to[0]).floor(), from[1].min(to[1]).floor()];
        let high = [from[0].max(to[0]).floor() + 1.0, from[1].max(to[1]).floor() + 1.0];
        self.rectangle(low, high, color);
    }

    pub(crate) fn rectangle(&mut self, low: Pixel, high: Pixel, fill: Color) {
        self.shapes.push(Shape::Rectangle { low, high, fill });
    }

    pub(crate) fn raster(&mut self, raster: Raster) {
        self.shapes.push(Shape::Raster(raster));
    }

    pub(crate) fn disc(&mut self, center: Pixel, radius: f64, fill: Color) {
        self.shapes.push(Shape::Disc { center, radius, fill });
    }

    pub(crate) fn polygon(&mut self, points: Vec<Pixel>, fill: Color) {
        self.shapes.push(Shape::Polygon { points, fill });
    }

    pub(crate) fn text(&mut self, text: &str, position: Pixel, size: f64, anchor: Anchor) {
        self.shapes.push(Shape::Text(Text {
            text: text.to_owned(),
            position,
            size,
            weight: Weight::Regular,
            anchor,
            color: Color::INK,
            upright: false,
        }));
    }

    pub(crate) fn upright_text(&mut self, text: &str, position: Pixel, size: f64) {
        self.text(text, position, size, Anchor::Middle);
        if let Some(Shape::Text(text)) = self.shapes.last_mut() {
            text.upright = true;
        }
    }

    /// A bold line from `left` on, shortened to end before `right`.
    pub(crate) fn title(&mut self, title: &str, left: f64, baseline: f64, right: f64, size: f64) {
        let title = font::fit(title, size, Weight::Bold, right - left);
        self.text(&title, [left, baseline], size, Anchor::Start);
        if let Some(Shape::Text(text)) = self.shapes.last_mut() {
            text.weight = Weight::Bold;
        }
    }
}
