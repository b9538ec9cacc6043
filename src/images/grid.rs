use driftfield_solvers::Scalar;
use ndarray::ArrayD;

use super::ImageError;
use crate::plot::{ImageGrid, ImageRow, ImageTile};

/// Images drawn of a set, and lanes drawn of a trajectory: more can be counted, not looked at.
pub const MOST_DRAWN: usize = 80;
/// Images of a row, unless their labels say better.
pub const PER_ROW: usize = 8;
/// Times drawn of a trajectory.
pub const FRAMES: usize = 10;

/// Pixels along a side of images of this shape: `[1, s, s]`, `[s, s]`, or `[s * s]`.
pub fn side_of(shape: &[usize]) -> Result<usize, ImageError> {
    let not_square = || ImageError::NotSquare { shape: shape.to_vec() };
    let pixels: usize = shape.iter().product();
    let side = pixels.isqrt();
    let fits = match shape {
        [1, height, width] | [height, width] => height == width,
        [_] => true,
        _ => false,
    };
    if fits && side > 0 && side * side == pixels { Ok(side) } else { Err(not_square()) }
}

/// Refuses pictures, if any is asked for, of lanes of this shape that are no images.
#[cfg(feature = "cli")]
pub(crate) fn check_drawable(
    pictures: [&Option<std::path::PathBuf>; 2],
    shape: &[usize],
) -> Result<(), ImageError> {
    match pictures.into_iter().any(Option::is_some) {
        true => side_of(shape).map(|_| ()),
        false => Ok(()),
    }
}

/// The lanes of a state as tiles, the first `most` of them.
pub fn tiles<T: Scalar>(state: &ArrayD<T>, most: usize) -> Vec<ImageTile> {
    let pixels = |lane: ndarray::ArrayViewD<'_, T>| lane.iter().map(|&x| x.into_f64()).collect();
    state.outer_iter().take(most).map(|lane| ImageTile::new(pixels(lane))).collect()
}

/// Lanes from noise to data: one row each, one column a time, which stands above it.
pub fn trajectory_grid<T: Scalar>(
    title: impl Into<String>,
    times: &[f64],
    states: &[ArrayD<T>],
) -> Result<ImageGrid, ImageError> {
    let shape = states.first().map_or(&[][..], |state| &state.shape()[1..]);
    let side = side_of(shape)?;
    let frames: Vec<Vec<ImageTile>> = states.iter().map(|state| tiles(state, PER_ROW)).collect();
    let lanes = frames.first().map_or(0, Vec::len);
    let label = |t: &f64| format!("{}", (1e3 * t).round() / 1e3);
    let grid = ImageGrid::new(title, side).columns(times.iter().map(label));
    let row = |lane: usize| {
        let tiles = frames.iter().map(|frame| frame[lane].clone()).collect();
        ImageRow::new("", tiles)
    };
    Ok((0..lanes).fold(grid, |grid, lane| grid.row(row(lane))))
}

#[cfg(test)]
mod tests {
    use ndarray::IxDyn;

    use super::*;

    #[test]
    fn squares_of_every_notation_have_a_side_and_nothing_else_has() {
        for shape in [&[1, 28, 28][..], &[28, 28], &[784]] {
            assert_eq!(side_of(shape), Ok(28));
        }
        for shape in [&[3, 28, 28][..], &[1, 28, 14], &[2], &[], &[0], &[1, 1, 4, 4]] {
            assert!(matches!(side_of(shape), Err(ImageError::NotSquare { .. })), "{shape:?}");
        }
    }

    #[test]
    fn a_trajectory_has_a_row_for_each_lane_and_a_column_for_each_time() {
        let state = |value: f64| ArrayD::from_elem(IxDyn(&[3, 1, 2, 2]), value);
        let grid = trajectory_grid("", &[1.0, 0.5], &[state(0.0), state(1.0)]).unwrap();
        assert_eq!(grid.rows.len(), 3);
        assert_eq!(grid.column_labels, ["1", "0.5"]);
        assert_eq!(grid.rows[2].tiles[1].pixels, [1.0; 4]);
        assert!(trajectory_grid::<f64>("", &[], &[]).is_err());
    }
}
