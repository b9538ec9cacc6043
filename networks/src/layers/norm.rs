//! Group normalisation with the affine map, the condition and the activation that follow.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::pixels::Grid;
use crate::kernel::{AlignedBuffer, silu, silu_with_derivative};

/// Group normalisation (Wu & He, 2018) of an image: over its pixels and the channels of a
/// group, then times `scale` and plus `shift` channel by channel.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub(crate) channels: usize,
    pub(super) groups: usize,
    pub(super) scale: Range<usize>,
    pub(super) shift: Range<usize>,
}

/// Keeps the division finite on constant images.
const EPSILON: f64 = 1e-5;

/// What the backward pass needs beside the normalised images.
#[derive(Debug)]
pub(crate) struct NormTape {
    /// The result, with a border if a convolution follows.
    pub(crate) out: AlignedBuffer,
    border: usize,
    /// `scale (1 + condition)` and `shift (1 + condition) + condition`, image by image.
    alpha: AlignedBuffer,
    beta: AlignedBuffer,
    /// Of every channel's group.
    mean: AlignedBuffer,
    inverse_deviation: AlignedBuffer,
    /// The gradients in `alpha` and `beta`, or their changes along a direction.
    of_alpha: AlignedBuffer,
    of_beta: AlignedBuffer,
    /// The change of the result along a direction, laid out like it; empty until one is asked for.
    pub(crate) along: AlignedBuffer,
}

impl Norm {
    pub(crate) fn tape(&self, grid: &Grid, samples: usize, border: usize) -> NormTape {
        let small = || AlignedBuffer::zeros(samples * self.channels);
        NormTape {
            out: grid.zeros(self.channels, border),
            border,
            alpha: small(),
            beta: small(),
            mean: small(),
            inverse_deviation: small(),
            of_alpha: small(),
            of_beta: small(),
            along: AlignedBuffer::default(),
        }
    }

    /// The scale and the shift that the condition gives a channel of an image.
    fn condition_of(&self, condition: Option<&[f32]>, sample: usize, c: usize) -> (f32, f32) {
        condition.map_or((0.0, 0.0), |values| {
            let image = &values[2 * sample * self.channels..];
            (image[c], image[self.channels + c])
        })
    }

    /// Normalises `x` into the tape's `out`; `condition` holds `channels` scales, then
    /// `channels` shifts for every image. `activate` applies SiLU.
    pub(crate) fn forward(
        &self,
        values: &[f32],
        (grid, samples): (&Grid, usize),
        x: &[f32],
        condition: Option<&[f32]>,
        activate: bool,
        tape: &mut NormTape,
    ) {
        let (scale, shift) = (&values[self.scale.clone()], &values[self.shift.clone()]);
        for i in 0..samples * self.channels {
            let (sample, c) = (i / self.channels, i % self.channels);
            let (by, plus) = self.condition_of(condition, sample, c);
            tape.alpha[i] = scale[c] * (1.0 + by);
            tape.beta[i] = shift[c] * (1.0 + by) + plus;
        }
        Arch::new().dispatch(Forward { norm: self, grid, samples, x, activate, tape });
    }

    /// From the gradient `g` in the result, which is changed, to that in `x`, to the
    /// parameters' and the condition's.
    #[expect(clippy::too_many_arguments, reason = "everything the forward pass had, and gradients")]
    pub(crate) fn backward(
        &self,
        values: &[f32],
        (grid, samples): (&Grid, usize),
        x: &[f32],
        condition: Option<(&[f32], &mut [f32])>,
        activate: bool,
        tape: &mut NormTape,
        g: &mut [f32],
        of_x: &mut [f32],
        gradient: Option<&mut [f32]>,
    ) {
        Arch::new().dispatch(Backward { norm: self, grid, samples, x, activate, tape, g, of_x });
        let (scale, shift) = (&values[self.scale.clone()], &values[self.shift.clone()]);
        let channels = self.channels;
        let len = samples * channels;
        let (given, of_condition) = match condition {
            Some((given, of_condition)) => (Some(given), Some(of_condition)),
            None => (None, None),
        };
        if let Some(of_condition) = of_condition {
            for i in 0..len {
                let (sample, c) = (i / channels, i % channels);
                let (by_alpha, by_beta) = (tape.of_alpha[i], tape.of_beta[i]);
                of_condition[2 * sample * channels + c] = by_alpha * scale[c] + by_beta * shift[c];
                of_condition[(2 * sample + 1) * channels + c] = by_beta;
            }
        }
        if let Some(gradient) = gradient {
            for i in 0..len {
                let (sample, c) = (i / channels, i % channels);
                let by = 1.0 + given.map_or(0.0, |given| given[2 * sample * channels + c]);
                gradient[self.scale.start + c] += tape.of_alpha[i] * by;
                gradient[self.shift.start + c] += tape.of_beta[i] * by;
            }
        }
    }
}

impl Norm {
    /// After [`Norm::forward`]: into the tape's `along`, the change of the result along the change
    /// `v` of `x`; `condition` is given with its own change.
    ///
    /// With `n` the normalised `x` and `m` the mean over a group, `n` changes by
    /// `(v - m(v) - n m(n v)) / deviation`.
    pub(crate) fn along(
        &self,
        values: &[f32],
        (grid, samples): (&Grid, usize),
        (x, v): (&[f32], &[f32]),
        condition: Option<&[f32]>,
        activate: bool,
        tape: &mut NormTape,
    ) {
        tape.along.reserve(tape.out.len());
        let (scale, shift) = (&values[self.scale.clone()], &values[self.shift.clone()]);
        for i in 0..samples * self.channels {
            let (sample, c) = (i / self.channels, i % self.channels);
            let (by, plus) = self.condition_of(condition, sample, c);
            tape.of_alpha[i] = scale[c] * by;
            tape.of_beta[i] = shift[c] * by + plus;
        }
        Arch::new().dispatch(Along { norm: self, grid, samples, x, v, activate, tape });
    }
}

struct Forward<'a> {
    norm: &'a Norm,
    grid: &'a Grid,
    samples: usize,
    x: &'a [f32],
    activate: bool,
    tape: &'a mut NormTape,
}

/// What the pixels of an image share, for one vector of channels.
struct Shared<S: Simd> {
    mean: S::f32s,
    inverse_deviation: S::f32s,
    alpha: S::f32s,
    beta: S::f32s,
    /// Sums over the pixels of the gradients in `alpha` and `beta`; then, over the groups, what
    /// they take from the gradient in a pixel.
    of_alpha: S::f32s,
    of_beta: S::f32s,
}

impl<S: Simd> Shared<S> {
    #[inline(always)]
    fn of(simd: S, tape: &NormTape, place: std::ops::Range<usize>) -> Vec<Self> {
        let part = |buffer: &AlignedBuffer| S::as_simd_f32s(&buffer[place.clone()]).0.to_vec();
        let (mean, deviation) = (part(&tape.mean), part(&tape.inverse_deviation));
        let (alpha, beta) = (part(&tape.alpha), part(&tape.beta));
        let mut shared = Vec::with_capacity(mean.len());
        let zero = simd.splat_f32s(0.0);
        for (((mean, inverse_deviation), alpha), beta) in
            mean.into_iter().zip(deviation).zip(alpha).zip(beta)
        {
            let (of_alpha, of_beta) = (zero, zero);
            shared.push(Shared { mean, inverse_deviation, alpha, beta, of_alpha, of_beta });
        }
        shared
    }

    /// `x`, normalised.
    #[inline(always)]
    fn normalised(&self, simd: S, x: S::f32s) -> S::f32s {
        simd.mul_f32s(simd.sub_f32s(x, self.mean), self.inverse_deviation)
    }
}

/// The means over groups, given those over channels, for every channel of the group.
fn mean_over_groups(values: &mut [f32], groups: usize, change: impl Fn(f64) -> f64) {
    let channels = values.len() / groups;
    for group in values.chunks_exact_mut(channels) {
        let mean = group.iter().map(|&value| f64::from(value)).sum::<f64>() / channels as f64;
        group.fill(change(mean) as f32);
    }
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { norm, grid, samples, x, activate, tape } = self;
        let (channels, side, pixels) = (norm.channels, grid.side, grid.pixels());
        let wide = side + 2 * tape.border;
        let share = 1.0 / pixels as f64;
        for sample in 0..samples {
            let image = S::as_simd_f32s(&x[sample * pixels * channels..][..pixels * channels]).0;
            let place = sample * channels..(sample + 1) * channels;
            let vectors = channels / S::F32_LANES;
            let mean = &mut tape.mean[place.clone()];
            mean.fill(0.0);
            let sums = S::as_mut_simd_f32s(mean).0;
            for pixel in image.chunks_exact(vectors) {
                for (sum, &x) in sums.iter_mut().zip(pixel) {
                    *sum = simd.add_f32s(*sum, x);
                }
            }
            mean_over_groups(mean, norm.groups, |sum| sum * share);
            let means = S::as_simd_f32s(mean).0;
            let deviation = &mut tape.inverse_deviation[place.clone()];
            deviation.fill(0.0);
            let sums = S::as_mut_simd_f32s(deviation).0;
            for pixel in image.chunks_exact(vectors) {
                for ((sum, &x), &mean) in sums.iter_mut().zip(pixel).zip(means) {
                    let apart = simd.sub_f32s(x, mean);
                    *sum = simd.mul_add_e_f32s(apart, apart, *sum);
                }
            }
            mean_over_groups(deviation, norm.groups, |sum| 1.0 / (sum * share + EPSILON).sqrt());
            let shared = Shared::<S>::of(simd, tape, place);
            let out = &mut tape.out[sample * wide * wide * channels..][..wide * wide * channels];
            let lines = out.chunks_exact_mut(wide * channels).skip(tape.border);
            for (line, from) in lines.zip(image.chunks_exact(side * vectors)) {
                let line = &mut line[tape.border * channels..][..side * channels];
                let line = S::as_mut_simd_f32s(line).0;
                for (to, from) in line.chunks_exact_mut(vectors).zip(from.chunks_exact(vectors)) {
                    for ((to, &x), shared) in to.iter_mut().zip(from).zip(&shared) {
                        let apart = shared.normalised(simd, x);
                        let y = simd.mul_add_e_f32s(apart, shared.alpha, shared.beta);
                        *to = if activate { silu(simd, y) } else { y };
                    }
                }
            }
        }
    }
}

struct Backward<'a> {
    norm: &'a Norm,
    grid: &'a Grid,
    samples: usize,
    x: &'a [f32],
    activate: bool,
    tape: &'a mut NormTape,
    g: &'a mut [f32],
    of_x: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { norm, grid, samples, x, activate, tape, g, of_x } = self;
        let (channels, pixels) = (norm.channels, grid.pixels());
        let vectors = channels / S::F32_LANES;
        // Of what is normalised: mean of the gradient, and of its product with the result.
        let (mut first, mut second) =
            (AlignedBuffer::zeros(channels), AlignedBuffer::zeros(channels));
        let share = 1.0 / pixels as f64;
        for sample in 0..samples {
            let values = sample * pixels * channels..(sample + 1) * pixels * channels;
            let place = sample * channels..(sample + 1) * channels;
            let image = S::as_simd_f32s(&x[values.clone()]).0;
            let g = S::as_mut_simd_f32s(&mut g[values.clone()]).0;
            let of_x = S::as_mut_simd_f32s(&mut of_x[values]).0;
            let mut shared = Shared::<S>::of(simd, tape, place.clone());
            for (g, x) in g.chunks_exact_mut(vectors).zip(image.chunks_exact(vectors)) {
                for ((g, &x), shared) in g.iter_mut().zip(x).zip(&mut shared) {
                    let apart = shared.normalised(simd, x);
                    if activate {
                        let y = simd.mul_add_e_f32s(apart, shared.alpha, shared.beta);
                        *g = simd.mul_f32s(*g, silu_with_derivative(simd, y).1);
                    }
                    shared.of_beta = simd.add_f32s(shared.of_beta, *g);
                    shared.of_alpha = simd.mul_add_e_f32s(*g, apart, shared.of_alpha);
                }
            }
            let (of_alpha, of_beta) = (&mut tape.of_alpha[place.clone()], &mut tape.of_beta[place]);
            let of_alphas = S::as_mut_simd_f32s(of_alpha).0;
            let of_betas = S::as_mut_simd_f32s(of_beta).0;
            let firsts = S::as_mut_simd_f32s(&mut first).0;
            let seconds = S::as_mut_simd_f32s(&mut second).0;
            let sums = of_alphas.iter_mut().zip(of_betas).zip(firsts.iter_mut().zip(seconds));
            for (((of_alpha, of_beta), (first, second)), shared) in sums.zip(&shared) {
                (*of_alpha, *of_beta) = (shared.of_alpha, shared.of_beta);
                *first = simd.mul_f32s(shared.alpha, shared.of_beta);
                *second = simd.mul_f32s(shared.alpha, shared.of_alpha);
            }
            mean_over_groups(&mut first, norm.groups, |mean| mean * share);
            mean_over_groups(&mut second, norm.groups, |mean| mean * share);
            let means = S::as_simd_f32s(&first).0.iter().zip(S::as_simd_f32s(&second).0);
            for (shared, (&first, &second)) in shared.iter_mut().zip(means) {
                (shared.of_beta, shared.of_alpha) = (first, second);
            }
            let pixels = of_x.chunks_exact_mut(vectors).zip(g.chunks_exact(vectors));
            for ((to, g), x) in pixels.zip(image.chunks_exact(vectors)) {
                for (((to, &g), &x), shared) in to.iter_mut().zip(g).zip(x).zip(&shared) {
                    let apart = shared.normalised(simd, x);
                    let rest = simd.mul_add_e_f32s(apart, shared.of_alpha, shared.of_beta);
                    let inner = simd.sub_f32s(simd.mul_f32s(g, shared.alpha), rest);
                    *to = simd.mul_f32s(inner, shared.inverse_deviation);
                }
            }
        }
    }
}

struct Along<'a> {
    norm: &'a Norm,
    grid: &'a Grid,
    samples: usize,
    x: &'a [f32],
    v: &'a [f32],
    activate: bool,
    tape: &'a mut NormTape,
}

impl WithSimd for Along<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Along { norm, grid, samples, x, v, activate, tape } = self;
        let (channels, side, pixels) = (norm.channels, grid.side, grid.pixels());
        let (wide, border) = (side + 2 * tape.border, tape.border);
        let vectors = channels / S::F32_LANES;
        // Over a group: the means of `v`, and of its product with the normalised image.
        let (mut first, mut second) =
            (AlignedBuffer::zeros(channels), AlignedBuffer::zeros(channels));
        let share = 1.0 / pixels as f64;
        for sample in 0..samples {
            let values = sample * pixels * channels..(sample + 1) * pixels * channels;
            let place = sample * channels..(sample + 1) * channels;
            let image = S::as_simd_f32s(&x[values.clone()]).0;
            let v = S::as_simd_f32s(&v[values]).0;
            let shared = Shared::<S>::of(simd, tape, place.clone());
            first.fill(0.0);
            second.fill(0.0);
            let firsts = S::as_mut_simd_f32s(&mut first).0;
            let seconds = S::as_mut_simd_f32s(&mut second).0;
            for (x, v) in image.chunks_exact(vectors).zip(v.chunks_exact(vectors)) {
                for c in 0..vectors {
                    let apart = shared[c].normalised(simd, x[c]);
                    firsts[c] = simd.add_f32s(firsts[c], v[c]);
                    seconds[c] = simd.mul_add_e_f32s(v[c], apart, seconds[c]);
                }
            }
            mean_over_groups(&mut first, norm.groups, |sum| sum * share);
            mean_over_groups(&mut second, norm.groups, |sum| sum * share);
            let (firsts, seconds) = (S::as_simd_f32s(&first).0, S::as_simd_f32s(&second).0);
            let of_alpha = S::as_simd_f32s(&tape.of_alpha[place.clone()]).0;
            let of_beta = S::as_simd_f32s(&tape.of_beta[place]).0;
            let image = image.chunks_exact(vectors).zip(v.chunks_exact(vectors));
            for (pixel, (x, v)) in image.enumerate() {
                let at = (sample * wide + border + pixel / side) * wide + border + pixel % side;
                let out = &mut tape.along[at * channels..][..channels];
                let out = S::as_mut_simd_f32s(out).0;
                for c in 0..vectors {
                    let s = &shared[c];
                    let apart = s.normalised(simd, x[c]);
                    let rest = simd.mul_add_e_f32s(apart, seconds[c], firsts[c]);
                    let of_apart = simd.mul_f32s(simd.sub_f32s(v[c], rest), s.inverse_deviation);
                    let along = simd.mul_add_e_f32s(apart, of_alpha[c], of_beta[c]);
                    let along = simd.mul_add_e_f32s(of_apart, s.alpha, along);
                    let y = simd.mul_add_e_f32s(apart, s.alpha, s.beta);
                    out[c] = if activate {
                        simd.mul_f32s(along, silu_with_derivative(simd, y).1)
                    } else {
                        along
                    };
                }
            }
        }
    }
}

struct Silu<'a> {
    out: &'a mut [f32],
    x: &'a [f32],
    derivative: bool,
}

impl WithSimd for Silu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let out = S::as_mut_simd_f32s(self.out).0;
        for (out, &x) in out.iter_mut().zip(S::as_simd_f32s(self.x).0) {
            *out = if self.derivative {
                simd.mul_f32s(*out, silu_with_derivative(simd, x).1)
            } else {
                silu(simd, x)
            };
        }
    }
}

/// `out <- silu(x)` on whole vectors.
pub(crate) fn silu_forward(out: &mut [f32], x: &[f32]) {
    Arch::new().dispatch(Silu { out, x, derivative: false });
}

/// `g <- g silu'(x)` on whole vectors.
pub(crate) fn silu_backward(g: &mut [f32], x: &[f32]) {
    Arch::new().dispatch(Silu { out: g, x, derivative: true });
}
