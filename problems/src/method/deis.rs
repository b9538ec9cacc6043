//! DEIS by name and parameters.

use driftfield_solvers::State;
use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::RhoRungeKutta;
use driftfield_solvers::method::runge_kutta::{
    EulerTableau, Heun3Tableau, HeunTableau, Kutta3Tableau, Ralston3Tableau, Rk4Tableau,
};

use super::{ChosenMethod, IntendedGrid};
use crate::spec::{Spec, SpecError};

const TABLEAUX: [&str; 6] = ["heun2", "kutta3", "heun3", "ralston3", "rk4", "euler1"];

/// The method `spec` names, if it is a DEIS.
pub(super) fn build<S: State>(
    spec: &Spec,
    _grid: Option<&IntendedGrid>,
) -> Result<Option<ChosenMethod<S>>, SpecError> {
    if spec.name() != "deis-rhork" {
        return Ok(None);
    }
    spec.only(&["tableau"])?;
    let method = match spec.choice("tableau", &TABLEAUX, TABLEAUX[0])? {
        "kutta3" => BoxedMethod::new(RhoRungeKutta::<Kutta3Tableau>::new()),
        "heun3" => BoxedMethod::new(RhoRungeKutta::<Heun3Tableau>::new()),
        "ralston3" => BoxedMethod::new(RhoRungeKutta::<Ralston3Tableau>::new()),
        "rk4" => BoxedMethod::new(RhoRungeKutta::<Rk4Tableau>::new()),
        "euler1" => BoxedMethod::new(RhoRungeKutta::<EulerTableau>::new()),
        _ => BoxedMethod::new(RhoRungeKutta::<HeunTableau>::new()),
    };
    Ok(Some(ChosenMethod { method, orders: None }))
}
