//! Where the images of a grid and their labels go, so that no label is cut.

use super::canvas::SCALE;
use super::chart::{self, MARGIN};
use super::font::{self, LARGE, SMALL, Weight};
use super::image_grid::{ImageGrid, ImageRow};
use super::style::Format;

const DEFAULT_SCALE: f64 = 2.0;
/// Between two images.
const GAP: f64 = 2.0;
/// Between a row's label and its first image.
pub(crate) const LABEL_GAP: f64 = 8.0;
/// The most that a label takes beside its row, or upright above its column.
pub(crate) const LONGEST_LABEL: f64 = 240.0;
/// The share of a width that is asked for which they may take of it.
const SHARE_OF_LABELS: f64 = 0.3;
/// A line of a label.
pub(crate) const LINE: f64 = SMALL + 4.0;
/// From the images of a row to the label of the next.
const ABOVE_LABEL: f64 = 4.0;
/// The room of a label above a column, and of a caption below an image.
pub(crate) const COLUMN_ROOM: f64 = 20.0;
/// Between the parts of rows that are broken.
const BETWEEN_PARTS: f64 = 12.0;
/// A narrow grid is given room for this much of its title.
const WIDEST_FOR_TITLE: f64 = 480.0;

/// Rows are broken like lines of text where captions need more room than one line of images has.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Pixels of the picture along a side of a pixel of an image.
    pub(crate) scale: f64,
    /// The side of an image.
    pub(crate) tile: f64,
    /// From an image to the next.
    pitch: f64,
    /// The left edge of the first image.
    pub(crate) left: f64,
    /// Room beside the rows for their labels, which stand above them if there is none.
    pub(crate) beside: f64,
    /// Whether the labels of columns stand upright.
    pub(crate) upright: bool,
    /// The room of these labels.
    pub(crate) column_room: f64,
    /// Images in a part of a row.
    per_part: usize,
    /// The top of each row's images within a part, and the height of a part.
    tops: Vec<f64>,
    part: f64,
    /// The top of the first part.
    top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The width of a label.
fn wide(text: &str) -> f64 {
    font::width(text, SMALL, Weight::Regular)
}

/// A label in lines of a width.
pub(crate) fn label_lines(label: &str, width: f64) -> Vec<String> {
    font::lines(label, SMALL, Weight::Regular, width)
}

impl Layout {
    /// Of a grid of so many columns: labels beside rows where they have room there, else above.
    pub(crate) fn of(grid: &ImageGrid, columns: usize, format: Format) -> Layout {
        let most = format.width.map_or(LONGEST_LABEL, |w| LONGEST_LABEL.min(SHARE_OF_LABELS * w));
        let longest = grid.rows.iter().map(|row| wide(&row.label)).fold(0.0, f64::max);
        let room = longest.min(most).ceil();
        let layout = Layout::with_labels(grid, columns, format, room);
        let fits = |row: &ImageRow| {
            let lines = label_lines(&row.label, room);
            lines.len() as f64 * LINE <= layout.tile.max(LINE)
                && !lines.iter().any(|line| line.ends_with('…'))
        };
        match grid.rows.iter().all(fits) {
            true => layout,
            false => Layout::with_labels(grid, columns, format, 0.0),
        }
    }

    /// With so much room beside the rows.
    fn with_labels(grid: &ImageGrid, columns: usize, format: Format, beside: f64) -> Layout {
        let captions = grid.rows.iter().flat_map(|row| &row.tiles);
        let caption = captions.map(|tile| wide(&tile.caption)).fold(0.0, f64::max).ceil();
        let left = (MARGIN + if beside > 0.0 { beside + LABEL_GAP } else { 0.0 }).ceil();
        let each = |width: f64, count: usize| (width - left - MARGIN + GAP) / count as f64 - GAP;
        let (scale, per_part) = match format.width {
            Some(width) => {
                let fitting = (1..=columns).rev().find(|&count| each(width, count) >= caption);
                let parts = columns.div_ceil(fitting.unwrap_or(1));
                let per_part = columns.div_ceil(parts);
                // Cells are whole units of a canvas.
                let units = f64::from(SCALE);
                let cell = units * each(width, per_part) / grid.side as f64;
                (cell.floor().max(1.0) / units, per_part)
            }
            None if grid.scale == 0 => (DEFAULT_SCALE, columns),
            None => (f64::from(grid.scale), columns),
        };
        let tile = grid.side as f64 * scale;
        let pitch = tile.max(caption) + GAP;
        let images = per_part as f64 * pitch - GAP;

        let title = format.titles.of(&grid.title);
        let widest = font::width(title, LARGE, Weight::Bold).min(WIDEST_FOR_TITLE);
        let own = (left + images).max(MARGIN + widest) + MARGIN;
        let width = format.width.map_or(own, |asked| asked.max(left + images + MARGIN));

        let label = grid.column_labels.iter().map(|label| wide(label)).fold(0.0, f64::max);
        let upright = label > pitch - GAP;
        let column_room = match label > 0.0 {
            true if upright => label.min(LONGEST_LABEL) + LABEL_GAP,
            true => COLUMN_ROOM,
            false => 0.0,
        };
        let below = if caption > 0.0 { COLUMN_ROOM } else { 0.0 };
        let mut bottom = column_room;
        let top_of = |row: &ImageRow| {
            let above = match beside > 0.0 {
                true => 0.0,
                false => match label_lines(&row.label, width - 2.0 * MARGIN).len() {
                    0 => 0.0,
                    lines => lines as f64 * LINE + ABOVE_LABEL,
                },
            };
            let top = bottom + above;
            bottom = top + tile + below + GAP;
            top
        };
        let tops = grid.rows.iter().map(top_of).collect();
        let parts = columns.div_ceil(per_part) as f64;
        let part = bottom - GAP + BETWEEN_PARTS;
        let top = MARGIN + chart::title_room(title, width);
        let height = top + parts * part - BETWEEN_PARTS + MARGIN;
        Layout {
            scale,
            tile,
            pitch,
            left,
            beside,
            upright,
            column_room,
            per_part,
            tops,
            part,
            top,
            width,
            height,
        }
    }

    /// The upper left corner of an image; in the middle of what its caption takes.
    pub(crate) fn corner(&self, row: usize, column: usize) -> [f64; 2] {
        let inset = (0.5 * (self.pitch - GAP - self.tile)).floor();
        let x = self.left + (column % self.per_part) as f64 * self.pitch + inset;
        [x, self.part_top(column) + self.tops[row]]
    }

    /// The top of the part that a column is in.
    pub(crate) fn part_top(&self, column: usize) -> f64 {
        self.top + (column / self.per_part) as f64 * self.part
    }

    /// The first column of each part of a row of so many images; of one without any the first.
    pub(crate) fn parts(&self, images: usize) -> impl Iterator<Item = usize> + use<> {
        (0..images.max(1)).step_by(self.per_part)
    }
}
