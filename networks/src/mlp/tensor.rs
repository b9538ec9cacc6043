//! The residual MLP as candle tensors, on any device.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{Linear, Module, VarBuilder};
use driftfield_problems::predictor::{Network, Pullback, Times};
use driftfield_solvers::{FieldError, State, TrackedTensor};

use super::MlpConfig;
use crate::Parameters;
use crate::layers::TimeFeatures;
use crate::plan::{check_rows, check_time};
use crate::tensor_layers::{backend, linear, matrix};

/// The residual MLP of [`MlpConfig`] by candle's own operations: the readable definition, in `f32`
/// or `f64` and on any device, differentiable in states and weights, and what
/// [`Plan`](crate::Plan) is tested against.
#[derive(Debug, Clone)]
pub struct Mlp {
    config: MlpConfig,
    features: TimeFeatures,
    time: Linear,
    state: Linear,
    layers: Vec<Linear>,
    output: Linear,
    dtype: DType,
    device: Device,
}

impl Mlp {
    /// Puts the weights on `device`, in `f32` or `f64`.
    pub fn new(parameters: &Parameters, dtype: DType, device: &Device) -> Result<Self> {
        Self::from_vars(parameters.config(), parameters.tensors(dtype, device)?)
    }

    /// The network of given weights, which may be variables.
    pub fn from_vars(config: &MlpConfig, vars: VarBuilder<'_>) -> Result<Self> {
        let MlpConfig { dimension, width, layers, time_features, .. } = *config;
        let layer = |l: usize| linear(vars.pp(format!("layers.{l}")), width, width);
        Ok(Mlp {
            features: features_of(config),
            time: linear(vars.pp("time"), time_features, width)?,
            state: matrix(vars.pp("state"), dimension, width)?,
            layers: (0..layers).map(layer).collect::<Result<_>>()?,
            output: linear(vars.pp("output"), width, dimension)?,
            dtype: vars.dtype(),
            device: vars.device().clone(),
            config: config.clone(),
        })
    }

    /// The architecture.
    pub fn config(&self) -> &MlpConfig {
        &self.config
    }

    /// The network at rows `x` of shape `[n, d]`, at one time for all rows or one per row.
    /// Differentiable: the result carries its graph.
    ///
    /// With one time its embedding is computed once and broadcast.
    pub fn forward_rows(&self, x: &Tensor, times: &[f64]) -> Result<Tensor> {
        let shape = (times.len(), self.features.len());
        let features = Tensor::from_vec(self.features.rows(times), shape, &self.device)?;
        let time = self.time.forward(&features.to_dtype(self.dtype)?)?;
        let mut h = self.state.forward(x)?.broadcast_add(&time)?;
        for layer in &self.layers {
            h = (&h + layer.forward(&h.silu()?)?)?;
        }
        let out = self.output.forward(&h.silu()?)?;
        if self.config.residual { out + x } else { Ok(out) }
    }
}

impl Mlp {
    /// The network at a state, at one time for all rows or one per row, with its graph.
    fn evaluate(&self, x: &Tensor, t: Times<'_>) -> std::result::Result<Tensor, FieldError> {
        t.check(x)?;
        let one;
        let times = match t {
            Times::One(t) => {
                one = [t];
                &one[..]
            }
            Times::Each(times) => times,
        };
        times.iter().try_for_each(|&t| check_time(t))?;
        let rows = x.dims().first().copied().unwrap_or(0);
        check_rows(rows, x.elem_count(), self.config.dimension)?;
        let evaluate = || {
            let flat = x.reshape((rows, self.config.dimension))?;
            let flat = flat.to_dtype(self.dtype)?.to_device(&self.device)?;
            let result = self.forward_rows(&flat, times)?;
            result.reshape(x.shape())?.to_dtype(x.dtype())?.to_device(x.device())
        };
        evaluate().map_err(backend)
    }
}

/// A state `[n, d]` (or of any shape `[n, ...]` with `d` values a row) of `f32`
/// or `f64`; the result has its shape, dtype and device and carries no graph.
impl Network<Tensor> for Mlp {
    fn forward(
        &self,
        out: &mut Tensor,
        x: &Tensor,
        t: Times<'_>,
    ) -> std::result::Result<(), FieldError> {
        *out = self.evaluate(x, t)?.detach();
        Ok(())
    }

    fn pull_back(
        &self,
        pull: Pullback<'_, Tensor>,
        x: &Tensor,
        t: Times<'_>,
    ) -> std::result::Result<(), FieldError> {
        pull.without_time()?;
        if pull.inputs.parameters.is_some() {
            let what = "products in its weights as tensors; take `Plan`, which has them";
            return Err(FieldError::Refused(what.to_owned()));
        }
        pull.inputs.none()?;
        let Pullback { value, cotangent, state, .. } = pull;
        let variable = Var::from_tensor(&x.detach()).map_err(backend)?;
        let result = self.evaluate(variable.as_tensor(), t)?;
        *value = result.detach();
        let mut c = value.zeros_like().map_err(backend)?;
        cotangent(0..x.lanes(), value, &mut c)?;
        let pulled = || {
            (result * c)?
                .sum_all()?
                .backward()?
                .get(&variable)
                .cloned()
                .map_or_else(|| variable.zeros_like(), Ok)
        };
        *state = pulled().map_err(backend)?;
        Ok(())
    }
}

/// The same, carrying its graph, so that gradients go back through a solve.
impl Network<TrackedTensor> for Mlp {
    fn forward(
        &self,
        out: &mut TrackedTensor,
        x: &TrackedTensor,
        t: Times<'_>,
    ) -> std::result::Result<(), FieldError> {
        out.0 = self.evaluate(&x.0, t)?;
        Ok(())
    }
}

fn features_of(config: &MlpConfig) -> TimeFeatures {
    TimeFeatures::between(config.frequency_min, config.frequency_max, config.time_features)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::tests::random_parameters;

    /// The formula of [`MlpConfig`] for one row, in double precision.
    fn reference(parameters: &Parameters, x: &[f64], t: f64) -> Vec<f64> {
        let config = parameters.config();
        let entries = parameters.entries();
        let get = |i: usize| -> Vec<f64> {
            parameters.values()[entries[i].range.clone()].iter().map(|&v| v.into()).collect()
        };
        let apply = |w: &[f64], x: &[f64], outputs: usize| -> Vec<f64> {
            (0..outputs)
                .map(|o| x.iter().enumerate().map(|(i, x)| x * w[i * outputs + o]).sum())
                .collect()
        };
        let silu = |h: &[f64]| h.iter().map(|h| h / (1.0 + (-h).exp())).collect::<Vec<_>>();
        let features = features_of(config).rows(&[t]);
        let mut h = apply(&get(0), &features, config.width);
        let state = apply(&get(2), x, config.width);
        for ((h, s), b) in h.iter_mut().zip(state).zip(get(1)) {
            *h += s + b;
        }
        for layer in 0..config.layers {
            let added = apply(&get(3 + 2 * layer), &silu(&h), config.width);
            for ((h, a), b) in h.iter_mut().zip(added).zip(get(4 + 2 * layer)) {
                *h += a + b;
            }
        }
        let last = 3 + 2 * config.layers;
        let out = apply(&get(last), &silu(&h), config.dimension);
        let skip = if config.residual { 1.0 } else { 0.0 };
        out.iter().zip(get(last + 1)).zip(x).map(|((o, b), x)| o + b + skip * x).collect()
    }

    #[test]
    fn candle_evaluates_the_documented_formula() {
        for residual in [false, true] {
            let config = MlpConfig { width: 24, layers: 3, residual, ..MlpConfig::new(3) };
            let parameters = random_parameters(&config, 5);
            let mlp = Mlp::new(&parameters, DType::F32, &Device::Cpu).unwrap();
            let x = Tensor::new(&[[0.3f64, -1.0, 2.0], [1.5, 0.0, -0.5]], &Device::Cpu).unwrap();
            let mut out = x.zeros_like().unwrap();
            mlp.forward(&mut out, &x, 0.37.into()).unwrap();
            assert_eq!(out.dtype(), DType::F64);
            let (x, out) = (x.to_vec2::<f64>().unwrap(), out.to_vec2::<f64>().unwrap());
            for (x, out) in x.iter().zip(out) {
                for (found, expected) in out.iter().zip(reference(&parameters, x, 0.37)) {
                    assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()));
                }
            }
        }
    }

    #[test]
    fn one_time_broadcast_equals_one_time_per_row() {
        let parameters = random_parameters(&MlpConfig::new(2), 1);
        let mlp = Mlp::new(&parameters, DType::F32, &Device::Cpu).unwrap();
        let x = Tensor::new(&[[0.3f32, -1.0], [1.5, 0.0]], &Device::Cpu).unwrap();
        let once = mlp.forward_rows(&x, &[0.2]).unwrap().to_vec2::<f32>().unwrap();
        let each = mlp.forward_rows(&x, &[0.2, 0.2]).unwrap().to_vec2::<f32>().unwrap();
        for (a, b) in once.concat().iter().zip(each.concat()) {
            assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn products_in_the_weights_are_refused_with_what_has_them() {
        let parameters = Parameters::initialise(&MlpConfig::new(2), 1).unwrap();
        let mlp = Mlp::new(&parameters, DType::F32, &Device::Cpu).unwrap();
        let x = Tensor::zeros((4, 2), DType::F32, &Device::Cpu).unwrap();
        let (mut value, mut state) = (x.clone(), x.clone());
        let ones = |_: std::ops::Range<usize>, value: &Tensor, c: &mut Tensor| {
            *c = value.ones_like().map_err(backend)?;
            Ok(())
        };
        let mut sums = vec![0.0; parameters.values().len()];
        let mut pull = Pullback::new(&mut value, &ones, &mut state);
        pull.inputs.parameters = Some(&mut sums);
        let refused = mlp.pull_back(pull, &x, 0.5.into()).unwrap_err();
        assert!(matches!(refused, FieldError::Refused(_)));
        assert!(refused.to_string().contains("take `Plan`"), "{refused}");
    }

    #[test]
    fn bad_shapes_and_times_are_typed_errors() {
        let parameters = Parameters::initialise(&MlpConfig::new(2), 1).unwrap();
        let mlp = Mlp::new(&parameters, DType::F32, &Device::Cpu).unwrap();
        let good = Tensor::zeros((4, 2), DType::F32, &Device::Cpu).unwrap();
        let mut out = good.clone();
        assert!(matches!(
            mlp.forward(&mut out, &good, f64::NAN.into()),
            Err(FieldError::Domain { .. })
        ));
        for shape in [(0, 2), (4, 3)] {
            let bad = Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
            assert!(matches!(
                mlp.forward(&mut out, &bad, 0.5.into()),
                Err(FieldError::Shape { .. })
            ));
        }
    }
}
