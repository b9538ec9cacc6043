//! Predictor-corrector sampling and annealed Langevin dynamics.

use driftfield_solvers::State;
use driftfield_solvers::method::BoxedMethod;

use super::ancestral_steps::refused;
use super::catalog::methods;
use super::langevin_steps::PUBLISHED_SNR;
use super::{AnnealedLangevin, LangevinRule, NoPredictor, PredictorCorrector, Recipe};
use crate::catalog::{Entry, Key};

/// Any method after Langevin steps. The lanes of a batch share the steps of `langevin`; those of
/// `ald` keep lanes apart.
pub(super) fn predictor_corrector<S: State>(summary: &'static str) -> Entry<Recipe<S>> {
    Entry::new("pc", summary, |parameters| {
        let rule = match parameters.word("corrector")? {
            "ald" => LangevinRule::Annealed,
            _ => LangevinRule::SignalToNoise,
        };
        let (snr, steps) = (parameters.number("snr")?, parameters.integer("n")?);
        let method = PredictorCorrector::new(NoPredictor, rule, snr, steps)
            .map_err(|error| refused(parameters, error))?
            .final_noise(parameters.flag("final_noise")?);
        let predictor: Recipe<S> = match parameters.word("predictor")? {
            "none" => Recipe::new(NoPredictor),
            name => methods().build(name)?,
        };
        Ok(Recipe::made_by(move || BoxedMethod::new(method.around(predictor.make(None).method))))
    })
    .keys([
        Key::text("predictor", "a solver, or `none`", "the method whose steps are corrected")
            .or("reverse-diffusion"),
        Key::choice(
            "corrector",
            &["ald", "langevin"],
            "length of its steps: of every lane for itself, or shared by the lanes",
        ),
        Key::number("snr", PUBLISHED_SNR, "signal-to-noise ratio of a Langevin step").positive(),
        Key::integer("n", 1, "Langevin steps at every level").positive(),
        Key::flag("final_noise", true, "whether the predictor's last step draws noise"),
    ])
}

/// Langevin steps alone.
pub(super) fn annealed_langevin<S: State>(summary: &'static str) -> Entry<Recipe<S>> {
    Entry::new("annealed-langevin", summary, |parameters| {
        let (step, count) = (parameters.number("step")?, parameters.integer("n")?);
        let method = AnnealedLangevin::new(step, count);
        Ok(Recipe::new(method.map_err(|error| refused(parameters, error))?))
    })
    .keys([
        Key::number("step", 0.2, "length of a step, in squares of the noise level").positive(),
        Key::integer("n", 10, "steps at every level").positive(),
    ])
}
