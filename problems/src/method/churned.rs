//! The samplers of Karras et al. with their churn.

use driftfield_solvers::State;
use driftfield_solvers::method::Method;
use driftfield_solvers::method::exponential::{Churn, Churned};
use driftfield_solvers::number::Number;

use super::Recipe;
use crate::catalog::{Entry, Key, Parameters};
use crate::flow::PathField;
use crate::spec::SpecError;

/// A one-step method after churn: `S_churn`, `S_tmin`, `S_tmax`, `S_noise`.
pub(super) fn churned<S: State, M>(
    summary: &'static str,
    make: fn(Churn) -> Churned<M>,
) -> Entry<Recipe<S>>
where
    M: Clone + Send + Sync + 'static,
    Churned<M>: Method<S, PathField<S>>,
{
    Entry::new(make(Churn::NONE).info().name, summary, move |parameters| {
        Ok(Recipe::new(make(churn(parameters)?)))
    })
    .keys([
        Key::number("churn", Churn::NONE.amount, "noise added over all steps").not_negative(),
        Key::number("tmin", Churn::NONE.rho_min, "least sigma / alpha that it is added at")
            .not_negative(),
        Key::number("tmax", 0.0, "largest of them; any, unless given")
            .not_negative()
            .without_default(),
        Key::number("noise", Churn::NONE.noise, "factor of what is drawn").not_negative(),
    ])
}

fn churn(parameters: &Parameters<'_>) -> Result<Churn, SpecError> {
    let churn = Churn {
        amount: parameters.number("churn")?,
        rho_min: parameters.number("tmin")?,
        rho_max: parameters.optional_number("tmax")?.unwrap_or(Churn::NONE.rho_max),
        noise: parameters.number("noise")?,
    };
    if churn.rho_min > churn.rho_max {
        let expected = format!("at most tmax = {}", Number(churn.rho_max));
        return Err(SpecError::number(parameters.name(), "tmin", churn.rho_min, expected));
    }
    Ok(churn)
}
