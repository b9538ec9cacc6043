//! What most programs use: `use driftfield::prelude::*;`.
//!
//! Names only; everything here lives, and is documented, in [`crate::solvers`]
//! and [`crate::problems`].
//!
//! A method is its settings: `new` takes what it cannot do without (a member of a family is named by
//! its function instead: `second`, `tab`), and functions named after the others take those.
//!
//! ```
//! use driftfield::prelude::*;
//! let data = NonlinearPart::Data;
//! let ddim = Ddim::default();
//! let dpm_solver_2m = Multistep::new(DpmSolverM::second(data)).start(Start::Matching);
//! let dpm_solver_3s = Singlestep::third(data);
//! let unipc_3 = Multistep::new(UniPc::new(3, data).bh(Bh::Bh1));
//! let euler_maruyama = EulerMaruyama::new();
//! let deis_tab3 = Multistep::new(Deis::tab(3));
//! // By name, with the keys that `driftfield list solvers` shows.
//! let chosen = Solver::parse("dpm-solver++2m:start=matching").unwrap();
//! # let _ = (ddim, dpm_solver_2m, dpm_solver_3s, unipc_3, deis_tab3, euler_maruyama, chosen);
//! ```

pub use crate::problems::data::DataSet;
pub use crate::problems::exact::{EmpiricalPredictor, GaussianMixture, MixturePredictor};
pub use crate::problems::flow::{
    NoiseLevel, PathField, probability_flow, reverse_sde, span_for, steps,
};
pub use crate::problems::method::{Ancestral, Solver};
pub use crate::problems::npy;
pub use crate::problems::predictor::{
    Network, NetworkPredictor, Prediction, Predictor, Target, Targets,
};
pub use crate::problems::process::{
    self, BrownianBridge, Edm, GaussianPath, Noising, RectifiedFlow, SharedPath, SubVp, Ve, Vp,
    VpCosine,
};
pub use crate::problems::spacing::Spacing;
pub use crate::solvers::method::exponential::{
    Bh, Ddim, Deis, DpmSolverM, Multistep, Singlestep, Start, UniPc,
};
pub use crate::solvers::method::{
    BoxedMethod, Bs3, Dop853, Dopri5, Euler, EulerMaruyama, Heun, Method, Midpoint, Ralston, Rk4,
    Tsit5,
};
pub use crate::solvers::noise::fill_initial_normals;
pub use crate::solvers::observer::{AcceptedStep, Crossing, Event, Flow, Observer};
pub use crate::solvers::{
    Ensemble, FieldError, Integrator, NonlinearPart, OdeProblem, Outcome, Problem, Save,
    SdeProblem, Solution, SolveError, SolveOptions, State, Statistics, Status, StochasticField,
    Times, VectorField, init, solve,
};
