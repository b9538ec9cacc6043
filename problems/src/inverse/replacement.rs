use driftfield_solvers::{FieldError, HostState, Scalar, State, StateError};
use rayon::prelude::*;

use super::kalman::GainAt;
use super::{Conditioning, KalmanGain};
use crate::predictor::{Predictor, Target};

/// The predicted data gives way to the measurement, without a derivative:
///
/// ```text
/// x_0' = argmin_z |y - A z|^2 / sigma_y^2 + |z - x_0_hat|^2 / r_t^2
///      = x_0_hat + r_t^2 A^T (r_t^2 A A^T + sigma_y^2 I)^-1 (y - A x_0_hat)
/// ```
///
/// the proximal step of DiffPIR (Zhu et al., *Denoising diffusion models for plug-and-play image
/// restoration*, 2023), with `r_t` as in [`KalmanGain`]. Without noise it replaces what is
/// observed by what was measured (Wang et al., *DDNM*, ICLR 2023). What is observed never tells
/// the rest of the image anything but through the state; exact for data `N(m, s^2 I)` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replacement;

impl<S: HostState + State, P: Predictor<S>> Conditioning<S, P> for Replacement {
    fn data(
        &self,
        predictor: &P,
        gain: &KalmanGain,
        data: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError> {
        predictor.predict(Target::DATA, data, x, t)?;
        replace(&[gain.at(predictor.path(), t)?], gain, data)
    }

    fn data_of_lanes(
        &self,
        predictor: &P,
        gain: &KalmanGain,
        data: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError> {
        predictor.predict_lanes(&vec![Target::DATA; t.len()], data, x, t)?;
        let gains =
            t.iter().map(|&t| gain.at(predictor.path(), t)).collect::<Result<Vec<_>, _>>()?;
        replace(&gains, gain, data)
    }
}

/// Adds what each lane's measurement says; `gains` is one for all lanes or one for each.
fn replace<S: HostState + State>(
    gains: &[GainAt<'_>],
    gain: &KalmanGain,
    data: &mut S,
) -> Result<(), FieldError> {
    let dimension = data.lane_len();
    gain.observation().check_lanes(data.lane_count(), dimension)?;
    let values = data.values_mut().ok_or(StateError::NotContiguous)?;
    values.par_chunks_exact_mut(dimension.max(1)).enumerate().for_each(|(lane, values)| {
        let predicted: Vec<f64> = values.iter().map(|value| value.into_f64()).collect();
        let mut change = vec![0.0; dimension];
        if let Some(gain) = gains.get(lane).or(gains.first()) {
            gain.explain(lane, &predicted, &mut change);
        }
        for ((value, predicted), change) in values.iter_mut().zip(predicted).zip(change) {
            *value = S::Scalar::from_f64(predicted + change);
        }
    });
    Ok(())
}
