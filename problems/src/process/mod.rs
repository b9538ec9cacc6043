//! Processes: families of marginals from data (t = 0) to noise (t = 1).

mod brownian_bridge;
mod catalog;
mod ddpm;
mod domain;
mod edm;
mod gaussian_path;
pub mod interpolant;
mod inverse;
mod mean_reverting;
mod noising;
mod own;
mod parameter;
mod rectified_flow;
mod slope;
mod sub_vp;
mod variance_preserving;
mod ve;
mod vp;
mod vp_cosine;

pub use driftfield_solvers::semilinear::{Posterior, TransitionKernel};

pub use brownian_bridge::BrownianBridge;
pub use catalog::{catalog, parse};
pub use ddpm::{BetaSchedule, BetasError, Ddpm, Interpolation};
pub use domain::{DomainEnd, PathError, TimeDomain, check_diffusion, check_log_snr, check_time};
pub use edm::Edm;
pub use gaussian_path::{GaussianPath, SharedPath};
pub use mean_reverting::MeanReverting;
pub use noising::Noising;
pub use own::OwnPath;
pub(crate) use parameter::Parameter;
pub use rectified_flow::RectifiedFlow;
pub(crate) use slope::derivative;
pub use sub_vp::SubVp;
pub use ve::Ve;
pub use vp::Vp;
pub use vp_cosine::VpCosine;
