//! Markers: shapes that tell series apart without their colour.

use std::f64::consts::TAU;
use std::iter;

use plotters::element::{Drawable, PointCollection};
use plotters_backend::{BackendCoord, DrawingBackend, DrawingErrorKind};

use super::canvas::{fill, pen, px};
use super::color::Color;

/// The radius of markers on curves.
const RADIUS: f64 = 4.5;
/// How far they reach at most.
pub(crate) const REACH: f64 = 1.5 * RADIUS;

/// The shape of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerShape {
    /// A circle.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle pointing up.
    TriangleUp,
    /// A square on its corner.
    Diamond,
    /// A triangle pointing down.
    TriangleDown,
    /// A five-pointed star.
    Star,
    /// A regular pentagon.
    Pentagon,
    /// An upright cross.
    Plus,
    /// A diagonal cross.
    Cross,
    /// A triangle pointing right.
    TriangleRight,
}

const SHAPES: [MarkerShape; 10] = [
    MarkerShape::Circle,
    MarkerShape::Square,
    MarkerShape::TriangleUp,
    MarkerShape::Diamond,
    MarkerShape::TriangleDown,
    MarkerShape::Star,
    MarkerShape::Pentagon,
    MarkerShape::Plus,
    MarkerShape::Cross,
    MarkerShape::TriangleRight,
];

/// A shape, filled or hollow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The shape.
    pub shape: MarkerShape,
    /// Filled with the colour of its line, or with white.
    pub filled: bool,
}

impl Marker {
    /// The `index`-th of twenty markers: ten filled ones, then ten hollow ones.
    pub const fn nth(index: usize) -> Self {
        Self {
            shape: SHAPES[index % SHAPES.len()],
            filled: (index / SHAPES.len()).is_multiple_of(2),
        }
    }

    /// The marker of a curve.
    pub(crate) fn mark(self, color: Color) -> Mark {
        self.mark_of(color, RADIUS)
    }

    /// The marker with another radius.
    pub(crate) fn mark_of(self, color: Color, radius: f64) -> Mark {
        let outline = self.outline(radius);
        if self.filled {
            return Mark::default().filled(outline, color);
        }
        let edge = [&outline[..], &outline[..2]].concat();
        Mark::default().filled(outline, Color::WHITE).line(edge, color, 1.5)
    }

    /// Corners, with the radius of each shape corrected to a similar weight.
    fn outline(self, radius: f64) -> Vec<[f64; 2]> {
        let regular = |corners: usize, factor: f64, turn: f64| -> Vec<[f64; 2]> {
            (0..corners)
                .map(|corner| {
                    let angle = TAU * (corner as f64 / corners as f64 + turn);
                    let reach = radius * factor;
                    [reach * angle.sin(), -reach * angle.cos()]
                })
                .collect()
        };
        match self.shape {
            MarkerShape::Circle => regular(24, 1.0, 0.0),
            MarkerShape::Square => regular(4, 1.25, 0.125),
            MarkerShape::TriangleUp => regular(3, 1.3, 0.0),
            MarkerShape::Diamond => regular(4, 1.3, 0.0),
            MarkerShape::TriangleDown => regular(3, 1.3, 0.5),
            MarkerShape::TriangleRight => regular(3, 1.3, 0.25),
            MarkerShape::Pentagon => regular(5, 1.15, 0.0),
            MarkerShape::Star => {
                let tips = regular(5, 1.5, 0.0);
                let dents = regular(5, 0.65, 0.1);
                tips.into_iter().zip(dents).flat_map(|(tip, dent)| [tip, dent]).collect()
            }
            MarkerShape::Plus => cross(radius, 0.0),
            MarkerShape::Cross => cross(radius, 0.125),
        }
    }
}

/// Twelve corners of a cross whose arms are 2/3 of the radius wide.
fn cross(radius: f64, turn: f64) -> Vec<[f64; 2]> {
    let (long, half) = (radius * 1.25, radius * 0.38);
    let quarter = [[-half, -long], [half, -long], [half, -half]];
    (0..4)
        .flat_map(|arm| {
            let (sin, cos) = (TAU * (f64::from(arm) / 4.0 + turn)).sin_cos();
            quarter.map(|[x, y]| [x * cos - y * sin, x * sin + y * cos])
        })
        .collect()
}

/// Shapes around a point: what marks a value on a curve, or stands for it in a legend.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mark {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
struct Part {
    points: Vec<[f64; 2]>,
    color: Color,
    /// Of a line; none if the points are corners of what is filled.
    width: Option<f64>,
}

impl Mark {
    /// With a polygon above what there is.
    pub fn filled(mut self, points: Vec<[f64; 2]>, color: Color) -> Self {
        self.parts.push(Part { points, color, width: None });
        self
    }

    /// With a line above what there is.
    pub fn line(mut self, points: Vec<[f64; 2]>, color: Color, width: f64) -> Self {
        self.parts.push(Part { points, color, width: Some(width) });
        self
    }

    /// With another mark above it.
    pub fn with(mut self, above: Mark) -> Self {
        self.parts.extend(above.parts);
        self
    }

    /// A disc, of a white ground if it is hollow.
    pub fn dot(color: Color, radius: f64, filled: bool) -> Self {
        Marker { shape: MarkerShape::Circle, filled }.mark_of(color, radius)
    }

    /// The mark at a place.
    pub fn at<P>(self, place: P) -> Placed<P> {
        Placed { place, mark: self }
    }
}

/// A [`Mark`] at its place: an element as plotters draws them.
pub(crate) struct Placed<P> {
    place: P,
    mark: Mark,
}

impl<'a, P> PointCollection<'a, P> for &'a Placed<P> {
    type Point = &'a P;
    type IntoIter = iter::Once<&'a P>;

    fn point_iter(self) -> Self::IntoIter {
        iter::once(&self.place)
    }
}

impl<B: DrawingBackend, P> Drawable<B> for Placed<P> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut place: I,
        backend: &mut B,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<B::ErrorType>> {
        let Some((x, y)) = place.next() else { return Ok(()) };
        for Part { points, color, width } in &self.mark.parts {
            let points = points.iter().map(|point| (x + px(point[0]), y + px(point[1])));
            match width {
                None => backend.fill_polygon(points, &fill(*color))?,
                Some(width) => backend.draw_path(points, &pen(*color, *width))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_markers_differ() {
        let markers: Vec<_> = (0..20).map(Marker::nth).collect();
        for (index, marker) in markers.iter().enumerate() {
            assert!(!markers[..index].contains(marker));
        }
        assert_eq!(Marker::nth(20), Marker::nth(0));
    }

    #[test]
    fn markers_stay_near_their_place() {
        for index in 0..10 {
            for [x, y] in Marker::nth(index).outline(5.0) {
                assert!(x.hypot(y) < 8.0);
            }
        }
    }
}
