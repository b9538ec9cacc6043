//! AdamW with the average of the weights, in one pass over flat buffers. Not candle-nn's, which works
//! on tensors, keeps no average and does not give out the moments that a checkpoint holds.

use pulp::{Arch, Simd, WithSimd};

/// Numbers of one update.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Update {
    /// Steps taken before this one.
    pub(crate) step: usize,
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) weight_decay: f64,
    /// Factor on the gradient, for clipping.
    pub(crate) gradient_scale: f64,
    /// Decay of the average.
    pub(crate) ema_decay: f64,
}

/// What an update changes: all of one length.
#[derive(Debug)]
pub(crate) struct Moments<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) first: &'a mut [f32],
    pub(crate) second: &'a mut [f32],
    pub(crate) average: &'a mut [f32],
}

/// Keeps the step finite where a weight has never had a gradient.
const EPSILON: f32 = 1e-8;

/// One step of AdamW (Loshchilov & Hutter, 2019), then of the average:
///
/// ```text
/// m <- beta1 m + (1 - beta1) g          v <- beta2 v + (1 - beta2) g^2
/// w <- w - rate (decay w + m^ / (sqrt(v^) + eps))     m^, v^: corrected for their start
/// average <- average + (1 - ema) (w - average)
/// ```
pub(crate) fn adamw(moments: Moments<'_>, gradient: &[f32], update: Update) {
    let taken = update.step as f64 + 1.0;
    let first_correction = 1.0 - update.beta1.powf(taken);
    let second_correction = (1.0 - update.beta2.powf(taken)).sqrt();
    let scale = update.gradient_scale as f32;
    let (beta1, beta2) = (update.beta1 as f32, update.beta2 as f32);
    let (new1, new2) = ((1.0 - update.beta1) as f32, (1.0 - update.beta2) as f32);
    let rate = (update.learning_rate / first_correction) as f32;
    let root_scale = (1.0 / second_correction) as f32;
    let keep = (1.0 - update.learning_rate * update.weight_decay) as f32;
    let follow = (1.0 - update.ema_decay) as f32;
    let step =
        Step { scale, beta1, beta2, new1, new2, rate, root_scale, keep, follow, moments, gradient };
    Arch::new().dispatch(step);
}

/// The loop of [`adamw`]. A type rather than a closure: only a method is compiled into its
/// caller for certain, with its vector instructions.
struct Step<'a> {
    scale: f32,
    beta1: f32,
    beta2: f32,
    new1: f32,
    new2: f32,
    rate: f32,
    root_scale: f32,
    keep: f32,
    follow: f32,
    moments: Moments<'a>,
    gradient: &'a [f32],
}

impl WithSimd for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Step { scale, beta1, beta2, new1, new2, rate, root_scale, keep, follow, .. } = self;
        let Moments { values, first, second, average } = self.moments;
        let state = values.iter_mut().zip(first).zip(second).zip(average);
        for ((((w, m), v), average), &g) in state.zip(self.gradient) {
            let g = g * scale;
            *m = beta1 * *m + new1 * g;
            *v = beta2 * *v + new2 * (g * g);
            *w = keep * *w - rate * *m / (v.sqrt() * root_scale + EPSILON);
            *average += follow * (*w - *average);
        }
    }
}

/// Partial sums of a norm.
const LANES: usize = 16;

/// Euclidean norm, summed in `f64` over 16 interleaved partial sums.
pub(crate) fn norm(values: &[f32]) -> f64 {
    Arch::new().dispatch(Squares(values)).iter().sum::<f64>().sqrt()
}

/// The partial sums of the squares.
struct Squares<'a>(&'a [f32]);

impl WithSimd for Squares<'_> {
    type Output = [f64; LANES];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; LANES] {
        let mut sums = [0.0f64; LANES];
        let (whole, rest) = self.0.as_chunks::<LANES>();
        for block in whole {
            for (sum, &value) in sums.iter_mut().zip(block) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        for (sum, &value) in sums.iter_mut().zip(rest) {
            *sum += f64::from(value) * f64::from(value);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_steps_match_the_definition_in_double_precision() {
        let (beta1, beta2, decay, ema, rate) = (0.9, 0.99, 0.1, 0.8, 0.01);
        let start = [1.0f32, -2.0, 0.5];
        let (mut values, mut average) = (start.to_vec(), start.to_vec());
        let (mut first, mut second) = (vec![0.0f32; 3], vec![0.0f32; 3]);
        let mut w: Vec<f64> = start.iter().map(|&v| v.into()).collect();
        let (mut a, mut m, mut v) = (w.clone(), vec![0.0; 3], vec![0.0; 3]);
        for step in 0..3 {
            let gradient: Vec<f32> = (0..3).map(|i| ((step * 3 + i) as f32).cos()).collect();
            let update = Update {
                step,
                learning_rate: rate,
                beta1,
                beta2,
                weight_decay: decay,
                gradient_scale: 0.5,
                ema_decay: ema,
            };
            let moments = Moments {
                values: &mut values,
                first: &mut first,
                second: &mut second,
                average: &mut average,
            };
            adamw(moments, &gradient, update);
            for i in 0..3 {
                let g = 0.5 * f64::from(gradient[i]);
                m[i] = beta1 * m[i] + (1.0 - beta1) * g;
                v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
                let taken = step as i32 + 1;
                let corrected: f64 = m[i] / (1.0 - beta1.powi(taken));
                let root: f64 = (v[i] / (1.0 - beta2.powi(taken))).sqrt();
                w[i] -= rate * (decay * w[i] + corrected / (root + 1e-8));
                a[i] = ema * a[i] + (1.0 - ema) * w[i];
            }
        }
        for i in 0..3 {
            assert!((f64::from(values[i]) - w[i]).abs() < 1e-6);
            assert!((f64::from(average[i]) - a[i]).abs() < 1e-6);
        }
    }

    #[test]
    fn the_norm_counts_every_value_once() {
        for len in [0usize, 1, 15, 16, 17, 100] {
            let values = vec![2.0f32; len];
            assert!((norm(&values) - 2.0 * (len as f64).sqrt()).abs() < 1e-12);
        }
    }
}
