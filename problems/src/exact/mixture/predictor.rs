use std::sync::Arc;

use driftfield_solvers::{FieldError, HostState};

use super::derivative::MixtureJacobian;
use super::{Combination, GaussianMixture};
use crate::exact::each_time::at_each_time;
use crate::exact::jacobian;
use crate::exact::level::level;
use crate::predictor::{Predictor, Pullback, Pushforward, Target, Targets, Times};
use crate::process::{GaussianPath, SharedPath, check_time};

/// The exact predictor of a Gaussian mixture that travels a path: any target at
/// any time of the path's domain, both ends included, for every host state
/// whose lanes have the mixture's dimension. Numbers are `f64` inside.
///
/// Its parameters, for [products](driftfield_solvers::field::Inputs::parameters), are those of
/// [`GaussianMixture::parameters`].
#[derive(Debug, Clone)]
pub struct MixturePredictor {
    mixture: Arc<GaussianMixture>,
    path: SharedPath,
}

impl MixturePredictor {
    /// The predictor of data distributed as `mixture` on `path`.
    pub fn new(mixture: impl Into<Arc<GaussianMixture>>, path: SharedPath) -> Self {
        MixturePredictor { mixture: mixture.into(), path }
    }

    /// The data's distribution.
    pub fn mixture(&self) -> &GaussianMixture {
        &self.mixture
    }

    /// The path.
    pub fn path(&self) -> &SharedPath {
        &self.path
    }

    /// The distribution of `x_t`.
    pub fn marginal(&self, t: f64) -> Result<GaussianMixture, FieldError> {
        check_time(&self.path, t)?;
        Ok(self.mixture.marginal(self.path.alpha(t), self.path.sigma(t)))
    }
}

impl MixturePredictor {
    fn jacobian(&self, target: Target, t: f64) -> Result<MixtureJacobian<'_>, FieldError> {
        let level = level(&self.path, target, t)?;
        Ok(MixtureJacobian::new(&self.mixture, level, target))
    }

    /// Cost of a lane's product.
    fn work(&self) -> usize {
        let dimension = self.mixture.dimension();
        let products = if self.mixture.is_full() { dimension } else { 1 };
        self.mixture.weights().len() * (10 + 4 * dimension) * products
    }
}

impl<S: HostState> Predictor<S> for MixturePredictor {
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
            let Target { data, noise } = target;
            let (variance, gain) = (sigma * sigma, noise * sigma);
            self.mixture.combine(Combination { alpha, variance, data, gain }, out, x)
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
        let (variance, gain) = (sigma * sigma, -score);
        self.mixture.combine(Combination { alpha, variance, data, gain }, out, x)
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
