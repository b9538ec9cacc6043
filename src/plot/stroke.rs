//! Lines cut at the border of an area, or into dashes.

use super::picture::{Area, Pixel};

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStyle {
    /// One unbroken line.
    Solid,
    /// Long dashes.
    Dashed,
    /// Short dashes.
    Dotted,
    /// No line: markers alone.
    None,
}

impl LineStyle {
    /// The pieces of a path drawn in this style.
    pub(crate) fn pieces(self, path: Vec<Pixel>) -> Vec<Vec<Pixel>> {
        match self {
            Self::Solid => vec![path],
            Self::Dashed => dashes(&path, 8.0, 5.0),
            Self::Dotted => dashes(&path, 2.0, 4.0),
            Self::None => Vec::new(),
        }
    }
}

fn between(from: Pixel, to: Pixel, share: f64) -> Pixel {
    [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]
}

/// Dashes of length `on` with gaps of length `off` along a path.
pub(crate) fn dashes(path: &[Pixel], on: f64, off: f64) -> Vec<Vec<Pixel>> {
    let mut pieces = Vec::new();
    let mut piece = path.first().map(|&first| vec![first]);
    let mut left = on;
    for pair in path.windows(2) {
        let length = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let turn = between(pair[0], pair[1], done / length);
            match piece.take() {
                Some(mut points) => {
                    points.push(turn);
                    pieces.push(points);
                    left = off;
                }
                None => {
                    piece = Some(vec![turn]);
                    left = on;
                }
            }
        }
        left -= length - done;
        if let Some(points) = &mut piece {
            points.push(pair[1]);
        }
    }
    pieces.extend(piece.filter(|points| points.len() > 1));
    pieces
}

/// The parts of a path inside an area (after Liang and Barsky). A point that
/// is not finite breaks the path.
pub(crate) fn clipped(path: &[Pixel], area: &Area) -> Vec<Vec<Pixel>> {
    let mut parts: Vec<Vec<Pixel>> = Vec::new();
    let mut open = false;
    for pair in path.windows(2) {
        let Some((from, to)) = clipped_segment(pair[0], pair[1], area) else {
            open = false;
            continue;
        };
        match parts.last_mut() {
            Some(part) if open && part.last() == Some(&from) => part.push(to),
            _ => parts.push(vec![from, to]),
        }
        open = to == pair[1];
    }
    parts
}

fn clipped_segment(from: Pixel, to: Pixel, area: &Area) -> Option<(Pixel, Pixel)> {
    if !from.iter().chain(&to).all(|value| value.is_finite()) {
        return None;
    }
    if area.contains(from) && area.contains(to) {
        return Some((from, to));
    }
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    let bounds = [(area.left, area.right), (area.top, area.bottom)];
    for (axis, (low, high)) in bounds.into_iter().enumerate() {
        let delta = to[axis] - from[axis];
        if delta == 0.0 {
            if from[axis] < low || from[axis] > high {
                return None;
            }
            continue;
        }
        let (a, b) = ((low - from[axis]) / delta, (high - from[axis]) / delta);
        enter = enter.max(a.min(b));
        leave = leave.min(a.max(b));
    }
    (enter < leave).then(|| {
        let start = if enter == 0.0 { from } else { between(from, to, enter) };
        let end = if leave == 1.0 { to } else { between(from, to, leave) };
        (start, end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };

    #[test]
    fn a_path_is_cut_where_it_leaves_and_returns() {
        let parts = clipped(&[[1.0, 5.0], [5.0, 5.0], [15.0, 5.0], [15.0, 8.0], [5.0, 8.0]], &AREA);
        assert_eq!(
            parts,
            [vec![[1.0, 5.0], [5.0, 5.0], [10.0, 5.0]], vec![[10.0, 8.0], [5.0, 8.0]]]
        );
    }

    #[test]
    fn not_a_number_breaks_a_path() {
        let parts =
            clipped(&[[1.0, 1.0], [2.0, 2.0], [f64::NAN, 3.0], [4.0, 4.0], [5.0, 5.0]], &AREA);
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn a_path_wholly_outside_is_gone() {
        assert!(clipped(&[[-5.0, 3.0], [3.0, -6.0]], &AREA).is_empty());
    }

    #[test]
    fn dashes_keep_their_length_round_corners() {
        let pieces = dashes(&[[0.0, 0.0], [6.0, 0.0], [6.0, 6.0]], 8.0, 2.0);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0], [[0.0, 0.0], [6.0, 0.0], [6.0, 2.0]]);
        assert_eq!(pieces[1], [[6.0, 4.0], [6.0, 6.0]]);
    }
}
