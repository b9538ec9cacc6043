//! Names at the ends of curves, where there is room for them.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::BackendCoord;

use super::canvas::px;
use super::chart::{self, Chart};
use super::color::Color;
use super::curve::{self, Curve};
use super::error::PlotError;
use super::floors::{Corners, contains, grown, overlap};
use super::font::{self, SMALL, Weight};
use super::marker::REACH;

/// From the end of a curve to its name, beyond the marker.
const GAP: f64 = 9.0;
const HEIGHT: f64 = SMALL + 4.0;

/// What stands at the ends of curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndNames {
    None,
    /// Names, which are in the legend as well.
    Names,
    /// All that a legend would say.
    Whole,
}

impl EndNames {
    /// What stands at the end of a curve.
    pub(crate) fn of(self, curve: &Curve<'_>) -> String {
        match self {
            EndNames::Whole => curve.whole_name(),
            EndNames::None | EndNames::Names => curve.name.to_owned(),
        }
    }
}

/// The room in pixels that the longest of these takes behind an end.
pub(crate) fn room<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let width = |name| font::width(name, SMALL, Weight::Regular);
    GAP + names.map(width).fold(0.0, f64::max)
}

/// What names stay clear of: points along curves and bars, markers, and boxes that are taken.
struct Obstacles<'a> {
    lines: &'a [BackendCoord],
    markers: &'a [BackendCoord],
    taken: &'a [Corners],
}

/// For each curve's name and end the box of the name: right of the end, above or below it, within
/// the frame, in the order of the ends from top to bottom; none where it would touch a curve, a marker,
/// a box that is there or another name.
fn place(
    ends: &[(&str, BackendCoord)],
    obstacles: &Obstacles<'_>,
    (right, bottom): BackendCoord,
) -> Vec<Option<Corners>> {
    let mut names: Vec<(i32, Corners)> = Vec::new();
    let mut placed = vec![None; ends.len()];
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by_key(|&index| ends[index].1.1);
    for index in order {
        let (name, (x, y)) = ends[index];
        let width = px(font::width(name, SMALL, Weight::Regular));
        let (height, gap) = (px(HEIGHT), px(GAP));
        let corners = |left: i32, top: i32| [(left, top), (left + width, top + height)];
        let beside = corners(x + gap, y - height / 2);
        let above = |left: i32| corners(left, y - gap - height);
        let below = |left: i32| corners(left, y + gap);
        let left = (x + gap).min(right) - width;
        let candidates = [beside, above(left), below(left), above(x - gap), below(x - gap)];
        let fits =
            |[low, high]: &Corners| low.0 >= 0 && low.1 >= 0 && high.0 <= right && high.1 <= bottom;
        let touched = |points: &[BackendCoord], corners: &Corners, by: f64| {
            let around = grown(corners, px(by));
            points.iter().any(|&point| contains(&around, point))
        };
        // A name above another is that of an end above the other's.
        let in_order = |corners: &Corners| {
            names.iter().all(|(end, other)| {
                let beside = corners[0].0 < other[1].0 && other[0].0 < corners[1].0;
                !beside || *end == y || corners[0].1 >= other[1].1
            })
        };
        let free = |corners: &Corners| {
            fits(corners)
                && !touched(obstacles.lines, corners, 1.0)
                && !touched(obstacles.markers, corners, REACH)
                && !obstacles.taken.iter().any(|other| overlap(other, corners))
                && !names.iter().any(|(_, other)| overlap(other, corners))
                && in_order(corners)
        };
        placed[index] = candidates.into_iter().find(free);
        names.extend(placed[index].map(|corners| (y, corners)));
    }
    placed
}

/// Writes what curves have at their ends, where there is room beside what is `taken`, and returns
/// whether all had.
pub(crate) fn draw(
    chart: &Chart<'_>,
    curves: &[Curve<'_>],
    taken: &[Corners],
    ends: EndNames,
) -> Result<bool, PlotError> {
    if ends == EndNames::None {
        return Ok(false);
    }
    let named = curves.iter().filter_map(|curve| {
        let end = curve.points.last()?.at;
        let shown = !curve.name.is_empty() && chart::shows(chart, end);
        shown.then(|| (curve, ends.of(curve), chart::place_in(chart, end)))
    });
    let named: Vec<(&Curve<'_>, String, BackendCoord)> = named.collect();
    let ends: Vec<_> = named.iter().map(|(_, name, end)| (name.as_str(), *end)).collect();
    let area = chart.plotting_area().strip_coord_spec();
    let (width, height) = area.dim_in_pixel();
    let frame = (width as i32, height as i32);
    let mut points = curve::sampled(chart, curves);
    points.extend(curve::sampled_bars(chart, curves));
    let markers = curves.iter().flat_map(|curve| &curve.points);
    let markers: Vec<_> = markers.map(|point| chart::place_in(chart, point.at)).collect();
    let obstacles = Obstacles { lines: &points, markers: &markers, taken };
    let places = place(&ends, &obstacles, frame);
    for ((curve, name, _), place) in named.iter().zip(&places) {
        let Some([(left, top), (_, bottom)]) = *place else { continue };
        // Darker than the line, for letters are thin.
        let color = curve.style.color.mixed(Color::INK, 0.35);
        let style = font::style(SMALL, Weight::Regular, color);
        let style = style.pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(name, &style, (left, (top + bottom) / 2))?;
    }
    Ok(places.iter().flatten().count() == curves.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: BackendCoord = (2400, 1200);

    fn placed(ends: &[(&str, BackendCoord)], lines: &[BackendCoord]) -> Vec<Option<Corners>> {
        let markers: Vec<BackendCoord> = ends.iter().map(|end| end.1).collect();
        place(ends, &Obstacles { lines, markers: &markers, taken: &[] }, FRAME)
    }

    #[test]
    fn a_name_stands_right_of_its_end_or_above_it_at_the_edge() {
        let found = placed(&[("heun", (1000, 600))], &[(1000, 600)]);
        assert!(found[0].is_some_and(|[low, _]| low.0 > 1000));
        let found = placed(&[("heun", (2380, 600))], &[(2380, 600)]);
        assert!(found[0].is_some_and(|[_, high]| high.0 <= 2400 && high.1 < 600));
    }

    #[test]
    fn a_name_without_room_is_left_out_and_none_covers_another() {
        let crowd: Vec<BackendCoord> = (0..2400)
            .step_by(20)
            .flat_map(|x| (0..1200).step_by(20).map(move |y| (x, y)))
            .collect();
        assert_eq!(placed(&[("heun", (1000, 600))], &crowd), [None]);
        let ends: Vec<(&str, BackendCoord)> = vec![("heun", (1000, 600)); 9];
        let found: Vec<Corners> = placed(&ends, &[]).into_iter().flatten().collect();
        assert!((2..9).contains(&found.len()), "{found:?}");
        for (index, a) in found.iter().enumerate() {
            assert!(found[..index].iter().all(|b| !overlap(a, b)));
        }
    }

    #[test]
    fn names_are_in_the_order_of_their_ends_whatever_their_own() {
        // The lower end first, and a curve that leaves no room beside either.
        let ends = [("euler", (1000, 620)), ("heun", (1000, 600))];
        let wall: Vec<BackendCoord> = (590..630).map(|y| (1040, y)).collect();
        let found = placed(&ends, &wall);
        let [Some(euler), Some(heun)] = [found[0], found[1]] else { panic!("{found:?}") };
        assert!(heun[1].1 <= euler[0].1, "{found:?}");
    }

    #[test]
    fn a_name_touches_no_marker() {
        // Another curve's marker whose middle is just beyond the name, and whose edge is not.
        let name = placed(&[("heun", (1000, 600))], &[])[0].unwrap();
        let other = (name[1].0 + px(3.0), 600);
        let ends = [("heun", (1000, 600)), ("", other)];
        assert_ne!(placed(&ends, &[])[0], Some(name));
    }
}
