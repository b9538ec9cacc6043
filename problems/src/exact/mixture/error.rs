use driftfield_solvers::number::Number;

/// Why a mixture was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MixtureError {
    /// Not the JSON of a mixture.
    #[error(
        "not a mixture: {0}; expected {{\"weights\": [..], \"means\": [[..]], \"stds\": [..]}} or \"covariances\": [[[..]]] in place of \"stds\""
    )]
    Json(String),
    /// The file cannot be read.
    #[error("cannot read `{path}`: {problem}")]
    Read {
        /// The file.
        path: String,
        /// What went wrong.
        problem: String,
    },
    /// No component.
    #[error("the mixture has no component; give at least one weight, mean and std")]
    Empty,
    /// Lists of different length.
    #[error("the mixture has {expected} weight(s) and {found} {what}; give one per component")]
    Count {
        /// The list.
        what: &'static str,
        /// Number of weights.
        expected: usize,
        /// Length of the list.
        found: usize,
    },
    /// Parameters for another mixture than the one that is to have them.
    #[error(
        "{found} parameter(s) for a mixture of {expected}; give those of `parameters()`, changed"
    )]
    Parameters {
        /// Number of parameters.
        expected: usize,
        /// Number given.
        found: usize,
    },
    /// A weight that is not positive.
    #[error(
        "weight {component} is {value}; weights must be positive (leave the component out)",
        value = Number(*value)
    )]
    Weight {
        /// Index of the component.
        component: usize,
        /// The weight.
        value: f64,
    },
    /// Weights that do not sum to 1.
    #[error(
        "the weights sum to {sum}, not to 1 (within 1e-6); divide them by their sum",
        sum = Number(*sum)
    )]
    WeightSum {
        /// The sum.
        sum: f64,
    },
    /// A mean or covariance of another dimension than the first mean.
    #[error("component {component} has dimension {found}, expected {expected}")]
    Dimension {
        /// Index of the component.
        component: usize,
        /// Dimension of the mixture.
        expected: usize,
        /// Dimension found.
        found: usize,
    },
    /// A number that is not finite, or so large that its square is not.
    #[error(
        "{what} of component {component} hold {value}; values must be at most 1e100 in size",
        value = Number(*value)
    )]
    Number {
        /// The list.
        what: &'static str,
        /// Index of the component.
        component: usize,
        /// The number.
        value: f64,
    },
    /// A standard deviation that is not positive.
    #[error(
        "std {component} is {value}; stds must be between 1e-100 and 1e100",
        value = Number(*value)
    )]
    Std {
        /// Index of the component.
        component: usize,
        /// The standard deviation.
        value: f64,
    },
    /// A covariance with an eigenvalue that is not positive.
    #[error(
        "covariance {component} is not positive definite: scaled to a unit diagonal, its smallest eigenvalue is {eigenvalue:.3e}"
    )]
    Indefinite {
        /// Index of the component.
        component: usize,
        /// The eigenvalue.
        eigenvalue: f64,
    },
    /// A covariance that is singular but for rounding.
    #[error(
        "covariance {component} has condition number {condition:.3e} once its diagonal is scaled to 1, and at most 1e14 can be told from singular; its axes are nearly dependent, leave one out"
    )]
    Condition {
        /// Index of the component.
        component: usize,
        /// The condition number of the correlations.
        condition: f64,
    },
    /// A variance on the diagonal of a covariance that is no usable number.
    #[error(
        "variance {axis} on the diagonal of covariance {component} is {value}; variances must be between 1e-200 and 1e100",
        value = Number(*value)
    )]
    Variance {
        /// Index of the component.
        component: usize,
        /// Row and column.
        axis: usize,
        /// The variance.
        value: f64,
    },
    /// A matrix that is no covariance.
    #[error("covariance {component} is not {expected}")]
    Covariance {
        /// Index of the component.
        component: usize,
        /// What it should be.
        expected: &'static str,
    },
}

pub(super) fn check_count(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), MixtureError> {
    if expected == found { Ok(()) } else { Err(MixtureError::Count { what, expected, found }) }
}

pub(super) fn check_numbers(
    what: &'static str,
    component: usize,
    values: &[f64],
) -> Result<(), MixtureError> {
    // `contains` is false of a NaN.
    match values.iter().find(|value| !(-1e100..=1e100).contains(*value)) {
        None => Ok(()),
        Some(&value) => Err(MixtureError::Number { what, component, value }),
    }
}
