//! Names at the ends of curves, where there is room for them.

use plotters_backend::BackendCoord;

use super::canvas::px;
use super::floors::{Corners, contains, overlap};
use super::font::{self, SMALL, Weight};

/// From the end of a curve to its name, beyond the marker.
const GAP: f64 = 9.0;
const HEIGHT: f64 = SMALL + 4.0;

/// The room in pixels that the longest of these takes behind an end.
pub(crate) fn room<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let width = |name| font::width(name, SMALL, Weight::Regular);
    GAP + names.map(width).fold(0.0, f64::max)
}

/// For each curve's name and end the box of the name: right of the end, above or below it, within
/// the frame; none where it would cover a point of a curve, a box that is there or another name.
pub(crate) fn place(
    ends: &[(&str, BackendCoord)],
    points: &[BackendCoord],
    taken: &[Corners],
    (right, bottom): BackendCoord,
) -> Vec<Option<Corners>> {
    let mut taken = taken.to_vec();
    let mut placed = Vec::new();
    for &(name, (x, y)) in ends {
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
        let free = |corners: &Corners| {
            fits(corners)
                && !points.iter().any(|&point| contains(corners, point))
                && !taken.iter().any(|other| overlap(other, corners))
        };
        let found = candidates.into_iter().find(free);
        taken.extend(found);
        placed.push(found);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: BackendCoord = (2400, 1200);

    #[test]
    fn a_name_stands_right_of_its_end_or_above_it_at_the_edge() {
        let placed = place(&[("heun", (1000, 600))], &[(1000, 600)], &[], FRAME);
        assert!(placed[0].is_some_and(|[low, _]| low.0 > 1000));
        let placed = place(&[("heun", (2380, 600))], &[(2380, 600)], &[], FRAME);
        assert!(placed[0].is_some_and(|[_, high]| high.0 <= 2400 && high.1 < 600));
    }

    #[test]
    fn a_name_without_room_is_left_out_and_none_covers_another() {
        let crowd: Vec<BackendCoord> = (0..2400)
            .step_by(20)
            .flat_map(|x| (0..1200).step_by(20).map(move |y| (x, y)))
            .collect();
        assert_eq!(place(&[("heun", (1000, 600))], &crowd, &[], FRAME), [None]);
        let ends: Vec<(&str, BackendCoord)> = vec![("heun", (1000, 600)); 9];
        let placed: Vec<Corners> = place(&ends, &[], &[], FRAME).into_iter().flatten().collect();
        assert!((2..9).contains(&placed.len()), "{placed:?}");
        for (index, a) in placed.iter().enumerate() {
            assert!(placed[..index].iter().all(|b| !overlap(a, b)));
        }
    }
}
