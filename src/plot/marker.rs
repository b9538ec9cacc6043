//! Markers: shapes that tell series apart without their colour.

use super::color::Color;
use super::picture::{Picture, Pixel};
use std::f64::consts::TAU;

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

    pub(crate) fn draw(self, picture: &mut Picture, center: Pixel, radius: f64, color: Color) {
        let outline = self.outline(center, radius);
        if self.filled {
            picture.polygon(outline, color);
        } else {
            let mut edge = outline.clone();
            edge.extend_from_slice(&outline[..2]);
            picture.polygon(outline, Color::WHITE);
            picture.line(edge, 1.5, color);
        }
    }

    /// Corners, with the radius of each shape corrected to a similar weight.
    fn outline(self, center: Pixel, radius: f64) -> Vec<Pixel> {
        let regular = |corners: usize, factor: f64, turn: f64| -> Vec<Pixel> {
            (0..corners)
                .map(|corner| {
                    let angle = TAU * (corner as f64 / corners as f64 + turn);
                    let reach = radius * factor;
                    [center[0] + reach * angle.sin(), center[1] - reach * angle.cos()]
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
            MarkerShape::Plus => cross(center, radius, 0.0),
            MarkerShape::Cross => cross(center, radius, 0.125),
        }
    }
}

/// Twelve corners of a cross whose arms are 2/3 of the radius wide.
fn cross(center: Pixel, radius: f64, turn: f64) -> Vec<Pixel> {
    let (long, half) = (radius * 1.25, radius * 0.38);
    let quarter = [[-half, -long], [half, -long], [half, -half]];
    (0..4)
        .flat_map(|arm| {
            let (sin, cos) = (TAU * (f64::from(arm) / 4.0 + turn)).sin_cos();
            quarter.map(|[x, y]| [center[0] + x * cos - y * sin, center[1] + x * sin + y * cos])
        })
        .collect()
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
            for [x, y] in Marker::nth(index).outline([3.0, 4.0], 5.0) {
                assert!((x - 3.0).hypot(y - 4.0) < 8.0);
            }
        }
    }
}
