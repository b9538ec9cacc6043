use std::sync::Arc;

use driftfield_problems::field::{EmpiricalPredictor, GaussianMixture, MixturePredictor};
use driftfield_problems::network::MlpPlan;
use driftfield_problems::npy;
use driftfield_problems::predictor::{NetworkPredictor, Prediction, Predictor};
use driftfield_problems::process::{self, SharedPath};
use driftfield_problems::weights::{Standardisation, TrainedNetwork};
use driftfield_solvers::HostState;
use ndarray::Array2;

use super::{GenerateError, shipped};

/// What is known of the data: an exact function or a trained network.
#[derive(Debug, Clone)]
pub enum Field {
    /// The exact field of a Gaussian mixture.
    Mixture(Arc<GaussianMixture>),
    /// The exact field of a data set, each point smoothed by a Gaussian.
    Empirical {
        /// The points, `[n, d]`.
        data: Arc<Array2<f64>>,
        /// Standard deviation of the smoothing.
        smoothing: f64,
    },
    /// A trained network.
    Trained {
        /// The network and what belongs to it.
        network: Arc<TrainedNetwork>,
        /// The network prepared for the CPU.
        plan: Arc<MlpPlan>,
        /// Where it came from, for messages.
        file: String,
    },
}

impl Field {
    /// The field written `exact:FILE.json`, `empirical:FILE.npy[:smoothing]` or
    /// `FILE.safetensors`. A weights file that does not exist is looked for
    /// among the shipped ones, which may also be given by name (`cat-vp`).
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
        let network = match shipped(text) {
            Some(bytes) if !std::path::Path::new(text).is_file() => {
                TrainedNetwork::from_bytes(bytes)
            }
            _ if text.ends_with(".safetensors") => TrainedNetwork::load(text),
            _ => return Err(GenerateError::FieldForm(text.to_owned())),
        };
        match network {
            Ok(network) => Ok(Self::trained(network, text)),
            Err(source) => Err(GenerateError::Weights { file: text.to_owned(), source }),
        }
    }

    fn parse_empirical(rest: &str) -> Result<Field, GenerateError> {
        let (file, smoothing) = match rest.rsplit_once(':') {
            _ if rest.ends_with(".npy") => (rest, 0.0),
            Some((file, smoothing)) => {
                let form = || GenerateError::FieldForm(format!("empirical:{rest}"));
                (file, smoothing.parse().map_err(|_| form())?)
            }
            None => (rest, 0.0),
        };
        Ok(Field::Empirical { data: Arc::new(npy::read_matrix::<f64>(file)?), smoothing })
    }

    /// A trained network.
    pub fn trained(network: TrainedNetwork, file: impl Into<String>) -> Field {
        let plan = Arc::new(network.plan());
        Field::Trained { network: Arc::new(network), plan, file: file.into() }
    }

    /// Components of one lane.
    pub fn dimension(&self) -> usize {
        match self {
            Field::Mixture(mixture) => mixture.dimension(),
            Field::Empirical { data, .. } => data.ncols(),
            Field::Trained { network, .. } => network.dimension(),
        }
    }

    /// The predictor on `path`; a network's own path must be the one asked for.
    pub fn predictor<S: HostState>(
        &self,
        path: &SharedPath,
    ) -> Result<Arc<dyn Predictor<S>>, GenerateError> {
        Ok(match self {
            Field::Mixture(mixture) => {
                Arc::new(MixturePredictor::new(mixture.clone(), path.clone()))
            }
            Field::Empirical { data, smoothing } => {
                Arc::new(EmpiricalPredictor::new(data.clone(), *smoothing, path.clone())?)
            }
            Field::Trained { network, plan, file } => {
                let trained = process::parse(&network.process)?.spec();
                if trained != path.spec() {
                    let (file, asked) = (file.clone(), path.spec());
                    return Err(GenerateError::Process { file, trained, asked });
                }
                let prediction: Prediction = network.prediction.parse()?;
                Arc::new(NetworkPredictor::new(plan.clone(), prediction, path.clone()))
            }
        })
    }

    /// Units of the data, where the process runs in others.
    pub fn units(&self) -> Option<&Standardisation> {
        match self {
            Field::Trained { network, .. } => Some(&network.standardisation),
            Field::Mixture(_) | Field::Empirical { .. } => None,
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

    /// Whether the field is exact rather than trained.
    pub fn is_exact(&self) -> bool {
        !matches!(self, Field::Trained { .. })
    }
}
