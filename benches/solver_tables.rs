//! The study's comparison tables: `cargo bench --bench solver_tables`.
//!
//! The standard rows for every process of the study, with exact and trained
//! fields, one seed; times are those of whole solves of 3,000 lanes.

use driftfield::study::{
    Effort, STUDY_PROCESSES, Study, StudyError, standard_cases, standard_runs, terminal_table,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), StudyError> {
    let cases = standard_cases(&STUDY_PROCESSES, &["exact", "trained"])?;
    let runs = cases.iter().map(|case| standard_runs(&case.process, Effort::Standard, &[]));
    let runs = runs.collect::<Result<_, _>>()?;
    let study = Study { cases, runs, lanes: 3000, seeds: vec![0], jobs: 1 };
    print!("{}", terminal_table(&study.run(|_| ())?));
    Ok(())
}
