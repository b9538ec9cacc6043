//! Where charts are drawn: plotters' backends for PNG and SVG and ours for PDF behind one type, with
//! what they lack. That is text set with its bearings and wide bent lines without spikes in pixels, hair
//! lines on whole pixels, and images in SVG.
//!
//! plotters' coordinates are whole numbers. All formats are therefore drawn [`SCALE`] times
//! larger: SVG and PDF are shrunk again by their coordinates, the PNG by averaging, which also smooths
//! every edge.

use std::cell::RefCell;
use std::error::Error;
use std::io;

use plotters::prelude::{BitMapBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{FontStyle, ShapeStyle};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::color::Color;
use super::font::{self, Weight};
use super::pdf::PdfPage;

/// Units of a canvas along a side of a pixel.
pub(crate) const SCALE: u32 = 4;

/// A length in pixels in units of a canvas.
pub(crate) fn px(length: f64) -> i32 {
    (length * f64::from(SCALE)).round().clamp(-1e6, 1e6) as i32
}

/// A picture in the making.
pub(crate) enum Canvas<'p> {
    Png(BitMapBackend<'p>),
    /// `images` are the elements that plotters has no function for. They lie below all else.
    Svg {
        drawing: SVGBackend<'p>,
        images: &'p RefCell<String>,
    },
    Pdf(&'p mut PdfPage),
}

type Outcome = Result<(), DrawingErrorKind<io::Error>>;

fn said<E: Error + Send + Sync + 'static>(
    error: DrawingErrorKind<E>,
) -> DrawingErrorKind<io::Error> {
    match error {
        DrawingErrorKind::DrawingError(error) => {
            DrawingErrorKind::DrawingError(io::Error::other(error))
        }
        DrawingErrorKind::FontError(error) => DrawingErrorKind::FontError(error),
    }
}

/// The same call on whichever backend it is.
macro_rules! on {
    ($canvas:expr, $backend:ident => $call:expr) => {
        match $canvas {
            Canvas::Png($backend) => $call.map_err(said),
            Canvas::Svg { drawing: $backend, .. } => $call,
            Canvas::Pdf($backend) => $call,
        }
    };
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Self::Png(backend) => backend.get_size(),
            Self::Svg { drawing, .. } => drawing.get_size(),
            Self::Pdf(drawing) => drawing.get_size(),
        }
    }

    fn ensure_prepared(&mut self) -> Outcome {
        on!(self, backend => backend.ensure_prepared())
    }

    fn present(&mut self) -> Outcome {
        on!(self, backend => backend.present())
    }

    fn draw_pixel(&mut self, place: BackendCoord, color: BackendColor) -> Outcome {
        on!(self, backend => backend.draw_pixel(place, color))
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Outcome {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        low: BackendCoord,
        high: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Outcome {
        on!(self, backend => backend.draw_rect(low, high, style, fill))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome {
        let mut path: Vec<_> = path.into_iter().collect();
        path.dedup();
        if style.stroke_width() <= SCALE && path.windows(2).all(upright) {
            return path.windows(2).try_for_each(|pair| self.hair_line(pair, style.color()));
        }
        match self {
            Self::Png(pixels) => polyline(pixels, &path, style).map_err(said),
            Self::Svg { drawing, .. } => drawing.draw_path(path, style),
            Self::Pdf(drawing) => drawing.draw_path(path, style),
        }
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Outcome {
        on!(self, backend => backend.draw_circle(center, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Outcome {
        on!(self, backend => backend.fill_polygon(corners, style))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        place: BackendCoord,
    ) -> Outcome {
        match self {
            Self::Png(pixels) => write(pixels, text, style, place).map_err(said),
            Self::Svg { drawing, .. } => drawing.draw_text(text, style, place),
            Self::Pdf(drawing) => drawing.draw_text(text, style, place),
        }
    }
}

fn upright(pair: &[BackendCoord]) -> bool {
    pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1
}

impl Canvas<'_> {
    /// A line along an axis, one pixel wide and moved onto whole pixels so that it stays sharp.
    fn hair_line(&mut self, ends: &[BackendCoord], color: BackendColor) -> Outcome {
        let unit = SCALE as i32;
        let whole = |length: i32| length.div_euclid(unit) * unit;
        let (a, b) = (ends[0], ends[1]);
        let low = (whole(a.0.min(b.0)), whole(a.1.min(b.1)));
        let high = (whole(a.0.max(b.0)) + unit, whole(a.1.max(b.1)) + unit);
        self.draw_rect(low, high, &color, true)
    }
}

type Pixels<'p> = BitMapBackend<'p>;
type PixelOutcome<'p> = Result<(), DrawingErrorKind<<Pixels<'p> as DrawingBackend>::ErrorType>>;

/// Segment by segment with round joins: plotters' outline of a bent wide path has spikes, and its
/// single lines are cut thinner at some angles. Colours are made opaque, or overlaps would show.
fn polyline<'p, S: BackendStyle>(
    pixels: &mut Pixels<'p>,
    path: &[BackendCoord],
    style: &S,
) -> PixelOutcome<'p> {
    let (color, width) = (opaque(style.color()), style.stroke_width());
    for (index, pair) in path.windows(2).enumerate() {
        pixels.fill_polygon(thick_segment(pair[0], pair[1], width), &color)?;
        if index > 0 && width > 2 {
            pixels.draw_circle(pair[0], width / 2, &color, true)?;
        }
    }
    Ok(())
}

fn opaque(color: BackendColor) -> BackendColor {
    let (red, green, blue) = color.rgb;
    let color = Color { red, green, blue, opacity: color.alpha }.over_white();
    BackendColor { alpha: 1.0, rgb: (color.red, color.green, color.blue) }
}

/// The corners of a segment of some width between different ends, rounded so that both sides are
/// as far from its middle.
fn thick_segment(from: BackendCoord, to: BackendCoord, width: u32) -> [BackendCoord; 4] {
    let along = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let reach = f64::from(width) / 2.0 / along.0.hypot(along.1).max(1.0);
    let side = ((-along.1 * reach).round() as i32, (along.0 * reach).round() as i32);
    [
        (from.0 + side.0, from.1 + side.1),
        (to.0 + side.0, to.1 + side.1),
        (to.0 - side.0, to.1 - side.1),
        (from.0 - side.0, from.1 - side.1),
    ]
}

/// Text where plotters' SVG has it: plotters' own for bitmaps drops each glyph's left bearing,
/// which sets letters unevenly.
fn write<'p, S: BackendTextStyle>(
    pixels: &mut Pixels<'p>,
    text: &str,
    style: &S,
    place: BackendCoord,
) -> PixelOutcome<'p> {
    let weight = match style.style() {
        FontStyle::Bold => Weight::Bold,
        _ => Weight::Regular,
    };
    let em = style.size() / font::PLOTTERS_LINE_HEIGHT;
    let anchor = style.anchor();
    let back = match anchor.h_pos {
        HPos::Left => 0.0,
        HPos::Center => font::width(text, em, weight) / 2.0,
        HPos::Right => font::width(text, em, weight),
    };
    // An SVG has 0.5ex for the last two; a small letter of the font is 0.54 em high.
    let down = em
        * match anchor.v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.27,
            VPos::Bottom => -0.27,
        };
    let (turn, color) = (style.transform(), style.color());
    let mut outcome = Ok(());
    font::rasterize(text, em, weight, |x, y, coverage| {
        let (x, y) = turn.transform(x - back.round() as i32, y + down.round() as i32);
        let color = BackendColor { alpha: color.alpha * coverage.min(1.0), ..color };
        if outcome.is_ok() {
            outcome = pixels.draw_pixel((place.0 + x, place.1 + y), color);
        }
    });
    outcome
}

/// The pen of a line.
pub(crate) fn pen(color: Color, width: f64) -> ShapeStyle {
    ShapeStyle { stroke_width: px(width).max(1) as u32, ..fill(color) }
}

/// The style of what is filled.
pub(crate) fn fill(color: Color) -> ShapeStyle {
    plotters::style::Color::filled(&color)
}
