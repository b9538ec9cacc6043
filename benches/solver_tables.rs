//! The study's comparison tables: `cargo bench --bench solver_tables`.
//!
//! The standard rows for every process of the study, with exact and trained
//! fields, one seed; times are those of whole solves of 3,000 lanes.

use driftfield::study::{StudyError, StudyFile, terminal_table};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), StudyError> {
    let file = StudyFile { seed: vec![0], ..StudyFile::preset("cat")? };
    print!("{}", terminal_table(&file.study(1)?.study.run(|_| ())?));
    Ok(())
}
