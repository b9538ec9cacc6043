//! What two studies were made with: distances to unlike data are none of each other.

use std::collections::BTreeMap;

use driftfield_problems::echo::echo;
use driftfield_problems::spec::SpecError;

use crate::study::{CaseResult, Origin, StudyResult};

/// Why two studies cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// A number is not known.
    #[error(transparent)]
    Number(#[from] SpecError),
    /// Distances to other data.
    #[error(
        "{}: A is compared with {a}, B with {b}, and distances to unlike data say nothing of each other; run one of them with the other's data, or compare what knows none: --columns solver_error,nfe",
        echo(case)
    )]
    Data {
        /// Process and field.
        case: String,
        /// The data of A: its name if it was given one, and its checksum.
        a: String,
        /// That of B.
        b: String,
    },
}

/// Refuses metrics of a case whose data is not the same in both.
pub(super) fn check_data(
    a: &StudyResult,
    b: &StudyResult,
    cases: [&CaseResult; 2],
) -> Result<(), CompareError> {
    let origins = a.origin.as_ref().zip(b.origin.as_ref());
    let sums = origins.and_then(|(of_a, of_b)| {
        let in_a = of_a.data.get(&cases[0].name())?;
        Some([(of_a, in_a), (of_b, of_b.data.get(&cases[1].name())?)])
    });
    let Some([in_a, in_b]) = sums.filter(|[in_a, in_b]| in_a.1 != in_b.1) else {
        return Ok(());
    };
    let told = |(origin, sum): (&Origin, &String)| {
        format!("{} (checksum {})", origin.data_name(), echo(sum))
    };
    Err(CompareError::Data { case: cases[0].label(), a: told(in_a), b: told(in_b) })
}

/// Weights and points of each that the other has not, under whatever names.
pub(super) fn other_weights(a: &StudyResult, b: &StudyResult) -> Option<[Vec<String>; 2]> {
    let (a, b) = (&a.origin.as_ref()?.weights, &b.origin.as_ref()?.weights);
    let alone = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let alone = of.iter().filter(|(_, sum)| !other.values().any(|known| known == *sum));
        alone.map(|(name, sum)| format!("{} ({})", echo(name), echo(sum))).collect::<Vec<_>>()
    };
    let both = [alone(a, b), alone(b, a)];
    both.iter().any(|alone| !alone.is_empty()).then_some(both)
}
