//! The kin of DEIS that have parameters of their own: LMS and rhoRK.

use driftfield_solvers::State;
use driftfield_solvers::method::exponential::{Deis, RhoRungeKutta};
use driftfield_solvers::method::runge_kutta::{
    EulerTableau, Heun3Tableau, HeunTableau, Kutta3Tableau, Ralston3Tableau, Rk4Tableau,
};

use super::Recipe;
use super::multistep::multistep_of;
use crate::catalog::{Entry, Key};

/// k-diffusion's linear multistep method.
pub(super) fn lms<S: State>(summary: &'static str) -> Entry<Recipe<S>> {
    let order = Key::integer("order", 4, "values that a step combines")
        .within("1, 2, 3 or 4", |order| (1.0..=4.0).contains(&order));
    multistep_of(summary, Deis::lms(4), |_, parameters| Ok(Deis::lms(parameters.integer("order")?)))
        .keys([order])
}

/// DEIS by a Runge-Kutta method in `sigma / alpha`.
pub(super) fn rho_runge_kutta<S: State>(summary: &'static str) -> Entry<Recipe<S>> {
    Entry::new("deis-rhork", summary, |parameters| {
        Ok(match parameters.word("tableau")? {
            "kutta3" => Recipe::new(RhoRungeKutta::<Kutta3Tableau>::new()),
            "heun3" => Recipe::new(RhoRungeKutta::<Heun3Tableau>::new()),
            "ralston3" => Recipe::new(RhoRungeKutta::<Ralston3Tableau>::new()),
            "rk4" => Recipe::new(RhoRungeKutta::<Rk4Tableau>::new()),
            "euler1" => Recipe::new(RhoRungeKutta::<EulerTableau>::new()),
            _ => Recipe::new(RhoRungeKutta::<HeunTableau>::new()),
        })
    })
    .keys([Key::choice(
        "tableau",
        &["heun2", "kutta3", "heun3", "ralston3", "rk4", "euler1"],
        "the Runge-Kutta method",
    )])
}
