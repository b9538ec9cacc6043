//! Exponential integrators: exact in the linear part of a
//! [`SemilinearField`], so that neither its stiffness nor the
//! change of scale along a diffusion costs accuracy.
//!
//! A step is a [`Transition`] of the linear part and weights of the values of
//! the nonlinear part, which come from inner nodes ([`Singlestep`], [`RhoRungeKutta`]) or from
//! the past ([`Multistep`], [`History`]). They are ordinary [`Method`](super::Method)s
//! for fields that have the refinement; on any other field they do not compile:
//!
//! ```compile_fail
//! use driftfield_solvers::{OdeProblem, SolveOptions, solve};
//! use driftfield_solvers::method::exponential::Ddim;
//! let problem = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
//! let _ = solve(&problem, &Ddim::default(), SolveOptions::steps(10));
//! ```
//!
//! A new method is one file and one line in [`exponential_methods`], or, if it draws noise, in
//! [`stochastic_exponential_methods`].

mod ancestral_2s;
mod ancestral_noise;
mod churn;
mod continuous;
mod ddim;
mod deis;
mod diffusion_noise;
mod dpm_2;
mod dpm_solver_m;
mod edm_heun;
mod embedded;
mod history;
mod ipndm;
mod knot;
mod multistep;
mod nodes;
mod phi;
mod quadrature;
mod rho_runge_kutta;
mod rule;
mod sde_2s;
mod sde_multistep;
mod singlestep;
mod starter;
mod step_noise;
mod to_data;
mod transition;
mod unic;
mod unipc;
mod variant;

use super::BoxedMethod;
use super::runge_kutta::HeunTableau;
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::State;

pub use ancestral_2s::{Ancestral2S, Ancestral2SStepper};
pub use ancestral_noise::AncestralNoise;
pub use churn::{Churn, Churned, ChurnedStepper};
pub use continuous::{Continuous, MadeStep};
pub use ddim::{Ddim, DdimStepper};
pub use deis::Deis;
pub use diffusion_noise::DiffusionNoise;
pub use dpm_2::{Dpm2, Dpm2Stepper};
pub use dpm_solver_m::{DpmSolverM, ThirdOrder};
pub use edm_heun::{EdmHeun, edm_heun};
pub use embedded::{DPM_SOLVER_CONTROLLER, EmbeddedSinglestep, EmbeddedStepper};
pub use history::History;
pub use ipndm::Ipndm;
pub use knot::Knot;
pub use multistep::{Multistep, MultistepStepper, Start};
pub use nodes::{NodeRule, Nodes};
pub use phi::phi;
pub use rho_runge_kutta::{RhoRungeKutta, RhoRungeKuttaStepper};
pub use rule::{FinalOrders, MAX_VALUES, MultistepRule, MultistepStep};
pub use sde_2s::{Sde2S, Sde2SStepper};
pub use sde_multistep::{SdeMultistep, SdeMultistepStepper};
pub use singlestep::{Singlestep, SinglestepStepper};
pub use step_noise::NoiseSettingError;
pub use transition::Transition;
pub use unic::UniC;
pub use unipc::{Bh, UniP, UniPc};
pub use variant::Variant;

/// Every exponential integrator with its default settings.
pub fn exponential_methods<S, F>() -> Vec<BoxedMethod<S, F>>
where
    S: State,
    F: SemilinearField<S> + 'static,
{
    let mut methods = vec![BoxedMethod::new(Ddim::default())];
    for part in [NonlinearPart::Noise, NonlinearPart::Data] {
        methods.extend([
            BoxedMethod::new(Singlestep::first(part)),
            BoxedMethod::new(Singlestep::second(part)),
            BoxedMethod::new(Multistep::new(DpmSolverM::second(part))),
            BoxedMethod::new(Singlestep::third(part)),
            BoxedMethod::new(Multistep::new(DpmSolverM::third(part))),
            BoxedMethod::new(EmbeddedSinglestep::second(part)),
            BoxedMethod::new(EmbeddedSinglestep::third(part)),
        ]);
    }
    for order in 1..=4 {
        methods.push(BoxedMethod::new(UniPc::unipc(order, NonlinearPart::Data, Bh::default())));
    }
    let deis = (0..4).map(Deis::tab).chain((0..4).map(Deis::rho_ab)).chain([Deis::lms(4)]);
    methods.extend(deis.map(|rule| BoxedMethod::new(Multistep::new(rule))));
    methods.extend([
        BoxedMethod::new(Multistep::new(Ipndm)),
        BoxedMethod::new(RhoRungeKutta::<HeunTableau>::new()),
        BoxedMethod::new(Dpm2::new()),
        BoxedMethod::new(edm_heun(Churn::NONE)),
    ]);
    methods
}

/// Every exponential integrator that draws noise by default, with its default settings: all of
/// the noise of the process's posterior, or of Anderson's reversal.
///
/// They ask for the same [`SemilinearField`] as the others, and solve the reverse diffusion
/// that shares the marginals of its probability flow.
pub fn stochastic_exponential_methods<S, F>() -> Vec<BoxedMethod<S, F>>
where
    S: State,
    F: SemilinearField<S> + 'static,
{
    let (posterior, reversal) = (AncestralNoise::FULL, DiffusionNoise::FULL);
    let sde = |rule| BoxedMethod::new(SdeMultistep::new(rule, reversal));
    vec![
        BoxedMethod::new(Ddim::euler_ancestral(posterior)),
        BoxedMethod::new(Ancestral2S::new(NonlinearPart::Noise, posterior)),
        BoxedMethod::new(Ancestral2S::new(NonlinearPart::Data, posterior)),
        sde(DpmSolverM::first(NonlinearPart::Noise)),
        sde(DpmSolverM::second(NonlinearPart::Noise)),
        sde(DpmSolverM::first(NonlinearPart::Data)),
        BoxedMethod::new(Sde2S::new(posterior)),
        sde(DpmSolverM::second(NonlinearPart::Data)),
        sde(DpmSolverM::third(NonlinearPart::Data)),
    ]
}
