//! Labels of horizontal lines, put where they hide the least: plotters knows no collisions.

use super::font::{self, SMALL, Weight};

/// A place in pixels, y pointing down.
pub(crate) type Pixel = [f64; 2];

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    fn width(&self) -> f64 {
        self.right - self.left
    }

    fn contains(&self, point: Pixel) -> bool {
        (self.left..=self.right).contains(&point[0]) && (self.top..=self.bottom).contains(&point[1])
    }
}

/// The box a label takes, and the room before and after its text.
const HEIGHT: f64 = SMALL + 6.0;
pub(crate) const PADDING: f64 = 5.0;

/// The boxes for labels of horizontal lines at the given heights, each just
/// above or below its line, wherever it covers fewest points of the curves and
/// neither another label nor another line if that can be helped.
pub(crate) fn place_labels(labels: &[(String, f64)], curves: &[Pixel], area: &Area) -> Vec<Area> {
    let mut placed: Vec<Area> = Vec::new();
    for (label, line) in labels {
        let width = font::width(label, SMALL, Weight::Regular) + 2.0 * PADDING;
        let cost = |candidate: &Area| {
            let hidden = curves.iter().filter(|&&point| candidate.contains(point)).count();
            let overlaps = placed.iter().filter(|other| overlap(other, candidate)).count();
            let crossed = labels
                .iter()
                .filter(|(_, other)| candidate.top < *other && *other < candidate.bottom)
                .count();
            hidden + 5 * crossed + 1000 * overlaps
        };
        if let Some(best) = candidates(*line, width, area).into_iter().min_by_key(cost) {
            placed.push(best);
        }
    }
    placed
}

/// Above the line before below it, left before right, inside the area.
fn candidates(line: f64, width: f64, area: &Area) -> Vec<Area> {
    let room = (area.width() - width - 4.0).max(0.0);
    let mut candidates = Vec::new();
    for top in [line - HEIGHT - 1.0, line + 2.0] {
        if top < area.top || top + HEIGHT > area.bottom {
            continue;
        }
        for step in 0..=12 {
            let left = area.left + 2.0 + room * f64::from(step) / 12.0;
            candidates.push(Area { left, top, right: left + width, bottom: top + HEIGHT });
        }
    }
    if candidates.is_empty() {
        let left = area.left + 2.0;
        let top = area.top;
        candidates.push(Area { left, top, right: left + width, bottom: top + HEIGHT });
    }
    candidates
}

fn overlap(a: &Area, b: &Area) -> bool {
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

/// Points along paths, close enough together that no label fits between them.
pub(crate) fn sampled(path: &[Pixel]) -> Vec<Pixel> {
    let mut points: Vec<Pixel> = path.first().copied().into_iter().collect();
    for pair in path.windows(2) {
        let length = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
        let steps = (length / 6.0).clamp(1.0, 1000.0) as usize;
        points.extend((1..=steps).map(|step| {
            let share = step as f64 / steps as f64;
            [0, 1].map(|axis| pair[0][axis] + share * (pair[1][axis] - pair[0][axis]))
        }));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, top: 0.0, right: 600.0, bottom: 300.0 };

    #[test]
    fn labels_of_close_lines_do_not_overlap() {
        let labels: Vec<_> = [200.0, 204.0, 209.0]
            .iter()
            .map(|&line| ("a sampling floor".to_owned(), line))
            .collect();
        let placed = place_labels(&labels, &[], &AREA);
        for (index, a) in placed.iter().enumerate() {
            assert!(placed[..index].iter().all(|b| !overlap(a, b)), "{placed:?}");
        }
    }

    #[test]
    fn labels_avoid_curves_and_stay_inside() {
        let curve = sampled(&[[0.0, 190.0], [300.0, 190.0]]);
        let placed = place_labels(&[("floor".to_owned(), 200.0)], &curve, &AREA);
        assert!(curve.iter().all(|&point| !placed[0].contains(point)));
        let placed =
            place_labels(&[("top".to_owned(), 0.0), ("low".to_owned(), 300.0)], &[], &AREA);
        assert!(placed.iter().all(|label| label.top >= 0.0 && label.bottom <= 300.0));
    }
}
