use driftfield_problems::inverse::Observation;
use driftfield_solvers::Scalar;
use ndarray::ArrayD;

use super::ReconstructError;
use crate::images::{self, PER_ROW};
use crate::plot::{ImageGrid, ImageRow, ImageTile};

/// What was measured, as an image: `A^T y` over `A^T 1`, which are the values themselves where
/// pixels were observed and block means where they were averaged.
pub fn measured_tile(observation: &Observation) -> ImageTile {
    let measurement = observation.measurement();
    let back = |y: &[f64]| {
        let mut image = vec![0.0; measurement.dimension()];
        measurement.adjoint(&mut image, y);
        image
    };
    let measured = measurement.measured();
    let (image, weight) = (back(&observation.values()[..measured]), back(&vec![1.0; measured]));
    let pixels = image.iter().zip(&weight);
    let pixels = pixels.map(|(y, weight)| if weight.abs() > 1e-9 { y / weight } else { 0.0 });
    overlaid(ImageTile::new(pixels.collect()), observation)
}

/// The tile with the observed pixels in red, outlined if they are a rectangle: around scattered
/// ones an outline would hide the image.
fn overlaid(tile: ImageTile, observation: &Observation) -> ImageTile {
    let measurement = observation.measurement();
    let Some(pixels) = measurement.observed() else { return tile };
    let side = images::side_of(&[measurement.dimension()]);
    let whole = side.is_ok_and(|side| are_rectangle(&pixels, side));
    let tile = tile.measured(pixels);
    if whole { tile.outlined() } else { tile }
}

/// Whether pixels, each named once, fill the rectangle around them.
fn are_rectangle(pixels: &[usize], side: usize) -> bool {
    let extent = |along: fn(usize, usize) -> usize| {
        let places = pixels.iter().map(|&pixel| along(pixel, side));
        places.clone().max().zip(places.min()).map_or(0, |(last, first)| last - first + 1)
    };
    let (rows, columns) = (extent(|pixel, side| pixel / side), extent(|pixel, side| pixel % side));
    rows * columns == pixels.len()
}

/// The image, what was measured of it, and rows of reconstructions, each with its name.
pub fn reconstruction_grid<T: Scalar>(
    title: impl Into<String>,
    original: &[f64],
    observation: &Observation,
    rows: &[(String, ArrayD<T>)],
) -> Result<ImageGrid, ReconstructError> {
    let side = images::side_of(&[original.len()])?;
    let first = vec![ImageTile::new(original.to_vec()), measured_tile(observation)];
    let mut grid = ImageGrid::new(title, side).row(ImageRow::new("image, measured", first));
    for (name, samples) in rows {
        let tiles = images::tiles(samples, images::MOST_DRAWN);
        let tiles: Vec<ImageTile> =
            tiles.into_iter().map(|tile| overlaid(tile, observation)).collect();
        for (index, tiles) in tiles.chunks(PER_ROW).enumerate() {
            let name = if index == 0 { name.as_str() } else { "" };
            grid = grid.row(ImageRow::new(name, tiles.to_vec()));
        }
    }
    Ok(grid)
}

/// Lanes on their way from noise to what was measured, the observed pixels in red.
pub fn reconstruction_trajectory<T: Scalar>(
    title: impl Into<String>,
    times: &[f64],
    states: &[ArrayD<T>],
    observation: &Observation,
) -> Result<ImageGrid, ReconstructError> {
    let mut grid = images::trajectory_grid(title, times, states)?;
    for tile in grid.rows.iter_mut().flat_map(|row| &mut row.tiles) {
        *tile = overlaid(std::mem::take(tile), observation);
    }
    Ok(grid)
}
