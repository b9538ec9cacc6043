//! Predictor-corrector sampling and annealed Langevin dynamics by name and parameters.

use driftfield_solvers::State;
use driftfield_solvers::method::BoxedMethod;

use super::ancestral_steps::refused;
use super::registry::parse;
use super::{
    AnnealedLangevin, ChosenMethod, IntendedGrid, LangevinRule, NoPredictor, PathMethod,
    PredictorCorrector, ReverseDiffusion, langevin_steps::PUBLISHED_SNR,
};
use crate::spec::{Spec, SpecError};

/// The method `spec` names, if it follows the score by Langevin steps.
pub(super) fn build<S: State>(
    spec: &Spec,
    _grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let method = match spec.name() {
        "pc" => predictor_corrector(spec)?,
        "annealed-langevin" => annealed(spec)?,
        _ => return Ok(None),
    };
    Ok(Some(ChosenMethod { method, orders: None }))
}

/// The methods of the family with their default settings.
pub(super) fn defaults<S: State>() -> [PathMethod<S>; 3] {
    [
        BoxedMethod::new(ReverseDiffusion),
        BoxedMethod::new(PredictorCorrector::default()),
        BoxedMethod::new(AnnealedLangevin::default()),
    ]
}

fn predictor_corrector<S: State>(spec: &Spec) -> Result<PathMethod<S>, SpecError> {
    spec.only(&["predictor", "corrector", "snr", "n", "final_noise"])?;
    let (snr, steps) = (spec.number("snr", PUBLISHED_SNR)?, spec.integer("n", 1)?);
    let final_noise = spec.boolean("final_noise", true)?;
    // The lanes of a batch share the steps of `langevin`; those of `ald` keep lanes apart.
    let rule = match spec.choice("corrector", &["ald", "langevin"], "ald")? {
        "ald" => LangevinRule::Annealed,
        _ => LangevinRule::SignalToNoise,
    };
    let predictor: PathMethod<S> = match spec.text("predictor") {
        None => BoxedMethod::new(ReverseDiffusion),
        Some("none") => BoxedMethod::new(NoPredictor),
        Some(name) => parse(name)?,
    };
    let method = PredictorCorrector::new(predictor, rule, snr, steps)
        .map_err(|error| refused(spec, error))?;
    Ok(BoxedMethod::new(method.final_noise(final_noise)))
}

fn annealed<S: State>(spec: &Spec) -> Result<PathMethod<S>, SpecError> {
    spec.only(&["step", "n"])?;
    let method = AnnealedLangevin::new(spec.number("step", 0.2)?, spec.integer("n", 10)?);
    Ok(BoxedMethod::new(method.map_err(|error| refused(spec, error))?))
}
