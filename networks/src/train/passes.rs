//! What training does with a product while it is in registers, and the weights
//! laid out for these products.

use pulp::Simd;

use crate::{AlignedBuffer, Epilogue, Layout, MlpConfig, Panels, silu_with_derivative};
use crate::{lanes, stride};

/// The weights of one step, as operands of the kernel.
#[derive(Debug)]
pub(crate) struct Operands {
    pub(crate) time: Panels,
    pub(crate) state: Panels,
    pub(crate) layers: Vec<Layer>,
    pub(crate) output: Layer,
    /// The bias that comes before every activation, padded to whole vectors.
    pub(crate) biases: Vec<AlignedBuffer>,
}

/// A weight on the way forward and, transposed, on the way back.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) forward: Panels,
    pub(crate) backward: Panels,
}

impl Layer {
    fn zeros(inputs: usize, outputs: usize, lanes: usize) -> Self {
        Layer {
            forward: Panels::zeros(inputs, outputs, lanes),
            backward: Panels::zeros(outputs, inputs, lanes),
        }
    }

    fn fill(&mut self, weight: &[f32], outputs: usize) {
        self.forward.fill(weight, outputs);
        self.backward.fill_transposed(weight);
    }
}

impl Operands {
    pub(crate) fn new(config: &MlpConfig) -> Self {
        let MlpConfig { dimension, width, layers, time_features, .. } = *config;
        let lanes = lanes();
        Operands {
            time: Panels::zeros(time_features, width, lanes),
            state: Panels::zeros(dimension, width, lanes),
            layers: (0..layers).map(|_| Layer::zeros(width, width, lanes)).collect(),
            output: Layer::zeros(width, dimension, lanes),
            biases: (0..=layers).map(|_| AlignedBuffer::zeros(stride(width))).collect(),
        }
    }

    /// Takes the weights `values`, in the order of the parameters.
    pub(crate) fn fill(&mut self, values: &[f32], layout: &Layout, config: &MlpConfig) {
        let MlpConfig { dimension, width, .. } = *config;
        self.time.fill(&values[layout.time_weight.clone()], width);
        self.state.fill(&values[layout.state_weight.clone()], width);
        for (layer, (weight, _)) in self.layers.iter_mut().zip(&layout.layers) {
            layer.fill(&values[weight.clone()], width);
        }
        self.output.fill(&values[layout.output_weight.clone()], dimension);
        let ranges = std::iter::once(&layout.time_bias).chain(layout.layers.iter().map(|l| &l.1));
        for (bias, range) in self.biases.iter_mut().zip(ranges) {
            bias[..width].copy_from_slice(&values[range.clone()]);
        }
    }
}

/// `h <- h + sums + bias`, `activation <- silu(h)`, `derivative <- silu'(h)`.
pub(crate) struct Recorded<'a, S: Simd> {
    bias: &'a [S::f32s],
    stream: &'a mut [S::f32s],
    activation: &'a mut [S::f32s],
    derivative: &'a mut [S::f32s],
    stride: usize,
}

impl<'a, S: Simd> Recorded<'a, S> {
    #[inline(always)]
    pub(crate) fn new(
        bias: &'a [f32],
        stream: &'a mut [f32],
        activation: &'a mut [f32],
        derivative: &'a mut [f32],
        width: usize,
    ) -> Self {
        Recorded {
            bias: S::as_simd_f32s(bias).0,
            stream: S::as_mut_simd_f32s(stream).0,
            activation: S::as_mut_simd_f32s(activation).0,
            derivative: S::as_mut_simd_f32s(derivative).0,
            stride: stride(width) / S::F32_LANES,
        }
    }
}

impl<S: Simd> Epilogue<S> for Recorded<'_, S> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, sums: S::f32s) {
        let at = row * self.stride + column;
        let h = simd.add_f32s(self.stream[at], simd.add_f32s(sums, self.bias[column]));
        self.stream[at] = h;
        (self.activation[at], self.derivative[at]) = silu_with_derivative(simd, h);
    }
}

/// `to <- [from +] sums * derivative`: what comes back through an activation,
/// added to what comes back past it.
pub(crate) struct Back<'a, S: Simd> {
    from: Option<&'a [S::f32s]>,
    to: &'a mut [S::f32s],
    derivative: &'a [S::f32s],
    stride: usize,
}

impl<'a, S: Simd> Back<'a, S> {
    #[inline(always)]
    pub(crate) fn new(
        from: Option<&'a [f32]>,
        to: &'a mut [f32],
        derivative: &'a [f32],
        width: usize,
    ) -> Self {
        Back {
            from: from.map(|from| S::as_simd_f32s(from).0),
            to: S::as_mut_simd_f32s(to).0,
            derivative: S::as_simd_f32s(derivative).0,
            stride: stride(width) / S::F32_LANES,
        }
    }
}

impl<S: Simd> Epilogue<S> for Back<'_, S> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, sums: S::f32s) {
        let at = row * self.stride + column;
        let derivative = self.derivative[at];
        self.to[at] = match self.from {
            Some(from) => simd.mul_add_e_f32s(sums, derivative, from[at]),
            None => simd.mul_f32s(sums, derivative),
        };
    }
}

/// The gradient of a weight, `[inputs, outputs]` without gaps.
pub(crate) struct OfWeight<'a> {
    gradient: &'a mut [f32],
    outputs: usize,
}

impl<'a> OfWeight<'a> {
    #[inline(always)]
    pub(crate) fn new(gradient: &'a mut [f32], outputs: usize) -> Self {
        OfWeight { gradient, outputs }
    }
}

impl<S: Simd> Epilogue<S> for OfWeight<'_> {
    #[inline(always)]
    fn store(&mut self, simd: S, row: usize, column: usize, sums: S::f32s) {
        let first = column * S::F32_LANES;
        let columns = S::F32_LANES.min(self.outputs - first);
        // Rows past the last are the rest of a block.
        let start = row * self.outputs + first;
        let Some(values) = self.gradient.get_mut(start..start + columns) else { return };
        match S::as_mut_simd_f32s(values) {
            ([whole], _) => *whole = sums,
            (_, part) => simd.partial_store_f32s(part, sums),
        }
    }
}
