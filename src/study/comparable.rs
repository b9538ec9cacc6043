//! Rows of all solvers of a case at about one number of evaluations.

use driftfield_solvers::number::rounded;

use super::solve::SUCCESS;
use super::{CaseResult, Row};
use crate::distinct::distinct;

/// A number of evaluations, and of each solver the row nearest to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparable<'r> {
    pub(super) nfe: f64,
    /// Solvers that have any.
    pub(super) solvers: usize,
    /// Solvers that have just so many.
    having: usize,
    /// In the order of the table.
    pub(super) rows: Vec<&'r Row>,
}

impl CaseResult {
    /// At the number of evaluations at which most solvers have a row, the least such, what each has
    /// nearest to it by ratio: of those that are compared with the true solution and reached their
    /// end. Nothing if there are none.
    pub(super) fn comparable(&self) -> Option<Comparable<'_>> {
        let usable = |row: &&Row| row.outcome == SUCCESS && row.solver_error.is_some();
        let rows: Vec<&Row> = self.rows.iter().filter(usable).collect();
        let solvers = distinct(rows.iter().map(|row| row.series()));
        let at = |nfe: f64| {
            let these = rows.iter().filter(|row| row.nfe == nfe);
            distinct(these.map(|row| row.series())).len()
        };
        let numbers = rows.iter().map(|row| row.nfe);
        let nfe = numbers.min_by(|&a, &b| at(b).cmp(&at(a)).then(a.total_cmp(&b)))?;
        let off = |row: &Row| (row.nfe / nfe).ln().abs();
        let nearest = |solver: String| {
            let own = rows.iter().copied().filter(|row| row.series() == solver);
            own.min_by(|a, b| off(a).total_cmp(&off(b)).then(a.nfe.total_cmp(&b.nfe)))
        };
        let count = solvers.len();
        Some(Comparable {
            nfe,
            solvers: count,
            having: at(nfe),
            rows: solvers.into_iter().filter_map(nearest).collect(),
        })
    }
}

impl Comparable<'_> {
    /// The number of evaluations, and why it is the one.
    pub(super) fn told(&self) -> String {
        let nfe = rounded(self.nfe);
        match self.having {
            1 if self.solvers > 1 => format!("{nfe} evaluations, the fewest of any"),
            all if all == self.solvers => format!("{nfe} evaluations"),
            some => format!("{nfe} evaluations, which {some} of {} solvers have", self.solvers),
        }
    }

    /// The rows nearest to the number of evaluations, so many at most.
    pub(super) fn nearest(&self, most: usize) -> Self {
        let mut near = self.clone();
        let off = |row: &Row| (row.nfe / self.nfe).ln().abs();
        let mut offs: Vec<f64> = self.rows.iter().map(|row| off(row)).collect();
        offs.sort_by(f64::total_cmp);
        if let Some(&first_out) = offs.get(most) {
            // Of those equally far the first in the table.
            let nearer = offs.iter().filter(|&&near| near < first_out).count();
            let mut room = most - nearer;
            near.rows.retain(|row| {
                let is_tied = off(row) == first_out;
                let stays = off(row) < first_out || (is_tied && room > 0);
                room -= usize::from(stays && is_tied);
                stays
            });
        }
        near
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{case, row};
    use super::*;

    fn told(comparable: &Comparable<'_>) -> Vec<(String, f64)> {
        comparable.rows.iter().map(|row| (row.series(), row.nfe)).collect()
    }

    #[test]
    fn every_solver_has_its_row_nearest_to_the_number_that_most_have() {
        let rows = vec![
            row("euler", 10, 2, Some(0.3), 0.05),
            row("euler", 20, 2, Some(0.2), 0.05),
            row("heun", 20, 2, Some(0.1), 0.05),
            row("heun", 40, 2, Some(0.1), 0.05),
            row("rk4", 100, 2, Some(0.1), 0.05),
            row("rk4", 8, 2, Some(0.1), 0.05),
            // Compared with nothing, and not at its end.
            row("ancestral", 20, 2, None, 0.05),
            Row { outcome: "non_finite".to_owned(), ..row("ddim", 20, 2, Some(0.1), 0.05) },
        ];
        let case = case("exact", 2, 0.03, rows);
        let comparable = case.comparable().unwrap();
        assert_eq!(comparable.nfe, 20.0);
        assert_eq!(comparable.told(), "20 evaluations, which 2 of 3 solvers have");
        let all = [("euler", 20.0), ("heun", 20.0), ("rk4", 8.0)];
        assert_eq!(told(&comparable), all.map(|(name, nfe)| (name.to_owned(), nfe)));
        let two = told(&comparable.nearest(2));
        assert_eq!(two, all[..2].iter().map(|&(n, nfe)| (n.to_owned(), nfe)).collect::<Vec<_>>());
        assert_eq!(told(&case.comparable().unwrap().nearest(1)), two[..1]);
    }

    #[test]
    fn a_number_that_one_solver_has_is_no_common_one() {
        let rows =
            vec![row("tsit5", 68, 2, Some(0.1), 0.05), row("dopri5", 74, 2, Some(0.1), 0.05)];
        let case = case("exact", 2, 0.03, rows);
        assert_eq!(case.comparable().unwrap().told(), "68 evaluations, the fewest of any");
    }

    #[test]
    fn without_an_error_there_is_nothing_to_compare() {
        let rows = vec![row("ancestral", 20, 2, None, 0.05)];
        assert_eq!(case("exact", 2, 0.03, rows).comparable(), None);
    }
}
