//! What pictures of space share: layers of points, outlines, and the choice of
//! the window they are seen through.

use super::axis::Frame;
use super::color::Color;
use super::error::PlotError;
use super::legend::{Entry, Key};
use super::picture::{Area, Picture};
use super::range::{Range, Window, drawable};
use super::stroke::{self, LineStyle};

/// Points drawn alike.
#[derive(Clone, Debug, PartialEq)]
pub struct PointLayer {
    /// The name in the legend; an empty name has no entry.
    pub name: String,
    /// Where the points are. Points that are not finite are left out.
    pub points: Vec<[f64; 2]>,
    /// The colour; an opacity below 1 shows density.
    pub color: Color,
    /// The radius in pixels.
    pub radius: f64,
}

impl PointLayer {
    /// Small, half-transparent points: right for some thousand samples.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>, color: Color) -> Self {
        Self { name: name.into(), points, color: color.with_opacity(0.45), radius: 1.75 }
    }

    pub(crate) fn draw(&self, picture: &mut Picture, frame: &Frame) {
        let window = frame.window();
        for &point in self.points.iter().filter(|&&point| window.contains(point)) {
            picture.disc(frame.place(point), self.radius, self.color);
        }
    }

    pub(crate) fn entry(&self) -> Option<Entry> {
        let key =
            Key::Dot { color: self.color.with_opacity(1.0), radius: self.radius, filled: true };
        (!self.name.is_empty()).then(|| Entry::new(key, &self.name))
    }

    fn outside(&self, window: &Window) -> usize {
        self.points.iter().filter(|&&point| !window.contains(point)).count()
    }
}

/// The shape samples are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// The name in the legend; an empty name has no entry.
    pub name: String,
    /// The points of the outline.
    pub points: Vec<[f64; 2]>,
    /// Whether the points are joined, and how.
    pub form: OutlineForm,
    /// The colour.
    pub color: Color,
}

/// How the points of an [`Outline`] are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutlineForm {
    /// As dots: for points in no order.
    Dots,
    /// As a line through them. A point that is not finite breaks the line, so
    /// that several strokes fit in one outline.
    Line,
    /// As a line that returns to its first point.
    ClosedLine,
}

impl Outline {
    /// An outline in grey.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>, form: OutlineForm) -> Self {
        Self { name: name.into(), points, form, color: Color::CONTEXT }
    }

    pub(crate) fn draw(&self, picture: &mut Picture, frame: &Frame) {
        if self.form == OutlineForm::Dots {
            let window = frame.window();
            for &point in self.points.iter().filter(|&&point| window.contains(point)) {
                picture.disc(frame.place(point), 1.25, self.color);
            }
            return;
        }
        let mut path: Vec<_> = self.points.iter().map(|&point| frame.place(point)).collect();
        if self.form == OutlineForm::ClosedLine {
            path.extend(path.first().copied());
        }
        for part in stroke::clipped(&path, &frame.area) {
            picture.line(part, 1.5, self.color);
        }
    }

    pub(crate) fn entry(&self) -> Option<Entry> {
        let key = match self.form {
            OutlineForm::Dots => Key::Dot { color: self.color, radius: 3.0, filled: true },
            _ => Key::Line { color: self.color, width: 2.0, style: LineStyle::Solid, marker: None },
        };
        (!self.name.is_empty()).then(|| Entry::new(key, &self.name))
    }
}

/// Limits along x and y in the data's units: `[x_low, x_high, y_low, y_high]`.
pub type Limits = [f64; 4];

/// The window asked for, or else the outline's box with a quarter more at each
/// side, or else the box of the points.
///
/// An outline decides because a diverged solver's samples would otherwise
/// shrink everything worth seeing to a dot.
pub(crate) fn window<'a>(
    title: &str,
    limits: Option<Limits>,
    outline: Option<&Outline>,
    points: impl IntoIterator<Item = &'a [f64; 2]>,
) -> Result<Window, PlotError> {
    if let Some([x_low, x_high, y_low, y_high]) = limits {
        for (what, low, high) in [("x", x_low, x_high), ("y", y_low, y_high)] {
            if !(low < high && drawable(low) && drawable(high)) {
                let title = title.to_owned();
                return Err(PlotError::InvalidLimits { title, what, low, high, and_positive: "" });
            }
        }
        return Ok(Window {
            x: Range { low: x_low, high: x_high },
            y: Range { low: y_low, high: y_high },
        });
    }
    let shape = outline.and_then(|outline| Window::around(&outline.points));
    match shape {
        Some(window) => Ok(window.padded(0.25)),
        None => Window::around(points).map(|window| window.padded(0.06)).ok_or_else(|| {
            PlotError::Empty {
                title: title.to_owned(),
                reason: "no layer holds a finite point; check the solver's outcome".to_owned(),
            }
        }),
    }
}

/// Says how many points the frame does not show, if any.
pub(crate) fn note_outside(picture: &mut Picture, frame: &Frame, layers: &[PointLayer]) {
    let outside: usize = layers.iter().map(|layer| layer.outside(&frame.window())).sum();
    if outside > 0 {
        let note = format!("{outside} outside");
        corner_note(picture, &frame.area, &note);
    }
}

/// Small text in the lower right corner, on white so that points do not blur it.
fn corner_note(picture: &mut Picture, area: &Area, note: &str) {
    use super::axis::SMALL;
    use super::font::{Weight, width};
    use super::picture::{Anchor, Shape};
    let length = width(note, SMALL, Weight::Regular);
    picture.shapes.push(Shape::Rectangle {
        low: [area.right - length - 14.0, area.bottom - 24.0],
        high: [area.right - 1.0, area.bottom - 1.0],
        fill: Color::WHITE.with_opacity(0.85),
    });
    picture.text(note, [area.right - 8.0, area.bottom - 8.0], SMALL, Anchor::End);
}

/// The legend of several panels: every name once.
pub(crate) fn without_repeats(entries: impl IntoIterator<Item = Entry>) -> Vec<Entry> {
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        if !kept.contains(&entry) {
            kept.push(entry);
        }
    }
    kept
}

/// The height a frame of this width needs to fit the window closely, within
/// reason for very flat and very tall data.
pub(crate) fn fitting_height(window: &Window, width: f64) -> f64 {
    (width * window.y.span() / window.x.span()).clamp(0.55 * width, 1.3 * width).round()
}
