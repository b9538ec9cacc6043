//! A picture, laid out and ready to be drawn in either file format.

use std::cell::RefCell;
use std::fmt;
use std::path::Path;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::{BitMapBackend, SVGBackend};
use plotters_backend::DrawingErrorKind;

use super::canvas::{Canvas, SCALE};
use super::error::PlotError;
use super::font::FAMILY;
use super::pdf::PdfPage;
use super::raster::encode_png;

/// An area of a picture.
pub(crate) type Page<'p> = DrawingArea<Canvas<'p>, Shift>;

type Draw<'a> = dyn Fn(&Page<'_>) -> Result<(), PlotError> + 'a;

/// A picture that only needs to be drawn.
pub struct Picture<'a> {
    width: u32,
    height: u32,
    /// How many times as large it is shown as it is laid out.
    zoom: f64,
    /// The families of its letters in an SVG.
    family: String,
    draw: Box<Draw<'a>>,
}

impl fmt::Debug for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture").field("width", &self.width).field("height", &self.height).finish()
    }
}

impl<'a> Picture<'a> {
    /// A picture of so many pixels, white where `draw` leaves it.
    pub(crate) fn new(
        width: f64,
        height: f64,
        draw: impl Fn(&Page<'_>) -> Result<(), PlotError> + 'a,
    ) -> Self {
        let [width, height] = [width, height].map(|side| side.ceil() as u32);
        Self { width, height, zoom: 1.0, family: FAMILY.to_owned(), draw: Box::new(draw) }
    }

    /// The same so many times as large, its letters and lines too.
    pub(crate) fn magnified(self, zoom: f64) -> Self {
        Self { zoom: self.zoom * zoom, ..self }
    }

    /// The same with letters of this family in an SVG, or of the usual one where it is not known.
    pub(crate) fn in_family(self, family: &str) -> Self {
        Self { family: format!("{family}, {FAMILY}"), ..self }
    }

    /// Writes the picture to a file, whose extension (`.png`, `.svg` or `.pdf`) decides the format.
    /// The file appears whole or not at all.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let bytes = match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("png") => self.png()?,
            Some("svg") => self.svg()?.into_bytes(),
            Some("pdf") => self.pdf()?,
            _ => return Err(PlotError::UnknownExtension { path: path.to_owned() }),
        };
        Ok(driftfield_problems::atomic_file::write(path, &bytes)?)
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        let shown = |side: u32| (f64::from(side) * self.zoom).round().max(1.0) as u32;
        (shown(self.width), shown(self.height))
    }

    fn draw_on(&self, canvas: Canvas<'_>) -> Result<(), PlotError> {
        let page = canvas.into_drawing_area();
        (self.draw)(&page)?;
        Ok(page.present()?)
    }

    /// A self-contained SVG document without an XML declaration, so that it can stand inside HTML
    /// as well.
    pub(crate) fn svg(&self) -> Result<String, PlotError> {
        let (wide, high) = (self.width * SCALE, self.height * SCALE);
        let mut document = String::new();
        let images = RefCell::new(String::new());
        let drawing = SVGBackend::with_string(&mut document, (wide, high));
        self.draw_on(Canvas::Svg { drawing, images: &images })?;
        // plotters' opening has neither a view box of another size nor round joins.
        let (_, body) = document.split_once(">\n").unwrap_or_default();
        let families = |family: &str| format!("font-family=\"{family}\"");
        let body = body.replace(&families(FAMILY), &families(&self.family));
        Ok(format!(
            "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {wide} {high}\" \
             xmlns=\"http://www.w3.org/2000/svg\" stroke-linejoin=\"round\" \
             stroke-linecap=\"round\">\n\
             <rect width=\"{wide}\" height=\"{high}\" fill=\"#FFFFFF\"/>\n{}{body}",
            self.size().0,
            self.size().1,
            images.into_inner(),
        ))
    }

    /// The bytes of a PDF file of one page, a pixel three quarters of a point long.
    pub(crate) fn pdf(&self) -> Result<Vec<u8>, PlotError> {
        let mut drawing = PdfPage::new((self.width * SCALE, self.height * SCALE), self.zoom);
        self.draw_on(Canvas::Pdf(&mut drawing))?;
        let drawn = drawing.finish().map_err(DrawingErrorKind::DrawingError);
        Ok(drawn.map_err(DrawingAreaErrorKind::BackendError)?)
    }

    /// The bytes of a PNG file.
    pub(crate) fn png(&self) -> Result<Vec<u8>, PlotError> {
        let (wide, high) = (self.width * SCALE, self.height * SCALE);
        let mut pixels = vec![255_u8; wide as usize * high as usize * 3];
        self.draw_on(Canvas::Png(BitMapBackend::with_buffer(&mut pixels, (wide, high))))?;
        let (width, height) = self.size();
        let pixels = match self.zoom == 1.0 {
            true => averaged(&pixels, self.width as usize),
            false => resized(&pixels, (wide, high), (width, height)),
        };
        encode_png(&pixels, width, height)
    }
}

/// The mean of every `SCALE` by `SCALE` block of rows that are `width` blocks long.
fn averaged(pixels: &[u8], width: usize) -> Vec<u8> {
    let scale = SCALE as usize;
    let stride = width * scale * 3;
    let mut result = Vec::with_capacity(pixels.len() / (scale * scale));
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

/// Pixels in another size: the mean of what lies below each, the parts of those at its edges too.
fn resized(pixels: &[u8], (wide, high): (u32, u32), (width, height): (u32, u32)) -> Vec<u8> {
    let (across, down) = (shares(wide, width), shares(high, height));
    let mut result = Vec::with_capacity(width as usize * height as usize * 3);
    let stride = wide as usize * 3;
    let mut row = vec![0.0; stride];
    for parts in &down {
        row.fill(0.0);
        for &(y, part) in parts {
            let line = &pixels[y * stride..][..stride];
            row.iter_mut().zip(line).for_each(|(sum, &value)| *sum += part * f64::from(value));
        }
        for parts in &across {
            for channel in 0..3 {
                let sum: f64 = parts.iter().map(|&(x, part)| part * row[3 * x + channel]).sum();
                result.push(sum.round() as u8);
            }
        }
    }
    result
}

/// For each of `to` equal pieces of a length which of its `from` pieces are in it, and what share of
/// it each is.
fn shares(from: u32, to: u32) -> Vec<Vec<(usize, f64)>> {
    let ratio = f64::from(from) / f64::from(to);
    let piece = |index: u32| {
        let (begin, end) = (f64::from(index) * ratio, (f64::from(index) + 1.0) * ratio);
        let inner = begin.floor() as u32..(end.ceil() as u32).min(from);
        let share = |at: u32| (f64::from(at) + 1.0).min(end) - f64::from(at).max(begin);
        inner.map(|at| (at as usize, share(at).max(0.0) / ratio)).collect()
    };
    (0..to).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use plotters::element::{Circle, PathElement};
    use plotters::style::FontTransform;

    use super::*;
    use crate::plot::canvas::{fill, pen, px};
    use crate::plot::color::Color;
    use crate::plot::font::{self, Weight};

    fn sample(reach: f64) -> Picture<'static> {
        Picture::new(60.0, 40.0, move |page| {
            let at = |x: f64, y: f64| (px(x), px(y));
            page.draw(&PathElement::new([at(0.0, 10.0), at(60.0, 10.0)], pen(Color::INK, 1.0)))?;
            let bent = [at(1.0, 1.0), at(50.0 * reach, 30.0), at(1.0, 30.0 * reach)];
            page.draw(&PathElement::new(bent, pen(Color::nth(1).with_opacity(0.4), 1.5)))?;
            page.draw(&Circle::new(at(30.0 * reach, 20.0), px(3.0), fill(Color::nth(0))))?;
            let style = font::style(10.0, Weight::Regular, Color::INK);
            page.draw_text("a < b & c", &style, at(5.0 * reach, 25.0))?;
            let upright = style.transform(FontTransform::Rotate270);
            Ok(page.draw_text("up", &upright, at(50.0, 20.0 * reach))?)
        })
    }

    #[test]
    fn png_has_signature_and_dimensions() {
        let bytes = sample(1.0).png().unwrap();
        let reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (60, 40));
    }

    #[test]
    fn svg_is_well_formed_and_escaped() {
        let document = sample(1.0).svg().unwrap();
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
        for reach in [-1e30, 1e30] {
            sample(reach).png().unwrap();
            sample(reach).svg().unwrap();
            sample(reach).pdf().unwrap();
        }
    }

    #[test]
    fn a_resized_picture_has_the_same_mean_and_that_of_blocks_is_one() {
        let pixels: Vec<u8> = (0..12 * 8 * 3).map(|i| (i * 37 % 251) as u8).collect();
        assert_eq!(resized(&pixels, (12, 8), (3, 2)), averaged(&pixels, 3));
        let mean =
            |pixels: &[u8]| pixels.iter().map(|&p| f64::from(p)).sum::<f64>() / pixels.len() as f64;
        for size in [(5, 3), (7, 8), (30, 20)] {
            let other = resized(&pixels, (12, 8), size);
            assert!((mean(&other) - mean(&pixels)).abs() < 0.5, "{size:?}");
        }
    }

    #[test]
    fn the_same_picture_twice_is_the_same_bytes() {
        assert_eq!(sample(1.0).png().unwrap(), sample(1.0).png().unwrap());
        assert_eq!(sample(1.0).svg().unwrap(), sample(1.0).svg().unwrap());
        assert_eq!(sample(1.0).pdf().unwrap(), sample(1.0).pdf().unwrap());
    }

    #[test]
    fn a_pdf_is_one_page_whose_letters_are_letters() {
        let bytes = sample(1.0).pdf().unwrap();
        assert!(bytes.starts_with(b"%PDF-1.") && bytes.ends_with(b"%%EOF"));
        // What the streams hold is compressed; the map from glyphs to letters is not.
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("[0 0 45 30]"), "60 by 40 pixels in points: {text}");
        for letter in "a < b & c".chars().filter(|letter| *letter != ' ') {
            assert!(text.contains(&format!("<{:04X}>", u32::from(letter))), "{letter}: {text}");
        }
        // The table of contents is where the end says, and every object where it says.
        let at = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap();
        let table = &bytes[at.parse::<usize>().unwrap()..];
        assert!(table.starts_with(b"xref"));
        let lines = String::from_utf8_lossy(table);
        for (number, line) in lines.lines().skip(3).take_while(|l| l.ends_with("n ")).enumerate() {
            let offset: usize = line[..10].parse().unwrap();
            assert!(bytes[offset..].starts_with(format!("{} 0 obj", number + 1).as_bytes()));
        }
    }
}
