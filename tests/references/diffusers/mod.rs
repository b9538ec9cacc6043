//! The schedulers of the diffusers library, run by run: a discrete-time model of 1,000 linear
//! betas, or the rectified flow.
//!
//! `cargo test --release --test references diffusers -- --nocapture` prints how many runs of each
//! file match, and for every other run why it does not apply.

mod model;
mod pndm_start;
mod request;
mod run;
mod schedulers;
mod third_order_sde;
mod unmatched;

use crate::common::published::Published;
use driftfield_problems::process::{self, GaussianPath};

use request::compare;
use run::Run;

/// Relative to the largest value of a state above 1 (states in the units of sigma start near
/// 157).
const TOLERANCE: f64 = 1e-10;

#[test]
fn every_run_of_the_schedulers() {
    for name in [
        "ddim",
        "ddim_eta_given_noise",
        "ddpm_given_noise",
        "deis_multistep",
        "dpmsolver_multistep",
        "dpmsolver_sde_given_noise",
        "dpmsolver_singlestep",
        "euler_ancestral_given_noise",
        "euler_discrete",
        "flow_match_euler",
        "flow_match_heun",
        "heun_discrete",
        "kdpm2_discrete",
        "lms_discrete",
        "pndm",
        "sde_dpmsolver_multistep_given_noise",
        "unipc_multistep",
    ] {
        let file = Published::read(&format!("diffusers/{name}"));
        file.tally(TOLERANCE, |run| compare(&Run { file: file.json(), run }));
    }
}

#[test]
fn the_table_is_theirs() {
    let file = Published::read("diffusers/alphas_cumprod");
    let table = file.runs()[0]["alphas_cumprod"].as_array().unwrap();
    for interpolation in ["spline", "log-alpha", "sigma", "log-sigma"] {
        let path = process::parse(&format!("ddpm:interpolation={interpolation}")).unwrap();
        for (timestep, value) in table.iter().enumerate() {
            let expected = value.as_f64().unwrap();
            let found = path.alpha((timestep + 1) as f64 / 1000.0).powi(2);
            assert!((found / expected - 1.0).abs() < 1e-13, "{interpolation} {timestep}: {found}");
        }
    }
}
