//! Exponential integrators: exact in the linear part of a
//! [`SemilinearField`], so that neither its stiffness nor the
//! change of scale along a diffusion costs accuracy.
//!
//! A step is a [`Transition`] of the linear part and weights of the values of the nonlinear part
//! (`step/`). Those come from inner nodes ([`Singlestep`], [`RhoRungeKutta`]: `singlestep/`) or
//! from the past ([`Multistep`], [`History`]: `multistep/`), and noise may come on top
//! ([`SdeMultistep`], [`Ancestral2S`]: `stochastic/`). They are ordinary [`Method`](super::Method)s
//! for fields that have the refinement; on any other field they do not compile:
//!
//! ```compile_fail
//! use driftfield_solvers::{OdeProblem, SolveOptions, solve};
//! use driftfield_solvers::method::exponential::Ddim;
//! let problem = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
//! let _ = solve(&problem, &Ddim::default(), SolveOptions::steps(10));
//! ```
//!
//! # Notation
//!
//! The formulas of the methods are those of their papers. `x` is the state at the start of the
//! step (`u` in code), `x_next` that at its end; `alpha`, `sigma`, `lambda = ln(alpha / sigma)` (the
//! clock, `log_snr`) and `rho = sigma / alpha` are those of the start, `alpha_next` and so on those
//! of the end. `h = lambda_next - lambda`. `D` is the predicted data, `E` the predicted noise, `N`
//! whichever of them a method takes: `N_0` at the start of the step, `N_1`, `N_2`, .. at the
//! starts of the steps before it, or at inner nodes. `D0`, `D1`, `D2` are differences of
//! these values. The weights `w_k`, and the factor of `x`, are
//!
//! | | noise, `N = E` | data, `N = D` |
//! |---|---|---|
//! | factor of `x` | `alpha_next / alpha` | `sigma_next / sigma` |
//! | `w_1` | `-sigma_next (e^h - 1)` | `alpha_next (1 - e^-h)` |
//! | `w_2` | `-sigma_next ((e^h - 1) / h - 1)` | `alpha_next (1 - (1 - e^-h) / h)` |
//! | `w_3` | `-sigma_next ((e^h - 1 - h) / h^2 - 1/2)` | `alpha_next (1/2 - (e^-h - 1 + h) / h^2)` |
//!
//! which are [`Transition::scale`] and [`Transition::weight`].
//!
//! A new method is one file and one line: in [`multistep_rules`] if it is a rule of weights, else in
//! [`exponential_methods`], or, if it draws noise, in [`stochastic_exponential_methods`].

mod multistep;
mod singlestep;
mod step;
mod stochastic;

use super::BoxedMethod;
use super::runge_kutta::HeunTableau;
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::State;

pub use multistep::{
    Bh, Deis, DpmSolverM, FinalOrders, Ipndm, MAX_VALUES, Multistep, MultistepRule, MultistepStep,
    MultistepStepper, Start, ThirdOrder, UniC, UniPc, multistep_rules,
};
pub use singlestep::{
    DPM_SOLVER_CONTROLLER, Ddim, DdimStepper, Dpm2, Dpm2Stepper, EdmHeun, EmbeddedSinglestep,
    EmbeddedStepper, NodeRule, Nodes, RhoRungeKutta, RhoRungeKuttaStepper, Singlestep,
    SinglestepStepper,
};
pub use step::{History, Knot, MadeStep, StepInterpolant, Transition, Variant, phi};
pub use stochastic::{
    Ancestral2S, Ancestral2SStepper, AncestralNoise, Churn, Churned, ChurnedStepper,
    DiffusionNoise, NoiseSettingError, Sde2S, Sde2SStepper, SdeMultistep, SdeMultistepStepper,
};

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
        methods.push(BoxedMethod::new(Multistep::new(UniPc::new(order, NonlinearPart::Data))));
    }
    let rules = multistep_rules().into_iter();
    methods.extend(rules.map(|(_, rule)| BoxedMethod::new(Multistep::new(rule))));
    methods.extend([
        BoxedMethod::new(RhoRungeKutta::<HeunTableau>::new()),
        BoxedMethod::new(Dpm2::new()),
        BoxedMethod::new(Churned::new(RhoRungeKutta::edm_heun(), Churn::NONE)),
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
