//! The embedded font: measuring text and turning it into pixels.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont, point};
use plotters::style::{FontStyle, IntoFont, TextStyle, register_font};

use super::canvas::px;
use super::color::Color;

/// Size of tick labels and legends.
pub(crate) const SMALL: f64 = 14.0;
/// Size of axis titles.
pub(crate) const MEDIUM: f64 = 15.0;
/// Size of picture titles.
pub(crate) const LARGE: f64 = 19.0;

/// plotters divides every font size by this for the em.
pub(crate) const PLOTTERS_LINE_HEIGHT: f64 = 1.24;

/// The family list written into SVG: what is embedded here, then a face of the
/// same widths, then whatever the viewer has.
pub(crate) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// How heavy the strokes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

static REGULAR: LazyLock<FontRef<'static>> =
    LazyLock::new(|| embedded(FontStyle::Normal, file(Weight::Regular)));
static BOLD: LazyLock<FontRef<'static>> =
    LazyLock::new(|| embedded(FontStyle::Bold, file(Weight::Bold)));

/// The TrueType file.
pub(crate) fn file(weight: Weight) -> &'static [u8] {
    match weight {
        Weight::Regular => include_bytes!("font/DejaVuSans-subset.ttf"),
        Weight::Bold => include_bytes!("font/DejaVuSans-Bold-subset.ttf"),
    }
}

/// The font, known to plotters as well from here on.
fn embedded(style: FontStyle, bytes: &'static [u8]) -> FontRef<'static> {
    let font = FontRef::try_from_slice(bytes).expect("the embedded font is a valid TrueType file");
    // It refuses what is no font, which this is.
    let _ = register_font(FAMILY, style, bytes);
    font
}

/// How plotters is to write text whose em is `em` pixels.
pub(crate) fn style(em: f64, weight: Weight, color: Color) -> TextStyle<'static> {
    // plotters looks a font up when its style is made.
    face(weight);
    let size = f64::from(px(em)) * PLOTTERS_LINE_HEIGHT;
    let style = match weight {
        Weight::Regular => FontStyle::Normal,
        Weight::Bold => FontStyle::Bold,
    };
    (FAMILY, size, style).into_font().color(&color)
}

fn face(weight: Weight) -> &'static FontRef<'static> {
    match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    }
}

/// ab_glyph scales by line height; everyone else by the em.
fn scale(font: &FontRef<'_>, em: f64) -> PxScale {
    let units = font.units_per_em().unwrap_or(1000.0);
    PxScale::from(em as f32 * font.height_unscaled() / units)
}

/// Glyphs with the horizontal pen position of each, and the total advance.
pub(crate) fn set(text: &str, em: f64, weight: Weight) -> (Vec<(GlyphId, f32)>, f32) {
    let font = face(weight);
    let scaled = font.as_scaled(scale(font, em));
    let mut pen = 0.0;
    let mut previous = None;
    let mut glyphs = Vec::with_capacity(text.len());
    for character in text.chars() {
        let glyph = scaled.glyph_id(character);
        if let Some(previous) = previous {
            pen += scaled.kern(previous, glyph);
        }
        glyphs.push((glyph, pen));
        pen += scaled.h_advance(glyph);
        previous = Some(glyph);
    }
    (glyphs, pen)
}

/// How far a glyph moves the pen, in em.
pub(crate) fn advance(glyph: u16, weight: Weight) -> f32 {
    let font = face(weight);
    font.h_advance_unscaled(GlyphId(glyph)) / font.units_per_em().unwrap_or(1000.0)
}

/// The width of a line of text whose em is `em` pixels.
pub(crate) fn width(text: &str, em: f64, weight: Weight) -> f64 {
    f64::from(set(text, em, weight).1)
}

/// Calls `pixel(x, y, coverage)` for every pixel the text touches, the origin
/// being the start of the baseline.
pub(crate) fn rasterize(text: &str, em: f64, weight: Weight, mut pixel: impl FnMut(i32, i32, f64)) {
    let font = face(weight);
    let scale = scale(font, em);
    for (glyph, pen) in set(text, em, weight).0 {
        let glyph = glyph.with_scale_and_position(scale, point(pen, 0.0));
        if let Some(outline) = font.outline_glyph(glyph) {
            let corner = outline.px_bounds().min;
            outline.draw(|x, y, coverage| {
                pixel(corner.x as i32 + x as i32, corner.y as i32 + y as i32, f64::from(coverage));
            });
        }
    }
}

/// The text itself, or as much of it as fits followed by an ellipsis.
pub(crate) fn fit(text: &str, em: f64, weight: Weight, available: f64) -> String {
    if width(text, em, weight) <= available {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let candidate: String = kept.iter().chain(&['…']).collect();
        if width(&candidate, em, weight) <= available {
            return candidate;
        }
    }
    "…".to_owned()
}

/// The words of a text in lines of this width; a word that is longer than a line is broken after a sign
/// between its letters, and what is longer still is shortened.
pub(crate) fn lines(text: &str, em: f64, weight: Weight, available: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let is_long = |word: &str| width(word, em, weight) > available;
    for (piece, begins_word) in pieces(text, is_long) {
        let longer = lines.last().map(|line| match begins_word {
            true => format!("{line} {piece}"),
            false => format!("{line}{piece}"),
        });
        match (longer.filter(|line| width(line, em, weight) <= available), lines.last_mut()) {
            (Some(longer), Some(line)) => *line = longer,
            _ => lines.push(fit(piece, em, weight, available)),
        }
    }
    lines
}

/// Parts that stay together, and whether each begins a word.
fn pieces(text: &str, is_long: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, bool)> {
    text.split_whitespace().flat_map(move |word| {
        let is_long = is_long(word);
        let pieces = word.split_inclusive(move |c: char| is_long && "-_/:,=".contains(c));
        pieces.enumerate().map(|(index, piece)| (piece, index == 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_scale_with_the_em_and_add_up() {
        let small = width("Error against NFE", 10.0, Weight::Regular);
        let large = width("Error against NFE", 20.0, Weight::Regular);
        assert!((large / small - 2.0).abs() < 1e-3);
        assert!(width("mm", 10.0, Weight::Bold) > width("mm", 10.0, Weight::Regular));
        assert_eq!(width("", 10.0, Weight::Regular), 0.0);
    }

    #[test]
    fn every_sign_a_label_may_need_has_a_glyph() {
        for character in "aZ09+-−×±≤≥≈∞…²³⁻λσαβε–—µé%→".chars() {
            for weight in [Weight::Regular, Weight::Bold] {
                assert_ne!(face(weight).glyph_id(character).0, 0, "{character} is missing");
            }
        }
    }

    #[test]
    fn long_text_is_shortened_to_the_room() {
        let text = "a name much longer than its room";
        let short = fit(text, 14.0, Weight::Regular, 80.0);
        assert!(short.ends_with('…') && width(&short, 14.0, Weight::Regular) <= 80.0);
        assert_eq!(fit(text, 14.0, Weight::Regular, 1e4), text);
    }

    #[test]
    fn lines_keep_every_word() {
        let text = "lane 12: stochastic-adams:predictor=2,tau=0.5 with 20 steps";
        let all = lines(text, 14.0, Weight::Regular, 120.0);
        assert!(all.len() > 2 && all.iter().all(|l| width(l, 14.0, Weight::Regular) <= 120.0));
        let plain = |text: &str| text.replace(' ', "");
        assert_eq!(plain(&all.concat()), plain(text));
        assert_eq!(lines(text, 14.0, Weight::Regular, 1e4), [text]);
        assert!(lines("", 14.0, Weight::Regular, 10.0).is_empty());
        assert!(lines("unbroken", 14.0, Weight::Regular, 30.0)[0].ends_with('…'));
    }
}
