//! What the two schedulers do whose runs no method here repeats: their own formulas with the exact
//! model give the recorded numbers.

use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::predictor::{Predictor, Target};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use ndarray::ArrayD;
use serde_json::Value;

use super::TOLERANCE;
use super::run::Run;
use crate::common::mixture;
use crate::common::published::{Published, relative_gap, rows};

fn time(timestep: f64) -> f64 {
    (timestep + 1.0) / 1000.0
}

fn predict(path: &SharedPath, target: Target, u: &ArrayD<f64>, t: f64) -> ArrayD<f64> {
    let mut out = u.clone();
    MixturePredictor::new(mixture(), path.clone())
        .predict(target.into(), &mut out, u, t.into())
        .unwrap();
    out
}

/// The largest gap of `ours` over the runs of a file that `choose` selects.
fn largest(
    name: &str,
    choose: impl Fn(&Value) -> bool,
    ours: impl Fn(&Run<'_>, &[f64], &SharedPath) -> ArrayD<f64>,
) {
    let file = Published::read(name);
    let path = process::parse("ddpm").unwrap();
    let runs: Vec<&Value> = file.runs().iter().filter(|run| choose(&run["settings"])).collect();
    assert_eq!(runs.len(), 3);
    let gaps = runs.iter().map(|json| {
        let timesteps: Vec<f64> = serde_json::from_value(json["times"].clone()).unwrap();
        let run = Run { file: file.json(), run: json };
        relative_gap(&ours(&run, &timesteps, &path), &rows(&json["final"]))
    });
    let largest = gaps.fold(0.0, f64::max);
    println!("{name}, by their formulas: 3 runs, largest gap {largest:.1e}");
    assert!(largest <= TOLERANCE, "{largest:e}");
}

/// Every step leads `1000 / N` timesteps down, and the next one takes its state for one of the
/// next timestep of the list, which is another.
#[test]
fn ddim_on_linspace() {
    let linspace = |settings: &Value| settings["timestep_spacing"] == "linspace";
    largest("diffusers/ddim", linspace, |run, timesteps, path| {
        let step = (1000 / run.n()) as f64;
        timesteps.iter().fold(run.initial(), |u, &timestep| {
            let noise = predict(path, Target::NOISE, &u, time(timestep));
            let data = predict(path, Target::DATA, &u, time(timestep));
            let next = time(timestep - step).max(0.0);
            path.alpha(next) * data + path.sigma(next) * noise
        })
    });
}

/// The posterior's mean, and noise of the variance `beta` of the step from the mean's end to its
/// start in place of the posterior's `beta sigma_next^2 / sigma^2`.
#[test]
fn ddpm_with_large_variance() {
    let large = |settings: &Value| settings["variance_type"] == "fixed_large";
    largest("diffusers/ddpm_given_noise", large, |run, timesteps, path| {
        let mut normals = run.normals();
        let step = (1000 / run.n()) as f64;
        timesteps.iter().fold(run.initial(), |u, &timestep| {
            let (t, next) = (time(timestep), time(timestep - step).max(0.0));
            let data = predict(path, Target::DATA, &u, t);
            let ratio = path.alpha(t) / path.alpha(next);
            let (beta, variance) = (1.0 - ratio * ratio, path.sigma(t).powi(2));
            let mean =
                (path.alpha(next) * beta * data + ratio * path.sigma(next).powi(2) * u) / variance;
            if timestep > 0.0 { mean + beta.sqrt() * normals.next().unwrap() } else { mean }
        })
    });
}
