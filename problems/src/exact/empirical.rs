mod derivative;
mod direct;
mod near;
mod products;
mod softmax_mean;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, HostState, StateError};
use ndarray::Array2;

use super::each_time::at_each_time;
use super::jacobian;
use super::level::level;
use crate::predictor::{Predictor, Pullback, Pushforward, Target, Targets, Times};
use crate::process::SharedPath;
use derivative::EmpiricalJacobian;
use products::Products;
use softmax_mean::SoftmaxMean;

/// Why a data set cannot be a field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EmpiricalError {
    /// No point or no component.
    #[error(
        "the data set has shape [{points}, {dimension}]; give at least one point of at least one component"
    )]
    Empty {
        /// Number of points.
        points: usize,
        /// Number of components.
        dimension: usize,
    },
    /// A number that is not finite, or so large that its square is not.
    #[error(
        "point {point} of the data set holds {value}; values must be at most 1e100 in size",
        value = Number(*value)
    )]
    Number {
        /// Index of the point.
        point: usize,
        /// The number.
        value: f64,
    },
    /// A smoothing that is not usable.
    #[error(
        "the smoothing is {value}; it must be 0 or between 1e-100 and 1e100",
        value = Number(*.0)
    )]
    Smoothing(f64),
}

/// The exact predictor of a data set that travels a path, each point smoothed
/// by a Gaussian of standard deviation `smoothing` (which may be 0): a softmax
/// over the data.
///
/// With `v = alpha^2 smoothing^2 + sigma^2`, the same for all points, and the
/// softmax mean `M = sum_k r_k m_k`,
/// `E[x_0] = M + alpha smoothing^2 / v (x - alpha M)` and
/// `E[eps] = sigma / v (x - alpha M)`.
///
/// Large data sets (some hundred points of some dozen components) are summed by matrix products,
/// several times faster; where these would lose digits to cancellation, from the gaps between
/// state and points as for small ones. Both agree to 1e-10.
#[derive(Debug, Clone)]
pub struct EmpiricalPredictor {
    data: Arc<Array2<f64>>,
    smoothing: f64,
    path: SharedPath,
    /// What products need to know of the data, if they are faster.
    products: Option<Arc<Products>>,
}

impl EmpiricalPredictor {
    /// The predictor of the rows of `data`, `[n, d]`, on `path`.
    pub fn new(
        data: impl Into<Arc<Array2<f64>>>,
        smoothing: f64,
        path: SharedPath,
    ) -> Result<Self, EmpiricalError> {
        let data = data.into();
        let (points, dimension) = data.dim();
        if points == 0 || dimension == 0 {
            return Err(EmpiricalError::Empty { points, dimension });
        }
        if smoothing != 0.0 && !(1e-100..=1e100).contains(&smoothing) {
            return Err(EmpiricalError::Smoothing(smoothing));
        }
        for ((point, _), &value) in data.indexed_iter() {
            if !(-1e100..=1e100).contains(&value) {
                return Err(EmpiricalError::Number { point, value });
            }
        }
        let data = match data.is_standard_layout() {
            true => data,
            false => Arc::new(data.as_standard_layout().into_owned()),
        };
        let products = Products::if_faster(&data).map(Arc::new);
        Ok(EmpiricalPredictor { data, smoothing, path, products })
    }

    /// The same predictor without matrix products, from every gap between state and points:
    /// slower for large data sets, and what products are held against.
    #[must_use]
    pub fn by_gaps(mut self) -> Self {
        self.products = None;
        self
    }

    /// The points.
    pub fn data(&self) -> &Array2<f64> {
        &self.data
    }

    /// The path.
    pub fn path(&self) -> &SharedPath {
        &self.path
    }

    /// `alpha^2 smoothing^2 + sigma^2`, refused where it vanishes.
    fn checked_variance(&self, (alpha, sigma): (f64, f64), t: f64) -> Result<f64, FieldError> {
        let v = alpha * alpha * self.smoothing * self.smoothing + sigma * sigma;
        // Without smoothing and without noise nothing is random: x is a data
        // point or impossible.
        if v >= f64::MIN_POSITIVE {
            return Ok(v);
        }
        Err(FieldError::Domain {
            t,
            advice: "a data set has no density where sigma = 0; end at a later time or give \
                     the data a smoothing"
                .to_owned(),
        })
    }

    /// `data E[x_0] + (gain / v) (x - alpha M)` plus what smoothing adds, for
    /// every row.
    fn combine<S: HostState>(
        &self,
        (alpha, sigma): (f64, f64),
        (data, gain): (f64, f64),
        out: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError> {
        let smoothing = self.smoothing * self.smoothing;
        let v = self.checked_variance((alpha, sigma), t)?;
        let sum = SoftmaxMean {
            points: &self.data,
            alpha,
            scale: -0.5 / v,
            data,
            gain: (data * alpha * smoothing + gain) / v,
        };
        match &self.products {
            Some(products) => products.evaluate(&sum, out, x),
            None => direct::evaluate(&sum, out, x),
        }
    }
}

impl EmpiricalPredictor {
    fn jacobian(&self, target: Target, t: f64) -> Result<EmpiricalJacobian<'_>, FieldError> {
        let (alpha, sigma) = level(&self.path, target, t)?;
        let Target { data, noise } = target;
        let v = self.checked_variance((alpha, sigma), t)?;
        let smoothing = self.smoothing * self.smoothing;
        let gain = (data * alpha * smoothing + noise * sigma) / v;
        Ok(EmpiricalJacobian {
            points: self.data.as_slice().ok_or(StateError::NotContiguous)?,
            alpha,
            v,
            gain,
            data,
            noise,
            smoothing,
            of_mean: (data * sigma - noise * alpha) * (sigma / v),
        })
    }

    /// Cost of a lane's product.
    fn work(&self) -> usize {
        let (count, dimension) = self.data.dim();
        count * (10 + 8 * dimension)
    }
}

impl<S: HostState> Predictor<S> for EmpiricalPredictor {
    fn path(&self) -> &SharedPath {
        &self.path
    }

    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        at_each_time((target, t), out, x, |target, t, out, x| {
            let (alpha, sigma) = level(&self.path, target, t)?;
            self.combine((alpha, sigma), (target.data, target.noise * sigma), out, x, t)
        })
    }

    fn predict_with_score(
        &self,
        data: f64,
        score: f64,
        out: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError> {
        let (alpha, sigma) = level(&self.path, Target { data, noise: score }, t)?;
        self.combine((alpha, sigma), (data, -score), out, x, t)
    }

    fn pull_back(
        &self,
        target: Targets<'_>,
        pull: Pullback<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let jacobian = |target, t| self.jacobian(target, t);
        jacobian::pull_back(self, self.work(), jacobian, (target, t), pull, x)
    }

    fn push_forward(
        &self,
        target: Targets<'_>,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let jacobian = |target, t| self.jacobian(target, t);
        jacobian::push_forward(self, self.work(), jacobian, (target, t), push, x)
    }
}
