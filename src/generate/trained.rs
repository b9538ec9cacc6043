use std::sync::Arc;

use driftfield_networks::weights::{AnyNetwork, TrainedNetwork};
use driftfield_networks::{Architecture, DifferentiableMlp, MlpPlan, Parameters, UNetPlan};
use driftfield_problems::predictor::{NetworkPredictor, Prediction, Predictor};
use driftfield_problems::process::{self, SharedPath};
use driftfield_problems::standardisation::Standardisation;
use driftfield_solvers::HostState;

use super::{Condition, GenerateError};

/// A trained network prepared for the CPU, with what its file says of it.
#[derive(Debug, Clone)]
pub struct TrainedField {
    /// The process it was trained on, as `--process` takes it.
    pub process: String,
    /// Name of the data it was trained on.
    pub data: String,
    /// Units of the data, of which the process runs on the standardised values.
    pub units: Standardisation,
    /// Where it came from, for messages.
    pub file: String,
    prediction: String,
    data_std: Option<f64>,
    plan: Plan,
}

#[derive(Debug, Clone)]
enum Plan {
    Mlp { plan: Arc<MlpPlan>, parameters: Arc<Parameters> },
    UNet(UNetPlan),
}

/// All but the weights.
fn about<A: Architecture>(network: TrainedNetwork<A>, file: String, plan: Plan) -> TrainedField {
    TrainedField {
        process: network.process,
        data: network.data,
        units: network.standardisation,
        prediction: network.prediction,
        data_std: network.data_std,
        file,
        plan,
    }
}

impl TrainedField {
    /// Prepares a network; `file` names it in messages.
    pub fn new(network: impl Into<AnyNetwork>, file: impl Into<String>) -> Self {
        match network.into() {
            AnyNetwork::Mlp(network) => {
                let parameters = Arc::new(network.parameters.clone());
                let plan = Plan::Mlp { plan: Arc::new(network.plan()), parameters };
                about(network, file.into(), plan)
            }
            AnyNetwork::UNet(network) => {
                let plan = Plan::UNet(network.plan());
                about(network, file.into(), plan)
            }
        }
    }

    /// Shape of a lane.
    pub fn row_shape(&self) -> Vec<usize> {
        match &self.plan {
            Plan::Mlp { plan, .. } => plan.config().row_shape(),
            Plan::UNet(plan) => plan.config().row_shape(),
        }
    }

    /// How many labels it knows; none if it is not conditioned on any.
    pub fn labels(&self) -> Option<usize> {
        match &self.plan {
            Plan::Mlp { .. } => None,
            Plan::UNet(plan) => Some(plan.config().labels),
        }
    }

    /// Root of the mean variance of a component of the data, in the units of the process, as
    /// measured in training; files of before do not say.
    pub fn data_std(&self) -> Result<f64, GenerateError> {
        self.data_std.ok_or_else(|| GenerateError::DataStd { file: self.file.clone() })
    }

    /// What it predicts.
    pub fn prediction(&self) -> Result<Prediction, GenerateError> {
        Ok(self.prediction.parse()?)
    }

    /// The residual MLP, if it is one.
    pub fn mlp(&self) -> Option<&Arc<MlpPlan>> {
        match &self.plan {
            Plan::Mlp { plan, .. } => Some(plan),
            Plan::UNet(_) => None,
        }
    }

    /// The predictor on `path`, which must be its own.
    pub fn predictor<S: HostState + Send + Sync>(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<Arc<dyn Predictor<S>>, GenerateError> {
        self.check_process(path)?;
        let (prediction, path) = (self.prediction()?, path.clone());
        Ok(match &self.plan {
            Plan::Mlp { parameters, .. } => {
                let network = DifferentiableMlp::new(parameters)?;
                Arc::new(NetworkPredictor::new(network, prediction, path))
            }
            Plan::UNet(plan) => {
                let plan = conditioned(plan, condition)?;
                Arc::new(NetworkPredictor::new(plan, prediction, path))
            }
        })
    }

    /// Refuses a path that it was not trained on.
    fn check_process(&self, path: &SharedPath) -> Result<(), GenerateError> {
        let trained = process::parse(&self.process)?.spec();
        if trained == path.spec() {
            return Ok(());
        }
        Err(GenerateError::Process { file: self.file.clone(), trained, asked: path.spec() })
    }
}

/// The network told what there is to be told.
fn conditioned(plan: &UNetPlan, condition: &Condition) -> Result<UNetPlan, GenerateError> {
    if condition.labels.is_empty() {
        return Ok(plan.clone());
    }
    let plan = plan.with_labels(condition.labels.clone())?;
    let weight = condition.guidance.unwrap_or(1.0);
    Ok(plan.with_guidance(weight)?)
}
