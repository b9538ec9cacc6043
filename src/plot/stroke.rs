//! Lines cut at the border of a window, which plotters does not do.

use super::range::Range;

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

fn between(from: [f64; 2], to: [f64; 2], share: f64) -> [f64; 2] {
    [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]
}

/// The parts of a path inside a window (after Liang and Barsky). A point that
/// is not finite breaks the path.
pub(crate) fn clipped(path: &[[f64; 2]], window: [Range; 2]) -> Vec<Vec<[f64; 2]>> {
    let mut parts: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut open = false;
    for pair in path.windows(2) {
        let Some((from, to)) = clipped_segment(pair[0], pair[1], window) else {
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

fn clipped_segment(
    from: [f64; 2],
    to: [f64; 2],
    window: [Range; 2],
) -> Option<([f64; 2], [f64; 2])> {
    if !from.iter().chain(&to).all(|value| value.is_finite()) {
        return None;
    }
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (axis, range) in window.into_iter().enumerate() {
        let delta = to[axis] - from[axis];
        if delta == 0.0 {
            if !range.contains(from[axis]) {
                return None;
            }
            continue;
        }
        let (a, b) = ((range.low - from[axis]) / delta, (range.high - from[axis]) / delta);
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

    const WINDOW: [Range; 2] = [Range { low: 0.0, high: 10.0 }; 2];

    #[test]
    fn a_path_is_cut_where_it_leaves_and_returns() {
        let path = [[1.0, 5.0], [5.0, 5.0], [15.0, 5.0], [15.0, 8.0], [5.0, 8.0]];
        assert_eq!(
            clipped(&path, WINDOW),
            [vec![[1.0, 5.0], [5.0, 5.0], [10.0, 5.0]], vec![[10.0, 8.0], [5.0, 8.0]]]
        );
    }

    #[test]
    fn not_a_number_breaks_a_path() {
        let path = [[1.0, 1.0], [2.0, 2.0], [f64::NAN, 3.0], [4.0, 4.0], [5.0, 5.0]];
        assert_eq!(clipped(&path, WINDOW).len(), 2);
    }

    #[test]
    fn a_path_wholly_outside_is_gone() {
        assert!(clipped(&[[-5.0, 3.0], [3.0, -6.0]], WINDOW).is_empty());
    }
}
