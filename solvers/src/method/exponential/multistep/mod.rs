//! Multistep methods: the newest value and those of past steps, one evaluation a step.
//!
//! A method is a [`MultistepRule`], the weights of its values; [`Multistep`] runs every rule.

mod deis;
mod dpm_solver_m;
mod driver;
mod ipndm;
mod quadrature;
mod rule;
mod starter;
mod unic;
mod unipc;

pub use deis::Deis;
pub use dpm_solver_m::{DpmSolverM, ThirdOrder};
pub use driver::{Multistep, MultistepStepper, Start};
pub(super) use driver::{advance, known_values};
pub use ipndm::Ipndm;
pub use rule::{FinalOrders, MAX_VALUES, MultistepRule, MultistepStep};
pub use unic::UniC;
pub use unipc::{Bh, UniP, UniPc};
