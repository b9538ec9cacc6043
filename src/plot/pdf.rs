//! A backend of plotters that writes a PDF of one page: lines and letters as they are, so that a
//! paper's printer and its readers' search find them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{
    CidFontType, FontFlags, LineCapStyle, LineJoinStyle, SystemInfo, UnicodeCmap,
};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{FontStyle, FontTransform};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::canvas::SCALE;
use super::color::Color;
use super::font::{self, Weight};

/// Points of a page along a pixel of a picture: those of CSS.
const POINTS: f32 = 0.75;
const WEIGHTS: [Weight; 2] = [Weight::Regular, Weight::Bold];

/// A page in the making.
pub(crate) struct PdfPage {
    /// Width and height in units of a canvas.
    size: (u32, u32),
    /// Points of the page along one of these.
    unit: f32,
    content: Content,
    /// Opacities in use, in parts of 255.
    opacities: Vec<u8>,
    /// For each of [`WEIGHTS`] the glyphs in use, with what they stand for.
    glyphs: [BTreeMap<u16, char>; 2],
    images: Vec<Image>,
}

struct Image {
    columns: usize,
    rows: usize,
    rgb: Vec<u8>,
}

type Outcome = Result<(), DrawingErrorKind<io::Error>>;

fn units(length: i32) -> f32 {
    length as f32
}

impl PdfPage {
    /// An empty page, white, of which everything is drawn `zoom` times as large.
    pub fn new(size: (u32, u32), zoom: f64) -> Self {
        let mut content = Content::new();
        let unit = zoom as f32 * POINTS / SCALE as f32;
        // Canvases have their origin above.
        content.transform([unit, 0.0, 0.0, -unit, 0.0, size.1 as f32 * unit]);
        content.set_line_cap(LineCapStyle::RoundCap).set_line_join(LineJoinStyle::RoundJoin);
        content.set_fill_rgb(1.0, 1.0, 1.0).rect(0.0, 0.0, size.0 as f32, size.1 as f32);
        content.fill_nonzero();
        let glyphs = [BTreeMap::new(), BTreeMap::new()];
        Self { size, unit, content, opacities: Vec::new(), glyphs, images: Vec::new() }
    }

    /// Sets the colour of what follows, or says that nothing of it is seen.
    fn take(&mut self, color: BackendColor) -> bool {
        let opacity = (color.alpha.clamp(0.0, 1.0) * 255.0).round() as u8;
        if opacity == 0 {
            return false;
        }
        let known = self.opacities.iter().position(|known| *known == opacity);
        let index = known.unwrap_or_else(|| {
            self.opacities.push(opacity);
            self.opacities.len() - 1
        });
        let (red, green, blue) = color.rgb;
        let [red, green, blue] = [red, green, blue].map(|channel| f32::from(channel) / 255.0);
        self.content.set_parameters(Name(format!("G{index}").as_bytes()));
        self.content.set_fill_rgb(red, green, blue).set_stroke_rgb(red, green, blue);
        true
    }

    fn trace(&mut self, path: impl IntoIterator<Item = BackendCoord>) -> bool {
        let mut started = false;
        for (x, y) in path {
            if started {
                self.content.line_to(units(x), units(y));
            } else {
                self.content.move_to(units(x), units(y));
                started = true;
            }
        }
        started
    }

    /// Rows of equal, square cells, whose first corner is that.
    pub fn draw_cells(&mut self, corner: BackendCoord, cell: i32, columns: usize, cells: &[Color]) {
        let rgb = cells.iter().flat_map(|color| [color.red, color.green, color.blue]).collect();
        let rows = cells.len().div_ceil(columns.max(1));
        let [width, height] = [columns, rows].map(|count| cell as f32 * count as f32);
        let name = format!("I{}", self.images.len());
        self.images.push(Image { columns, rows, rgb });
        self.content.save_state();
        // An image is drawn upwards in a unit square.
        self.content.transform([
            width,
            0.0,
            0.0,
            -height,
            units(corner.0),
            units(corner.1) + height,
        ]);
        self.content.x_object(Name(name.as_bytes()));
        self.content.restore_state();
    }

    /// The bytes of the file.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        let mut pdf = Pdf::new();
        let mut last = 0;
        let mut new = || {
            last += 1;
            Ref::new(last)
        };
        let (catalog, pages, page_id, content_id) = (new(), new(), new(), new());
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page_id]).count(1);
        let used = WEIGHTS.iter().zip(&self.glyphs).enumerate();
        let used: Vec<_> = used.filter(|(_, (_, glyphs))| !glyphs.is_empty()).collect();
        let fonts: Vec<_> =
            used.iter().map(|(index, _)| (*index, [(); 5].map(|()| new()))).collect();
        let images: Vec<Ref> = self.images.iter().map(|_| new()).collect();
        let looks: Vec<Ref> = self.opacities.iter().map(|_| new()).collect();

        let mut page = pdf.page(page_id);
        let [width, height] = [self.size.0, self.size.1].map(|side| side as f32 * self.unit);
        page.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(content_id);
        let mut resources = page.resources();
        let mut named = resources.fonts();
        for (index, ids) in &fonts {
            named.pair(Name(format!("F{index}").as_bytes()), ids[0]);
        }
        named.finish();
        let mut named = resources.ext_g_states();
        for (index, id) in looks.iter().enumerate() {
            named.pair(Name(format!("G{index}").as_bytes()), *id);
        }
        named.finish();
        let mut named = resources.x_objects();
        for (index, id) in images.iter().enumerate() {
            named.pair(Name(format!("I{index}").as_bytes()), *id);
        }
        named.finish();
        resources.finish();
        page.finish();

        let content = deflated(&self.content.finish())?;
        pdf.stream(content_id, &content).filter(Filter::FlateDecode);
        for (id, opacity) in looks.iter().zip(&self.opacities) {
            let opacity = f32::from(*opacity) / 255.0;
            pdf.ext_graphics(*id).non_stroking_alpha(opacity).stroking_alpha(opacity);
        }
        for (id, image) in images.iter().zip(&self.images) {
            let data = deflated(&image.rgb)?;
            let mut object = pdf.image_xobject(*id, &data);
            object.filter(Filter::FlateDecode);
            object.interpolate(false).bits_per_component(8);
            object.width(image.columns as i32).height(image.rows as i32);
            object.color_space().device_rgb();
        }
        for ((_, ids), (_, (weight, glyphs))) in fonts.iter().zip(&used) {
            write_font(&mut pdf, *ids, **weight, glyphs)?;
        }
        Ok(pdf.finish())
    }
}

fn deflated(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A font whose codes are its glyphs, with the file and what the glyphs in use stand for.
fn write_font(
    pdf: &mut Pdf,
    [font_id, glyphs_id, descriptor_id, file_id, map_id]: [Ref; 5],
    weight: Weight,
    glyphs: &BTreeMap<u16, char>,
) -> io::Result<()> {
    let name = Name(match weight {
        Weight::Regular => b"DejaVuSans",
        Weight::Bold => b"DejaVuSans-Bold",
    });
    let system =
        || SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
    let mut font = pdf.type0_font(font_id);
    font.base_font(name).encoding_predefined(Name(b"Identity-H"));
    font.descendant_font(glyphs_id).to_unicode(map_id);
    font.finish();

    let mut cid = pdf.cid_font(glyphs_id);
    cid.subtype(CidFontType::Type2).base_font(name).system_info(system());
    cid.font_descriptor(descriptor_id).default_width(0.0);
    cid.cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = cid.widths();
    for &glyph in glyphs.keys() {
        widths.consecutive(glyph, [1000.0 * font::advance(glyph, weight)]);
    }
    widths.finish();
    cid.finish();

    let mut descriptor = pdf.font_descriptor(descriptor_id);
    descriptor.name(name).flags(FontFlags::SYMBOLIC).italic_angle(0.0);
    // Of DejaVu Sans, in thousandths of an em.
    descriptor.bbox(Rect::new(-1021.0, -463.0, 1793.0, 1232.0));
    descriptor.ascent(928.0).descent(-236.0).cap_height(729.0).stem_v(85.0);
    descriptor.font_file2(file_id);
    descriptor.finish();

    // The same in every picture.
    static FILES: [OnceLock<Vec<u8>>; 2] = [const { OnceLock::new() }; 2];
    let file = font::file(weight);
    let deflate = || deflated(file).unwrap_or_default();
    let data = FILES[usize::from(weight == Weight::Bold)].get_or_init(deflate);
    let mut stream = pdf.stream(file_id, data);
    stream.filter(Filter::FlateDecode).pair(Name(b"Length1"), file.len() as i32);
    stream.finish();

    let mut map = UnicodeCmap::new(Name(b"Custom"), system());
    for (&glyph, &character) in glyphs {
        map.pair(glyph, character);
    }
    pdf.cmap(map_id, &map.finish());
    Ok(())
}

impl DrawingBackend for PdfPage {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Outcome {
        Ok(())
    }

    fn present(&mut self) -> Outcome {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Outcome {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        low: BackendCoord,
        high: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Outcome {
        if self.take(style.color()) {
            let (width, height) = (units(high.0 - low.0), units(high.1 - low.1));
            self.content.set_line_width(style.stroke_width() as f32);
            self.content.rect(units(low.0), units(low.1), width, height);
            if fill {
                self.content.fill_nonzero()
            } else {
                self.content.stroke()
            };
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome {
        if self.take(style.color()) {
            self.content.set_line_width(style.stroke_width() as f32);
            if self.trace(path) {
                self.content.stroke();
            }
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Outcome {
        if !self.take(style.color()) {
            return Ok(());
        }
        // Four cubic pieces, off a circle by less than a thousandth of its radius.
        const BEND: f32 = 0.552_285;
        let (x, y, r) = (units(x), units(y), radius as f32);
        let bend = BEND * r;
        self.content.set_line_width(style.stroke_width() as f32);
        self.content.move_to(x + r, y);
        for [[a, b], [c, d], [e, f]] in [
            [[r, bend], [bend, r], [0.0, r]],
            [[-bend, r], [-r, bend], [-r, 0.0]],
            [[-r, -bend], [-bend, -r], [0.0, -r]],
            [[bend, -r], [r, -bend], [r, 0.0]],
        ] {
            self.content.cubic_to(x + a, y + b, x + c, y + d, x + e, y + f);
        }
        self.content.close_path();
        if fill {
            self.content.fill_nonzero()
        } else {
            self.content.stroke()
        };
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Outcome {
        if self.take(style.color()) && self.trace(corners) {
            self.content.close_path().fill_nonzero();
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        place: BackendCoord,
    ) -> Outcome {
        if !self.take(style.color()) {
            return Ok(());
        }
        let which = usize::from(matches!(style.style(), FontStyle::Bold));
        let weight = WEIGHTS[which];
        let em = style.size() / font::PLOTTERS_LINE_HEIGHT;
        let (glyphs, width) = font::set(text, em, weight);
        let back = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => 0.5 * width,
            HPos::Right => width,
        };
        let down = em as f32
            * match style.anchor().v_pos {
                VPos::Top => 0.76,
                VPos::Center => 0.27,
                VPos::Bottom => -0.27,
            };
        // Where one unit to the right goes, and one upwards.
        let (right, up) = match style.transform() {
            FontTransform::None => ([1.0, 0.0], [0.0, -1.0]),
            FontTransform::Rotate90 => ([0.0, 1.0], [1.0, 0.0]),
            FontTransform::Rotate180 => ([-1.0, 0.0], [0.0, 1.0]),
            FontTransform::Rotate270 => ([0.0, -1.0], [-1.0, 0.0]),
        };
        let start = |axis: usize, place: i32| units(place) - back * right[axis] - down * up[axis];
        let content = &mut self.content;
        content.begin_text();
        content.set_font(Name(format!("F{which}").as_bytes()), em as f32);
        content.set_text_matrix([
            right[0],
            right[1],
            up[0],
            up[1],
            start(0, place.0),
            start(1, place.1),
        ]);
        let mut line = content.show_positioned();
        let mut items = line.items();
        // Where the pen is without kerning.
        let mut pen = 0.0;
        for (character, (glyph, at)) in text.chars().zip(glyphs) {
            if (at - pen).abs() > 1e-3 {
                items.adjust(1000.0 * (pen - at) / em as f32);
            }
            items.show(Str(&glyph.0.to_be_bytes()));
            pen = at + font::advance(glyph.0, weight) * em as f32;
            self.glyphs[which].insert(glyph.0, character);
        }
        items.finish();
        line.finish();
        content.end_text();
        Ok(())
    }
}
