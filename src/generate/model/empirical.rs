use std::sync::Arc;

use driftfield_problems::checksum;
use driftfield_problems::data::{DataSet, FiniteData, Mnist};
use driftfield_problems::exact::EmpiricalPredictor;
use driftfield_problems::npy;
use driftfield_problems::process::SharedPath;
use driftfield_problems::standardisation::Standardisation;
use ndarray::{Array2, Axis};

use super::field::POINTS;
use super::{Model, SharedPredictor};
use crate::generate::{Condition, GenerateError};

/// The exact predictor of a data set, each point smoothed by a Gaussian, on any path.
#[derive(Debug, Clone)]
pub struct EmpiricalModel {
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

impl EmpiricalModel {
    /// The digits under `train-*` of a directory, on pixels from -1 to 1 as networks are trained
    /// on.
    pub fn digits(directory: &str, smoothing: f64) -> Result<Self, GenerateError> {
        let mut points = Mnist::read(directory)?.train.pixels;
        let units = Standardisation::of_pixels(points.ncols());
        units.apply(&mut points)?;
        Ok(EmpiricalModel {
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
        Ok(EmpiricalModel { points, smoothing, row_shape, units: None, file })
    }

    /// The model written `FILE.npy[:smoothing]` or `mnist:DIR[:smoothing]`.
    pub(super) fn parse(text: &str) -> Result<Self, GenerateError> {
        let digits = text.strip_prefix("mnist:");
        let given = digits.unwrap_or(text);
        let (file, smoothing) = match given.rsplit_once(':') {
            // What is no number belongs to the name.
            Some((file, number)) => match number.parse::<f64>() {
                Ok(smoothing) => (file, smoothing),
                Err(_) if given.ends_with(".npy") || digits.is_some() => (given, 0.0),
                Err(_) => return Err(GenerateError::ModelForm(format!("{POINTS}{text}"))),
            },
            None => (given, 0.0),
        };
        match digits {
            Some(_) => EmpiricalModel::digits(file, smoothing),
            None => EmpiricalModel::read(file, smoothing),
        }
    }

    fn on(&self, path: &SharedPath) -> Result<Arc<EmpiricalPredictor>, GenerateError> {
        let smoothing = self.process_smoothing();
        Ok(Arc::new(EmpiricalPredictor::new(self.points.clone(), smoothing, path.clone())?))
    }

    /// Standard deviation of the smoothing, in the units the process runs in.
    fn process_smoothing(&self) -> f64 {
        self.smoothing / self.units.as_ref().map_or(1.0, |units| units.std[0])
    }
}

impl Model for EmpiricalModel {
    fn label(&self) -> &str {
        "exact"
    }

    fn source(&self) -> &str {
        &self.file
    }

    fn checksum(&self) -> Option<u64> {
        Some(checksum::of(self.points.iter().map(|number| number.to_le_bytes())))
    }

    fn row_shape(&self) -> Vec<usize> {
        self.row_shape.clone()
    }

    fn predictor_f64(
        &self,
        path: &SharedPath,
        _: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError> {
        Ok(self.on(path)?)
    }

    fn predictor_f32(
        &self,
        path: &SharedPath,
        _: &Condition,
    ) -> Result<SharedPredictor<f32>, GenerateError> {
        Ok(self.on(path)?)
    }

    fn units(&self) -> Option<&Standardisation> {
        self.units.as_ref()
    }

    fn data(&self) -> Result<Option<Arc<dyn DataSet>>, GenerateError> {
        let mut points = (*self.points).clone();
        if let Some(units) = &self.units {
            units.undo(&mut points)?;
        }
        let points = FiniteData::new(points)?.with_smoothing(self.smoothing);
        Ok(Some(Arc::new(points.with_row_shape(self.row_shape.clone()))))
    }

    fn data_std(&self) -> Result<f64, GenerateError> {
        Ok(Standardisation::spread(&self.points).hypot(self.process_smoothing()))
    }

    fn mean_square(&self) -> Option<f64> {
        let squared = |mean: ndarray::Array1<f64>| mean.dot(&mean) / mean.len() as f64;
        let centre = self.points.mean_axis(Axis(0)).map_or(0.0, squared);
        Some(self.data_std().ok()?.powi(2) + centre)
    }

    fn is_exact(&self) -> bool {
        true
    }
}
