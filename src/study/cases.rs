use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use driftfield_problems::data::{self, DataSet, FiniteData, Mnist, SampleRng};
use driftfield_problems::process::{self, SharedPath};

use super::pictures::slug;
use super::standard_metrics::unseen_metrics;
use super::{StudyError, label_metric, point_metrics};
use crate::generate::model::Field;
use crate::generate::{Condition, GenerateError, Model};
use crate::metrics::{Metric, Shown};

/// A process with a model and the data it should generate.
#[derive(Debug)]
pub struct Case {
    /// The process as it was asked for.
    pub process: String,
    /// The process.
    pub path: SharedPath,
    /// The model.
    pub model: Arc<dyn Model>,
    /// What the model is called in tables, curves and names of files: by default its own label.
    pub label: String,
    /// The data it should generate, if there is any at hand.
    pub data: Option<Arc<dyn DataSet>>,
    /// What the network is told of labels.
    pub condition: Condition,
    /// What is measured of the samples: by default [`point_metrics`], and of images their
    /// [labels](label_metric), or [more](super::digit_metrics) beside real ones.
    pub metrics: Vec<Metric>,
    /// Start and end of the integration, where they are not the process's own.
    pub span: (Option<f64>, Option<f64>),
    /// Set from elsewhere, it ends the solve that is being made of the case, and there is no other.
    pub stop: Arc<AtomicBool>,
}

impl Case {
    /// A case with a model of the user's.
    ///
    /// A network's data is looked for where it was trained and beside its file; see
    /// [`Case::with_data`] for data from elsewhere.
    pub fn new(process: &str, model: Arc<dyn Model>) -> Result<Self, StudyError> {
        Self::on(process, process::parse(process)?, model)
    }

    /// The same on a path of the user's, which is called `process`.
    pub fn on(
        process: impl Into<String>,
        path: SharedPath,
        model: Arc<dyn Model>,
    ) -> Result<Self, StudyError> {
        // Images are compared by their features, with those of a directory that is given.
        let by_features = is_image(&*model) && !model.is_exact();
        let data = if by_features { None } else { model.data()? };
        Self::compared_with(process.into(), path, model, data)
    }

    /// A case with a model of the user's, compared with the data set of this name.
    pub fn with_data(process: &str, model: Arc<dyn Model>, data: &str) -> Result<Self, StudyError> {
        if is_image(&*model) {
            return Err(StudyError::NoDigits { data: data.to_owned() });
        }
        let data = data::by_name(data)?;
        Self::compared_with(process.to_owned(), process::parse(process)?, model, Some(data.into()))
    }

    fn compared_with(
        process: String,
        path: SharedPath,
        model: Arc<dyn Model>,
        data: Option<Arc<dyn DataSet>>,
    ) -> Result<Self, StudyError> {
        // A network of another process is refused before anything is run.
        model.predictor::<f32>(&path, &Condition::default())?;
        if let Some(data) = &data {
            let (expected, found) = (model.dimension(), data.dimension());
            if expected != found {
                return Err(StudyError::DataDimension { expected, found });
            }
        }
        let metrics = match is_image(&*model) {
            true => image_metrics(vec![label_metric()?])?,
            false => point_metrics()?,
        };
        Ok(Case {
            process,
            path,
            label: model.label().to_owned(),
            model,
            data,
            condition: Condition::default(),
            metrics,
            span: (None, None),
            stop: Arc::default(),
        })
    }

    /// Under another label.
    #[must_use]
    pub fn labelled(self, label: impl Into<String>) -> Self {
        Case { label: label.into(), ..self }
    }

    /// With this measured of its samples as well.
    #[must_use]
    pub fn measuring(mut self, metric: Metric) -> Self {
        self.metrics.push(metric);
        self
    }

    /// Refuses two metrics of one name.
    pub(super) fn check_metrics(&self) -> Result<(), StudyError> {
        let mut names = BTreeSet::new();
        match self.metrics.iter().find(|metric| !names.insert(metric.name.as_str())) {
            Some(Metric { name, .. }) => Err(StudyError::SameMetric { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// Of lanes with these labels.
    pub fn with_condition(self, condition: Condition) -> Result<Self, StudyError> {
        self.model.predictor::<f32>(&self.path, &condition)?;
        Ok(Case { condition, ..self })
    }

    /// Beside real digits, for samples of `lanes` images; see [`Case::beside`] for more cases than
    /// one.
    pub fn with_digits(self, digits: &Mnist, lanes: usize) -> Result<Self, StudyError> {
        self.check_image()?;
        self.beside(&RealDigits::new(digits, lanes)?)
    }

    /// Beside real digits.
    pub fn beside(self, digits: &RealDigits) -> Result<Self, StudyError> {
        self.check_image()?;
        let RealDigits { metrics, unseen } = digits.clone();
        Ok(Case { metrics, data: Some(unseen), ..self })
    }

    /// Refuses lanes that no digits can be compared with.
    pub(crate) fn check_image(&self) -> Result<(), StudyError> {
        match self.is_image() {
            true => Ok(()),
            false => Err(StudyError::NoImages { case: self.label() }),
        }
    }

    /// Whether its lanes are square grey images.
    pub fn is_image(&self) -> bool {
        is_image(&*self.model)
    }

    /// The exact field of a mixture along the cat's outline.
    pub fn exact_cat(process: &str) -> Result<Self, StudyError> {
        Case::new(process, Field::parse("exact")?.model(process)?)
    }

    /// The shipped network of the process on the cat, if there is one.
    pub fn trained_cat(process: &str) -> Result<Option<Self>, StudyError> {
        match Field::Trained.model(process) {
            Ok(network) => Case::new(process, network).map(Some),
            Err(GenerateError::NotShipped { .. }) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// What names its files: the process, its parameters included, and the model.
    pub(super) fn slug(&self) -> String {
        slug(&self.process, &self.label)
    }

    /// Process and model, for progress and headings.
    pub fn label(&self) -> String {
        format!("{}, {} field", self.process, self.label)
    }
}

/// Real digits as cases are compared with them: features, floor and data worked out once for any
/// number of cases.
#[derive(Debug, Clone)]
pub struct RealDigits {
    metrics: Vec<Metric>,
    unseen: Arc<dyn DataSet>,
}

/// The digits that samples are compared with, told from others by all that the metrics know.
#[derive(Debug)]
struct Unseen {
    digits: FiniteData,
    checksum: u64,
}

impl DataSet for Unseen {
    fn dimension(&self) -> usize {
        self.digits.dimension()
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        self.digits.draw(rng, point);
    }

    fn checksum(&self) -> u64 {
        self.checksum
    }
}

impl RealDigits {
    /// Of these digits, for samples of `lanes` images; see [`digit_metrics`](super::digit_metrics).
    pub fn new(digits: &Mnist, lanes: usize) -> Result<Self, StudyError> {
        let unseen = digits.second_half().pixels;
        let metrics = image_metrics(unseen_metrics(&unseen, &digits.test, lanes)?)?;
        let unseen = Unseen { digits: FiniteData::new(unseen)?, checksum: digits.checksum() };
        Ok(RealDigits { metrics, unseen: Arc::new(unseen) })
    }
}

/// The distances of pixels say little of images, and are in the files alone.
fn image_metrics(mut metrics: Vec<Metric>) -> Result<Vec<Metric>, StudyError> {
    metrics.extend(point_metrics()?.into_iter().map(|metric| metric.shown(Shown::Files)));
    Ok(metrics)
}

/// Of the size that the shipped classifier knows.
pub(crate) fn is_image(model: &dyn Model) -> bool {
    model.row_shape() == [1, Mnist::SIDE, Mnist::SIDE]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_told_apart_by_all_that_metrics_know() {
        let digits = Mnist::read("tests/data/mnist").unwrap();
        let told = |digits: &Mnist| RealDigits::new(digits, 40).unwrap().unseen.checksum();
        let mut other = digits.clone();
        other.test.labels[0] = (other.test.labels[0] + 1) % 10;
        assert_ne!(told(&digits), told(&other));
        assert_eq!(told(&digits), told(&digits.clone()));
    }
}
