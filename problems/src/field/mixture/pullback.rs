use driftfield_solvers::{FieldError, HostState};

use super::super::pullback::{Lane, add, dot, each_lane};
use super::super::rows::softmax;
use super::MixturePredictor;
use super::posterior::{Component, components};
use crate::predictor::{Cotangent, DifferentiablePredictor};
use crate::process::{GaussianPath, check_time};

/// With responsibilities `r_k`, posterior means `d_k` and scores `g_k` of the components,
///
/// ```text
/// J = sum_k r_k G_k + alpha / sigma^2 sum_k r_k (d_k - D) (d_k - D)^T
///   = sum_k r_k G_k + sigma^2 / alpha sum_k r_k (g_k - g) (g_k - g)^T
/// ```
///
/// since `alpha d_k = x + sigma^2 g_k` (Tweedie's formula for every component). The first form
/// is taken where `alpha <= sigma`, the second elsewhere: neither divides by anything that is
/// small beside the rest, both ends of every path are included, and `J` is symmetric to the bit.
impl<S: HostState> DifferentiablePredictor<S> for MixturePredictor {
    fn predict_data_with_pullback(
        &self,
        data: &mut S,
        gradient: &mut S,
        x: &S,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError> {
        check_time(self.path(), t)?;
        let (alpha, sigma) = (self.path().alpha(t), self.path().sigma(t));
        let components = components(self.mixture(), alpha, sigma);
        let dimension = self.mixture().dimension();
        let products = if self.mixture().is_full() { dimension } else { 1 };
        let work = components.len() * (10 + 4 * dimension) * products;
        each_lane((data, gradient), x, dimension, work, |lane| {
            evaluate(&components, (alpha, sigma), lane, cotangent);
        })
    }
}

fn evaluate(
    components: &[Component<'_>],
    (alpha, sigma): (f64, f64),
    lane: Lane<'_>,
    cotangent: &Cotangent<'_>,
) {
    let Lane { number, x, data, gradient } = lane;
    let dimension = x.len();
    let mut weights = vec![[0.0]; components.len()];
    let (mut means, mut scores) =
        (vec![0.0; components.len() * dimension], vec![0.0; components.len() * dimension]);
    let rows = means.chunks_exact_mut(dimension).zip(scores.chunks_exact_mut(dimension));
    for ((component, weight), (mean, score)) in components.iter().zip(&mut weights).zip(rows) {
        *weight = [component.at(x, mean, score)];
    }
    softmax::<1, false>(&mut weights);
    average(&weights, &means, data);
    let mut c = vec![0.0; dimension];
    cotangent(number, data, &mut c);
    gradient.fill(0.0);
    for (component, [weight]) in components.iter().zip(&weights) {
        component.add_gain(*weight, &c, gradient);
    }
    if alpha <= sigma {
        add_spread(alpha / (sigma * sigma), &weights, &means, data, &c, gradient);
    } else {
        let mut score = vec![0.0; dimension];
        average(&weights, &scores, &mut score);
        add_spread(sigma * sigma / alpha, &weights, &scores, &score, &c, gradient);
    }
}

/// `out <- sum_k r_k q_k`.
fn average(weights: &[[f64; 1]], values: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for ([weight], value) in weights.iter().zip(values.chunks_exact(out.len())) {
        add(out, *weight, value);
    }
}

/// `out <- out + factor sum_k r_k (q_k - q) (q_k - q)^T c`.
fn add_spread(
    factor: f64,
    weights: &[[f64; 1]],
    values: &[f64],
    mean: &[f64],
    c: &[f64],
    out: &mut [f64],
) {
    for ([weight], value) in weights.iter().zip(values.chunks_exact(mean.len())) {
        let gap: Vec<f64> = value.iter().zip(mean).map(|(value, mean)| value - mean).collect();
        add(out, factor * weight * dot(&gap, c), &gap);
    }
}
