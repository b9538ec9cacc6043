//! How fast the errors of a study fall with the number of steps.

use super::solve::SUCCESS;
use super::{CaseResult, Row};

/// The line through log error over log steps of one solver on fixed grids.
#[derive(Debug, Clone, PartialEq)]
pub struct Slope {
    /// The solver.
    pub solver: String,
    /// How its times are spaced, if not as is usual.
    pub spacing: Option<String>,
    /// Its slope: minus the order, where the errors are in its regime.
    pub slope: f64,
    /// The standard error of the slope, from how far the rows are off the line.
    pub standard_error: f64,
    /// Rows that it goes through.
    pub rows: usize,
}

/// Numbers of steps from which on a line is a line.
const FEWEST: usize = 3;

impl Slope {
    /// Whether a row is one of those that the line goes through.
    pub(super) fn is_of(&self, row: &Row) -> bool {
        row.solver == self.solver && row.spacing == self.spacing && point(row).is_some()
    }
}

/// Log steps and log error of a row, if it has both.
fn point(row: &Row) -> Option<(f64, f64)> {
    let error = row.solver_error.filter(|error| error.mean > 0.0 && row.outcome == SUCCESS)?;
    Some(((row.steps? as f64).ln(), error.mean.ln()))
}

impl CaseResult {
    /// The slopes of all solvers with rows of at least three numbers of steps, in the order of the
    /// rows.
    pub fn slopes(&self) -> Vec<Slope> {
        let mut slopes: Vec<Slope> = Vec::new();
        let mut seen: Vec<(&str, Option<&str>)> = Vec::new();
        for row in &self.rows {
            let series = (row.solver.as_str(), row.spacing.as_deref());
            if seen.contains(&series) {
                continue;
            }
            seen.push(series);
            let own = |other: &&Row| (other.solver.as_str(), other.spacing.as_deref()) == series;
            let points: Vec<(f64, f64)> = self.rows.iter().filter(own).filter_map(point).collect();
            slopes.extend(line(&points).map(|(slope, standard_error)| Slope {
                solver: row.solver.clone(),
                spacing: row.spacing.clone(),
                slope,
                standard_error,
                rows: points.len(),
            }));
        }
        slopes
    }
}

/// The slope of the line of least squares, and its standard error.
pub(super) fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let mut steps: Vec<f64> = points.iter().map(|point| point.0).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    if steps.len() < FEWEST {
        return None;
    }
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let squares: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / squares;
    let off = |point: &(f64, f64)| (point.1 - y - slope * (point.0 - x)).powi(2);
    let off: f64 = points.iter().map(off).sum();
    Some((slope, (off / (n - 2.0) / squares).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{case, row};
    use super::*;

    #[test]
    fn a_power_of_the_steps_is_its_slope() {
        let falling = |solver: &str, order: i32, steps: &[usize]| -> Vec<Row> {
            let error = |steps: usize| 3.0 / (steps as f64).powi(order);
            steps.iter().map(|&n| row(solver, n, 2, Some(error(n)), 0.05)).collect()
        };
        let mut rows = falling("heun", 2, &[5, 10, 40]);
        rows.extend(falling("euler", 1, &[5, 10]));
        rows.push(row("ancestral", 10, 2, None, 0.05));
        // Adaptive steps and solves that failed are on no line.
        rows.push(Row { steps: None, tolerances: Some((1e-3, 1e-3)), ..rows[0].clone() });
        rows.push(Row { outcome: "non_finite".to_owned(), steps: Some(7), ..rows[0].clone() });
        let case = case("exact", 2, 0.03, rows);
        let slopes = case.slopes();
        assert_eq!(slopes.len(), 1, "{slopes:?}");
        assert!((slopes[0].slope + 2.0).abs() < 1e-9 && slopes[0].standard_error < 1e-7);
        assert_eq!((slopes[0].rows, slopes[0].solver.as_str()), (3, "heun"));
        let on_it = case.rows.iter().filter(|row| slopes[0].is_of(row)).count();
        assert_eq!(on_it, 3);
    }
}
