use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use driftfield_solvers::field::ByLane;
use driftfield_solvers::{FieldError, HostState, Scalar, State, StateError};

use super::kalman::GainAt;
use super::{Conditioning, KalmanGain};
use crate::host::{add, dot, each_lane, each_lane_in_place, values_like, wide};
use crate::predictor::{Predictor, Pullback, Pushforward, Target, Times};
use crate::process::Parameter;

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

impl<S, P> Conditioning<S, P> for Replacement
where
    S: HostState,
    P: Predictor<S>,
{
    fn data(
        &self,
        (predictor, gain): (&P, &KalmanGain),
        data: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        predictor.predict(Target::DATA.into(), data, x, t)?;
        let mut room = Vec::new();
        let gains = gain.by_lane(predictor.path(), t, &mut room)?;
        gain.observation().check_lanes(data.lane_count(), data.lane_len())?;
        replace(gains, 0..data.lane_count(), data)
    }

    fn pull_back_data(
        &self,
        (predictor, gain): (&P, &KalmanGain),
        pull: Pullback<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let (observation, lanes) = (gain.observation(), x.lane_count());
        observation.check_lanes(lanes, x.lane_len())?;
        let measured = observation.measurement().measured();
        let mut room = Vec::new();
        let gains = gain.by_lane(predictor.path(), t, &mut room)?;
        let Pullback { value, cotangent, state, mut time, mut inputs } = pull;
        let conditioning = inputs.conditioning.take();
        let moves = time.is_some() || inputs.process.is_some();
        let told = Mutex::new(vec![Told::default(); lanes]);
        let of_prediction = |lanes: Range<usize>, data: &S, c: &mut S| -> Result<(), FieldError> {
            let mut replaced = data.clone();
            replace(gains, lanes.clone(), &mut replaced)?;
            cotangent(lanes.clone(), &replaced, c)?;
            if conditioning.is_some() || moves {
                let said = told_by(gains, lanes.clone(), data, c)?;
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                told[lanes.clone()].clone_from_slice(&said);
            }
            Ok(unexplained(gains, lanes, c)?)
        };
        predictor.pull_back(
            Target::DATA.into(),
            Pullback {
                value: &mut *value,
                cotangent: &of_prediction,
                state,
                time: time.as_deref_mut(),
                inputs: inputs.reborrow(),
            },
            x,
            t,
        )?;
        let told = told.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(to) = conditioning {
            let to = values_like(to, lanes, lanes * measured)?;
            let said = told.iter().flat_map(|told| &told.measurement);
            to.iter_mut().zip(said).for_each(|(to, said)| *to = S::Scalar::from_f64(*said));
        }
        let mut room = Vec::new();
        if let Some(times) = time {
            let rates = t.map(&mut room, |t| gain.rate(predictor.path(), t))?;
            let told = told.iter().enumerate().map(|(lane, told)| told.ratio * rates.of(lane));
            times.iter_mut().zip(told).for_each(|(time, told)| *time += told);
        }
        if let Some(sums) = inputs.process {
            for (sum, parameter) in sums.iter_mut().zip(Parameter::all(predictor.path())?) {
                let slopes = t.map(&mut room, |t| Ok(gain.slope(&parameter, t)))?;
                let told = told.iter().enumerate().map(|(lane, told)| told.ratio * slopes.of(lane));
                *sum += told.sum::<f64>();
            }
        }
        replace(gains, 0..lanes, value)
    }

    fn push_forward_data(
        &self,
        (predictor, gain): (&P, &KalmanGain),
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        gain.observation().check_lanes(x.lane_count(), x.lane_len())?;
        let mut room = Vec::new();
        let gains = gain.by_lane(predictor.path(), t, &mut room)?;
        let Pushforward { value, direction, time, tangent } = push;
        let inner = Pushforward { value: &mut *value, direction, time, tangent: &mut *tangent };
        predictor.push_forward(Target::DATA.into(), inner, x, t)?;
        unexplained(gains, 0..x.lane_count(), tangent)?;
        if time != ByLane::One(0.0) {
            let (work, mut room) = (PER_COMPONENT * x.lane_len(), Vec::new());
            let rates = t.map(&mut room, |t| gain.rate(predictor.path(), t))?;
            each_lane(0..x.lane_count(), value, tangent, work, |lane, data, tangent| {
                let mut rate = vec![0.0; data.len()];
                gains.of(lane).explain_rate(lane, data, &mut rate);
                add(tangent, time.of(lane) * rates.of(lane), &rate);
            })?;
        }
        replace(gains, 0..x.lane_count(), value)
    }
}

/// What goes back from a lane beside its state.
#[derive(Debug, Clone, Default)]
struct Told {
    /// `K^T c`.
    measurement: Vec<f64>,
    /// The derivative of `c . x_0'` in `(sigma_y / r_t)^2`.
    ratio: f64,
}

fn told_by<S: HostState>(
    gains: ByLane<'_, GainAt<'_>>,
    lanes: Range<usize>,
    data: &S,
    c: &S,
) -> Result<Vec<Told>, StateError> {
    let (data, c, len) = (wide(data)?, wide(c)?, data.lane_len());
    let lane = |(i, lane): (usize, usize)| {
        let (data, c) = (&data[i * len..][..len], &c[i * len..][..len]);
        let mut rate = vec![0.0; len];
        gains.of(lane).explain_rate(lane, data, &mut rate);
        Told { measurement: gains.of(lane).transposed(c), ratio: dot(c, &rate) }
    };
    Ok(lanes.enumerate().map(lane).collect())
}

/// Adds what the measurements of these lanes say.
fn replace<S: HostState>(
    gains: ByLane<'_, GainAt<'_>>,
    lanes: Range<usize>,
    data: &mut S,
) -> Result<(), FieldError> {
    let work = PER_COMPONENT * data.lane_len();
    each_lane_in_place(lanes, data, work, |lane, data| {
        let mut change = vec![0.0; data.len()];
        gains.of(lane).explain(lane, data, &mut change);
        data.iter_mut().zip(change).for_each(|(data, change)| *data += change);
    })?;
    Ok(())
}

/// `c <- c - K A c` in these lanes.
fn unexplained<S: HostState>(
    gains: ByLane<'_, GainAt<'_>>,
    lanes: Range<usize>,
    c: &mut S,
) -> Result<(), StateError> {
    let work = PER_COMPONENT * c.lane_len();
    each_lane_in_place(lanes, c, work, |lane, c| gains.of(lane).unexplained(c))
}

/// Operations of a measurement, its adjoint and its gram matrix on one component, roughly.
const PER_COMPONENT: usize = 32;
