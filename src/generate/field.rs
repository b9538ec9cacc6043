use std::sync::Arc;

use driftfield_problems::data::Mnist;
use driftfield_problems::field::{
    EmpiricalError, EmpiricalPredictor, GaussianMixture, MixturePredictor,
};
use driftfield_problems::npy;
use driftfield_problems::predictor::{DifferentiablePredictor, Predictor};
use driftfield_problems::process::SharedPath;
use driftfield_problems::weights::{AnyNetwork, Standardisation};
use driftfield_solvers::{HostState, State};
use ndarray::{Array2, Axis};

use super::shipped::file_of;
use super::{Condition, GenerateError, TrainedField, shipped};

/// What is known of the data: an exact function or a trained network.
#[derive(Debug, Clone)]
pub enum Field {
    /// The exact field of a Gaussian mixture.
    Mixture(Arc<GaussianMixture>),
    /// The exact field of a data set, each point smoothed by a Gaussian.
    Empirical(Arc<EmpiricalField>),
    /// A trained network.
    Trained(Arc<TrainedField>),
}

/// A data set as a field.
#[derive(Debug, Clone)]
pub struct EmpiricalField {
    /// The points in the units the process runs in, `[n, d]`.
    pub points: Arc<Array2<f64>>,
    /// Standard deviation of the smoothing, in the units of the data.
    pub smoothing: f64,
    /// Shape of a point.
    pub row_shape: Vec<usize>,
    /// Units of the data, where the process runs in others; of one scale for all components.
    pub units: Option<Standardisation>,
    /// Where it came from, for messages.
    pub file: String,
}

impl EmpiricalField {
    /// The digits under `train-*` of a directory, on pixels from -1 to 1 as networks are trained
    /// on.
    pub fn digits(directory: &str, smoothing: f64) -> Result<Self, GenerateError> {
        let mut points = Mnist::read(directory)?.train.pixels;
        let units = Standardisation::of_pixels(points.ncols());
        units.apply(&mut points)?;
        Ok(EmpiricalField {
            points: Arc::new(points),
            smoothing,
            row_shape: vec![1, Mnist::SIDE, Mnist::SIDE],
            units: Some(units),
            file: format!("mnist:{directory}"),
        })
    }

    /// The lanes of an `.npy` file of any shape, in its own units.
    pub fn read(file: &str, smoothing: f64) -> Result<Self, GenerateError> {
        let (points, row_shape) = npy::read_rows::<f64>(file)?;
        let (points, file) = (Arc::new(points), file.to_owned());
        Ok(EmpiricalField { points, smoothing, row_shape, units: None, file })
    }

    fn predictor(&self, path: &SharedPath) -> Result<EmpiricalPredictor, EmpiricalError> {
        EmpiricalPredictor::new(self.points.clone(), self.process_smoothing(), path.clone())
    }

    /// Standard deviation of the smoothing, in the units the process runs in.
    fn process_smoothing(&self) -> f64 {
        self.smoothing / self.units.as_ref().map_or(1.0, |units| units.std[0])
    }
}

impl Field {
    /// The field written `exact:FILE.json`, `empirical:FILE.npy[:smoothing]`,
    /// `empirical:mnist:DIR[:smoothing]` or `FILE.safetensors`. A weights file that does not exist is looked for
    /// among the shipped ones, which may also be given by name (`cat-vp`); the networks of digits
    /// in the directory `DRIFTFIELD_WEIGHTS`, in `weights` beside the program and in `weights`.
    pub fn parse(text: &str) -> Result<Field, GenerateError> {
        if let Some(file) = text.strip_prefix("exact:") {
            return match GaussianMixture::read(file) {
                Ok(mixture) => Ok(Field::Mixture(Arc::new(mixture))),
                Err(source) => Err(GenerateError::Mixture { file: file.to_owned(), source }),
            };
        }
        if let Some(rest) = text.strip_prefix("empirical:") {
            return Self::parse_empirical(rest);
        }
        let (network, file) = match shipped(text) {
            Some(bytes) if !std::path::Path::new(text).is_file() => {
                (AnyNetwork::from_bytes(bytes), text.to_owned())
            }
            _ => match file_of(text)? {
                Some(file) => (AnyNetwork::load(&file), file.display().to_string()),
                None => return Err(GenerateError::FieldForm(text.to_owned())),
            },
        };
        match network {
            Ok(network) => Ok(Self::trained(network, file)),
            Err(source) => Err(GenerateError::Weights { file, source }),
        }
    }

    fn parse_empirical(rest: &str) -> Result<Field, GenerateError> {
        let digits = rest.strip_prefix("mnist:");
        let given = digits.unwrap_or(rest);
        let (file, smoothing) = match given.rsplit_once(':') {
            // What is no number belongs to the name.
            Some((file, number)) => match number.parse::<f64>() {
                Ok(smoothing) => (file, smoothing),
                Err(_) if given.ends_with(".npy") || digits.is_some() => (given, 0.0),
                Err(_) => return Err(GenerateError::FieldForm(format!("empirical:{rest}"))),
            },
            None => (given, 0.0),
        };
        let field = match digits {
            Some(_) => EmpiricalField::digits(file, smoothing)?,
            None => EmpiricalField::read(file, smoothing)?,
        };
        Ok(Field::Empirical(Arc::new(field)))
    }

    /// A trained network; `file` names it in messages.
    pub fn trained(network: impl Into<AnyNetwork>, file: impl Into<String>) -> Field {
        Field::Trained(Arc::new(TrainedField::new(network, file)))
    }

    /// Shape of one lane.
    pub fn row_shape(&self) -> Vec<usize> {
        match self {
            Field::Mixture(mixture) => vec![mixture.dimension()],
            Field::Empirical(data) => data.row_shape.clone(),
            Field::Trained(network) => network.row_shape(),
        }
    }

    /// Components of one lane.
    pub fn dimension(&self) -> usize {
        self.row_shape().iter().product()
    }

    /// How many labels the field knows, if it can be told any.
    pub fn labels(&self) -> Option<usize> {
        match self {
            Field::Trained(network) => network.labels(),
            Field::Mixture(_) | Field::Empirical(_) => None,
        }
    }

    /// Refuses labels and guidance that the field does not know.
    pub(crate) fn check_condition(&self, condition: &Condition) -> Result<(), GenerateError> {
        condition.check(self.labels(), self.name())
    }

    /// The predictor on `path` of lanes under `condition`; a network's own path must be the one
    /// asked for.
    pub fn predictor<S: HostState>(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<Arc<dyn Predictor<S>>, GenerateError> {
        self.check_condition(condition)?;
        Ok(match self {
            Field::Mixture(mixture) => {
                Arc::new(MixturePredictor::new(mixture.clone(), path.clone()))
            }
            Field::Empirical(data) => Arc::new(data.predictor(path)?),
            Field::Trained(network) => network.predictor(path, condition)?,
        })
    }

    /// The same, differentiable in the state.
    pub fn differentiable<S: HostState + State>(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<Arc<dyn DifferentiablePredictor<S>>, GenerateError> {
        self.check_condition(condition)?;
        Ok(match self {
            Field::Mixture(mixture) => {
                Arc::new(MixturePredictor::new(mixture.clone(), path.clone()))
            }
            Field::Empirical(data) => Arc::new(data.predictor(path)?),
            Field::Trained(network) => network.differentiable(path, condition)?,
        })
    }

    /// What it is called in messages.
    fn name(&self) -> &str {
        match self {
            Field::Mixture(_) => "the exact field of a mixture",
            Field::Empirical(data) => &data.file,
            Field::Trained(network) => &network.file,
        }
    }

    /// Units of the data, where the process runs in others.
    pub fn units(&self) -> Option<&Standardisation> {
        match self {
            Field::Trained(network) => Some(&network.units),
            Field::Empirical(data) => data.units.as_ref(),
            Field::Mixture(_) => None,
        }
    }

    /// From the units of the data to those the process runs in.
    pub fn to_process_units<S: HostState>(&self, state: &mut S) -> Result<(), GenerateError> {
        if let Some(units) = self.units() {
            units.apply(state)?;
        }
        Ok(())
    }

    /// From the units the process runs in to those of the data.
    pub fn to_data_units<S: HostState>(&self, state: &mut S) -> Result<(), GenerateError> {
        if let Some(units) = self.units() {
            units.undo(state)?;
        }
        Ok(())
    }

    /// Root of the mean variance of a component of the data, in the units of the process.
    /// A network's file says it, unless it was made before that was so.
    pub fn data_std(&self) -> Result<f64, GenerateError> {
        match self {
            Field::Mixture(mixture) => {
                Ok((mixture.covariance().trace() / mixture.dimension() as f64).sqrt())
            }
            Field::Empirical(data) => {
                Ok(Standardisation::spread(&data.points).hypot(data.process_smoothing()))
            }
            Field::Trained(network) => network.data_std(),
        }
    }

    /// Mean square of a component of the data, in the units of the process; of a network, whose
    /// data is not kept, an estimate from above, if its [spread](Field::data_std) is known.
    pub(super) fn mean_square(&self) -> Option<f64> {
        let centre = match self {
            Field::Mixture(mixture) => {
                mixture.mean().iter().map(|mean| mean * mean).sum::<f64>()
                    / mixture.dimension() as f64
            }
            Field::Empirical(data) => data
                .points
                .mean_axis(Axis(0))
                .map_or(0.0, |mean| mean.iter().map(|x| x * x).sum::<f64>() / mean.len() as f64),
            // Points are centred, and pixels lie between -1 and 1.
            Field::Trained(_) => 1.0,
        };
        Some(self.data_std().ok()?.powi(2) + centre)
    }

    /// Whether the field is exact rather than trained.
    pub fn is_exact(&self) -> bool {
        !matches!(self, Field::Trained(_))
    }
}
