//! Multistep methods: the newest value and those of past steps, one evaluation a step.
//!
//! A method is a [`MultistepRule`], the weights of its values; [`Multistep`] runs every rule. A new
//! rule is one file and one line in [`multistep_rules`].

mod deis;
mod dpm_solver_m;
mod driver;
mod ipndm;
mod quadrature;
mod rule;
mod starter;
mod unic;
mod unipc;

use std::sync::Arc;

pub use deis::Deis;
pub use dpm_solver_m::{DpmSolverM, ThirdOrder};
pub use driver::{Multistep, MultistepStepper, Start};
pub(super) use driver::{advance, known_values};
pub use ipndm::Ipndm;
pub use rule::{FinalOrders, MAX_VALUES, MultistepRule, MultistepStep};
pub use unic::UniC;
pub use unipc::{Bh, UniPc};

/// Every rule that says all of its method, with a line about it: what the lists of methods are
/// made of.
pub fn multistep_rules() -> Vec<(&'static str, Arc<dyn MultistepRule + Send + Sync>)> {
    vec![
        ("DEIS in time, of one value", Arc::new(Deis::tab(0))),
        ("DEIS in time, of two values", Arc::new(Deis::tab(1))),
        ("DEIS in time, of three values", Arc::new(Deis::tab(2))),
        ("DEIS in time, of four values", Arc::new(Deis::tab(3))),
        ("DEIS in sigma / alpha, of one value", Arc::new(Deis::rho_ab(0))),
        ("DEIS in sigma / alpha, of two values", Arc::new(Deis::rho_ab(1))),
        ("DEIS in sigma / alpha, of three values", Arc::new(Deis::rho_ab(2))),
        ("DEIS in sigma / alpha, of four values", Arc::new(Deis::rho_ab(3))),
        ("k-diffusion's linear multistep method, in sigma / alpha", Arc::new(Deis::lms(4))),
        ("iPNDM: Adams-Bashforth weights for the noise", Arc::new(Ipndm::new())),
    ]
}
