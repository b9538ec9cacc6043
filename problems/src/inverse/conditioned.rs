use std::sync::Arc;

use driftfield_solvers::{FieldError, HostState, State};

use super::{KalmanGain, MeasurementError, Observation, PseudoInverse, Replacement};
use crate::predictor::{Predictor, Target, target_from_data, targets_from_data};
use crate::process::SharedPath;
use crate::spec::SpecError;

/// How the data that `P` predicts is moved towards what was measured.
pub trait Conditioning<S, P>: Send + Sync {
    /// Writes the conditioned data at `(x, t)`.
    fn data(
        &self,
        predictor: &P,
        gain: &KalmanGain,
        data: &mut S,
        x: &S,
        t: f64,
    ) -> Result<(), FieldError>;

    /// The same at a time of every lane's own.
    fn data_of_lanes(
        &self,
        predictor: &P,
        gain: &KalmanGain,
        data: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError>;
}

/// A predictor whose predicted data takes a measurement into account, by [`PseudoInverse`]
/// guidance or by [`Replacement`].
///
/// The noise follows the conditioned data, `eps = (x_t - alpha x_0) / sigma`, so that velocity,
/// score and every drift do, and every method on every process samples the (approximate)
/// posterior unchanged. Where `sigma = 0` there is no noise and only the data is known.
/// One evaluation costs the network forward passes of the predictor inside.
#[derive(Debug, Clone)]
pub struct Conditioned<P, C> {
    predictor: P,
    gain: KalmanGain,
    conditioning: C,
}

impl<P> Conditioned<P, PseudoInverse> {
    /// `predictor`, guided by the derivative of its predicted data.
    pub fn pseudo_inverse(
        predictor: P,
        observation: Arc<Observation>,
    ) -> Result<Self, MeasurementError> {
        Self::new(predictor, observation, PseudoInverse::new())
    }
}

impl<P> Conditioned<P, Replacement> {
    /// `predictor`, what it predicts replaced where it was measured.
    pub fn replacement(
        predictor: P,
        observation: Arc<Observation>,
    ) -> Result<Self, MeasurementError> {
        Self::new(predictor, observation, Replacement)
    }
}

impl<P, C> Conditioned<P, C> {
    /// `predictor`, conditioned on `observation`, which is in the process's units
    /// ([`Observation::in_units`]).
    pub fn new(
        predictor: P,
        observation: Arc<Observation>,
        conditioning: C,
    ) -> Result<Self, MeasurementError> {
        let gain = KalmanGain::new(observation)?;
        Ok(Conditioned { predictor, gain, conditioning })
    }

    /// Another standard deviation `s` of the data than 1, in the units of the process: how
    /// uncertain the predicted data is taken to be ([`KalmanGain`]).
    pub fn data_std(mut self, std: f64) -> Result<Self, SpecError> {
        self.gain = self.gain.data_std(std)?;
        Ok(self)
    }
}

impl<S, P, C> Predictor<S> for Conditioned<P, C>
where
    S: HostState + State,
    P: Predictor<S>,
    C: Conditioning<S, P>,
{
    fn path(&self) -> &SharedPath {
        self.predictor.path()
    }

    fn predict(&self, target: Target, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        target_from_data(self.predictor.path(), target, out, (x, t), |data| {
            self.conditioning.data(&self.predictor, &self.gain, data, x, t)
        })
    }

    fn predict_lanes(
        &self,
        targets: &[Target],
        out: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError> {
        targets_from_data(self.predictor.path(), targets, out, (x, t), |data| {
            self.conditioning.data_of_lanes(&self.predictor, &self.gain, data, x, t)
        })
    }

    fn network_forwards(&self) -> u64 {
        self.predictor.network_forwards()
    }
}
