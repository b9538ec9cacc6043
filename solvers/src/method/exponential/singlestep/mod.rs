//! Singlestep methods: values at the start of the step and at inner nodes, none of the past.

mod ddim;
mod dpm_2;
mod dpm_solver_s;
mod edm_heun;
mod embedded;
mod nodes;
mod rho_runge_kutta;

pub use ddim::{Ddim, DdimStepper};
pub use dpm_2::{Dpm2, Dpm2Stepper};
pub use dpm_solver_s::{Singlestep, SinglestepStepper};
pub use edm_heun::EdmHeun;
pub use embedded::{DPM_SOLVER_CONTROLLER, EmbeddedSinglestep, EmbeddedStepper};
pub(super) use nodes::Division;
pub use nodes::{NodeRule, Nodes};
pub use rho_runge_kutta::{RhoRungeKutta, RhoRungeKuttaStepper};
