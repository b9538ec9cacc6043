//! DEIS and iPNDM against the numbers of the published code, run by run.
//!
//! `cargo test --release --test deis_references -- --nocapture` prints how many runs of each file
//! match.

mod common;

use common::published::{Ours, Published, numbers, run, run_method};
use common::{Batch, exact_flow, gap, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::method::exponential::{Multistep, MultistepRule, MultistepStep};
use driftfield_solvers::{FieldError, NonlinearPart};
use serde_json::Value;

const TOLERANCE: f64 = 1e-10;

fn flow() -> PathField<Batch> {
    exact_flow(mixture(), &path("vp"))
}

fn solver(settings: &Value) -> String {
    let order = || settings["ab_order"].as_u64().unwrap();
    match settings["method"].as_str().unwrap() {
        "t_ab" => format!("deis-tab{}", order()),
        "rho_ab" => format!("deis-rhoab{}", order()),
        "ipndm" => "ipndm".to_owned(),
        _ => {
            let tableau = match settings["rk_method"].as_str().unwrap() {
                "1euler" => "euler1",
                "2heun" => "heun2",
                "3kutta" => "kutta3",
                "3heun" => "heun3",
                "3ral" => "ralston3",
                _ => "rk4",
            };
            format!("deis-rhork:tableau={tableau}")
        }
    }
}

fn ours(file: &Published, recorded: &Value) -> Ours {
    let times = numbers(&recorded["times"]);
    run(&flow(), &file.initial(), &times, &solver(&recorded["settings"]))
}

#[test]
fn every_run_of_the_published_code() {
    for name in ["deis/tab_exact_coef", "deis/rho_ab", "deis/rho_rk", "deis/ipndm"] {
        let file = Published::read(name);
        file.tally(TOLERANCE, |recorded| ours(&file, recorded).compare(recorded));
    }
}

/// tAB as the published code makes it: its integrals are left Riemann sums of 10,000 nodes.
struct LeftRiemann {
    path: SharedPath,
    values: usize,
}

const NODES: usize = 10_000;

impl MultistepRule for LeftRiemann {
    fn name(&self) -> &'static str {
        "deis-tab by left Riemann sums"
    }
    fn part(&self) -> NonlinearPart {
        NonlinearPart::Noise
    }
    fn values(&self) -> usize {
        self.values
    }
    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        let (start, end) = (step.knots[0].t, step.end.t);
        let width = (end - start) / NODES as f64;
        weights.fill(0.0);
        for t in (0..NODES).map(|i| start + i as f64 * width) {
            let path = &self.path;
            let (alpha, sigma) = (path.alpha(t), path.sigma(t));
            let slope = (path.sigma_derivative(t) * alpha - sigma * path.alpha_derivative(t))
                / (alpha * alpha);
            for (j, weight) in weights.iter_mut().enumerate() {
                let others = step.knots.iter().enumerate().filter(|&(k, _)| k != j);
                let own = step.knots[j].t;
                let lagrange: f64 = others.map(|(_, knot)| (t - knot.t) / (own - knot.t)).product();
                *weight += step.end.schedule.alpha * slope * lagrange * width;
            }
        }
        Ok(())
    }
}

/// The published coefficients are not the integrals they stand for: with their sums in place of
/// our integrals its numbers are reproduced, and without them they are off by what
/// references/README.md says.
#[test]
fn the_published_sums_in_place_of_integrals() {
    let file = Published::read("deis/tab_official");
    file.tally(TOLERANCE, |recorded| {
        let rule = LeftRiemann {
            path: path("vp"),
            values: recorded["settings"]["ab_order"].as_u64().unwrap() as usize + 1,
        };
        let times = numbers(&recorded["times"]);
        run_method(&flow(), &file.initial(), &times, &Multistep::new(rule), None).compare(recorded)
    });
    let gaps: Vec<f64> = file
        .runs()
        .iter()
        .map(|recorded| {
            let states = ours(&file, recorded).states;
            gap(&states[states.len() - 1], &common::published::points(&recorded["final"]))
        })
        .collect();
    let (least, most) = gaps
        .iter()
        .fold((f64::INFINITY, 0.0f64), |(least, most), &gap| (least.min(gap), most.max(gap)));
    println!("    by exact integrals they are off by {least:.1e} to {most:.1e}");
    assert!(least > 1e-5 && (1e-2..3e-2).contains(&most));
}
