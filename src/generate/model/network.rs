use std::sync::Arc;

use driftfield_problems::data::DataSet;
use driftfield_problems::predictor::{Network, NetworkPredictor, Prediction};
use driftfield_problems::process::SharedPath;
use ndarray::ArrayD;

use super::{Model, SharedPredictor};
use crate::generate::{Condition, GenerateError};

/// A network of one's own, such as a closure, on whichever path it is asked for.
///
/// ```
/// use driftfield::generate::NetworkModel;
/// use driftfield::problems::predictor::Prediction;
/// use ndarray::ArrayD;
///
/// let noise = |out: &mut ArrayD<f64>, x: &ArrayD<f64>, t: f64| out.assign(&(x * t));
/// let model = NetworkModel::new("linear", [2], Prediction::Noise, noise);
/// # let _ = model;
/// ```
#[derive(Debug, Clone)]
pub struct NetworkModel<N> {
    label: String,
    row_shape: Vec<usize>,
    prediction: Prediction,
    network: Arc<N>,
    data: Option<Arc<dyn DataSet>>,
}

impl<N: Network<ArrayD<f64>> + 'static> NetworkModel<N> {
    /// `network` as trained to predict `prediction` of lanes of shape `row_shape`.
    pub fn new(
        label: impl Into<String>,
        row_shape: impl Into<Vec<usize>>,
        prediction: Prediction,
        network: N,
    ) -> Self {
        let (label, row_shape) = (label.into(), row_shape.into());
        NetworkModel { label, row_shape, prediction, network: Arc::new(network), data: None }
    }

    /// The same, known to have been trained on `data`, which a study then compares with.
    #[must_use]
    pub fn trained_on(mut self, data: impl DataSet + 'static) -> Self {
        self.data = Some(Arc::new(data));
        self
    }
}

impl<N: Network<ArrayD<f64>> + 'static> Model for NetworkModel<N> {
    fn label(&self) -> &str {
        &self.label
    }

    fn row_shape(&self) -> Vec<usize> {
        self.row_shape.clone()
    }

    fn predictor_f64(
        &self,
        path: &SharedPath,
        _: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError> {
        Ok(Arc::new(NetworkPredictor::new(self.network.clone(), self.prediction, path.clone())))
    }

    fn data(&self) -> Result<Option<Arc<dyn DataSet>>, GenerateError> {
        Ok(self.data.clone())
    }
}
