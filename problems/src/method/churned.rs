//! The samplers of Karras et al. with their churn, by name and parameters.

use driftfield_solvers::State;
use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{Churn, Churned, Dpm2, edm_heun};
use driftfield_solvers::number::Number;

use super::{ChosenMethod, IntendedGrid};
use crate::spec::{Spec, SpecError};

/// `S_churn`, `S_tmin`, `S_tmax`, `S_noise`.
const KEYS: [&str; 4] = ["churn", "tmin", "tmax", "noise"];

/// The method `spec` names, if it is one with churn.
pub(super) fn build<S: State>(
    spec: &Spec,
    _grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let build: fn(Churn) -> _ = match spec.name() {
        "edm-heun" => |churn| BoxedMethod::new(edm_heun(churn)),
        "dpm-2" => |churn| BoxedMethod::new(Churned::new(Dpm2::new(), churn)),
        _ => return Ok(None),
    };
    spec.only(&KEYS)?;
    Ok(Some(ChosenMethod { method: build(churn(spec)?), orders: None }))
}

fn churn(spec: &Spec) -> Result<Churn, SpecError> {
    let values = [Churn::NONE.amount, Churn::NONE.rho_min, Churn::NONE.rho_max, Churn::NONE.noise];
    let mut read = [0.0; 4];
    for ((value, key), default) in read.iter_mut().zip(KEYS).zip(values) {
        *value = spec.number(key, default)?;
        if *value < 0.0 {
            return Err(SpecError::number(spec.name(), key, *value, "not negative"));
        }
    }
    let [amount, rho_min, rho_max, noise] = read;
    if rho_min > rho_max {
        let expected = format!("at most tmax = {}", Number(rho_max));
        return Err(SpecError::number(spec.name(), "tmin", rho_min, expected));
    }
    Ok(Churn { amount, rho_min, rho_max, noise })
}
