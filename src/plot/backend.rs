//! Pictures to SVG and PNG, through plotters' backends.
//!
//! plotters' coordinates are whole numbers. Both formats are therefore drawn
//! [`SCALE`] times larger: the SVG is shrunk again by its view box, the PNG by
//! averaging, which also smooths every edge.

use super::color::Color;
use super::error::PlotError;
use super::font::{self, FAMILY, Weight};
use super::picture::{Anchor, Picture, Pixel, Shape, Text};
use super::raster::encode_png;
use plotters::prelude::{BitMapBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, IntoFont, RGBAColor, ShapeStyle, TextStyle};
use plotters_backend::{BackendColor, DrawingBackend, DrawingErrorKind};

const SCALE: u32 = 4;

/// plotters divides every font size by this before writing it into SVG.
const PLOTTERS_LINE_HEIGHT: f64 = 1.24;

/// How far below its position plotters' SVG sets a top-anchored baseline.
const SVG_BASELINE: f64 = 0.76;

type Outcome<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

/// The two things the backends do not do alike.
trait Surface: DrawingBackend {
    fn polyline(&mut self, points: &[(i32, i32)], width: u32, color: Color) -> Outcome<Self>;
    fn set_text(&mut self, text: &Text) -> Outcome<Self>;
}

fn scaled(length: f64) -> i32 {
    (length * f64::from(SCALE)).round().clamp(-1e6, 1e6) as i32
}

fn place(point: Pixel) -> (i32, i32) {
    (scaled(point[0]), scaled(point[1]))
}

fn plain(color: Color) -> BackendColor {
    BackendColor { alpha: color.opacity.clamp(0.0, 1.0), rgb: (color.red, color.green, color.blue) }
}

fn stroke(color: Color, width: u32) -> ShapeStyle {
    ShapeStyle {
        color: RGBAColor(color.red, color.green, color.blue, color.opacity),
        filled: false,
        stroke_width: width,
    }
}

/// The corners of a segment of some width, rounded so that both sides are as
/// far from its middle. The ends differ: see the deduplication in [`draw`].
fn thick_segment(from: (i32, i32), to: (i32, i32), width: u32) -> [(i32, i32); 4] {
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

impl Surface for SVGBackend<'_> {
    fn polyline(&mut self, points: &[(i32, i32)], width: u32, color: Color) -> Outcome<Self> {
        self.draw_path(points.iter().copied(), &stroke(color, width))
    }

    fn set_text(&mut self, text: &Text) -> Outcome<Self> {
        let size = text.size * f64::from(SCALE);
        let horizontal = match text.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let [x, y] = text.position;
        let rise = SVG_BASELINE * text.size;
        let (position, turn) = if text.upright {
            ([x - rise, y], FontTransform::Rotate270)
        } else {
            ([x, y - rise], FontTransform::None)
        };
        let weight = match text.weight {
            Weight::Regular => FontStyle::Normal,
            Weight::Bold => FontStyle::Bold,
        };
        let style = TextStyle::from(
            (FAMILY, size * PLOTTERS_LINE_HEIGHT, weight).into_font().transform(turn),
        )
        .pos(Pos::new(horizontal, VPos::Top));
        let style = TextStyle { color: plain(text.color), ..style };
        self.draw_text(&text.text, &style, place(position))
    }
}

impl Surface for BitMapBackend<'_> {
    /// Segment by segment with round joins: plotters' outline of a bent wide
    /// path has spikes, and its single lines are cut thinner at some angles.
    /// Colours are made opaque, or overlaps would show.
    fn polyline(&mut self, points: &[(i32, i32)], width: u32, color: Color) -> Outcome<Self> {
        let color = plain(color.over_white());
        for (index, pair) in points.windows(2).enumerate() {
            self.fill_polygon(thick_segment(pair[0], pair[1], width), &color)?;
            if index > 0 && width > 2 {
                self.draw_circle(pair[0], width / 2, &color, true)?;
            }
        }
        Ok(())
    }

    fn set_text(&mut self, text: &Text) -> Outcome<Self> {
        let size = text.size * f64::from(SCALE);
        let length = font::width(&text.text, size, text.weight);
        let back = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => length / 2.0,
            Anchor::End => length,
        }
        .round() as i32;
        let origin = place(text.position);
        let mut result = Ok(());
        font::rasterize(&text.text, size, text.weight, |x, y, coverage| {
            let (x, y) = if text.upright { (y, back - x) } else { (x - back, y) };
            let color = text.color.with_opacity(text.color.opacity * coverage.min(1.0));
            if result.is_ok() {
                result = self.draw_pixel((origin.0 + x, origin.1 + y), plain(color));
            }
        });
        result
    }
}

fn draw_ground<B: Surface>(backend: &mut B) -> Outcome<B> {
    let (width, height) = backend.get_size();
    backend.draw_rect((0, 0), (width as i32, height as i32), &plain(Color::WHITE), true)
}

fn draw<B: Surface>(shapes: &[Shape], backend: &mut B) -> Outcome<B> {
    for shape in shapes {
        match shape {
            Shape::Rectangle { low, high, fill } => {
                backend.draw_rect(place(*low), place(*high), &plain(*fill), true)?;
            }
            Shape::Polygon { points, fill } => {
                backend.fill_polygon(points.iter().map(|&point| place(point)), &plain(*fill))?;
            }
            Shape::Polyline { points, width, color } => {
                let mut path: Vec<_> = points.iter().map(|&point| place(point)).collect();
                path.dedup();
                backend.polyline(&path, scaled(*width).max(1) as u32, *color)?;
            }
            Shape::Disc { center, radius, fill } => {
                backend.draw_circle(
                    place(*center),
                    scaled(*radius).max(1) as u32,
                    &plain(*fill),
                    true,
                )?;
            }
            Shape::Text(text) => backend.set_text(text)?,
            Shape::Raster(raster) => {
                for (low, high, color) in raster.cells() {
                    backend.draw_rect(place(low), place(high), &plain(color), true)?;
                }
            }
        }
    }
    Ok(())
}

/// The picture as a self-contained SVG document without an XML declaration, so
/// that it can stand inside HTML as well.
pub(crate) fn svg(picture: &Picture) -> Result<String, PlotError> {
    let (width, height) = picture.size();
    let opening = format!(
        "<svg width=\"{width}\" height=\"{height}\" stroke-linejoin=\"round\" stroke-linecap=\"round\""
    );
    let ground = svg_fragment(picture, |backend| draw_ground(backend))?;
    let mut document = opening + &ground;
    // plotters knows no `<image>`: what lies between two of them is a drawing of its own.
    for shapes in picture.shapes.chunk_by(|a, b| a.raster().is_none() && b.raster().is_none()) {
        match shapes[0].raster() {
            Some(raster) => document.push_str(&raster.svg_element(f64::from(SCALE))?),
            None => {
                let fragment = svg_fragment(picture, |backend| draw(shapes, backend))?;
                let body = fragment.split_once(">\n").map_or("", |(_, body)| body);
                document.push_str(body);
            }
        }
    }
    document.push_str("</svg>\n");
    Ok(document)
}

/// What plotters writes between `<svg width height` and `</svg>`.
fn svg_fragment(
    picture: &Picture,
    draw: impl FnOnce(&mut SVGBackend<'_>) -> Result<(), DrawingErrorKind<std::io::Error>>,
) -> Result<String, PlotError> {
    let (width, height) = picture.size();
    let (wide, high) = (width * SCALE, height * SCALE);
    let mut document = String::new();
    {
        let mut backend = SVGBackend::with_string(&mut document, (wide, high));
        draw(&mut backend).map_err(PlotError::backend)?;
        backend.present().map_err(PlotError::backend)?;
    }
    let opening = format!("<svg width=\"{wide}\" height=\"{high}\"");
    let body = document.strip_prefix(&opening).and_then(|rest| rest.strip_suffix("</svg>\n"));
    body.map(str::to_owned)
        .ok_or_else(|| PlotError::backend("the SVG does not start with its size or does not end"))
}

/// The picture as the bytes of a PNG file.
pub(crate) fn png(picture: &Picture) -> Result<Vec<u8>, PlotError> {
    let (width, height) = picture.size();
    let (wide, high) = (width * SCALE, height * SCALE);
    let mut pixels = vec![255_u8; wide as usize * high as usize * 3];
    {
        let mut backend = BitMapBackend::with_buffer(&mut pixels, (wide, high));
        draw_ground(&mut backend)
            .and_then(|()| draw(&picture.shapes, &mut backend))
            .and_then(|()| backend.present())
            .map_err(PlotError::backend)?;
    }
    encode_png(&averaged(&pixels, width as usize, height as usize), width, height)
}

/// The mean of every `SCALE` by `SCALE` block.
fn averaged(pixels: &[u8], width: usize, height: usize) -> Vec<u8> {
    let scale = SCALE as usize;
    let stride = width * scale * 3;
    let mut result = Vec::with_capacity(width * height * 3);
    let mut sums = vec![0_u32; width * 3];
    for rows in pixels.chunks_exact(stride * scale) {
        sums.fill(0);
        for row in rows.chunks_exact(stride) {
            for (sum, block) in sums.chunks_exact_mut(3).zip(row.chunks_exact(scale * 3)) {
                for pixel in block.chunks_exact(3) {
                    for (sum, &channel) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(channel);
                    }
                }
            }
        }
        let count = SCALE * SCALE;
        result.extend(sums.iter().map(|&sum| ((sum + count / 2) / count) as u8));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Picture {
        let mut picture = Picture::new(60.0, 40.0);
        picture.rule([0.0, 10.0], [60.0, 10.0], Color::INK);
        picture.line(
            vec![[1.0, 1.0], [50.0, 30.0], [1.0, 30.0]],
            1.5,
            Color::nth(1).with_opacity(0.4),
        );
        picture.disc([30.0, 20.0], 3.0, Color::nth(0));
        picture.text("a < b & c", [5.0, 35.0], 10.0, Anchor::Start);
        picture.upright_text("up", [58.0, 20.0], 10.0);
        picture
    }

    #[test]
    fn png_has_signature_and_dimensions() {
        let bytes = png(&sample()).unwrap();
        let reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (60, 40));
    }

    #[test]
    fn svg_is_well_formed_and_escaped() {
        let document = svg(&sample()).unwrap();
        let parsed = roxmltree::Document::parse(&document).unwrap();
        let root = parsed.root_element();
        assert_eq!(root.attribute("width"), Some("60"));
        assert_eq!(root.attribute("viewBox"), Some("0 0 240 160"));
        assert!(
            root.descendants()
                .any(|node| node.text().is_some_and(|text| text.trim() == "a < b & c"))
        );
    }

    #[test]
    fn shapes_far_outside_the_picture_do_no_harm() {
        let mut picture = sample();
        picture.line(vec![[-1e30, 0.0], [1e30, 5.0]], 2.0, Color::INK);
        picture.disc([500.0, -20.0], 3.0, Color::INK);
        picture.text("outside", [-20.0, 60.0], 12.0, Anchor::End);
        png(&picture).unwrap();
        svg(&picture).unwrap();
    }
}
