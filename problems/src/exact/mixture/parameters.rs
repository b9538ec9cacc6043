use super::{GaussianMixture, MixtureError, Spread};

impl GaussianMixture {
    /// The weights, then the means, then the standard deviations or the covariances row by row, each
    /// component after component.
    pub fn parameters(&self) -> Vec<f64> {
        let mut parameters = [&self.weights[..], &self.means].concat();
        match &self.spread {
            Spread::Isotropic(stds) => parameters.extend(stds),
            Spread::Full(covariances) => {
                for covariance in covariances {
                    parameters.extend(covariance.rows().concat());
                }
            }
        }
        parameters
    }

    /// The mixture of as many components of the same kind with other
    /// [parameters](GaussianMixture::parameters). Weights are divided by their sum, so that their
    /// products are those of weights that need not sum to 1.
    ///
    /// # Errors
    ///
    /// Numbers that are no mixture's, or too few or many.
    pub fn with_parameters(&self, parameters: &[f64]) -> Result<Self, MixtureError> {
        let (count, expected) = (self.weights.len(), self.parameters().len());
        if parameters.len() != expected {
            return Err(MixtureError::Parameters { expected, found: parameters.len() });
        }
        let (weights, rest) = parameters.split_at(count);
        let (means, spread) = rest.split_at(count * self.dimension);
        let total: f64 = weights.iter().sum();
        let weights = weights.iter().map(|weight| weight / total).collect();
        let means = means.chunks_exact(self.dimension).map(<[f64]>::to_vec).collect();
        if !self.is_full() {
            return Self::isotropic(weights, means, spread.to_vec());
        }
        let rows = |covariance: &[f64]| {
            covariance.chunks_exact(self.dimension).map(<[f64]>::to_vec).collect()
        };
        let covariances = spread.chunks_exact(self.dimension * self.dimension).map(rows).collect();
        Self::full(weights, means, covariances)
    }
}
