//! Which rows are the best of a group, and which cannot be told from them.

use crate::study::Row;
use crate::study::paired::Difference;

/// Seeds from which on a difference is judged.
pub(super) const ENOUGH_SEEDS: usize = 5;

/// For each row whether it has the best `number`, or one that the 95 % interval of the paired
/// difference over seeds does not tell from it; nobody has with fewer than [`ENOUGH_SEEDS`] seeds.
pub(super) fn best(rows: &[&Row], number: &str, more_is_better: bool) -> Vec<bool> {
    let sign = if more_is_better { -1.0 } else { 1.0 };
    let mean = |row: &Row| row.number(number).map(|value| sign * value.mean);
    let measured = rows.iter().filter_map(|&row| Some((mean(row)?, row)));
    let Some((_, first)) = measured.min_by(|a, b| a.0.total_cmp(&b.0)) else {
        return vec![false; rows.len()];
    };
    let ties = |row: &&Row| {
        let difference = Difference::paired(row.seeded(number), first.seeded(number));
        let judged = difference.filter(|difference| difference.seeds >= ENOUGH_SEEDS);
        // The best itself differs by nothing.
        mean(row).is_some() && judged.is_some_and(|difference| !difference.is_certain())
    };
    rows.iter().map(ties).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::made_up::row;

    fn marks(seeds: usize, chamfer: [f64; 3], more_is_better: bool) -> Vec<bool> {
        let mut rows: Vec<Row> =
            chamfer.iter().map(|&chamfer| row("heun", 10, seeds, Some(0.1), chamfer)).collect();
        // The last one swings by seed as no other does.
        for (seed, number) in rows[2].metrics[0].seeds.iter_mut().enumerate() {
            *number = number.map(|value| value + if seed % 2 == 0 { 0.02 } else { -0.02 });
        }
        best(&rows.iter().collect::<Vec<_>>(), "chamfer", more_is_better)
    }

    #[test]
    fn those_that_seeds_do_not_tell_apart_are_marked_together() {
        assert_eq!(marks(5, [0.1, 0.101, 0.105], false), [true, false, true]);
        assert_eq!(marks(5, [0.1, 0.101, 0.2], false), [true, false, false]);
        assert_eq!(marks(5, [0.1, 0.12, 0.12], true), [false, true, true]);
    }

    #[test]
    fn below_five_seeds_nobody_is_marked() {
        assert_eq!(marks(4, [0.1, 0.2, 0.3], false), [false; 3]);
    }

    #[test]
    fn rows_without_a_number_are_not_marked() {
        let rows = [row("heun", 10, 5, None, 0.1), row("euler", 10, 5, Some(0.1), 0.1)];
        let rows: Vec<&Row> = rows.iter().collect();
        assert_eq!(best(&rows, "solver_error", false), [false, true]);
        assert_eq!(best(&rows[..1], "solver_error", false), [false]);
    }
}
