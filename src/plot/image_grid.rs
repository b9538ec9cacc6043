//! Grey images in rows and columns.

use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::px;
use super::chart::{self, MARGIN};
use super::color::Color;
use super::error::PlotError;
use super::font::{self, SMALL, Weight};
use super::image_layout::{COLUMN_ROOM, LABEL_GAP, LINE, LONGEST_LABEL, Layout, label_lines};
use super::image_tile::ImageTile;
use super::picture::{Page, Picture};
use super::{Format, Plot};

/// Images that belong together, say those of one solver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageRow {
    /// What stands to the left of the row; may be empty.
    pub label: String,
    /// The images, from left to right.
    pub tiles: Vec<ImageTile>,
}

impl ImageRow {
    /// A row of images.
    pub fn new(label: impl Into<String>, tiles: Vec<ImageTile>) -> Self {
        Self { label: label.into(), tiles }
    }
}

/// Square grey images of one size in rows and columns, enlarged without smoothing.
///
/// ```
/// use driftfield::plot::{ImageGrid, ImageRow, ImageTile, Plot};
///
/// let ramp = ImageTile::new(vec![0.0, 0.3, 0.6, 1.0]);
/// let grid = ImageGrid::new("Ramps", 2)
///     .row(ImageRow::new("heun", vec![ramp.clone(), ramp.measured(vec![3]).outlined()]))
///     .columns(["all", "lower right"])
///     .scale(20);
/// assert!(grid.to_svg_string()?.contains("<image"));
/// # Ok::<(), driftfield::plot::PlotError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageGrid {
    /// The title above all images; may be empty.
    pub title: String,
    /// Pixels along a side of every image.
    pub side: usize,
    /// The images. Rows may have different lengths.
    pub rows: Vec<ImageRow>,
    /// What stands above the columns: nothing, or one label for each, which may be empty.
    pub column_labels: Vec<String>,
    /// Pixels of the picture along a side of a pixel of an image; 0 takes 2.
    pub scale: u32,
}

impl ImageGrid {
    /// A grid of images of `side x side` pixels, without images yet.
    pub fn new(title: impl Into<String>, side: usize) -> Self {
        Self { title: title.into(), side, ..Self::default() }
    }

    /// Adds a row below those before it.
    #[must_use]
    pub fn row(mut self, row: ImageRow) -> Self {
        self.rows.push(row);
        self
    }

    /// Labels the columns.
    #[must_use]
    pub fn columns<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.column_labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how much the images are enlarged.
    #[must_use]
    pub fn scale(mut self, scale: u32) -> Self {
        self.scale = scale;
        self
    }

    /// Images in the longest row, if every image and label is what it should be.
    fn checked_columns(&self) -> Result<usize, PlotError> {
        let columns = self.rows.iter().map(|row| row.tiles.len()).max().unwrap_or(0);
        if columns == 0 || self.side == 0 {
            let reason = "a grid needs a row with an image of at least one pixel".to_owned();
            return Err(PlotError::Empty { title: self.title.clone(), reason });
        }
        if !self.column_labels.is_empty() && self.column_labels.len() != columns {
            return Err(PlotError::LengthMismatch {
                title: self.title.clone(),
                what: "the list of column labels".to_owned(),
                per: "column",
                expected: columns,
                found: self.column_labels.len(),
            });
        }
        for (number, row) in self.rows.iter().enumerate() {
            for (column, tile) in row.tiles.iter().enumerate() {
                self.check_tile(tile, || {
                    format!("image {} of row {} ('{}')", column + 1, number + 1, row.label)
                })?;
            }
        }
        Ok(columns)
    }

    fn check_tile(&self, tile: &ImageTile, name: impl Fn() -> String) -> Result<(), PlotError> {
        let (expected, found) = (self.side.saturating_mul(self.side), tile.pixels.len());
        if expected != found {
            return Err(PlotError::LengthMismatch {
                title: self.title.clone(),
                what: name(),
                per: "pixel",
                expected,
                found,
            });
        }
        match tile.measured.iter().find(|&&pixel| pixel >= expected) {
            Some(&pixel) => Err(PlotError::MeasuredPixel {
                title: self.title.clone(),
                image: name(),
                pixel,
                last: expected - 1,
            }),
            None => Ok(()),
        }
    }

    fn draw_labels(&self, page: &Page<'_>, layout: &Layout) -> Result<(), PlotError> {
        for (column, label) in self.column_labels.iter().enumerate() {
            draw_column_label(page, layout, column, label)?;
        }
        let style = font::style(SMALL, Weight::Regular, Color::INK);
        let under = style.pos(Pos::new(HPos::Center, VPos::Center));
        for (index, row) in self.rows.iter().enumerate() {
            for (column, tile) in row.tiles.iter().enumerate() {
                let [x, y] = layout.corner(index, column);
                let middle = (px(x + 0.5 * layout.tile), px(y + layout.tile + 0.5 * COLUMN_ROOM));
                page.draw_text(&tile.caption, &under, middle)?;
            }
            for column in layout.parts(row.tiles.len()) {
                draw_row_label(page, layout, (index, column), &row.label)?;
            }
        }
        Ok(())
    }
}

/// Above a column, upright where the column is too narrow for labels that lie.
fn draw_column_label(
    page: &Page<'_>,
    layout: &Layout,
    column: usize,
    label: &str,
) -> Result<(), PlotError> {
    let style = font::style(SMALL, Weight::Regular, Color::INK);
    let middle = px(layout.corner(0, column)[0] + 0.5 * layout.tile);
    let top = layout.part_top(column);
    if layout.upright {
        let label = font::fit(label, SMALL, Weight::Regular, LONGEST_LABEL);
        let style = style.pos(Pos::new(HPos::Left, VPos::Center));
        let bottom = px(top + layout.column_room - 0.5 * LABEL_GAP);
        let upright = style.transform(FontTransform::Rotate270);
        return Ok(page.draw_text(&label, &upright, (middle, bottom))?);
    }
    let style = style.pos(Pos::new(HPos::Center, VPos::Center));
    Ok(page.draw_text(label, &style, (middle, px(top + 0.5 * COLUMN_ROOM)))?)
}

/// Beside the first image of a part of a row, or above it.
fn draw_row_label(
    page: &Page<'_>,
    layout: &Layout,
    (row, column): (usize, usize),
    label: &str,
) -> Result<(), PlotError> {
    let style = font::style(SMALL, Weight::Regular, Color::INK);
    let [_, y] = layout.corner(row, column);
    let is_beside = layout.beside > 0.0;
    let room = if is_beside { layout.beside } else { layout.width - 2.0 * MARGIN };
    let lines = label_lines(label, room);
    let height = lines.len() as f64 * LINE;
    let (side, x, top) = match is_beside {
        true => (HPos::Right, layout.left - LABEL_GAP, y + 0.5 * (layout.tile - height)),
        false => (HPos::Left, layout.left, y - height),
    };
    let style = style.pos(Pos::new(side, VPos::Center));
    for (index, line) in lines.iter().enumerate() {
        page.draw_text(line, &style, (px(x), px(top + (index as f64 + 0.5) * LINE)))?;
    }
    Ok(())
}

/// A picture is drawn in 48 bytes a pixel: 800 MB.
const MOST_PIXELS: u32 = 1 << 24;

impl Plot for ImageGrid {
    fn laid_out(&self, format: Format) -> Result<Picture<'_>, PlotError> {
        let columns = self.checked_columns()?;
        let layout = Layout::of(self, columns, format);
        let (width, height) = (layout.width.ceil(), layout.height.ceil());
        if width * height > f64::from(MOST_PIXELS) {
            let (title, most) = (self.title.clone(), MOST_PIXELS);
            return Err(PlotError::TooLarge { title, width, height, most });
        }
        Ok(Picture::new(width, height, move |page| {
            chart::titled(page, format.titles.of(&self.title))?;
            self.draw_labels(page, &layout)?;
            for (row, images) in self.rows.iter().enumerate() {
                for (column, tile) in images.tiles.iter().enumerate() {
                    let corner = layout.corner(row, column).map(px);
                    tile.draw(page, corner.into(), self.side, px(layout.scale))?;
                }
            }
            Ok(())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::PictureStyle;

    /// Rows of a digit-like ring, of another brightness in each tile.
    fn rings(rows: usize, columns: usize) -> ImageGrid {
        let ring = |brightness: f64| {
            let pixel = |index: usize| {
                let (row, column) = ((index / 28) as f64 - 13.5, (index % 28) as f64 - 13.5);
                brightness * (-(row.hypot(column) - 8.0).powi(2) / 4.0).exp()
            };
            ImageTile::new((0..784).map(pixel).collect())
        };
        let mut grid = ImageGrid::new("Rings", 28);
        for row in 0..rows {
            let tiles = (0..columns).map(|column| ring(1.0 / (1 + column) as f64)).collect();
            grid = grid.row(ImageRow::new(format!("row {row}"), tiles));
        }
        grid
    }

    /// The pixels of a PNG and its width.
    fn decoded(bytes: &[u8]) -> (Vec<u8>, usize) {
        let mut reader = png::Decoder::new(bytes).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size()];
        let width = reader.next_frame(&mut pixels).unwrap().width as usize;
        (pixels, width)
    }

    #[test]
    fn every_pixel_of_an_image_is_a_square_of_its_own_value() {
        let values: Vec<f64> = (0..9).map(|index| f64::from(index * 30) / 255.0).collect();
        let tile = ImageTile::new(values.clone());
        let grid = ImageGrid::new("", 3)
            .row(ImageRow::new("a", vec![tile.clone(), tile.clone()]))
            .row(ImageRow::new("long", vec![tile.measured(vec![8])]))
            .scale(5);
        let layout = Layout::of(&grid, 2, Format::default());
        let (pixels, width) = decoded(&grid.to_png_bytes().unwrap());
        for (row, column, red) in [(0, 0, false), (0, 1, false), (1, 0, true)] {
            let [left, top] = layout.corner(row, column).map(|place| place as usize);
            for (x, y) in (0..15).flat_map(|y| (0..15).map(move |x| (x, y))) {
                let place = 3 * ((top + y) * width + left + x);
                let value = 30 * (y / 5 * 3 + x / 5) as u8;
                let [r, g, b] = [pixels[place], pixels[place + 1], pixels[place + 2]];
                if red && value == 240 {
                    assert!(r == 240 && g < 60 && b < 60, "{r} {g} {b}");
                } else {
                    assert_eq!([r, g, b], [value; 3], "row {row}, column {column}: {x} {y}");
                }
            }
            // The gap to the right stays white.
            let gap = 3 * (top * width + left + 15);
            assert_eq!(pixels[gap..gap + 3], [255; 3]);
        }
    }

    #[test]
    fn the_svg_holds_every_image_unsmoothed() {
        let grid = rings(2, 3).columns(["x", "y < z", ""]);
        let document = grid.to_svg_string().unwrap();
        let parsed = roxmltree::Document::parse(&document).unwrap();
        let images: Vec<_> = parsed
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "image")))
            .collect();
        assert_eq!(images.len(), 6);
        for image in images {
            assert!(image.attribute("style").unwrap().contains("pixelated"));
            // 56 pixels in the units of the view box.
            assert_eq!(image.attribute("width"), Some("224"));
            assert_eq!(image.attribute("height"), Some("224"));
            let data = image.attribute("href").unwrap().strip_prefix("data:image/png;base64,");
            let bytes =
                base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data.unwrap());
            assert_eq!(decoded(&bytes.unwrap()).0.len(), 3 * 784);
        }
        for label in ["row 1", "Rings", "y &lt; z"] {
            assert!(document.contains(label), "{label}");
        }
    }

    #[test]
    fn what_is_written_below_an_image_has_room_below_every_row() {
        let bare = rings(3, 2);
        let mut captioned = bare.clone();
        let tile = &mut captioned.rows[1].tiles[1];
        *tile = tile.clone().captioned("0.83");
        let height = |grid: &ImageGrid| f64::from(grid.picture().unwrap().size().1);
        assert_eq!(height(&captioned) - height(&bare), 3.0 * COLUMN_ROOM);
        assert!(captioned.to_svg_string().unwrap().contains("0.83"));
    }

    #[test]
    fn files_of_eighty_digits_are_small() {
        let grid = rings(8, 10);
        let (png, svg) = (grid.to_png_bytes().unwrap().len(), grid.to_svg_string().unwrap().len());
        assert!(png < 300_000 && svg < 200_000, "{png} {svg}");
    }

    #[test]
    fn nothing_and_wrong_sizes_are_typed_errors() {
        let short = ImageRow::new("heun", vec![ImageTile::new(vec![0.0; 3])]);
        for grid in [
            ImageGrid::new("no row", 28),
            ImageGrid::new("no image", 28).row(ImageRow::new("", vec![])),
            ImageGrid::new("no pixel", 0).row(ImageRow::new("", vec![ImageTile::default()])),
        ] {
            assert!(matches!(grid.picture(), Err(PlotError::Empty { .. })), "{}", grid.title);
        }
        let message = ImageGrid::new("t", 2).row(short).picture().unwrap_err().to_string();
        assert!(message.contains("image 1 of row 1 ('heun') has 3 values where 4"), "{message}");
        let wrong = rings(1, 2).columns(["only one"]).to_png_bytes();
        assert!(matches!(wrong, Err(PlotError::LengthMismatch { expected: 2, found: 1, .. })));
        let outside = ImageTile::new(vec![0.0; 4]).measured(vec![0, 4]);
        let outside = ImageGrid::new("t", 2).row(ImageRow::new("", vec![outside])).to_png_bytes();
        assert!(matches!(outside, Err(PlotError::MeasuredPixel { pixel: 4, last: 3, .. })));
        let large = rings(2, 2).scale(u32::MAX).to_png_bytes();
        assert!(matches!(large, Err(PlotError::TooLarge { .. })));
    }

    /// The names of solvers and numbers of six signs, at 8.5 cm and as usual.
    #[test]
    fn no_label_and_no_caption_of_many_columns_is_cut() {
        let names = ["true solution", "stochastic-heun", "dpm-solver++:order=3", "rk4"];
        let mut grid = rings(4, 10);
        grid.column_labels = (0..10).map(|i| names[i % 4].to_owned()).collect();
        for (row, name) in grid.rows.iter_mut().zip(names) {
            row.label = name.to_owned();
            row.tiles.iter_mut().for_each(|tile| tile.caption = "0.0123".to_owned());
        }
        for width in [None, Some(321)] {
            let style = PictureStyle { width, ..PictureStyle::default() };
            let picture = style.picture(&grid).unwrap();
            let svg = picture.svg().unwrap();
            assert!(!svg.contains('…'), "{svg}");
            assert_eq!(svg.matches("\n0.0123\n").count(), 40);
            // Not by shrinking it.
            let across = width.map_or(4 * picture.size().0, |width| 4 * width);
            assert!(svg.contains(&format!("viewBox=\"0 0 {across} ")), "{}", &svg[..200]);
        }
    }

    #[test]
    fn long_labels_and_titles_stay_inside() {
        let mut grid = rings(1, 1).columns(["a label much wider than its image"]);
        grid.title = "a title much wider than the whole picture ".repeat(5);
        grid.rows[0].label = "a name of a solver that nobody would choose, but still".to_owned();
        let width = 4.0 * f64::from(grid.picture().unwrap().size().0);
        let svg = grid.to_svg_string().unwrap();
        let parsed = roxmltree::Document::parse(&svg).unwrap();
        let named = |name| ("http://www.w3.org/2000/svg", name);
        let texts: Vec<_> =
            parsed.descendants().filter(|node| node.has_tag_name(named("text"))).collect();
        assert!(texts.len() > 3, "{}", texts.len());
        let upright = |node: &roxmltree::Node<'_, '_>| node.has_attribute("transform");
        // The one above the column has room as it stands.
        assert_eq!(texts.iter().filter(|node| upright(node)).count(), 1);
        for node in texts.into_iter().filter(|node| !upright(node)) {
            let number = |name| node.attribute(name).unwrap().parse::<f64>().unwrap();
            let bold = node.attribute("font-weight") == Some("bold");
            let weight = if bold { Weight::Bold } else { Weight::Regular };
            let text = node.text().unwrap().trim();
            let length = font::width(text, number("font-size"), weight);
            let left = match node.attribute("text-anchor").unwrap() {
                "start" => number("x"),
                "middle" => number("x") - length / 2.0,
                _ => number("x") - length,
            };
            assert!(left >= 0.0 && left + length <= width, "{text}");
        }
    }
}
