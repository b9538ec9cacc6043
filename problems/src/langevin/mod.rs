//! Langevin dynamics of a density known by its score: diffusions whose stationary law
//! it is, and the splitting schemes of the underdamped one.
//!
//! The score is any [`VectorField`](driftfield_solvers::VectorField), a closure among them, or
//! that of a marginal of a path at one noise level:
//! [`PathField::score_at`](crate::flow::PathField::score_at).
//!
//! ```
//! use driftfield_problems::langevin::{Baoab, OverdampedLangevin, UnderdampedLangevin};
//! use driftfield_solvers::{SolveOptions, method::EulerMaruyama, solve};
//! // A standard normal law.
//! let score = |out: &mut f64, x: &f64, _t: f64| *out = -x;
//! let problem = OverdampedLangevin::new(score).problem(3.0, 10.0);
//! solve(&problem, &EulerMaruyama::new(), SolveOptions::steps(100).seed(1)).unwrap();
//! let problem = UnderdampedLangevin::new(score, 1.0).unwrap().problem(3.0, 10.0);
//! let end = solve(&problem, &Baoab, SolveOptions::steps(20).seed(1)).unwrap();
//! assert_eq!(end.statistics.nfe, 21);
//! ```

mod overdamped;
mod phase_space;
mod splitting;
mod underdamped;

pub use overdamped::OverdampedLangevin;
pub use phase_space::PhaseSpace;
pub use splitting::{Baoab, BaoabStepper, Obabo, ObaboStepper};
pub use underdamped::{ForceField, LangevinError, UnderdampedLangevin};
