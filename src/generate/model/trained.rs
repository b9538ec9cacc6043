use std::path::Path;
use std::sync::Arc;

use driftfield_networks::Plan;
use driftfield_networks::weights::{self, AnyNetwork};
use driftfield_problems::checksum;
use driftfield_problems::data::DataSet;
use driftfield_problems::predictor::{NetworkPredictor, Prediction, Predictor};
use driftfield_problems::process::{self, SharedPath};
use driftfield_problems::standardisation::Standardisation;
use driftfield_solvers::HostState;

use super::{Model, SharedPredictor, TensorModel, training_data};
use crate::generate::shipped::file_of;
use crate::generate::{Condition, GenerateError, shipped};

/// A trained network prepared for the CPU, with what its file says of it.
#[derive(Debug, Clone)]
pub struct TrainedModel {
    /// The process it was trained on, as `--process` takes it; empty if nobody says, and then any.
    pub process: String,
    /// Name of the data it was trained on; empty if nobody says.
    pub data: String,
    /// Units of the data, of which the process runs on the standardised values.
    pub units: Standardisation,
    /// Where it came from, for messages.
    pub file: String,
    prediction: String,
    data_std: Option<f64>,
    plan: Plan,
    checksum: Option<u64>,
}

impl TrainedModel {
    /// Prepares a network; `file` names it in messages.
    pub fn new(network: impl Into<AnyNetwork>, file: impl Into<String>) -> Self {
        let network = network.into();
        TrainedModel {
            process: network.process,
            data: network.data,
            units: network.standardisation,
            prediction: network.prediction,
            data_std: network.data_std,
            file: file.into(),
            plan: network.plan,
            checksum: None,
        }
    }

    /// The network of the bytes of a `.safetensors` file.
    pub fn from_bytes(bytes: &[u8], file: impl Into<String>) -> Result<Self, GenerateError> {
        let file = file.into();
        match AnyNetwork::from_bytes(bytes) {
            Ok(network) => {
                let checksum = Some(checksum::of([bytes]));
                Ok(TrainedModel { checksum, ..Self::new(network, file) })
            }
            Err(source) => Err(GenerateError::Weights { file, source }),
        }
    }

    /// The network of a `.safetensors` file, or a shipped one by name (`cat-vp`); the networks of
    /// digits are looked for in the directory `DRIFTFIELD_WEIGHTS`, in `weights` beside the program
    /// and in `weights`.
    pub fn read(text: &str) -> Result<Self, GenerateError> {
        if let Some(bytes) = shipped(text).filter(|_| !Path::new(text).is_file()) {
            return Self::from_bytes(bytes, text);
        }
        let path = file_of(text)?.ok_or_else(|| GenerateError::ModelForm(text.to_owned()))?;
        let file = path.display().to_string();
        match weights::bytes_of(&path) {
            Ok(bytes) => Self::from_bytes(&bytes, file),
            Err(source) => Err(GenerateError::Weights { file, source }),
        }
    }

    /// What it predicts.
    pub fn prediction(&self) -> Result<Prediction, GenerateError> {
        Ok(self.prediction.parse()?)
    }

    /// The network itself.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The predictor on `path`, which must be its own.
    pub fn predictor<S: HostState + Send + Sync>(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<Arc<dyn Predictor<S>>, GenerateError> {
        Ok(Arc::new(self.on(path, condition)?))
    }

    fn on(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<NetworkPredictor<Plan>, GenerateError> {
        self.check_process(path)?;
        let plan = conditioned(&self.plan, condition)?;
        Ok(NetworkPredictor::new(plan, self.prediction()?, path.clone()))
    }

    /// The same as a network of tensors, for guidance that a plan does not know.
    fn as_tensors(&self) -> Result<TensorModel, GenerateError> {
        let prediction = self.prediction()?;
        let model = TensorModel::new(&self.file, self.row_shape(), prediction, self.plan.clone());
        Ok(model.labels(self.plan.known_labels()).trained_on_process(&self.process))
    }

    /// Refuses a path that it was not trained on.
    pub(super) fn check_process(&self, path: &SharedPath) -> Result<(), GenerateError> {
        if self.process.is_empty() {
            return Ok(());
        }
        let trained = process::parse(&self.process)?.spec();
        if trained == path.spec() {
            return Ok(());
        }
        Err(GenerateError::Process { file: self.file.clone(), trained, asked: path.spec() })
    }
}

impl Model for TrainedModel {
    fn label(&self) -> &str {
        "trained"
    }

    fn source(&self) -> &str {
        &self.file
    }

    fn checksum(&self) -> Option<u64> {
        self.checksum
    }

    fn row_shape(&self) -> Vec<usize> {
        self.plan.row_shape().to_vec()
    }

    fn predictor_f64(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError> {
        if condition.refines_guidance() {
            return self.as_tensors()?.predictor_f64(path, condition);
        }
        self.predictor(path, condition)
    }

    fn predictor_f32(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f32>, GenerateError> {
        if condition.refines_guidance() {
            return self.as_tensors()?.predictor_f32(path, condition);
        }
        self.predictor(path, condition)
    }

    /// How many labels it knows; none if it is not conditioned on any.
    fn labels(&self) -> Option<usize> {
        Some(self.plan.known_labels()).filter(|&known| known > 0)
    }

    fn units(&self) -> Option<&Standardisation> {
        Some(&self.units)
    }

    fn data(&self) -> Result<Option<Arc<dyn DataSet>>, GenerateError> {
        match self.data.as_str() {
            "" => Ok(None),
            data => training_data::of(&self.file, data).map(Some),
        }
    }

    /// As measured in training; files of before do not say.
    fn data_std(&self) -> Result<f64, GenerateError> {
        self.data_std.ok_or_else(|| GenerateError::DataStd { model: self.file.clone() })
    }

    /// An estimate from above: the data is not kept, but points are centred, and pixels lie between
    /// -1 and 1.
    fn mean_square(&self) -> Option<f64> {
        Some(self.data_std.map(|std| std * std)? + 1.0)
    }

    fn process(&self) -> Option<&str> {
        Some(self.process.as_str()).filter(|process| !process.is_empty())
    }
}

/// The network told what there is to be told.
fn conditioned(plan: &Plan, condition: &Condition) -> Result<Plan, GenerateError> {
    if condition.labels.is_empty() {
        return Ok(plan.clone());
    }
    let plan = plan.with_labels(condition.labels.clone())?;
    let weight = condition.guidance.unwrap_or(1.0);
    Ok(plan.with_guidance(weight)?)
}
