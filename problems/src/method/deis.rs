//! DEIS, LMS and iPNDM by name and parameters.

use driftfield_solvers::State;
use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{Deis, Ipndm, MultistepRule, RhoRungeKutta};
use driftfield_solvers::method::runge_kutta::{
    EulerTableau, Heun3Tableau, HeunTableau, Kutta3Tableau, Ralston3Tableau, Rk4Tableau,
};

use super::multistep::{MULTISTEP_KEYS, multistep};
use super::{ChosenMethod, IntendedGrid, PathMethod};
use crate::spec::{Spec, SpecError};

const TABLEAUX: [&str; 6] = ["heun2", "kutta3", "heun3", "ralston3", "rk4", "euler1"];

/// The method `spec` names, if it is a DEIS or one of its kin.
pub(super) fn build<S: State>(
    spec: &Spec,
    _grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    let method = match spec.name() {
        "deis-rhork" => rho_runge_kutta(spec)?,
        "ipndm" => {
            spec.only(MULTISTEP_KEYS)?;
            BoxedMethod::new(multistep(spec, Ipndm)?)
        }
        "lms" => {
            spec.only(&[&["order"], MULTISTEP_KEYS].concat())?;
            let order = spec.integer("order", 4)?;
            if !(1..=4).contains(&order) {
                return Err(SpecError::value("lms", "order", order, "1, 2, 3 or 4"));
            }
            BoxedMethod::new(multistep(spec, Deis::lms(order))?)
        }
        name => {
            let mut rules = (0..4).flat_map(|q| [Deis::tab(q), Deis::rho_ab(q)]);
            let Some(rule) = rules.find(|rule| rule.name() == name) else { return Ok(None) };
            spec.only(MULTISTEP_KEYS)?;
            BoxedMethod::new(multistep(spec, rule)?)
        }
    };
    Ok(Some(ChosenMethod { method, orders: None }))
}

fn rho_runge_kutta<S: State>(spec: &Spec) -> Result<PathMethod<S>, SpecError> {
    spec.only(&["tableau"])?;
    Ok(match spec.choice("tableau", &TABLEAUX, TABLEAUX[0])? {
        "kutta3" => BoxedMethod::new(RhoRungeKutta::<Kutta3Tableau>::new()),
        "heun3" => BoxedMethod::new(RhoRungeKutta::<Heun3Tableau>::new()),
        "ralston3" => BoxedMethod::new(RhoRungeKutta::<Ralston3Tableau>::new()),
        "rk4" => BoxedMethod::new(RhoRungeKutta::<Rk4Tableau>::new()),
        "euler1" => BoxedMethod::new(RhoRungeKutta::<EulerTableau>::new()),
        _ => BoxedMethod::new(RhoRungeKutta::<HeunTableau>::new()),
    })
}
