//! The components of a mixture given a noisy state, one lane at a time.

use super::{GaussianMixture, Spread};
use crate::host::{add, dot};

/// A component at a time of a path, with `V = alpha^2 S + sigma^2 I`.
pub(super) struct Component<'a> {
    weight: f64,
    mean: &'a [f64],
    alpha: f64,
    /// `ln w - 1/2 ln det V`.
    log_weight: f64,
    axes: Axes<'a>,
}

/// Eigenvalues `l` of `S` and `1 / v` along the axes on which it is diagonal.
enum Axes<'a> {
    /// Those of the coordinates, all alike.
    All { eigenvalue: f64, precision: f64 },
    /// Eigenvectors, one after the other.
    Own { vectors: &'a [f64], eigenvalues: &'a [f64], precisions: Vec<f64> },
}

/// What is predicted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantity {
    pub alpha: f64,
    pub data: f64,
    /// `noise sigma`.
    pub gain: f64,
}

/// A component's prediction, and how it and the logarithm of its responsibility change.
pub(super) struct Moving {
    pub prediction: Vec<f64>,
    pub prediction_rate: Vec<f64>,
    pub log_weight_rate: f64,
}

/// The components of `mixture` where the path has this `alpha` and `sigma^2`.
pub(super) fn components(
    mixture: &GaussianMixture,
    alpha: f64,
    sigma_squared: f64,
) -> Vec<Component<'_>> {
    let variance = |own: f64| alpha * alpha * own + sigma_squared;
    let axes = |k: usize| match &mixture.spread {
        Spread::Isotropic(stds) => {
            let eigenvalue = stds[k] * stds[k];
            let v = variance(eigenvalue);
            let log_volume = mixture.dimension as f64 * v.ln();
            (log_volume, Axes::All { eigenvalue, precision: 1.0 / v })
        }
        Spread::Full(covariances) => {
            let (vectors, own) = (&covariances[k].eigenvectors, &covariances[k].eigenvalues);
            let precisions: Vec<f64> = own.iter().map(|&l| 1.0 / variance(l)).collect();
            let log_volume = -precisions.iter().map(|p| p.ln()).sum::<f64>();
            (log_volume, Axes::Own { vectors, eigenvalues: own, precisions })
        }
    };
    let parts = mixture.weights.iter().zip(mixture.means()).enumerate();
    parts
        .map(|(k, (weight, mean))| {
            let (log_volume, axes) = axes(k);
            Component {
                weight: *weight,
                mean,
                alpha,
                log_weight: weight.ln() - 0.5 * log_volume,
                axes,
            }
        })
        .collect()
}

impl Component<'_> {
    fn gap(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(self.mean).map(|(x, m)| x - self.alpha * m).collect()
    }

    /// Calls `visit(l, 1 / v, part)` for every axis, or all alike, with the part of `vector` along
    /// it: the parts add up to `vector`.
    fn each_part(&self, vector: &[f64], mut visit: impl FnMut(f64, f64, &[f64])) {
        match &self.axes {
            Axes::All { eigenvalue, precision } => visit(*eigenvalue, *precision, vector),
            Axes::Own { vectors, eigenvalues, precisions } => {
                let axes = vectors.chunks_exact(vector.len()).zip(*eigenvalues).zip(precisions);
                for ((axis, eigenvalue), precision) in axes {
                    let along = dot(axis, vector);
                    let part: Vec<f64> = axis.iter().map(|axis| along * axis).collect();
                    visit(*eigenvalue, *precision, &part);
                }
            }
        }
    }

    /// Writes the posterior mean `d = m + G (x - alpha m)`, `G = alpha S V^-1`, and the score
    /// `g = -V^-1 (x - alpha m)`; the logarithm of the responsibility, up to a constant.
    pub fn at(&self, x: &[f64], data: &mut [f64], score: &mut [f64]) -> f64 {
        let gap = self.gap(x);
        data.copy_from_slice(self.mean);
        score.fill(0.0);
        self.each_part(&gap, |eigenvalue, precision, part| {
            add(data, self.alpha * eigenvalue * precision, part);
            add(score, -precision, part);
        });
        self.log_weight + 0.5 * dot(score, &gap)
    }

    /// `out <- out + factor (data alpha S + gain) V^-1 v`.
    pub fn add_response(&self, factor: f64, (data, gain): (f64, f64), v: &[f64], out: &mut [f64]) {
        self.each_part(v, |eigenvalue, precision, part| {
            add(out, factor * (data * self.alpha * eigenvalue + gain) * precision, part);
        });
    }

    /// The component's weight.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Numbers that its spread is given by: a standard deviation, or all of a covariance.
    pub fn spread_len(&self) -> usize {
        match self.axes {
            Axes::All { .. } => 1,
            Axes::Own { .. } => self.mean.len() * self.mean.len(),
        }
    }

    /// The prediction `y = data m + (data alpha S + gain) V^-1 (x - alpha m)`.
    pub fn prediction(&self, quantity: &Quantity, x: &[f64]) -> Vec<f64> {
        let Quantity { data, gain, .. } = *quantity;
        let mut prediction: Vec<f64> = self.mean.iter().map(|mean| data * mean).collect();
        self.add_response(1.0, (data, gain), &self.gap(x), &mut prediction);
        prediction
    }

    /// Adds the component's share of `(dy/dp)^T c` in its mean and its spread, `y = sum_k r_k y_k`
    /// being the mixture's prediction, `r` its responsibility, `along = c . (y_k - y)` and
    /// `held = sigma (data sigma - noise alpha)`: with `a = V^-1 (x - alpha m)`
    ///
    /// ```text
    /// of m: r (held V^-1 c + alpha along a)
    /// of S: r (alpha held V^-1 c a^T + alpha^2 / 2 along (a a^T - V^-1))
    /// ```
    ///
    /// and of a standard deviation `s` twice `s` times the trace of the latter. A covariance's is
    /// made symmetric, as it is.
    pub fn add_parameters(
        &self,
        (x, c): (&[f64], &[f64]),
        r: f64,
        (held, along): (f64, f64),
        (of_mean, of_spread): (&mut [f64], &mut [f64]),
    ) {
        let alpha = self.alpha;
        let (mut a, mut back) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        self.each_part(&self.gap(x), |_, precision, part| add(&mut a, precision, part));
        self.each_part(c, |_, precision, part| add(&mut back, precision, part));
        add(of_mean, r * held, &back);
        add(of_mean, r * alpha * along, &a);
        let (first, second) = (r * alpha * held, 0.5 * r * alpha * alpha * along);
        match &self.axes {
            Axes::All { eigenvalue, precision } => {
                let trace =
                    first * dot(&back, &a) + second * (dot(&a, &a) - x.len() as f64 * precision);
                of_spread[0] += 2.0 * eigenvalue.sqrt() * trace;
            }
            Axes::Own { vectors, precisions, .. } => {
                for (i, row) in of_spread.chunks_exact_mut(x.len()).enumerate() {
                    add(row, 0.5 * first * back[i] + second * a[i], &a);
                    add(row, 0.5 * first * a[i], &back);
                    for (axis, precision) in vectors.chunks_exact(x.len()).zip(precisions) {
                        add(row, -second * precision * axis[i], axis);
                    }
                }
            }
        }
    }

    /// The prediction, and its change as `alpha`, `sigma^2` and the gain move so, the state and the
    /// target held.
    pub fn moving(
        &self,
        quantity: &Quantity,
        (alpha_rate, variance_rate, gain_rate): (f64, f64, f64),
        x: &[f64],
    ) -> Moving {
        let Quantity { alpha, data, gain } = *quantity;
        let gap = self.gap(x);
        let mut prediction: Vec<f64> = self.mean.iter().map(|mean| data * mean).collect();
        let mut prediction_rate = vec![0.0; x.len()];
        let mut log_weight_rate = 0.0;
        let v_rate = |eigenvalue: f64| 2.0 * alpha * alpha_rate * eigenvalue + variance_rate;
        let response =
            |eigenvalue: f64, precision: f64| (data * alpha * eigenvalue + gain) * precision;
        self.each_part(&gap, |eigenvalue, precision, part| {
            let (own, v_rate) = (response(eigenvalue, precision), v_rate(eigenvalue));
            let own_rate = (data * alpha_rate * eigenvalue + gain_rate - own * v_rate) * precision;
            add(&mut prediction, own, part);
            add(&mut prediction_rate, own_rate, part);
            log_weight_rate += 0.5 * v_rate * precision * precision * dot(part, part);
            // Of `ln det V`, once for every axis.
            let axes = if matches!(self.axes, Axes::All { .. }) { x.len() } else { 1 };
            log_weight_rate -= 0.5 * axes as f64 * v_rate * precision;
        });
        // The gap moves by `-alpha' m`.
        self.each_part(self.mean, |eigenvalue, precision, part| {
            add(&mut prediction_rate, -alpha_rate * response(eigenvalue, precision), part);
            log_weight_rate += alpha_rate * precision * dot(&gap, part);
        });
        Moving { prediction, prediction_rate, log_weight_rate }
    }
}
