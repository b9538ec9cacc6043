use std::sync::Arc;

use driftfield_problems::catalog::Entry;
use driftfield_problems::inverse::{self, Conditioned, Observation};

use super::{Costs, Prior, Solve, Technique, TechniqueFor, data_std_key};
use crate::generate::{Generated, Precision, Steered};
use crate::reconstruct::ReconstructError;

/// Replacement ([`inverse::Replacement`]): the predicted data is replaced where it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Replacement {
    /// Standard deviation of the data, in the units of the process; by default the model's.
    pub data_std: Option<f64>,
}

pub(super) fn entry() -> Entry<Technique> {
    Entry::new("replacement", "the prediction replaced where it was measured", |replacement| {
        let data_std = replacement.optional_number("data_std")?;
        Ok(Technique::new(replacement.complete(), Replacement { data_std }))
    })
    .keys([data_std_key()])
}

impl<T: Precision> TechniqueFor<T> for Replacement {
    fn reconstruct(
        &self,
        prior: &Prior<'_>,
        observation: Arc<Observation>,
        solve: Solve<'_, T>,
    ) -> Result<(Generated<T>, Costs), ReconstructError> {
        let predictor = prior.predictor::<T>()?;
        let conditioned = Conditioned::new(predictor, observation, inverse::Replacement)?;
        let predictor = Arc::new(conditioned.data_std(prior.data_std(self.data_std)?)?);
        Ok((solve(Steered::along(predictor))?, Costs::default()))
    }
}
