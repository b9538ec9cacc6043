//! The samplers of k-diffusion against its own numbers, those that draw noise with the normals they
//! were given.
//!
//! `cargo test --release --test references kdiffusion -- --nocapture` prints how many runs of each
//! file match, and why others do not apply.

mod grids;
mod stochastic;

use crate::common::published::{Ours, Published, Verdict, numbers, run, run_method, spec};
use crate::common::{Batch, exact_flow, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_solvers::NonlinearPart;
use driftfield_solvers::method::exponential::Singlestep;
use serde_json::Value;

/// What docs/references.md asks for where states start near 100.
const TOLERANCE: f64 = 1e-9;

fn flow() -> PathField<Batch> {
    exact_flow(mixture(), &path("edm"))
}

/// The solver, and whether its own last step goes to `sigma = 0`; otherwise that step is the
/// denoising of the last state, which it is in the published code.
fn solver(settings: &Value) -> (String, bool) {
    let (name, to_data) = match settings["sampler"].as_str().unwrap() {
        "sample_euler" => ("lms:order=1", true),
        "sample_heun" => ("edm-heun", true),
        "sample_dpm_2" => ("dpm-2", true),
        "sample_lms" => return (spec("lms", &[("order", &settings["order"])]), true),
        // Without noise: the same two-stage method.
        "sample_dpmpp_2s_ancestral" | "sample_dpmpp_sde" => ("dpm-solver++2s", false),
        "sample_dpmpp_2m" | "sample_dpmpp_2m_sde_midpoint" => {
            ("dpm-solver++2m:lower_order_final=false", false)
        }
        "sample_dpmpp_2m_sde_heun" => ("dpm-solver++2m:lower_order_final=false,type=taylor", false),
        "sample_dpmpp_3m_sde" => {
            ("dpm-solver++3m:lower_order_final=false,type=taylor,form=reference", false)
        }
        "sample_dpmpp_3m_sde PATCHED d2 doubled" => {
            ("dpm-solver++3m:lower_order_final=false,type=taylor", false)
        }
        other => panic!("no solver for {other}"),
    };
    (name.to_owned(), to_data)
}

fn ours(file: &Published, recorded: &Value) -> Ours {
    let times = numbers(&recorded["times"]);
    let (solver, to_data) = solver(&recorded["settings"]);
    let initial = file.initial() * times[0];
    if to_data {
        return run(&flow(), &initial, &times, &solver);
    }
    let noisy = &times[..times.len() - 1];
    run(&flow(), &initial, noisy, &solver).denoised(&flow(), noisy[noisy.len() - 1])
}

#[test]
fn deterministic_samplers() {
    for name in ["kdiffusion/deterministic", "kdiffusion/dpmpp_3m_patched_d2"] {
        let file = Published::read(name);
        file.tally(TOLERANCE, |recorded| ours(&file, recorded).compare(recorded));
    }
}

/// Steps of orders 3, 3, .. on equal steps of the log-SNR, without the one to `sigma = 0`.
#[test]
fn dpm_fast() {
    let file = Published::read("kdiffusion/dpm_fast_adaptive");
    file.tally(TOLERANCE, |recorded| {
        let settings = &recorded["settings"];
        if settings["sampler"] != "sample_dpm_fast" {
            return Verdict::LeftOut("adaptive: dpm_solver_adaptive.rs");
        }
        let orders = Singlestep::order_list(3, settings["n"].as_u64().unwrap() as usize);
        let method = Singlestep::third(NonlinearPart::Noise).orders(orders);
        // Recorded as -ln(sigma).
        let times: Vec<f64> = numbers(&recorded["times"]).iter().map(|x| (-x).exp()).collect();
        let initial = file.initial() * settings["sigma_max"].as_f64().unwrap();
        run_method(&flow(), &initial, &times, &method, None).compare(recorded)
    });
}
