use driftfield_solvers::FieldError;

use super::super::jacobian::{Jacobian, LevelRate};
use super::super::rows::softmax;
use super::GaussianMixture;
use super::component::{Component, Quantity, components};
use crate::host::{add, dot};
use crate::predictor::Target;

/// The derivative of a mixture's prediction `y = E[data x_0 + noise eps | x_t = x]`.
///
/// With responsibilities `r_k`, posterior means `d_k`, predictions `y_k` and scores `g_k` of the
/// components, `R_k = (data alpha S_k + noise sigma) V_k^-1`,
///
/// ```text
/// J = sum_k r_k R_k + (data - noise alpha / sigma) alpha / sigma^2 sum_k r_k (d_k - d) (d_k - d)^T
///   = sum_k r_k R_k + (data sigma^2 / alpha - noise sigma) sum_k r_k (g_k - g) (g_k - g)^T
/// dy    = sum_k r_k (y_k' + (y_k - y) (ln r_k)')
/// ```
///
/// since `alpha d_k = x + sigma^2 g_k` (Tweedie's formula for every component). The first form
/// is taken where `alpha <= sigma`, the second elsewhere: neither divides by anything that is
/// small beside the rest, both ends of every path are included, and `J` is symmetric to the bit.
pub(super) struct MixtureJacobian<'a> {
    components: Vec<Component<'a>>,
    quantity: Quantity,
    sigma: f64,
    noise: f64,
}

impl<'a> MixtureJacobian<'a> {
    /// The derivative where the path has this `alpha` and `sigma`.
    pub fn new(
        mixture: &'a GaussianMixture,
        (alpha, sigma): (f64, f64),
        Target { data, noise }: Target,
    ) -> Self {
        let quantity = Quantity { alpha, data, gain: noise * sigma };
        let components = components(mixture, alpha, sigma * sigma);
        MixtureJacobian { components, quantity, sigma, noise }
    }

    /// Responsibilities, posterior means and scores, one after the other.
    fn posterior(&self, x: &[f64]) -> (Vec<[f64; 1]>, Vec<f64>, Vec<f64>) {
        let mut weights = vec![[0.0]; self.components.len()];
        let mut means = vec![0.0; self.components.len() * x.len()];
        let mut scores = means.clone();
        let rows = means.chunks_exact_mut(x.len()).zip(scores.chunks_exact_mut(x.len()));
        for ((component, weight), (mean, score)) in
            self.components.iter().zip(&mut weights).zip(rows)
        {
            *weight = [component.at(x, mean, score)];
        }
        softmax::<1, false>(&mut weights);
        (weights, means, scores)
    }
}

impl Jacobian for MixtureJacobian<'_> {
    fn times(&self, x: &[f64], v: &[f64]) -> Vec<f64> {
        let Quantity { alpha, data, gain } = self.quantity;
        let (sigma, noise) = (self.sigma, self.noise);
        let (weights, means, scores) = self.posterior(x);
        let mut out = vec![0.0; x.len()];
        for (component, [weight]) in self.components.iter().zip(&weights) {
            component.add_response(*weight, (data, gain), v, &mut out);
        }
        if alpha <= sigma {
            let factor = (data - noise * alpha / sigma) * (alpha / (sigma * sigma));
            add_spread(factor, &weights, &means, v, &mut out);
        } else {
            add_spread(data * (sigma * sigma / alpha) - gain, &weights, &scores, v, &mut out);
        }
        out
    }

    fn along(&self, x: &[f64], rate: &LevelRate) -> Vec<f64> {
        let (weights, ..) = self.posterior(x);
        let gain_rate = if self.noise == 0.0 { 0.0 } else { self.noise * rate.sigma };
        let moving = |component: &Component<'_>| {
            component.moving(&self.quantity, (rate.alpha, rate.variance, gain_rate), x)
        };
        let moving: Vec<_> = self.components.iter().map(moving).collect();
        let predictions: Vec<f64> =
            moving.iter().flat_map(|component| &component.prediction).copied().collect();
        let gaps = gaps(&weights, &predictions, x.len());
        let mut out = vec![0.0; x.len()];
        let parts = weights.iter().zip(&moving).zip(gaps.chunks_exact(x.len()));
        for (([weight], component), gap) in parts {
            add(&mut out, *weight, &component.prediction_rate);
            add(&mut out, weight * component.log_weight_rate, gap);
        }
        out
    }

    fn add_parameters(&self, x: &[f64], c: &[f64], to: &mut [f64]) -> Result<(), FieldError> {
        let count = self.components.len();
        let sizes = (count, count * x.len());
        let expected =
            sizes.0 + sizes.1 + self.components.iter().map(Component::spread_len).sum::<usize>();
        if to.len() != expected {
            return Err(FieldError::Shape {
                expected: format!("room for the products of {expected} parameter(s)"),
                found: to.len().to_string(),
            });
        }
        let (of_weights, rest) = to.split_at_mut(sizes.0);
        let (of_means, mut of_spreads) = rest.split_at_mut(sizes.1);
        let (weights, ..) = self.posterior(x);
        let prediction = |component: &Component<'_>| component.prediction(&self.quantity, x);
        let predictions: Vec<f64> = self.components.iter().flat_map(prediction).collect();
        let gaps = gaps(&weights, &predictions, x.len());
        let held =
            self.sigma * (self.quantity.data * self.sigma - self.noise * self.quantity.alpha);
        let parts = self.components.iter().zip(of_weights).zip(of_means.chunks_exact_mut(x.len()));
        for (k, ((component, of_weight), of_mean)) in parts.enumerate() {
            let [weight] = weights[k];
            let along = dot(c, &gaps[k * x.len()..][..x.len()]);
            let (of_spread, rest) = of_spreads.split_at_mut(component.spread_len());
            of_spreads = rest;
            *of_weight += weight * along / component.weight();
            component.add_parameters((x, c), weight, (held, along), (of_mean, of_spread));
        }
        Ok(())
    }
}

/// `out <- out + factor sum_k r_k (q_k - q) (q_k - q)^T v`, `q` being the mean of the `q_k`.
fn add_spread(factor: f64, weights: &[[f64; 1]], values: &[f64], v: &[f64], out: &mut [f64]) {
    let gaps = gaps(weights, values, v.len());
    for ([weight], gap) in weights.iter().zip(gaps.chunks_exact(v.len())) {
        add(out, factor * weight * dot(gap, v), gap);
    }
}

/// `q_k - q`, one after the other.
fn gaps(weights: &[[f64; 1]], values: &[f64], dimension: usize) -> Vec<f64> {
    let mut mean = vec![0.0; dimension];
    let rows = weights.iter().zip(values.chunks_exact(dimension));
    rows.for_each(|([weight], value)| add(&mut mean, *weight, value));
    values.iter().zip(mean.iter().cycle()).map(|(value, mean)| value - mean).collect()
}
