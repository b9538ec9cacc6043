use std::fmt;
use std::sync::Arc;

use driftfield_solvers::number::decimals;
use ndarray::ArrayView2;

use super::{Jackknife, MetricError, PreparedSample, Subject};

/// A number measured of samples, with its label: what a study's columns and curves are made of.
///
/// ```
/// use driftfield::metrics::Metric;
/// use ndarray::array;
///
/// let shift = Metric::between("mean_shift", "|mean_P x - mean_Q x|", |p, q| {
///     let mean = |points: ndarray::ArrayView2<f64>| points.mean_axis(ndarray::Axis(0)).unwrap();
///     let gap = mean(p.rows()) - mean(q.rows());
///     Ok(gap.dot(&gap).sqrt())
/// });
/// let (p, q) = (array![[0.0], [2.0]], array![[4.0]]);
/// assert_eq!(shift.distance(&p.view(), &q.view())?, 3.0);
/// # Ok::<(), driftfield::metrics::MetricError>(())
/// ```
#[derive(Clone)]
pub struct Metric {
    /// Its name in CSV, in JSON and in names of files.
    pub name: String,
    /// Its definition, for legends.
    pub definition: String,
    /// What heads its column and names its axis: by default its name.
    pub heading: String,
    /// How its numbers are written in tables.
    pub format: NumberFormat,
    /// Where a study shows it.
    pub shown: Shown,
    /// Whether it takes seconds on thousands of points.
    pub slow: bool,
    /// Whether more of it is better, as of a share that is right; of a distance less is.
    pub more_is_better: bool,
    /// What real data scores, if the metric knows it by itself. Otherwise a study draws its data a
    /// second time.
    pub floor: Option<RealData>,
    /// Whether it takes the weights of samples into account. One that does not is refused weighted
    /// samples: its number would be that of others.
    pub weighs: bool,
    measure: Arc<Measure>,
}

type Measure = dyn Fn(&Subject<'_>) -> Result<Option<Estimate>, MetricError> + Send + Sync;

impl Metric {
    /// A distance between two samples, or whatever else is a number of both.
    pub fn between(
        name: impl Into<String>,
        definition: impl Into<String>,
        distance: impl Fn(&PreparedSample, &PreparedSample) -> Result<f64, MetricError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Metric::of(name, definition, move |subject| {
            let distance = subject.data.map(|data| distance(subject.samples, data)).transpose()?;
            Ok(distance.map(Estimate::from))
        })
    }

    /// A number of samples and of whatever is known of them, such as the data they should be like or
    /// the model they were made by: none where it says nothing of such samples.
    pub fn of(
        name: impl Into<String>,
        definition: impl Into<String>,
        measure: impl Fn(&Subject<'_>) -> Result<Option<Estimate>, MetricError> + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        Metric {
            heading: name.clone(),
            name,
            definition: definition.into(),
            format: NumberFormat::Scientific,
            shown: Shown::Curves,
            slow: false,
            more_is_better: false,
            floor: None,
            weighs: false,
            measure: Arc::new(measure),
        }
    }

    /// The same under another heading.
    #[must_use]
    pub fn headed(mut self, heading: impl Into<String>) -> Self {
        self.heading = heading.into();
        self
    }

    /// The same, its numbers written otherwise.
    #[must_use]
    pub fn written(mut self, format: NumberFormat) -> Self {
        self.format = format;
        self
    }

    /// The same, shown elsewhere.
    #[must_use]
    pub fn shown(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }

    /// The same, taking seconds on thousands of points.
    #[must_use]
    pub fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    /// The same, of which more is better.
    #[must_use]
    pub fn more_is_better(mut self) -> Self {
        self.more_is_better = true;
        self
    }

    /// The same, taking weights into account.
    #[must_use]
    pub fn weighing(mut self) -> Self {
        self.weighs = true;
        self
    }

    /// The same, defined in other words.
    #[must_use]
    pub fn defined(mut self, definition: impl Into<String>) -> Self {
        self.definition = definition.into();
        self
    }

    /// The same, knowing what real data scores.
    #[must_use]
    pub fn above(mut self, floor: RealData) -> Self {
        self.floor = Some(floor);
        self
    }

    /// The number of a subject.
    pub fn measure(&self, subject: &Subject<'_>) -> Result<Option<Estimate>, MetricError> {
        if !self.weighs && subject.samples.weights().is_some() {
            return Err(MetricError::Weighted { metric: self.name.clone() });
        }
        (self.measure)(subject)
    }

    /// The number of `p: [n, d]` beside `q: [m, d]`.
    pub fn distance(&self, p: &ArrayView2<f64>, q: &ArrayView2<f64>) -> Result<f64, MetricError> {
        let (p, q) = PreparedSample::pair(p, q)?;
        self.number(&p, Some(&q))
    }

    /// The number alone of [`measure`](Self::measure), an error where there is none.
    pub(super) fn number(
        &self,
        samples: &PreparedSample,
        data: Option<&PreparedSample>,
    ) -> Result<f64, MetricError> {
        let nothing = || MetricError::Nothing { metric: self.name.clone() };
        Ok(self.measure(&Subject::of(samples, data))?.ok_or_else(nothing)?.value)
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metric").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A measured number, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its 95 % interval over other samples of the same size, if that is known.
    pub interval: Option<[f64; 2]>,
}

impl From<f64> for Estimate {
    fn from(value: f64) -> Self {
        Estimate { value, interval: None }
    }
}

impl From<Jackknife> for Estimate {
    fn from(jackknife: Jackknife) -> Self {
        Estimate { value: jackknife.estimate, interval: Some(jackknife.interval()) }
    }
}

/// What real data scores.
#[derive(Debug, Clone, PartialEq)]
pub struct RealData {
    /// What the data is called in tables and pictures.
    pub label: String,
    /// Which data it is, for legends.
    pub definition: String,
    /// What it scores.
    pub estimate: Estimate,
}

/// Where a study shows a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// In its CSV and JSON.
    Files,
    /// And in its tables.
    Tables,
    /// And in pictures of its own, and in tables with its spread.
    Curves,
}

/// How numbers are written in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// `1.23e-4`.
    Scientific,
    /// So many decimals.
    Decimals(usize),
    /// A share: `12.3 %`.
    Percent,
}

impl NumberFormat {
    /// The number as text.
    pub fn text(self, value: f64) -> String {
        match self {
            NumberFormat::Scientific => format!("{value:.2e}"),
            NumberFormat::Decimals(digits) => decimals(value, digits),
            NumberFormat::Percent => decimals(100.0 * value, 1) + " %",
        }
    }
}
