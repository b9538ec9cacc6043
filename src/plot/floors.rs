//! Labels of horizontal lines, put where they hide the least: plotters knows no collisions.

use plotters_backend::BackendCoord;

use super::canvas::px;
use super::font::{self, SMALL, Weight};
use super::marker::REACH as MARKER;

/// The upper left and the lower right corner of a rectangle, in units of the canvas.
pub(crate) type Corners = [BackendCoord; 2];

/// The height of a label's box, and the room before and after its text, in pixels.
const HEIGHT: f64 = SMALL + 6.0;
pub(crate) const PADDING: f64 = 5.0;

/// From a label to a line that is not its own.
const CLEAR: f64 = 2.0;

/// The room below the lowest of the lines that its label needs, in pixels.
pub(crate) const BELOW: f64 = HEIGHT + 3.0;

/// The boxes for labels of horizontal lines at the given heights in a frame of some size, each
/// just above or below its line, at an end of it before its middle, wherever it covers fewest points
/// of the curves; neither another label nor another line if that can be helped.
pub(crate) fn place_labels(
    labels: &[(String, i32)],
    curves: &[BackendCoord],
    frame: BackendCoord,
) -> Vec<Corners> {
    let mut placed: Vec<Corners> = Vec::new();
    for (label, line) in labels {
        let width = px(font::width(label, SMALL, Weight::Regular) + 2.0 * PADDING);
        let cost = |candidate: &Corners| {
            let inside = |by: f64| {
                let around = grown(candidate, px(by));
                curves.iter().filter(|&&point| contains(&around, point)).count()
            };
            let overlaps = placed.iter().filter(|other| overlap(other, candidate)).count();
            let [(_, top), (_, bottom)] = grown(candidate, px(CLEAR));
            let crossed = labels
                .iter()
                .filter(|(_, other)| (other - line).abs() > px(CLEAR + 1.0))
                .filter(|(_, other)| top < *other && *other < bottom)
                .count();
            10 * inside(0.0) + inside(MARKER) + 10_000 * (crossed + overlaps)
        };
        placed.extend(candidates(*line, width, frame).into_iter().min_by_key(cost));
    }
    placed
}

/// At the ends before the middle, left before right, above the line before below it, inside the frame.
fn candidates(line: i32, width: i32, (right, bottom): BackendCoord) -> Vec<Corners> {
    const STEPS: i32 = 12;
    let (height, edge) = (px(HEIGHT), px(2.0));
    let room = (right - width - 2 * edge).max(0);
    let corners = |left: i32, top: i32| [(left, top), (left + width, top + height)];
    let tops = [line - height - px(1.0), line + edge];
    let inside = tops.into_iter().filter(|&top| top >= 0 && top + height <= bottom);
    let inside: Vec<i32> = inside.collect();
    let steps = (0..=STEPS / 2).flat_map(|step| [step, STEPS - step]);
    let mut candidates: Vec<_> = steps
        .flat_map(|step| inside.iter().map(move |&top| corners(edge + room * step / STEPS, top)))
        .collect();
    if candidates.is_empty() {
        candidates.push(corners(edge, 0));
    }
    candidates
}

/// The same with so much more at every side.
pub(crate) fn grown([low, high]: &Corners, by: i32) -> Corners {
    [(low.0 - by, low.1 - by), (high.0 + by, high.1 + by)]
}

pub(crate) fn contains([low, high]: &Corners, (x, y): BackendCoord) -> bool {
    (low.0..=high.0).contains(&x) && (low.1..=high.1).contains(&y)
}

pub(crate) fn overlap(a: &Corners, b: &Corners) -> bool {
    a[0].0 < b[1].0 && b[0].0 < a[1].0 && a[0].1 < b[1].1 && b[0].1 < a[1].1
}

/// Points along a path, close enough together that no label fits between them.
pub(crate) fn sampled(path: &[BackendCoord]) -> Vec<BackendCoord> {
    let mut points: Vec<_> = path.first().copied().into_iter().collect();
    for pair in path.windows(2) {
        let along = [pair[1].0 - pair[0].0, pair[1].1 - pair[0].1].map(f64::from);
        let steps = (along[0].hypot(along[1]) / f64::from(px(6.0))).clamp(1.0, 1000.0) as usize;
        points.extend((1..=steps).map(|step| {
            let [x, y] = along.map(|length| (length * step as f64 / steps as f64) as i32);
            (pair[0].0 + x, pair[0].1 + y)
        }));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: BackendCoord = (2400, 1200);

    #[test]
    fn labels_of_close_lines_do_not_overlap() {
        let labels: Vec<_> =
            [800, 816, 836].iter().map(|&line| ("a sampling floor".to_owned(), line)).collect();
        let placed = place_labels(&labels, &[], FRAME);
        assert_eq!(placed.len(), 3);
        for (index, a) in placed.iter().enumerate() {
            assert!(placed[..index].iter().all(|b| !overlap(a, b)), "{placed:?}");
        }
    }

    /// Two lines so close that no label fits between, the lower one with room below.
    #[test]
    fn a_label_lies_on_no_other_line_even_over_a_curve() {
        let labels = [("model floor".to_owned(), 1000), ("sampling floor".to_owned(), 1060)];
        let curve = sampled(&[(0, 1110), (2400, 1110)]);
        let placed = place_labels(&labels, &curve, FRAME);
        assert!(placed[0][1].1 <= 1000 && placed[1][0].1 >= 1060, "{placed:?}");
        // Where curves are at the left, the free end is the right one.
        let mut curves = sampled(&[(0, 960), (1200, 960)]);
        curves.extend(sampled(&[(0, 1040), (1200, 1040)]));
        let placed = place_labels(&labels[..1], &curves, FRAME);
        assert!(placed[0][1].0 > 2300, "{placed:?}");
    }

    #[test]
    fn labels_avoid_curves_and_stay_inside() {
        let curve = sampled(&[(0, 760), (1200, 760)]);
        let placed = place_labels(&[("floor".to_owned(), 800)], &curve, FRAME);
        assert!(curve.iter().all(|&point| !contains(&placed[0], point)));
        let placed = place_labels(&[("top".to_owned(), 0), ("low".to_owned(), 1200)], &[], FRAME);
        assert!(placed.iter().all(|label| label[0].1 >= 0 && label[1].1 <= 1200));
    }
}
