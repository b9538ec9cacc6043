use super::{Noise, NoiseError};
use crate::state::State;

/// A Brownian path made of given increments on a base grid: noise recorded
/// elsewhere, so that a run of another library can be repeated.
///
/// Steps may join several base intervals, as with
/// [`BrownianPath`](super::BrownianPath), and the path may be asked for in any order.
///
/// ```
/// use driftfield_solvers::{SdeProblem, SolveOptions, solve};
/// use driftfield_solvers::{method::EulerMaruyama, noise::RecordedPath};
/// let zero = |out: &mut f64, _u: &f64, _t: f64| *out = 0.0;
/// let one = |out: &mut f64, _u: &f64, _t: f64| *out = 1.0;
/// let problem = SdeProblem::new(zero, one, 0.0, (0.0, 1.0));
/// let path = RecordedPath::new(vec![0.0, 0.5, 1.0], vec![0.25, -1.0]).unwrap();
/// let solution = solve(&problem, &EulerMaruyama, SolveOptions::steps(2).noise(path)).unwrap();
/// assert_eq!(solution.u_last, -0.75);
/// ```
#[derive(Debug, Clone)]
pub struct RecordedPath<S> {
    grid: Vec<f64>,
    increments: Vec<S>,
}

impl<S: State> RecordedPath<S> {
    /// The path whose increment over `[grid[k], grid[k + 1]]` is `increments[k]`.
    pub fn new(grid: Vec<f64>, increments: Vec<S>) -> Result<Self, NoiseError> {
        if grid.len() != increments.len() + 1 {
            return Err(NoiseError::RecordLength {
                times: grid.len(),
                increments: increments.len(),
            });
        }
        Ok(RecordedPath { grid, increments })
    }

    /// The path whose increment over `[grid[k], grid[k + 1]]` is
    /// `sqrt(|grid[k + 1] - grid[k]|)` times the standard normals `normals[k]`.
    pub fn from_normals(grid: Vec<f64>, normals: Vec<S>) -> Result<Self, NoiseError> {
        let mut path = Self::new(grid, normals)?;
        for (ends, normals) in path.grid.windows(2).zip(&mut path.increments) {
            let scale = (ends[1] - ends[0]).abs().sqrt();
            normals.linear_combination(scale, &[])?;
        }
        Ok(path)
    }
}

impl<S: State> Noise<S> for RecordedPath<S> {
    fn increment(&mut self, a: f64, b: f64, dw: &mut S) -> Result<(), NoiseError> {
        let index = |time: f64| self.grid.iter().position(|&t| t == time);
        let (Some(first), Some(end)) = (index(a), index(b)) else {
            return Err(NoiseError::OffGrid { a, b });
        };
        if end <= first {
            return Err(NoiseError::OffGrid { a, b });
        }
        dw.copy_from(&self.increments[first])?;
        for increment in &self.increments[first + 1..end] {
            dw.linear_combination(1.0, &[(1.0, increment)])?;
        }
        Ok(())
    }
}
