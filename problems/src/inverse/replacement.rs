use std::ops::Range;

use driftfield_solvers::field::ByLane;
use driftfield_solvers::{FieldError, HostState, State, StateError};

use super::kalman::GainAt;
use super::{Conditioning, KalmanGain};
use crate::host::each_lane_in_place;
use crate::predictor::{Predictor, Pullback, Pushforward, Target, Times};

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
    S: HostState + State + Send + Sync,
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
        pull.without_time()?;
        gain.observation().check_lanes(x.lane_count(), x.lane_len())?;
        let mut room = Vec::new();
        let gains = gain.by_lane(predictor.path(), t, &mut room)?;
        let Pullback { value, cotangent, state, time, parameters } = pull;
        let of_prediction = |lanes: Range<usize>, data: &S, c: &mut S| -> Result<(), FieldError> {
            let mut replaced = data.clone();
            replace(gains, lanes.clone(), &mut replaced)?;
            cotangent(lanes.clone(), &replaced, c)?;
            Ok(unexplained(gains, lanes, c)?)
        };
        let inner =
            Pullback { value: &mut *value, cotangent: &of_prediction, state, time, parameters };
        predictor.pull_back(Target::DATA.into(), inner, x, t)?;
        replace(gains, 0..x.lane_count(), value)
    }

    fn push_forward_data(
        &self,
        (predictor, gain): (&P, &KalmanGain),
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        push.without_time()?;
        gain.observation().check_lanes(x.lane_count(), x.lane_len())?;
        let mut room = Vec::new();
        let gains = gain.by_lane(predictor.path(), t, &mut room)?;
        let Pushforward { value, direction, time, tangent } = push;
        let inner = Pushforward { value: &mut *value, direction, time, tangent: &mut *tangent };
        predictor.push_forward(Target::DATA.into(), inner, x, t)?;
        unexplained(gains, 0..x.lane_count(), tangent)?;
        replace(gains, 0..x.lane_count(), value)
    }
}

/// Adds what the measurements of these lanes say.
fn replace<S: HostState + State>(
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
fn unexplained<S: HostState + State>(
    gains: ByLane<'_, GainAt<'_>>,
    lanes: Range<usize>,
    c: &mut S,
) -> Result<(), StateError> {
    let work = PER_COMPONENT * c.lane_len();
    each_lane_in_place(lanes, c, work, |lane, c| gains.of(lane).unexplained(c))
}

/// Operations of a measurement, its adjoint and its gram matrix on one component, roughly.
const PER_COMPONENT: usize = 32;
