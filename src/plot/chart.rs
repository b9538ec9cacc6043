//! Charts in the look that all pictures share.

use plotters::chart::{ChartBuilder, ChartContext, SeriesLabelPosition};
use plotters::coord::cartesian::Cartesian2d;
use plotters::element::{DashedPathElement, PathElement};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::BackendCoord;

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, SCALE, pen, px};
use super::color::Color;
use super::error::PlotError;
use super::font::{self, LARGE, MEDIUM, SMALL, Weight};
use super::marker::Mark;
use super::picture::Page;
use super::range::Range;
use super::stroke::{self, LineStyle};

/// The white border of every picture, in pixels.
pub(crate) const MARGIN: f64 = 18.0;
/// From a line of a heading to the next, in sizes of its letters.
const LINE: f64 = 1.25;
/// Height of one line of a legend.
pub(crate) const LEGEND_ROW: f64 = 22.0;
/// The room below a frame for tick labels, and for an axis title below them.
const TICK_ROOM: f64 = 30.0;
const AXIS_TITLE_ROOM: f64 = 24.0;

const TICK: f64 = 5.0;
/// The room beside a frame whose marks have no labels there.
pub(crate) const BARE: f64 = TICK + 4.0;
/// Pixels between labels: side by side they need more than one above another.
const ACROSS: f64 = 64.0;
const UPWARD: f64 = 44.0;
/// From a frame to its legend, from a sign to its name, and the most a name takes.
pub(crate) const LEGEND_GAP: f64 = 22.0;
const SIGN_ROOM: f64 = SIGN + 8.0;
const LONGEST_NAME: f64 = 280.0;

/// The width of a sign in a legend.
pub(crate) const SIGN: f64 = 34.0;

/// A frame with data in it.
pub(crate) type Chart<'p> = ChartContext<'p, Canvas<'p>, Cartesian2d<Axis, Axis>>;

/// The area without the border, below a bold title; an empty one takes no room.
pub(crate) fn titled<'p>(page: &Page<'p>, title: &str) -> Result<Page<'p>, PlotError> {
    let margin = px(MARGIN);
    let area = page.margin(margin, margin, margin, margin);
    headed(&area, title, LARGE, heading_room(title, LARGE, width_of(&area)))
}

/// The height that the title of a picture of some width takes.
pub(crate) fn title_room(title: &str, width: f64) -> f64 {
    heading_room(title, LARGE, width - 2.0 * MARGIN)
}

/// The height of a bold heading in as many lines as it needs in a width, with the room below it; none
/// of an empty one.
pub(crate) fn heading_room(heading: &str, size: f64, width: f64) -> f64 {
    match font::lines(heading, size, Weight::Bold, width).len() {
        0 => 0.0,
        lines => (lines - 1) as f64 * LINE * size + size + 19.0,
    }
}

/// The area below a bold heading, which stands at the end of this room.
pub(crate) fn headed<'p>(
    area: &Page<'p>,
    heading: &str,
    size: f64,
    room: f64,
) -> Result<Page<'p>, PlotError> {
    let style = font::style(size, Weight::Bold, Color::INK);
    let lines = font::lines(heading, size, Weight::Bold, width_of(area));
    let top = room - heading_room(heading, size, width_of(area));
    for (index, line) in lines.iter().enumerate() {
        area.draw_text(line, &style, (0, px(top + index as f64 * LINE * size)))?;
    }
    Ok(area.split_vertically(px(room)).1)
}

/// The width of an area in pixels.
pub(crate) fn width_of(area: &Page<'_>) -> f64 {
    f64::from(area.dim_in_pixel().0) / f64::from(SCALE)
}

fn height_of(area: &Page<'_>) -> f64 {
    f64::from(area.dim_in_pixel().1) / f64::from(SCALE)
}

/// What stands beside a frame.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'t> {
    /// What stands below and at the left; may be empty.
    pub titles: [&'t str; 2],
    /// Whether marks have labels below and at the left, where other panels do not say the same.
    pub labelled: [bool; 2],
    /// The room left of the frame, see [`left_room`], or [`BARE`] without labels.
    pub left: f64,
}

impl Sides<'_> {
    /// The room below the frame.
    pub(crate) fn below(&self) -> f64 {
        if self.labelled[0] { lower_room(!self.titles[0].is_empty()) } else { BARE }
    }
}

/// What the axes of a chart are: places from [`Scale::place`], and how they are marked.
pub(crate) struct Axes<'t> {
    pub x: (Range, Scale),
    pub y: (Range, Scale),
    /// Whether the horizontal one begins with its largest value.
    pub x_falls: bool,
    pub sides: Sides<'t>,
    /// Whether lines in the frame show where the marks are.
    pub grid: bool,
}

/// The room left of a frame of some height that tick labels need, and an axis title if there is
/// one.
pub(crate) fn left_room((range, scale): (Range, Scale), height: f64, titled: bool) -> f64 {
    let labels = upward(range, scale, height).label_width();
    labels + 2.0 * TICK + if titled { AXIS_TITLE_ROOM } else { 4.0 }
}

/// The room below a frame.
pub(crate) fn lower_room(titled: bool) -> f64 {
    if titled { TICK_ROOM + AXIS_TITLE_ROOM } else { TICK_ROOM }
}

fn upward(range: Range, scale: Scale, height: f64) -> Axis {
    Axis::new(range, scale, (height / UPWARD) as usize)
}

/// The frame in an area, its axes drawn.
pub(crate) fn frame<'p>(area: &Page<'p>, axes: &Axes<'_>) -> Result<Chart<'p>, PlotError> {
    let Sides { titles: [x_title, y_title], labelled, left } = axes.sides;
    let below = axes.sides.below();
    let (width, height) = (width_of(area) - left, height_of(area) - below);
    let x = Axis::new(axes.x.0, axes.x.1, (width / ACROSS) as usize).falling(axes.x_falls);
    let x = x.labelled_if(labelled[0]);
    let y = upward(axes.y.0, axes.y.1, height).labelled_if(labelled[1]);
    let mut chart = ChartBuilder::on(area)
        .x_label_area_size(px(below))
        .y_label_area_size(px(left))
        .build_cartesian_2d(x, y)?;
    let x_title = within(x_title, width);
    let y_title = within(y_title, height);
    let mut mesh = chart.configure_mesh();
    mesh.label_style(font::style(SMALL, Weight::Regular, Color::INK))
        .axis_desc_style(font::style(MEDIUM, Weight::Regular, Color::INK))
        .axis_style(pen(Color::FRAME, 1.0))
        .bold_line_style(pen(Color::GRID, 1.0))
        .light_line_style(pen(Color::FAINT, 1.0))
        .set_all_tick_mark_size(px(TICK))
        .x_desc(x_title)
        .y_desc(y_title);
    if !axes.grid {
        mesh.disable_mesh();
    }
    mesh.draw()?;
    Ok(chart)
}

/// What an axis is called in the room along it: without what explains it in brackets, if that has none.
fn within(title: &str, room: f64) -> String {
    let fits = |title: &str| font::width(title, MEDIUM, Weight::Regular) <= room;
    let plain = title.split_once(" (").map_or(title, |(plain, _)| plain);
    font::fit(if fits(title) { title } else { plain }, MEDIUM, Weight::Regular, room)
}

/// A frame in which a unit is as long along x as along y: the window, widened as the area asks.
pub(crate) fn frame_of_space<'p>(
    area: &Page<'p>,
    [x, y]: [Range; 2],
) -> Result<Chart<'p>, PlotError> {
    let lower = lower_room(false);
    let left = |y: Range| left_room((y, Scale::Linear), height_of(area) - lower, false) + 6.0;
    let widened = |left: f64| {
        // To the unit of the canvas, as the chart has it.
        let [width, height] = [
            (area.dim_in_pixel().0 as i32 - px(left)) as f64,
            (area.dim_in_pixel().1 as i32 - px(lower)) as f64,
        ];
        let unit = (x.span() / width).max(y.span() / height);
        [x.with_span(unit * width), y.with_span(unit * height)]
    };
    // A widened range may have longer labels.
    let left = left(y).max(left(widened(left(y))[1]));
    let [x, y] = widened(left);
    let axes = Axes {
        x: (x, Scale::Linear),
        y: (y, Scale::Linear),
        x_falls: false,
        sides: Sides { titles: ["", ""], labelled: [true; 2], left },
        grid: false,
    };
    frame(area, &axes)
}

/// Closes the frame above and to the right of the data, where plotters leaves it open.
pub(crate) fn draw_border(chart: &Chart<'_>) -> Result<(), PlotError> {
    let area = chart.plotting_area().strip_coord_spec();
    let (right, bottom) = area.dim_in_pixel();
    let (right, bottom) = (right as i32 - 1, bottom as i32 - 1);
    Ok(area
        .draw(&PathElement::new([(0, 0), (right, 0), (right, bottom)], pen(Color::FRAME, 1.0)))?)
}

/// What a chart shows along x and y.
pub(crate) fn window(chart: &Chart<'_>) -> [Range; 2] {
    let axes = chart.plotting_area().as_coord_spec();
    [axes.x_spec().range, axes.y_spec().range]
}

/// A place on the axes within the frame, from its upper left corner.
pub(crate) fn place_in(chart: &Chart<'_>, [x, y]: [f64; 2]) -> BackendCoord {
    let (left, top) = chart.plotting_area().get_base_pixel();
    let (across, down) = chart.plotting_area().map_coordinate(&(x, y));
    (across - left, down - top)
}

/// Whether a point lies in the frame.
pub(crate) fn shows(chart: &Chart<'_>, point: [f64; 2]) -> bool {
    let [x, y] = window(chart);
    x.contains(point[0]) && y.contains(point[1])
}

/// Draws the part of a line that lies in the frame; its points are places on the axes.
pub(crate) fn draw_line(
    chart: &mut Chart<'_>,
    path: &[[f64; 2]],
    look: LineStyle,
    color: Color,
    width: f64,
) -> Result<(), PlotError> {
    for part in stroke::clipped(path, window(chart)) {
        let part: Vec<_> = part.into_iter().map(|[x, y]| (x, y)).collect();
        let (dash, gap) = match look {
            LineStyle::None => continue,
            LineStyle::Solid => {
                chart.draw_series([PathElement::new(part, pen(color, width))])?;
                continue;
            }
            LineStyle::Dashed => (8.0, 5.0),
            LineStyle::Dotted => (2.0, 4.0),
        };
        let dashes = DashedPathElement::new(part, px(dash), px(gap), pen(color, width));
        chart.draw_series([dashes])?;
    }
    Ok(())
}

/// A name and its sign.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    name: String,
    sign: Mark,
}

impl Entry {
    /// A sign, around the middle of [`SIGN`], that stands for what is named.
    pub fn new(name: &str, sign: Mark) -> Self {
        Self { name: font::fit(name, SMALL, Weight::Regular, LONGEST_NAME), sign }
    }
}

/// The area left of a legend, which is drawn: plotters' series labels of a chart without data, for
/// plotters keeps those of any other within its frame.
pub(crate) fn beside_legend<'p>(area: &Page<'p>, entries: &[Entry]) -> Result<Page<'p>, PlotError> {
    let left = area.dim_in_pixel().0 as i32 - px(legend_room(entries));
    let (rest, legend) = area.split_horizontally(left);
    let mut chart = ChartBuilder::on(&legend).build_cartesian_2d(0..1, 0..1)?;
    for Entry { name, sign } in entries {
        let sign = sign.clone();
        chart
            .draw_series(std::iter::empty::<PathElement<(i32, i32)>>())?
            .label(name)
            .legend(move |(left, middle)| sign.clone().at((left + px(SIGN / 2.0), middle)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::Coordinate(px(LEGEND_GAP), 0))
        .margin(0)
        .legend_area_size(px(SIGN_ROOM))
        .label_font(font::style(SMALL, Weight::Regular, Color::INK))
        .draw()?;
    Ok(rest)
}

/// A picture narrower than this has no room for a legend beside its frame.
pub(crate) const NARROW: f64 = 800.0;

/// The area that a legend leaves, which is drawn: beside it, or below it in a narrow picture.
pub(crate) fn with_legend<'p>(
    area: &Page<'p>,
    entries: &[Entry],
    is_narrow: bool,
) -> Result<Page<'p>, PlotError> {
    if is_narrow { above_legend(area, entries) } else { beside_legend(area, entries) }
}

/// The room across and down that a legend takes in a picture of this width.
pub(crate) fn legend_rooms(entries: &[Entry], width: f64) -> [f64; 2] {
    match width < NARROW {
        true => [0.0, below_room(entries, width - 2.0 * MARGIN)],
        false => [legend_room(entries), 0.0],
    }
}

/// Where the entries of a legend go that stands below: the place across and the row of each.
fn rows_below(entries: &[Entry], width: f64) -> Vec<(f64, usize)> {
    let (mut across, mut row) = (0.0, 0);
    let place = |entry: &Entry| {
        let own = SIGN_ROOM + font::width(&entry.name, SMALL, Weight::Regular);
        if across > 0.0 && across + own > width {
            (across, row) = (0.0, row + 1);
        }
        let place = (across, row);
        across += own + LEGEND_GAP;
        place
    };
    entries.iter().map(place).collect()
}

/// The height of a legend below a frame of some width.
pub(crate) fn below_room(entries: &[Entry], width: f64) -> f64 {
    let rows = rows_below(entries, width).last().map_or(0, |(_, row)| row + 1);
    rows as f64 * LEGEND_ROW
}

/// The area above a legend, which is drawn in rows.
pub(crate) fn above_legend<'p>(area: &Page<'p>, entries: &[Entry]) -> Result<Page<'p>, PlotError> {
    let width = width_of(area);
    let top = area.dim_in_pixel().1 as i32 - px(below_room(entries, width));
    let (rest, legend) = area.split_vertically(top);
    let style = font::style(SMALL, Weight::Regular, Color::INK);
    let style = style.pos(Pos::new(HPos::Left, VPos::Center));
    for (entry, (across, row)) in entries.iter().zip(rows_below(entries, width)) {
        let middle = px((row as f64 + 0.5) * LEGEND_ROW);
        legend.draw(&entry.sign.clone().at((px(across + SIGN / 2.0), middle)))?;
        legend.draw_text(&entry.name, &style, (px(across + SIGN_ROOM), middle))?;
    }
    Ok(rest)
}

/// The room right of a frame that a legend needs.
pub(crate) fn legend_room(entries: &[Entry]) -> f64 {
    let width = |entry: &Entry| font::width(&entry.name, SMALL, Weight::Regular);
    let widest = entries.iter().map(width).fold(0.0, f64::max);
    LEGEND_GAP + SIGN_ROOM + widest
}
