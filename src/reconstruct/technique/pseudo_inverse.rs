use std::sync::Arc;
use std::sync::atomic::Ordering;

use driftfield_problems::catalog::{Entry, Key};
use driftfield_problems::inverse::{self, Conditioned, Observation};

use super::{Costs, Prior, Solve, Technique, TechniqueFor, data_std_key};
use crate::generate::{Generated, Precision, Steered};
use crate::reconstruct::ReconstructError;

/// Where guidance of a network begins unless told: earlier it is too stiff for the usual numbers
/// of steps on the VP network of digits, later a digit has settled before the measurement is
/// heard, and the misfit grows (docs/images.md).
const LEAST_SIGNAL: f64 = 0.05;

/// Pseudo-inverse guidance ([`inverse::PseudoInverse`], PiGDM): the predicted data is moved by the
/// derivative of the prediction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PseudoInverse {
    /// Standard deviation of the data, in the units of the process; by default the model's.
    pub data_std: Option<f64>,
    /// The `alpha data_std / sigma` at which guidance begins; by default 0.05 for a network, and
    /// for an exact model at once.
    pub least_signal: Option<f64>,
}

pub(super) fn entry() -> Entry<Technique> {
    Entry::new("pigdm", "pseudo-inverse guidance by the derivative of the prediction", |pigdm| {
        let data_std = pigdm.optional_number("data_std")?;
        let least_signal = pigdm.optional_number("least_signal")?;
        Ok(Technique::new(pigdm.complete(), PseudoInverse { data_std, least_signal }))
    })
    .keys([
        data_std_key(),
        Key::number(
            "least_signal",
            LEAST_SIGNAL,
            "alpha data_std / sigma it begins at; unless given 0.05 for a network, 0 if exact",
        )
        .within("0 or more", |signal| signal >= 0.0)
        .without_default(),
    ])
}

impl<T: Precision> TechniqueFor<T> for PseudoInverse {
    fn reconstruct(
        &self,
        prior: &Prior<'_>,
        observation: Arc<Observation>,
        solve: Solve<'_, T>,
    ) -> Result<(Generated<T>, Costs), ReconstructError> {
        let predictor = prior.predictor::<T>()?;
        let usual = if prior.model.is_exact() { 0.0 } else { LEAST_SIGNAL };
        let guidance = inverse::PseudoInverse::new();
        let guidance = guidance.beginning_at(self.least_signal.unwrap_or(usual));
        let gradients = guidance.gradients();
        let conditioned = Conditioned::new(predictor, observation, guidance)?;
        let predictor = Arc::new(conditioned.data_std(prior.data_std(self.data_std)?)?);
        let generated = solve(Steered::along(predictor))?;
        let gradients = gradients.load(Ordering::Relaxed);
        Ok((generated, Costs { gradients, network_forwards: 0 }))
    }
}
