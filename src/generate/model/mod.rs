//! Models: what is known of the data, and by what name.
//!
//! A [`Model`] is asked for a predictor on a path. The exact ones ([`MixtureModel`],
//! [`EmpiricalModel`]) run on any path, a [`TrainedModel`] on its own. A network of one's own
//! becomes a model by [`NetworkModel`], one of candle tensors or of someone else's file by
//! [`TensorModel`], a predictor around that of another model by [`Around`], and
//! anything else by implementing the trait, of which three functions are enough.

mod around;
mod empirical;
mod field;
mod foreign;
mod mixture;
mod network;
mod precision;
mod rounded;
mod tensor_model;
mod trained;
mod training_data;

pub use around::Around;
pub use empirical::EmpiricalModel;
pub use field::Field;
pub use foreign::Foreign;
pub use mixture::MixtureModel;
pub use network::NetworkModel;
pub use precision::Precision;
pub use tensor_model::TensorModel;
pub use trained::TrainedModel;

use std::fmt;
use std::sync::Arc;

use driftfield_problems::data::DataSet;
use driftfield_problems::predictor::Predictor;
use driftfield_problems::process::SharedPath;
use driftfield_problems::standardisation::Standardisation;
use driftfield_solvers::HostState;
use ndarray::{ArrayD, ArrayView2};

use super::{Condition, GenerateError};
use rounded::Rounded;

/// A predictor of arrays of lanes, `[n, ..]`.
pub type SharedPredictor<T> = Arc<dyn Predictor<ArrayD<T>>>;

/// What is known of the data: a source of predictors, with a label.
///
/// States are arrays `[n, ..]` of `n` lanes of shape [`row_shape`](Model::row_shape), in the units
/// that the process runs in.
///
/// ```
/// use std::sync::Arc;
/// use driftfield::generate::{Budget, Condition, GenerateError, Initial, Model, Settings};
/// use driftfield::generate::{SharedPredictor, generate};
/// use driftfield::problems::method::Solver;
/// use driftfield::problems::predictor::{NetworkPredictor, Prediction};
/// use driftfield::problems::process::{self, SharedPath};
/// use ndarray::{ArrayD, ArrayView2};
///
/// /// All data is one point of the plane.
/// struct OnePoint([f64; 2]);
///
/// impl Model for OnePoint {
///     fn label(&self) -> &str {
///         "one point"
///     }
///     fn row_shape(&self) -> Vec<usize> {
///         vec![2]
///     }
///     fn predictor_f64(
///         &self,
///         path: &SharedPath,
///         _: &Condition,
///     ) -> Result<SharedPredictor<f64>, GenerateError> {
///         let point = self.0;
///         let data = move |out: &mut ArrayD<f64>, _x: &ArrayD<f64>, _t: f64| {
///             out.rows_mut().into_iter().for_each(|mut row| row.assign(&ndarray::arr1(&point)));
///         };
///         Ok(Arc::new(NetworkPredictor::new(data, Prediction::Data, path.clone())))
///     }
/// }
///
/// let path = process::parse("vp")?;
/// let (noise, settings) =
///     (Initial::<f64>::Noise { lanes: 5 }, Settings::new(Solver::parse("heun")?, Budget::Steps(50)));
/// let samples = generate(&path, &OnePoint([1.0, -2.0]), noise, &settings)?.complete()?;
/// assert!((samples[[4, 1]] + 2.0).abs() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Model: Send + Sync {
    /// What it is called in tables, curves and names of files.
    fn label(&self) -> &str;

    /// Where it came from, for messages: its label, unless a file says more.
    fn source(&self) -> &str {
        self.label()
    }

    /// A checksum of the weights or points it was read from, if it was.
    fn checksum(&self) -> Option<u64> {
        None
    }

    /// Shape of one lane.
    fn row_shape(&self) -> Vec<usize>;

    /// The predictor on `path` of lanes under `condition`, in double precision. Refuses a path that
    /// is not the model's.
    fn predictor_f64(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError>;

    /// The same in single precision; by default that of double precision, rounded.
    fn predictor_f32(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f32>, GenerateError> {
        Ok(Arc::new(Rounded(self.predictor_f64(path, condition)?)))
    }

    /// How many labels it knows, if it can be told any.
    fn labels(&self) -> Option<usize> {
        None
    }

    /// Whether guidance has something to keep away from without labels.
    fn knows_what_to_avoid(&self) -> bool {
        false
    }

    /// What nobody says of it and is taken for granted, in a sentence for whoever uses it.
    fn assumption(&self) -> Option<&'static str> {
        None
    }

    /// Units of the data, where the process runs in others.
    fn units(&self) -> Option<&Standardisation> {
        None
    }

    /// The data it generates, in its own units, if that is at hand.
    fn data(&self) -> Result<Option<Arc<dyn DataSet>>, GenerateError> {
        Ok(None)
    }

    /// Root of the mean variance of a component of the data, in the units of the process.
    fn data_std(&self) -> Result<f64, GenerateError> {
        Err(GenerateError::DataStd { model: self.source().to_owned() })
    }

    /// Mean square of a component of the data in the units of the process, or a bound from above;
    /// none where nothing is known.
    fn mean_square(&self) -> Option<f64> {
        None
    }

    /// Weights of samples, `[n, d]` in the units of the data, where they stand for another
    /// distribution than the one they are drawn of, as draws of a prior do for a posterior by the
    /// likelihood of each; none where each stands for itself.
    fn weights(&self, samples: &ArrayView2<'_, f64>) -> Result<Option<Vec<f64>>, GenerateError> {
        let _ = samples;
        Ok(None)
    }

    /// Whether it is exact, and so worth double precision and tight tolerances.
    fn is_exact(&self) -> bool {
        false
    }

    /// The one process it runs on, as `--process` takes it, if it has one.
    fn process(&self) -> Option<&str> {
        None
    }
}

impl fmt::Debug for dyn Model + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Model").field(&self.label()).finish()
    }
}

impl<'m> dyn Model + 'm {
    /// Components of one lane.
    pub fn dimension(&self) -> usize {
        self.row_shape().iter().product()
    }

    /// The predictor on `path` of lanes under `condition`, in the precision of the states.
    pub fn predictor<T: Precision>(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<T>, GenerateError> {
        self.check_condition(condition)?;
        T::predictor(self, path, condition)
    }

    /// Refuses labels and guidance that it does not know.
    pub(crate) fn check_condition(&self, condition: &Condition) -> Result<(), GenerateError> {
        condition.check(self.labels(), self.knows_what_to_avoid(), self.source())
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
}

/// The model written `exact` (of the cat), `exact:FILE.json`, `empirical:FILE.npy[:smoothing]`,
/// `empirical:mnist:DIR[:smoothing]` or `FILE.safetensors`, or a network of someone else's,
/// `FILE[:key=value,..]`, of PyTorch (`.pt`), flax (`.msgpack`), NumPy (`.npz`) or ONNX, a folder that
/// diffusers saved, or one of the hub that is in its cache (`hf:ORG/NAME/FILE`), the keys of which are
/// those of a [`Description`](driftfield_networks::imported::Description). A weights file that does
/// not exist is looked for among the shipped ones, which may also be given by name (`cat-vp`).
/// [`Field`] knows `trained` as well, which depends on the process.
pub fn parse(text: &str) -> Result<Arc<dyn Model>, GenerateError> {
    if text == field::EXACT {
        return field::exact_cat();
    }
    if let Some(file) = text.strip_prefix(field::MIXTURE) {
        return Ok(Arc::new(MixtureModel::read(file)?));
    }
    if let Some(rest) = text.strip_prefix(field::POINTS) {
        return Ok(Arc::new(EmpiricalModel::parse(rest)?));
    }
    match foreign::Foreign::parse(text)? {
        Some(foreign) => foreign.model(),
        None => Ok(Arc::new(TrainedModel::read(text)?)),
    }
}
