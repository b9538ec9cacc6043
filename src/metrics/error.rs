use std::fmt;
use std::sync::Arc;

use driftfield_networks::ClassifierError;
use driftfield_solvers::number::Number;
use thiserror::Error;

/// Which of the two samples is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// The first, `P`.
    P,
    /// The second, `Q`.
    Q,
}

impl fmt::Display for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Sample::P => "the first sample",
            Sample::Q => "the second sample",
        })
    }
}

/// What a metric of the user's said of its failure; equal only to itself.
#[derive(Debug, Clone, Error)]
#[error(transparent)]
pub struct OwnError(Arc<dyn std::error::Error + Send + Sync>);

impl PartialEq for OwnError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Why two samples have no such distance, and what to try.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MetricError {
    /// No rows or no columns.
    #[error(
        "{sample} has shape [{rows}, {columns}]; at least one point of at least one coordinate is needed"
    )]
    Empty {
        /// Which sample.
        sample: Sample,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// Points of different spaces.
    #[error(
        "the points of the first sample have {p} coordinates, those of the second {q}; compare samples of one space"
    )]
    Dimensions {
        /// Columns of the first sample.
        p: usize,
        /// Columns of the second sample.
        q: usize,
    },
    /// A NaN or an infinity.
    #[error(
        "{sample} holds {value} in row {row}, column {column}; drop the points that are not finite, and count them",
        value = Number(*value)
    )]
    NotFinite {
        /// Which sample.
        sample: Sample,
        /// Row of the first such number.
        row: usize,
        /// Its column.
        column: usize,
        /// The number.
        value: f64,
    },
    /// Coordinates so large that squared distances leave the range of f64.
    #[error(
        "the {metric} leaves the range of f64: the coordinates are too large; rescale both samples"
    )]
    Overflow {
        /// Name of the metric.
        metric: &'static str,
    },
    /// A kernel width that is not a positive number.
    #[error(
        "the bandwidth {bandwidth} is not a positive, finite number; give one, or use the median rule",
        bandwidth = Number(*bandwidth)
    )]
    Bandwidth {
        /// The width given.
        bandwidth: f64,
    },
    /// The median rule has no answer.
    #[error(
        "the median distance within the pooled sample is {median}, no width for a kernel; give a bandwidth",
        median = Number(*median)
    )]
    NoMedian {
        /// The median found.
        median: f64,
    },
    /// An estimate without bias from a single point.
    #[error("{sample} is a single point; the unbiased estimate needs two or more in each sample")]
    TooFew {
        /// Which sample.
        sample: Sample,
    },
    /// Fewer rows than groups to leave out in turn.
    #[error(
        "{rows} sample(s) cannot be put into the {groups} groups of an interval; take at least {groups}"
    )]
    TooFewForGroups {
        /// Number of rows.
        rows: usize,
        /// Number of groups.
        groups: usize,
    },
    /// A row to leave out that the sample does not have.
    #[error("row {row} cannot be left out of a sample of {rows}; rows are numbered from 0")]
    NoSuchRow {
        /// The row.
        row: usize,
        /// Number of rows.
        rows: usize,
    },
    /// The singular values of a product of covariances were not found.
    #[error("the {metric} found no singular values; rescale both samples to a spread of about 1")]
    NoConvergence {
        /// Name of the metric.
        metric: &'static str,
    },
    /// A direction that is zero, or not finite, or of the wrong length.
    #[error(
        "direction {index} is not a unit vector of {dimension} coordinates; normalise the rows"
    )]
    Direction {
        /// Row of the first such direction.
        index: usize,
        /// Number of coordinates of the points.
        dimension: usize,
    },
    /// No directions to project on.
    #[error("there are no directions to project on; give one or more")]
    NoDirections,
    /// Exact transport between samples this large takes too long.
    #[error(
        "exact transport between {p} and {q} points is an assignment of {size}, more than {largest}; use fewer points, equal numbers of them, or sliced_wasserstein"
    )]
    TooLarge {
        /// Points in the first sample.
        p: usize,
        /// Points in the second sample.
        q: usize,
        /// Least common multiple of both.
        size: u128,
        /// The largest size solved.
        largest: usize,
    },
    /// A metric that has no number for such samples.
    #[error(
        "the metric `{metric}` says nothing of such samples; it may need labels, or data to compare with"
    )]
    Nothing {
        /// Its name.
        metric: String,
    },
    /// Weights that are not one a point.
    #[error("a sample of {points} point(s) has {weights} weight(s); give one a point")]
    Weights {
        /// Points.
        points: usize,
        /// Weights.
        weights: usize,
    },
    /// A weight that is negative or not finite, or weights that are all zero.
    #[error(
        "the weight {weight} of point {point} is no share of the whole; weights are finite and not negative, and one is above 0",
        weight = Number(*weight)
    )]
    Weight {
        /// The point.
        point: usize,
        /// Its weight.
        weight: f64,
    },
    /// A metric that takes every sample for one.
    #[error(
        "the metric `{metric}` takes every sample for one and knows no weights; draw the samples by their weights first, or take a metric that weighs"
    )]
    Weighted {
        /// Its name.
        metric: String,
    },
    /// The classifier does not take the images or the labels.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
    /// The floor needs as many real images as were generated.
    #[error(
        "the floor at n = {wanted} needs as many real images outside the reference, there are {found}; compare fewer generated images"
    )]
    TooFewReal {
        /// Images to compare.
        wanted: usize,
        /// Real images given.
        found: usize,
    },
    /// A metric of the user's failed.
    #[error(transparent)]
    Own(#[from] OwnError),
}

impl MetricError {
    /// An error of a metric of the user's.
    pub fn own(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        MetricError::Own(OwnError(Arc::from(error.into())))
    }

    /// The value if it is finite, else an overflow of `metric`.
    pub(super) fn unless_finite(metric: &'static str, value: f64) -> Result<f64, Self> {
        if value.is_finite() { Ok(value) } else { Err(MetricError::Overflow { metric }) }
    }
}
