//! What most programs use: `use driftfield::prelude::*;`.
//!
//! Names only; everything here lives, and is documented, in [`crate::solvers`]
//! and [`crate::problems`].

pub use crate::problems::data::DataSet;
pub use crate::problems::field::{EmpiricalPredictor, GaussianMixture, MixturePredictor};
pub use crate::problems::flow::{NoiseLevel, PathField, probability_flow, reverse_sde};
pub use crate::problems::method::{Ancestral, Solver};
pub use crate::problems::npy;
pub use crate::problems::predictor::{
    Network, NetworkPredictor, Prediction, Predictor, Target, Targets,
};
pub use crate::problems::process::{
    self, BrownianBridge, Edm, GaussianPath, RectifiedFlow, SharedPath, SubVp, Ve, Vp, VpCosine,
};
pub use crate::problems::spacing::Spacing;
pub use crate::solvers::method::{
    BoxedMethod, Bs3, Dop853, Dopri5, Euler, EulerMaruyama, Heun, Method, Midpoint, Ralston, Rk4,
    Tsit5,
};
pub use crate::solvers::noise::fill_initial_normals;
pub use crate::solvers::observer::{AcceptedStep, Crossing, Event, Flow, Observer};
pub use crate::solvers::{
    Ensemble, FieldError, Integrator, OdeProblem, Outcome, Problem, Save, SdeProblem, Solution,
    SolveError, SolveOptions, State, Statistics, Status, StochasticField, Times, VectorField, init,
    solve,
};
