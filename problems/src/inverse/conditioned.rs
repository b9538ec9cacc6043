use std::sync::Arc;

use driftfield_solvers::field::affine;
use driftfield_solvers::{FieldError, HostState};

use super::{KalmanGain, MeasurementError, Observation, PseudoInverse, Replacement};
use crate::predictor::{
    Predictor, Pullback, Pushforward, Targets, Times, from_data, pull_through, push_through,
    weights_from_data,
};
use crate::process::SharedPath;
use crate::spec::SpecError;

/// How the data that `P` predicts is moved towards what was measured.
pub trait Conditioning<S, P>: Send + Sync {
    /// Writes the conditioned data at `(x, t)`.
    fn data(
        &self,
        given: (&P, &KalmanGain),
        data: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError>;

    /// The same, and multiplies its Jacobian from the left.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] unless the conditioning says how.
    fn pull_back_data(
        &self,
        _given: (&P, &KalmanGain),
        _pull: Pullback<'_, S>,
        _x: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        Err(FieldError::Refused(NO_PRODUCTS.to_owned()))
    }

    /// The same, and multiplies its Jacobian from the right.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] unless the conditioning says how.
    fn push_forward_data(
        &self,
        _given: (&P, &KalmanGain),
        _push: Pushforward<'_, S>,
        _x: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        Err(FieldError::Refused(NO_PRODUCTS.to_owned()))
    }
}

const NO_PRODUCTS: &str = "products with the Jacobian of data guided by a derivative, which need a \
                           second derivative; take replacement";

/// A predictor whose predicted data takes a measurement into account, by [`PseudoInverse`]
/// guidance or by [`Replacement`].
///
/// The noise follows the conditioned data, `eps = (x_t - alpha x_0) / sigma`, so that velocity,
/// score and every drift do, and every method on every process samples the (approximate)
/// posterior unchanged. Where `sigma = 0` there is no noise and only the data is known.
/// One evaluation costs the network forward passes of the predictor inside.
///
/// What a replacement is conditioned on is the measurement `y`: its products go back into as many
/// values a lane as are measured.
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
    S: HostState,
    P: Predictor<S>,
    C: Conditioning<S, P>,
{
    fn path(&self) -> &SharedPath {
        self.predictor.path()
    }

    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let mut room = Default::default();
        let weights = weights_from_data(self.path(), target, t, &mut room)?;
        self.conditioning.data((&self.predictor, &self.gain), out, x, t)?;
        Ok(affine(out, weights, x)?)
    }

    fn pull_back(
        &self,
        target: Targets<'_>,
        pull: Pullback<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let given = (&self.predictor, &self.gain);
        pull_through(self.path(), (target, t), pull, x, from_data, |inner| {
            self.conditioning.pull_back_data(given, inner, x, t)
        })
    }

    fn push_forward(
        &self,
        target: Targets<'_>,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let given = (&self.predictor, &self.gain);
        push_through(self.path(), (target, t), push, x, from_data, |inner| {
            self.conditioning.push_forward_data(given, inner, x, t)
        })
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.predictor.forwards(t)
    }
}
