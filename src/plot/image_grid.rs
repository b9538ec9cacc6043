//! Grey images in rows and columns.

use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Plot;
use super::canvas::{SCALE, px};
use super::chart::MARGIN;
use super::color::Color;
use super::error::PlotError;
use super::font::{self, LARGE, SMALL, Weight};
use super::image_tile::ImageTile;
use super::picture::{Page, Picture};

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

    /// In a width that is asked for, or in that of images of the usual size.
    fn layout(&self, columns: usize, asked: Option<f64>) -> Layout {
        let label_width = |row: &ImageRow| font::width(&row.label, SMALL, Weight::Regular);
        let longest = asked.map_or(LONGEST_LABEL, |width| LONGEST_LABEL.min(0.3 * width));
        let labels = self.rows.iter().map(label_width).fold(0.0, f64::max).min(longest);
        let title = font::width(&self.title, LARGE, Weight::Bold);
        let left = (MARGIN + if labels > 0.0 { labels + LABEL_GAP } else { 0.0 }).ceil();
        let scale = match (asked, self.scale) {
            (Some(width), _) => {
                let each = (width - left - MARGIN + GAP) / columns as f64 - GAP;
                // Cells are whole units of a canvas.
                let units = f64::from(SCALE);
                (units * each / self.side as f64).floor().max(1.0) / units
            }
            (None, 0) => DEFAULT_SCALE,
            (None, scale) => f64::from(scale),
        };
        let tile = self.side as f64 * scale;
        let title_room = if self.title.is_empty() { 0.0 } else { TITLE_ROOM };
        let named = self.column_labels.iter().any(|label| !label.is_empty());
        let top = MARGIN + title_room + if named { COLUMN_ROOM } else { 0.0 };
        let captioned = self.rows.iter().flat_map(|row| &row.tiles).any(has_caption);
        let row = tile + GAP + if captioned { COLUMN_ROOM } else { 0.0 };
        let images = columns as f64 * (tile + GAP) - GAP;
        let own = (left + images).max(MARGIN + title.min(WIDEST_FOR_TITLE)) + MARGIN;
        let width = asked.map_or(own, |asked| asked.max(left + images + MARGIN));
        let height = top + self.rows.len() as f64 * row - GAP + MARGIN;
        Layout { scale, tile, row, left, labels, top, width, height }
    }

    fn draw_labels(&self, page: &Page<'_>, layout: &Layout) -> Result<(), PlotError> {
        // The title starts at the margin, so that a narrow grid cuts little of it.
        let title = font::fit(&self.title, LARGE, Weight::Bold, layout.width - 2.0 * MARGIN);
        let style = font::style(LARGE, Weight::Bold, Color::INK);
        page.draw_text(&title, &style, (px(MARGIN), px(MARGIN)))?;
        let style = font::style(SMALL, Weight::Regular, Color::INK);
        let above = style.pos(Pos::new(HPos::Center, VPos::Center));
        for (index, label) in self.column_labels.iter().enumerate() {
            let label = font::fit(label, SMALL, Weight::Regular, layout.tile);
            let middle = layout.x(index) + layout.tile / 2.0;
            page.draw_text(&label, &above, (px(middle), px(layout.top - COLUMN_ROOM / 2.0)))?;
        }
        let beside = style.pos(Pos::new(HPos::Right, VPos::Center));
        for (index, row) in self.rows.iter().enumerate() {
            let middle = px(layout.y(index) + layout.tile + COLUMN_ROOM / 2.0);
            for (column, tile) in row.tiles.iter().enumerate().filter(|(_, t)| has_caption(t)) {
                let caption = font::fit(&tile.caption, SMALL, Weight::Regular, layout.tile);
                let across = px(layout.x(column) + layout.tile / 2.0);
                page.draw_text(&caption, &above, (across, middle))?;
            }
            let label = font::fit(&row.label, SMALL, Weight::Regular, layout.labels.ceil());
            let place = (px(layout.left - LABEL_GAP), px(layout.y(index) + layout.tile / 2.0));
            page.draw_text(&label, &beside, place)?;
        }
        Ok(())
    }
}

fn has_caption(tile: &ImageTile) -> bool {
    !tile.caption.is_empty()
}

const DEFAULT_SCALE: f64 = 2.0;
/// Between two images.
const GAP: f64 = 2.0;
/// Between a row's label and its first image.
const LABEL_GAP: f64 = 8.0;
const LONGEST_LABEL: f64 = 240.0;
const TITLE_ROOM: f64 = 40.0;
const COLUMN_ROOM: f64 = 20.0;
/// A narrow grid is given room for this much of its title.
const WIDEST_FOR_TITLE: f64 = 480.0;
/// A picture is drawn in 48 bytes a pixel: 800 MB.
const MOST_PIXELS: u32 = 1 << 24;

/// Where the images are.
struct Layout {
    scale: f64,
    tile: f64,
    /// The height of a row.
    row: f64,
    left: f64,
    /// Room of the labels of rows.
    labels: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Layout {
    fn x(&self, column: usize) -> f64 {
        self.left + column as f64 * (self.tile + GAP)
    }

    fn y(&self, row: usize) -> f64 {
        self.top + row as f64 * self.row
    }
}

impl Plot for ImageGrid {
    fn picture(&self) -> Result<Picture<'_>, PlotError> {
        self.laid_out(None)
    }

    fn picture_of_width(&self, width: f64) -> Result<Picture<'_>, PlotError> {
        self.laid_out(Some(width))
    }
}

impl ImageGrid {
    fn laid_out(&self, width: Option<f64>) -> Result<Picture<'_>, PlotError> {
        let columns = self.checked_columns()?;
        let layout = self.layout(columns, width);
        let (width, height) = (layout.width.ceil(), layout.height.ceil());
        if width * height > f64::from(MOST_PIXELS) {
            let (title, most) = (self.title.clone(), MOST_PIXELS);
            return Err(PlotError::TooLarge { title, width, height, most });
        }
        Ok(Picture::new(width, height, move |page| {
            self.draw_labels(page, &layout)?;
            for (row, images) in self.rows.iter().enumerate() {
                for (column, tile) in images.tiles.iter().enumerate() {
                    let corner = (px(layout.x(column)), px(layout.y(row)));
                    tile.draw(page, corner, self.side, px(layout.scale))?;
                }
            }
            Ok(())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let layout = grid.layout(2, None);
        let (pixels, width) = decoded(&grid.to_png_bytes().unwrap());
        for (row, column, red) in [(0, 0, false), (0, 1, false), (1, 0, true)] {
            let (left, top) = (layout.x(column) as usize, layout.y(row) as usize);
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
        assert_eq!(texts.len(), 3);
        for node in texts {
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
