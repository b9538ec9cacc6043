//! The residual MLP as candle tensors, on any device.

use candle_core::{DType, Device, Result, Tensor, Var};
use driftfield_solvers::{FieldError, State, StateError, TrackedTensor};

use super::MlpConfig;
use crate::Parameters;
use crate::layers::TimeFeatures;
use crate::plan::{check_rows, check_time};
use driftfield_problems::predictor::{Network, Pullback, Times};

/// The residual MLP of [`MlpConfig`] evaluated by candle: the readable
/// definition, the way to a GPU, and what [`Plan`](crate::Plan) is tested against.
#[derive(Debug, Clone)]
pub struct Mlp {
    config: MlpConfig,
    features: TimeFeatures,
    /// In the order of [`Parameters::entries`].
    tensors: Vec<Tensor>,
    device: Device,
}

impl Mlp {
    /// Puts the weights on `device`, in `f32`.
    pub fn new(parameters: &Parameters, device: &Device) -> Result<Self> {
        let tensors = parameters
            .entries()
            .into_iter()
            .map(|entry| Tensor::from_slice(&parameters.values()[entry.range], entry.shape, device))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self::from_tensors(parameters.config().clone(), tensors, device))
    }

    pub(crate) fn from_tensors(config: MlpConfig, tensors: Vec<Tensor>, device: &Device) -> Self {
        let features = features_of(&config);
        Mlp { config, features, tensors, device: device.clone() }
    }

    /// The architecture.
    pub fn config(&self) -> &MlpConfig {
        &self.config
    }

    /// The network at rows `x` of shape `[n, d]`, in `f32`, at one time for all
    /// rows or one per row. Differentiable: the result carries its graph.
    ///
    /// With one time its embedding is computed once and broadcast.
    pub fn forward_rows(&self, x: &Tensor, times: &[f64]) -> Result<Tensor> {
        let (inner, output) = self.tensors[3..].split_at(2 * self.config.layers);
        let [time_weight, time_bias, state_weight] = &self.tensors[..3] else {
            candle_core::bail!("an MLP needs three input tensors")
        };
        let features = Tensor::from_vec(
            self.features.rows(times),
            (times.len(), self.features.len()),
            &self.device,
        )?;
        let time = features.matmul(time_weight)?.broadcast_add(time_bias)?;
        let mut h = x.matmul(state_weight)?.broadcast_add(&time)?;
        for layer in inner.chunks_exact(2) {
            h = (&h + h.silu()?.matmul(&layer[0])?)?.broadcast_add(&layer[1])?;
        }
        let out = h.silu()?.matmul(&output[0])?.broadcast_add(&output[1])?;
        if self.config.residual { out + x } else { Ok(out) }
    }
}

fn backend(error: candle_core::Error) -> FieldError {
    FieldError::State(StateError::backend(error))
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
            let flat = flat.to_dtype(DType::F32)?.to_device(&self.device)?;
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
        pull.without_parameters()?;
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
        let features: Vec<f64> = features_of(config).rows(&[t]).iter().map(|&v| v.into()).collect();
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
            let mlp = Mlp::new(&parameters, &Device::Cpu).unwrap();
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
        let mlp = Mlp::new(&parameters, &Device::Cpu).unwrap();
        let x = Tensor::new(&[[0.3f32, -1.0], [1.5, 0.0]], &Device::Cpu).unwrap();
        let once = mlp.forward_rows(&x, &[0.2]).unwrap().to_vec2::<f32>().unwrap();
        let each = mlp.forward_rows(&x, &[0.2, 0.2]).unwrap().to_vec2::<f32>().unwrap();
        for (a, b) in once.concat().iter().zip(each.concat()) {
            assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn bad_shapes_and_times_are_typed_errors() {
        let parameters = Parameters::initialise(&MlpConfig::new(2), 1).unwrap();
        let mlp = Mlp::new(&parameters, &Device::Cpu).unwrap();
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
