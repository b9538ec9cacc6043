use std::fmt;
use std::path::Path;
use std::sync::Arc;

use driftfield_networks::imported::{Description, Imported};
use driftfield_networks::modules::{Conditions, TensorNetwork};
use driftfield_networks::{Conditioned, Guidance};
use driftfield_problems::data::DataSet;
use driftfield_problems::predictor::{ModelTime, NetworkPredictor, Prediction};
use driftfield_problems::process::{self, SharedPath};
use driftfield_problems::standardisation::Standardisation;

use super::{Model, SharedPredictor, training_data};
use crate::generate::{Condition, GenerateError};

/// A network of candle tensors as a model: a module of one's own, or one read from a file of
/// PyTorch, flax, NumPy or ONNX, with labels, conditions and guidance like any other.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use driftfield::generate::{Budget, Condition, Initial, Settings, TensorModel, generate};
/// use driftfield::networks::TensorFn;
/// use driftfield::networks::modules::Conditions;
/// use driftfield::problems::method::Solver;
/// use driftfield::problems::predictor::Prediction;
/// use driftfield::problems::process;
///
/// // All data of label y is at (y, y); label 3 is none, of which all data is at 0.
/// let module = TensorFn::new(DType::F32, Device::Cpu, |x: &Tensor, _: &Tensor, told: &Conditions| {
///     let label = told.labels(x.dim(0)?)?;
///     let none = label.eq(3u32)?;
///     let label = none.where_cond(&label.zeros_like()?, &label)?.to_dtype(DType::F32)?;
///     label.reshape((x.dim(0)?, 1))?.broadcast_as(x.shape())
/// });
/// let model = TensorModel::new("mine", [2], Prediction::Data, module).labels(3);
/// let mut settings = Settings::new(Solver::parse("dpm-solver++2m")?, Budget::Evaluations(10));
/// settings.condition = Condition::labels([1, 2]).guided(2.0);
/// let made = generate(&process::parse("vp")?, &model, Initial::<f32>::Noise { lanes: 4 }, &settings)?;
/// assert!((made.complete()?[[3, 0]] - 4.0).abs() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TensorModel {
    label: String,
    source: String,
    row_shape: Vec<usize>,
    prediction: Prediction,
    assumed: bool,
    network: Arc<dyn TensorNetwork>,
    model_time: ModelTime,
    conditions: Conditions,
    away_from: Option<Conditions>,
    labels: Option<usize>,
    null_label: Option<u32>,
    process: Option<String>,
    units: Option<Standardisation>,
    data: Option<Arc<dyn DataSet>>,
    data_name: Option<String>,
    data_std: Option<f64>,
    checksum: Option<u64>,
}

impl fmt::Debug for TensorModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, row_shape, prediction, .. } = self;
        let mut shown = f.debug_struct("TensorModel");
        shown.field("label", label).field("row_shape", row_shape).field("prediction", prediction);
        shown.finish_non_exhaustive()
    }
}

/// What a network of its own lacks, it is given by name.
impl TensorModel {
    /// `network` as trained to predict `prediction` of lanes of shape `row_shape`, on any process at
    /// its own times.
    pub fn new(
        label: impl Into<String>,
        row_shape: impl Into<Vec<usize>>,
        prediction: Prediction,
        network: impl TensorNetwork + 'static,
    ) -> Self {
        let label = label.into();
        TensorModel {
            source: label.clone(),
            label,
            row_shape: row_shape.into(),
            prediction,
            assumed: false,
            network: Arc::new(network),
            model_time: ModelTime::Path,
            conditions: Conditions::default(),
            away_from: None,
            labels: None,
            null_label: None,
            process: None,
            units: None,
            data: None,
            data_name: None,
            data_std: None,
            checksum: None,
        }
    }

    /// The same, given another time.
    #[must_use]
    pub fn model_time(self, model_time: ModelTime) -> Self {
        TensorModel { model_time, ..self }
    }

    /// The same, told this of every lane.
    #[must_use]
    pub fn told(self, conditions: Conditions) -> Self {
        TensorModel { conditions, ..self }
    }

    /// The same, of which guidance keeps away from what it says under these conditions; of labels,
    /// if none are given, from those of the null label.
    #[must_use]
    pub fn away_from(self, conditions: Conditions) -> Self {
        TensorModel { away_from: Some(conditions), ..self }
    }

    /// The same, which knows the labels 0 to `count` - 1; `count` means none.
    #[must_use]
    pub fn labels(self, count: usize) -> Self {
        TensorModel { labels: Some(count), ..self }
    }

    /// The same, trained on one process, as `--process` takes it.
    #[must_use]
    pub fn trained_on_process(self, process: impl Into<String>) -> Self {
        TensorModel { process: Some(process.into()), ..self }
    }

    /// The same of data in other units than the process runs in.
    #[must_use]
    pub fn units(self, units: Standardisation) -> Self {
        TensorModel { units: Some(units), ..self }
    }

    /// The same, known to have been trained on `data`, which a study then compares with.
    #[must_use]
    pub fn trained_on(self, data: impl DataSet + 'static) -> Self {
        TensorModel { data: Some(Arc::new(data)), ..self }
    }

    /// The model of a file or a folder of someone else's; what `told` says goes before what the file
    /// says.
    ///
    /// # Errors
    ///
    /// As [`Imported::read`].
    pub fn read(
        path: impl AsRef<Path>,
        told: Description,
    ) -> Result<Arc<dyn Model>, GenerateError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        match Imported::read(path, told) {
            Ok(imported) => Self::of_imported(imported, file),
            Err(source) => Err(GenerateError::Import { file, source: Box::new(source) }),
        }
    }

    /// The model of what was read; `file` names it in messages, and its stem in tables.
    ///
    /// # Errors
    ///
    /// A network of our own architecture of which it is not known what it was trained on.
    pub fn of_imported(
        imported: Imported,
        file: impl Into<String>,
    ) -> Result<Arc<dyn Model>, GenerateError> {
        let file = file.into();
        let (network, own) = (imported.network().cloned(), imported.own().cloned());
        let Some(network) = network else {
            return match own {
                Some(own) => Ok(Arc::new(super::TrainedModel::new(own, file))),
                None => Err(GenerateError::ModelForm(file)),
            };
        };
        let stem = Path::new(&file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let told = &imported.description;
        let null = told.null_label.or(told.classes.map(|count| count as u32));
        let label = stem.unwrap_or_else(|| file.clone());
        let prediction = told.prediction.unwrap_or(Prediction::Noise);
        let model = TensorModel {
            source: file,
            assumed: told.prediction.is_none(),
            model_time: imported.model_time().clone(),
            conditions: imported.conditions.clone(),
            away_from: Some(imported.negative.clone()).filter(|negative| !negative.is_empty()),
            labels: told.classes,
            null_label: null,
            process: told.process.clone(),
            units: imported.units(),
            data_name: told.data.clone(),
            data_std: told.data_std,
            checksum: Some(imported.checksum()),
            ..Self::new(label, imported.row_shape(), prediction, network)
        };
        Ok(Arc::new(model))
    }

    fn on(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<Arc<NetworkPredictor<Conditioned>>, GenerateError> {
        if let Some(own) = &self.process {
            let trained = process::parse(own)?.spec();
            if trained != path.spec() {
                let (file, asked) = (self.source.clone(), path.spec());
                return Err(GenerateError::Process { file, trained, asked });
            }
        }
        let told = self.told_of(&condition.labels)?;
        let network = Conditioned::new(self.network.clone(), self.row_shape.clone(), told)?;
        let network = match condition.guidance {
            None | Some(1.0) => network,
            Some(weight) => network.guided(self.guidance(weight, path, condition)?)?,
        };
        let predictor = NetworkPredictor::new(network, self.prediction, path.clone());
        Ok(Arc::new(predictor.model_time(self.model_time.clone())))
    }

    /// The conditions with these labels, or with none.
    fn told_of(&self, labels: &[u32]) -> Result<Conditions, GenerateError> {
        let null = self.labels.map(|_| self.null());
        let labels = if labels.is_empty() { null.as_slice() } else { labels };
        if labels.is_empty() {
            return Ok(self.conditions.clone());
        }
        let labelled = Conditions::labelled(labels).map_err(GenerateError::backend)?;
        Ok(Conditions { labels: labelled.labels, ..self.conditions.clone() })
    }

    /// The label that means none.
    fn null(&self) -> u32 {
        self.null_label.unwrap_or(self.labels.unwrap_or(0) as u32)
    }

    fn guidance(
        &self,
        weight: f64,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<Guidance, GenerateError> {
        let away_from = match (&self.away_from, &condition.negative[..]) {
            (Some(away_from), []) => away_from.clone(),
            (_, negative) => self.told_of(negative)?,
        };
        let guidance = Guidance::new(weight, away_from)?.rescaled(condition.rescale)?;
        let Some(interval) = condition.interval else { return Ok(guidance) };
        let (first, last) = interval.times(path);
        let of_network = |t: f64| self.model_time.at(path, t);
        let (first, last) = (of_network(first)?, of_network(last)?);
        Ok(guidance.between(first.min(last), first.max(last))?)
    }
}

impl Model for TensorModel {
    fn label(&self) -> &str {
        &self.label
    }

    fn source(&self) -> &str {
        &self.source
    }

    fn checksum(&self) -> Option<u64> {
        self.checksum
    }

    fn row_shape(&self) -> Vec<usize> {
        self.row_shape.clone()
    }

    fn predictor_f64(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError> {
        Ok(self.on(path, condition)?)
    }

    fn predictor_f32(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f32>, GenerateError> {
        Ok(self.on(path, condition)?)
    }

    fn labels(&self) -> Option<usize> {
        self.labels
    }

    fn assumption(&self) -> Option<&'static str> {
        self.assumed.then_some(
            "nothing says what the network predicts, and it is taken for noise; say it with \
             --prediction (`prediction=` behind the file)",
        )
    }

    fn knows_what_to_avoid(&self) -> bool {
        self.away_from.is_some()
    }

    fn units(&self) -> Option<&Standardisation> {
        self.units.as_ref()
    }

    fn data(&self) -> Result<Option<Arc<dyn DataSet>>, GenerateError> {
        match (&self.data, &self.data_name) {
            (Some(data), _) => Ok(Some(data.clone())),
            (None, Some(name)) => training_data::of(&self.source, name).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn data_std(&self) -> Result<f64, GenerateError> {
        self.data_std.ok_or_else(|| GenerateError::DataStd { model: self.source.clone() })
    }

    fn process(&self) -> Option<&str> {
        self.process.as_deref()
    }
}
