use std::sync::Arc;

use driftfield_problems::catalog::{Entry, Key};
use driftfield_problems::inverse::{self, Observation};

use super::{Costs, Prior, Solve, Technique, TechniqueFor};
use crate::generate::{Generated, Precision, Steered};
use crate::reconstruct::ReconstructError;

/// Diffusion posterior sampling ([`inverse::Dps`]): every step is corrected along the gradient of
/// the misfit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dps {
    /// Length of a correction.
    pub zeta: f64,
    /// Whether a multistep method starts anew after every correction.
    pub forgets_history: bool,
}

/// `zeta = 0.5`, and the history is kept.
impl Default for Dps {
    fn default() -> Self {
        Dps { zeta: 0.5, forgets_history: false }
    }
}

pub(super) fn entry() -> Entry<Technique> {
    Entry::new("dps", "every step corrected along the gradient of the misfit", |dps| {
        let forgets_history = dps.word("history")? == "forget";
        let technique = Dps { zeta: dps.number("zeta")?, forgets_history };
        Ok(Technique::new(dps.complete(), technique))
    })
    .keys([
        Key::number("zeta", Dps::default().zeta, "length of a correction")
            .within("finite and not negative", |zeta| zeta >= 0.0),
        Key::choice(
            "history",
            &["keep", "forget"],
            "whether multistep methods start anew after it",
        ),
    ])
}

impl<T: Precision> TechniqueFor<T> for Dps {
    fn reconstruct(
        &self,
        prior: &Prior<'_>,
        observation: Arc<Observation>,
        solve: Solve<'_, T>,
    ) -> Result<(Generated<T>, Costs), ReconstructError> {
        let predictor = prior.predictor::<T>()?;
        let dps = inverse::Dps::new(predictor.clone(), observation, self.zeta)?;
        let mut dps = if self.forgets_history { dps.forgetting_history() } else { dps };
        let generated = solve(Steered::along(predictor).under(&mut dps))?;
        let (gradients, network_forwards) = (dps.gradients(), dps.network_forwards());
        Ok((generated, Costs { gradients, network_forwards }))
    }
}
