//! The stochastic exponential integrators against k-diffusion with the normals it was given,
//! run by run, through the library and the noise interface that users have.
//!
//! `cargo test --release --test kdiffusion_stochastic_references -- --nocapture` prints how many
//! runs match, and why the others do not apply.
//!
//! Its grids end with an appended `sigma = 0`, to which every sampler steps by taking the predicted
//! data: here the grid ends one step earlier and the last state is denoised, one evaluation, as
//! `--denoise-final` does.

mod common;

use std::collections::BTreeMap;

use common::{Batch, batch, exact_flow, gap, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_problems::method;
use driftfield_problems::predictor::Target;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::noise::RecordedPath;
use driftfield_solvers::{OdeProblem, Outcome, Save, SolveOptions, solve};
use serde_json::Value;

/// What references/README.md asks for on EDM, where states are of order 100.
const TOLERANCE: f64 = 1e-9;

type Rows = Vec<[f64; 2]>;

fn rows(value: &Value) -> Rows {
    serde_json::from_value(value.clone()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The solver that a run stands for, or why there is none.
fn solver(settings: &Value) -> Result<String, &'static str> {
    let sampler = settings["sampler"].as_str().unwrap();
    if settings.get("s_churn").is_some() {
        return Err("churned: noise added before the step, not by it; edm-heun and its kin");
    }
    let eta = settings["eta"].as_f64().unwrap();
    let noise = settings.get("s_noise").map_or(1.0, |factor| factor.as_f64().unwrap());
    let (name, keys) = match sampler {
        "sample_euler_ancestral" => ("euler-ancestral", String::new()),
        "sample_dpm_2_ancestral" => ("dpm-2-ancestral", String::new()),
        "sample_dpmpp_2s_ancestral" => ("dpm-solver++2s-ancestral", String::new()),
        "sample_dpmpp_sde" => ("sde-dpm-solver++2s", String::new()),
        "sample_dpmpp_2m_sde" => {
            let kind =
                settings.get("solver_type").map_or("midpoint", |kind| kind.as_str().unwrap());
            ("sde-dpm-solver++2m", format!(",type={kind},lower_order_final=false"))
        }
        "sample_dpmpp_3m_sde" => {
            ("sde-dpm-solver++3m", ",type=heun,form=reference,lower_order_final=false".to_owned())
        }
        "sample_dpmpp_3m_sde PATCHED d2 doubled" => {
            ("sde-dpm-solver++3m", ",type=heun,lower_order_final=false".to_owned())
        }
        _ => return Err("no such sampler here"),
    };
    Ok(format!("{name}:eta={eta},noise={noise}{keys}"))
}

/// The path that hands out the recorded normals.
fn recorded(
    solver: &str,
    edm: &SharedPath,
    times: &[f64],
    normals: &[Rows],
) -> RecordedPath<Batch> {
    let mut normals = normals.iter().map(|rows| batch(rows));
    if !solver.starts_with("sde-dpm-solver++2s") {
        let normals = normals.take(times.len() - 1).collect();
        return RecordedPath::from_normals(times.to_vec(), normals).unwrap();
    }
    // Two draws a step: up to its node, and over the whole of it. The second is the sum of the
    // increments before and after the node.
    let (mut grid, mut increments) = (vec![times[0]], Vec::new());
    for ends in times.windows(2) {
        let (start, end) = (edm.log_snr(ends[0]), edm.log_snr(ends[1]));
        let node = edm.time_at_log_snr(start + 0.5 * (end - start));
        let before = normals.next().unwrap() * (ends[0] - node).sqrt();
        let whole = normals.next().unwrap() * (ends[0] - ends[1]).sqrt();
        increments.extend([before.clone(), whole - before]);
        grid.extend([node, ends[1]]);
    }
    RecordedPath::new(grid, increments).unwrap()
}

/// The largest gap over all states of a run, and whether the evaluations are as many.
fn compare(solver: &str, json: &Value, run: &Value) -> (f64, bool) {
    let edm = path("edm");
    let mut times = numbers(&run["times"]);
    assert_eq!(times.pop(), Some(0.0));
    let states: Vec<Rows> = run["states"].as_array().unwrap().iter().map(rows).collect();
    let noise: Vec<Rows> = match json.get("noise") {
        Some(noise) => noise.as_array().unwrap().iter().map(rows).collect(),
        None => Vec::new(),
    };
    let span = (times[0], times[times.len() - 1]);
    let problem: OdeProblem<Batch, PathField<Batch>> =
        exact_flow(mixture(), &edm).problem(batch(&states[0]), span);
    let method = method::parse::<Batch>(solver).unwrap();
    let mut options = SolveOptions::times(times.clone()).save(Save::all());
    if !noise.is_empty() {
        options = options.noise(recorded(solver, &edm, &times, &noise));
    }
    let solution = solve(&problem, &method, options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success, "{solver}");
    let mut denoised = Batch::zeros(solution.u_last.dim());
    let predictor = problem.field.predictor();
    predictor.predict(Target::DATA, &mut denoised, &solution.u_last, span.1).unwrap();
    assert_eq!(solution.u.len() + 1, states.len(), "{solver}");
    let ours = solution.u.iter().chain([&denoised]);
    let worst = ours.zip(&states).map(|(a, b)| gap(a, &batch(b))).fold(0.0, f64::max);
    let last = gap(&denoised, &batch(&rows(&run["final"])));
    (worst.max(last), solution.statistics.nfe + 1 == run["nfe"].as_u64().unwrap())
}

fn check(name: &str, text: &str) -> (usize, usize) {
    let json: Value = serde_json::from_str(text).unwrap();
    let (mut matching, mut largest) = (0, 0.0f64);
    let (mut failures, mut reasons) = (Vec::new(), BTreeMap::<_, usize>::new());
    let runs = json["runs"].as_array().unwrap();
    for run in runs {
        let settings = &run["settings"];
        let solver = match solver(settings) {
            Ok(solver) => solver,
            Err(reason) => {
                *reasons.entry((settings["sampler"].to_string(), reason)).or_default() += 1;
                continue;
            }
        };
        let (gap, nfe_matches) = compare(&solver, &json, run);
        largest = largest.max(gap);
        if gap <= TOLERANCE && nfe_matches {
            matching += 1;
        } else {
            failures.push(format!("{solver}: {settings}: {gap:e}, NFE equal: {nfe_matches}"));
        }
    }
    println!("{name}: {matching}/{} runs, largest gap {largest:.1e}", runs.len());
    for ((sampler, reason), count) in reasons {
        println!("  {count} of {sampler}: {reason}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    (matching, runs.len())
}

#[test]
fn every_run_with_given_noise() {
    let text = include_str!("data/kdiffusion/stochastic_given_noise.json");
    // The six others are churned.
    assert_eq!(check("kdiffusion/stochastic_given_noise", text), (48, 54));
}

/// With the second derivative that the published code halves by mistake, and no noise.
#[test]
fn corrected_third_order_without_noise() {
    let text = include_str!("data/kdiffusion/dpmpp_3m_patched_d2.json");
    let (matching, runs) = check("kdiffusion/dpmpp_3m_patched_d2", text);
    assert_eq!(matching, runs);
}
