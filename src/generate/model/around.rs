use std::sync::Arc;

use driftfield_problems::data::DataSet;
use driftfield_problems::predictor::Predictor;
use driftfield_problems::process::SharedPath;
use driftfield_problems::standardisation::Standardisation;
use ndarray::{ArrayD, ArrayView2};

use super::{Model, SharedPredictor};
use crate::generate::{Condition, GenerateError};

/// A model whose predictor is made of that of another; all else is the other's.
///
/// ```
/// use std::sync::Arc;
/// use driftfield::generate::{Around, model};
/// use driftfield::problems::predictor::{Threshold, Thresholded};
///
/// let cat = model::parse("cat-vp")?;
/// let within = |predictor| Thresholded::new(predictor, Threshold::Static { max: 2.0 });
/// let model = Around::new("clipped", cat, within);
/// # let _ = model;
/// # Ok::<(), driftfield::generate::GenerateError>(())
/// ```
pub struct Around {
    label: String,
    inner: Arc<dyn Model>,
    make: Box<dyn Fn(SharedPredictor<f64>) -> SharedPredictor<f64> + Send + Sync>,
}

impl Around {
    /// The model whose predictors are what `make` makes of those of `inner`.
    pub fn new<P: Predictor<ArrayD<f64>> + 'static>(
        label: impl Into<String>,
        inner: Arc<dyn Model>,
        make: impl Fn(SharedPredictor<f64>) -> P + Send + Sync + 'static,
    ) -> Self {
        let make = Box::new(move |predictor| Arc::new(make(predictor)) as SharedPredictor<f64>);
        Around { label: label.into(), inner, make }
    }
}

impl Model for Around {
    fn label(&self) -> &str {
        &self.label
    }

    fn source(&self) -> &str {
        self.inner.source()
    }

    fn checksum(&self) -> Option<u64> {
        self.inner.checksum()
    }

    fn row_shape(&self) -> Vec<usize> {
        self.inner.row_shape()
    }

    fn predictor_f64(
        &self,
        path: &SharedPath,
        condition: &Condition,
    ) -> Result<SharedPredictor<f64>, GenerateError> {
        Ok((self.make)(self.inner.predictor_f64(path, condition)?))
    }

    fn labels(&self) -> Option<usize> {
        self.inner.labels()
    }

    fn knows_what_to_avoid(&self) -> bool {
        self.inner.knows_what_to_avoid()
    }

    fn assumption(&self) -> Option<&'static str> {
        self.inner.assumption()
    }

    fn units(&self) -> Option<&Standardisation> {
        self.inner.units()
    }

    fn data(&self) -> Result<Option<Arc<dyn DataSet>>, GenerateError> {
        self.inner.data()
    }

    fn data_std(&self) -> Result<f64, GenerateError> {
        self.inner.data_std()
    }

    fn mean_square(&self) -> Option<f64> {
        self.inner.mean_square()
    }

    fn weights(&self, samples: &ArrayView2<'_, f64>) -> Result<Option<Vec<f64>>, GenerateError> {
        self.inner.weights(samples)
    }

    fn is_exact(&self) -> bool {
        self.inner.is_exact()
    }

    fn process(&self) -> Option<&str> {
        self.inner.process()
    }
}
