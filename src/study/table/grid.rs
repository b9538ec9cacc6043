//! The places of a table: groups of lines, each with a datum for every column.

use std::cmp::{Ordering, Reverse};

use driftfield_problems::spec::SpecError;

use super::TableOptions;
use super::best::best;
use super::columns::{Column, Datum};
use crate::distinct::distinct;
use crate::study::pictures::slug;
use crate::study::{CaseResult, Row, StudyResult};

pub(in crate::study) struct Grid {
    pub(super) columns: Vec<Column>,
    pub(super) groups: Vec<Group>,
}

/// Lines that are compared with each other.
pub(in crate::study) struct Group {
    /// What the lines have in common, under the names of the columns that they are grouped by.
    pub(super) by: Vec<(Column, Datum)>,
    pub(in crate::study) title: String,
    pub(in crate::study) lines: Vec<Line>,
    /// Which of the grid's columns are shown here: those that may have anything in them, or that were
    /// chosen.
    pub(super) has: Vec<bool>,
    /// Words for pictures that would be of its case, and their names.
    pub(super) pictures: Vec<(&'static str, String)>,
}

pub(in crate::study) struct Line {
    pub(super) cells: Vec<Place>,
    pub(in crate::study) is_floor: bool,
    /// Whether it is the first row at the model's floor.
    pub(in crate::study) at_floor: bool,
    /// Names of pictures that would show it, the best first.
    pub(super) pictures: Vec<String>,
}

pub(super) struct Place {
    pub(super) datum: Datum,
    pub(super) best: bool,
}

/// A row with the case it is of.
type Owned<'a> = (&'a CaseResult, &'a Row);

/// A column with its direction.
type Order = (Column, bool);

impl Grid {
    pub(in crate::study) fn of(
        options: &TableOptions,
        result: &StudyResult,
    ) -> Result<Grid, SpecError> {
        let named = |name: &String| Column::named(name, result);
        let group_by = match options.group_by.as_slice() {
            [] => {
                let guided = result.rows().any(|row| row.guidance.is_some());
                let usual =
                    ["process", "field", "guidance"].into_iter().take(2 + usize::from(guided));
                usual.map(|name| Column::named(name, result)).collect::<Result<Vec<_>, _>>()?
            }
            given => distinct(given).into_iter().map(named).collect::<Result<_, _>>()?,
        };
        let columns = match options.columns.as_slice() {
            [] => Column::usual(result, &group_by),
            given => distinct(given).into_iter().map(named).collect::<Result<_, _>>()?,
        };
        let sort: Vec<Order> = options
            .sort
            .iter()
            .map(|name| match name.strip_prefix('-') {
                Some(name) => Ok((Column::named(name, result)?, true)),
                None => Ok((named(name)?, false)),
            })
            .collect::<Result<_, SpecError>>()?;
        let mut groups: Vec<(Vec<Datum>, Vec<Owned<'_>>)> = Vec::new();
        let rows =
            result.cases.iter().flat_map(|case| case.rows.iter().map(move |row| (case, row)));
        for (case, row) in rows {
            let key: Vec<Datum> = group_by.iter().map(|column| column.of_row(case, row)).collect();
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, rows)) => rows.push((case, row)),
                None => groups.push((key, vec![(case, row)])),
            }
        }
        let group = |(key, mut rows): (Vec<Datum>, Vec<Owned<'_>>)| {
            rows.sort_by(|a, b| in_order(&sort, a, b));
            let by = group_by.iter().cloned().zip(key).collect();
            group_of(&columns, by, &rows)
        };
        let mut groups: Vec<Group> = groups.into_iter().map(group).collect();
        if !options.columns.is_empty() {
            // What was asked for by name is shown, be there nothing in it.
            groups.iter_mut().for_each(|group| group.has.fill(true));
        }
        Ok(Grid { columns, groups })
    }

    /// Leaves out columns until a terminal's lines have at most `width` characters, those needed least
    /// first, and says which.
    pub(super) fn narrow(&mut self, width: u16) -> Vec<Column> {
        let mut left_out = Vec::new();
        while !self.fits(width)
            && let Some(at) = self.least_needed()
        {
            left_out.push(self.columns.remove(at));
            for group in &mut self.groups {
                group.has.remove(at);
                group.lines.iter_mut().for_each(|line| {
                    line.cells.remove(at);
                });
            }
        }
        left_out
    }

    /// The column that says least, of those that do not tell rows apart.
    fn least_needed(&self) -> Option<usize> {
        let judged = self.columns.iter().find_map(Column::judges);
        let need = |column: &Column| column.need(judged);
        let ranked = self.columns.iter().enumerate();
        let ranked = ranked.filter_map(|(at, column)| Some((need(column)?, at)));
        ranked.min_by_key(|&(need, at)| (need, Reverse(at))).map(|(_, at)| at)
    }

    /// Whether any row is marked as the best of its group.
    pub(super) fn has_best(&self) -> bool {
        let lines = self.groups.iter().flat_map(|group| &group.lines);
        lines.flat_map(|line| &line.cells).any(|cell| cell.best)
    }
}

/// By each column in turn; what has no number comes last in either direction.
fn in_order(sort: &[Order], a: &Owned<'_>, b: &Owned<'_>) -> Ordering {
    for (column, falling) in sort {
        let (a, b) = (column.of_row(a.0, a.1), column.of_row(b.0, b.1));
        let (a, b) = (a.sort_key(), b.sort_key());
        let within = a.1.total_cmp(&b.1).then(a.2.cmp(b.2));
        let order = a.0.cmp(&b.0).then(if *falling { within.reverse() } else { within });
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn group_of(columns: &[Column], by: Vec<(Column, Datum)>, rows: &[Owned<'_>]) -> Group {
    let mut cases: Vec<&CaseResult> = Vec::new();
    for &(case, _) in rows {
        if !cases.iter().any(|known| std::ptr::eq(*known, case)) {
            cases.push(case);
        }
    }
    let alone: Vec<&Row> = rows.iter().map(|(_, row)| *row).collect();
    let marks = columns.iter().map(|column| match column.contest() {
        Some((number, more_is_better)) => best(&alone, number, more_is_better),
        None => vec![false; rows.len()],
    });
    let marks: Vec<Vec<bool>> = marks.collect();
    let line = |(index, &(case, row)): (usize, &Owned<'_>)| {
        let place = |(column, marks): (&Column, &Vec<bool>)| Place {
            datum: column.of_row(case, row),
            best: marks[index],
        };
        let first = case.first_at_floor().map(|index| &case.rows[index]);
        Line {
            cells: columns.iter().zip(&marks).map(place).collect(),
            is_floor: false,
            at_floor: first.is_some_and(|first| std::ptr::eq(first, row)),
            pictures: pictures_of(case, row),
        }
    };
    let mut lines: Vec<Line> = rows.iter().enumerate().map(line).collect();
    // Floors are of one case, and stand below rows of that alone.
    if let [case] = cases.as_slice() {
        let floors = case.floors.iter().map(|floor| Line {
            cells: columns
                .iter()
                .map(|column| Place { datum: column.of_floor(case, floor), best: false })
                .collect(),
            is_floor: true,
            at_floor: false,
            pictures: Vec::new(),
        });
        let has_number = |line: &Line| {
            let numbers = line.cells.iter().zip(columns).filter(|(_, column)| column.name != "nfe");
            let mut numbers = numbers.map(|(cell, _)| &cell.datum);
            numbers.any(|datum| matches!(datum, Datum::Number { .. }))
        };
        lines.extend(floors.filter(has_number));
    }
    let has = |column: &Column| cases.iter().any(|case| column.belongs_to(case));
    let pictures = match cases.as_slice() {
        [case] => pictures_of_case(case),
        _ => Vec::new(),
    };
    Group { title: title(&by), has: columns.iter().map(has).collect(), by, lines, pictures }
}

fn pictures_of_case(case: &CaseResult) -> Vec<(&'static str, String)> {
    let of_case = slug(&case.process, &case.field);
    vec![
        ("samples", slug("samples", &case.field)),
        ("samples", format!("few-evaluations-{of_case}")),
        ("trajectories", format!("trajectories-{of_case}")),
        ("error by NFE", format!("solver-error-nfe-{of_case}")),
        ("lanes", format!("lanes-{of_case}")),
        ("error along", format!("error-along-{of_case}")),
        ("error by time", format!("solver-error-time-{of_case}")),
    ]
}

/// Of images their way from the noise; of points the curve of their error, or of what is measured
/// of a method without one.
fn pictures_of(case: &CaseResult, row: &Row) -> Vec<String> {
    let of_case = slug(&case.process, &case.field);
    let mut names = vec![format!("{}-{of_case}", slug("trajectory", &row.solver))];
    names.extend(row.solver_error.map(|_| format!("solver-error-nfe-{of_case}")));
    names.extend(
        case.metrics.iter().map(|metric| format!("{}-{of_case}", slug(&metric.name, "nfe"))),
    );
    names
}

fn title(by: &[(Column, Datum)]) -> String {
    let part = |(column, datum): &(Column, Datum)| match (column.name.as_str(), datum) {
        ("process", Datum::Text(text)) => text.clone(),
        ("field", Datum::Text(text)) => format!("{text} field"),
        (_, Datum::Text(text)) => format!("{} {text}", column.heading),
        (_, Datum::Number { mean, format, .. }) => {
            format!("{} {}", column.heading, format.text(*mean))
        }
        _ => format!("no {}", column.heading),
    };
    by.iter().map(part).collect::<Vec<_>>().join(", ")
}
