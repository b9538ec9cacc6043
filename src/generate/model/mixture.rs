use std::sync::Arc;

use driftfield_problems::data::{DataSet, SampleRng};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::process::SharedPath;
use ndarray::{Array2, s};

use super::{Model, SharedPredictor};
use crate::generate::{Condition, GenerateError};

/// The exact predictor of a Gaussian mixture, on any path.
#[derive(Debug, Clone)]
pub struct MixtureModel {
    mixture: Arc<GaussianMixture>,
}

impl MixtureModel {
    /// The model of data that is distributed like `mixture`.
    pub fn new(mixture: impl Into<Arc<GaussianMixture>>) -> Self {
        MixtureModel { mixture: mixture.into() }
    }

    /// The model of a mixture in a JSON file.
    pub fn read(file: &str) -> Result<Self, GenerateError> {
        match GaussianMixture::read(file) {
            Ok(mixture) => Ok(Self::new(mixture)),
            Err(source) => Err(GenerateError::Mixture { file: file.to_owned(), source }),
        }
    }

    fn on(&self, path: &SharedPath) -> Arc<MixturePredictor> {
        Arc::new(MixturePredictor::new(self.mixture.clone(), path.clone()))
    }
}

impl Model for MixtureModel {
    fn label(&self) -> &str {
        "exact"
    }

    fn source(&self) -> &str {
        "the exact field of a mixture"
    }

    fn row_shape(&self) -> Vec<usize> {
        vec![self.mixture.dimension()]
    }

    fn predictor_f64(
        &self,
        path: &SharedPath,
        _: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError> {
        Ok(self.on(path))
    }

    fn predictor_f32(
        &self,
        path: &SharedPath,
        _: &Condition,
    ) -> Result<SharedPredictor<f32>, GenerateError> {
        Ok(self.on(path))
    }

    fn data(&self) -> Result<Option<Arc<dyn DataSet>>, GenerateError> {
        Ok(Some(Arc::new(Points(self.mixture.clone()))))
    }

    fn data_std(&self) -> Result<f64, GenerateError> {
        Ok((self.mixture.covariance().trace() / self.mixture.dimension() as f64).sqrt())
    }

    fn mean_square(&self) -> Option<f64> {
        let centre = self.mixture.mean().iter().map(|mean| mean * mean).sum::<f64>();
        Some(self.data_std().ok()?.powi(2) + centre / self.mixture.dimension() as f64)
    }

    fn is_exact(&self) -> bool {
        true
    }
}

/// The points of [`GaussianMixture::draw`], whose streams are others than those of a mixture as a
/// data set: the numbers of studies of exact models rest on them.
#[derive(Debug)]
struct Points(Arc<GaussianMixture>);

impl DataSet for Points {
    fn dimension(&self) -> usize {
        self.0.dimension()
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        DataSet::draw(&*self.0, rng, point);
    }

    fn sample_from(&self, first: u64, n: usize, seed: u64) -> Array2<f64> {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let all = self.0.draw(first.saturating_add(n), seed);
        all.slice(s![first.., ..]).to_owned()
    }
}
