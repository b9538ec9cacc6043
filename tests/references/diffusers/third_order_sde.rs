//! The third order of `sde-dpmsolver++`, which the scheduler spoils by a sign.
//!
//! With `H = 2 h` the weight of the second derivative is
//! `(1 - e^-H - H) / H^2 + 1/2 = O(H)`. The scheduler subtracts the half: a term of the size of
//! the derivative itself, whatever the step, which does not vanish as steps become small.

use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::probability_flow;
use driftfield_problems::predictor::{Predictor, Target};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_solvers::{SolveOptions, solve};
use ndarray::ArrayD;

use super::TOLERANCE;
use super::request::method;
use super::run::Run;
use super::schedulers::sde_multistep;
use crate::common::mixture;
use crate::common::published::{Published, one_draw_a_step, relative_gap, rows};

/// The predicted data of a step's start and its place on the clock.
type Past = (f64, ArrayD<f64>);

/// One step of the scheduler's formulas, which add `half` to the weight of the second derivative.
fn step(
    path: &SharedPath,
    u: &ArrayD<f64>,
    past: &[Past],
    ends: &[f64],
    noise: &ArrayD<f64>,
    (order, half): (usize, f64),
) -> ArrayD<f64> {
    let (alpha, sigma) = (path.alpha(ends[1]), path.sigma(ends[1]));
    let h = path.log_snr(ends[1]) - path.log_snr(ends[0]);
    let (decay, growth) = ((-2.0 * h).exp(), 1.0 - (-2.0 * h).exp());
    let (lambda, data) = &past[past.len() - 1];
    let mut next = sigma / path.sigma(ends[0]) * (-h).exp() * u
        + alpha * growth * data
        + sigma * growth.sqrt() * noise;
    let slope = |age: usize| {
        let [(to, value), (from, before)] = [&past[past.len() - age], &past[past.len() - age - 1]];
        (value - before) * (h / (to - from))
    };
    if order == 2 {
        next += &(0.5 * alpha * growth * slope(1));
    }
    if order == 3 {
        let oldest = past[past.len() - 3].0;
        let ratio = (lambda - past[past.len() - 2].0) / (lambda - oldest);
        let bend = (slope(1) - slope(2)) * (h / (lambda - oldest));
        let first = slope(1) + ratio * (slope(1) - slope(2));
        next += &(alpha * (growth / (-2.0 * h) + 1.0) * first);
        next += &(alpha * ((1.0 - decay - 2.0 * h) / (4.0 * h * h) + half) * bend);
    }
    next
}

/// The whole run, its last step to sigma = 0 by taking the predicted data.
fn formulas(run: &Run<'_>, path: &SharedPath, times: &[f64], half: f64) -> ArrayD<f64> {
    let model = MixturePredictor::new(mixture(), path.clone());
    let data = |u: &ArrayD<f64>, t: f64| {
        let mut data = u.clone();
        model.predict(Target::DATA.into(), &mut data, u, t.into()).unwrap();
        data
    };
    let (mut u, mut past) = (run.initial(), Vec::<Past>::new());
    for (i, (ends, noise)) in times.windows(2).zip(run.normals()).enumerate() {
        past.push((path.log_snr(ends[0]), data(&u, ends[0])));
        // On fewer than 15 steps the last but one is of order 2.
        let limit = if run.n() < 15 { run.n() - i } else { 3 };
        let order = past.len().min(3).min(limit);
        u = step(path, &u, &past, ends, &noise, (order, half));
    }
    data(&u, times[times.len() - 1])
}

#[test]
fn the_sign_in_the_scheduler_is_all_that_differs() {
    let file = Published::read("diffusers/sde_dpmsolver_multistep_given_noise");
    let path = process::parse("ddpm").unwrap();
    let runs = file.runs().iter().filter(|run| run["settings"]["solver_order"] == 3);
    assert_eq!(runs.clone().count(), 3);
    for json in runs {
        let run = Run { file: file.json(), run: json };
        let times = run.spacing().own_times(&path, run.n() - 1).unwrap().unwrap();
        let theirs = rows(&json["final"]);
        let spoiled = relative_gap(&formulas(&run, &path, &times, -0.5), &theirs);
        let corrected = formulas(&run, &path, &times, 0.5);

        let model = MixturePredictor::new(mixture(), path.clone());
        let end = times[times.len() - 1];
        let problem = probability_flow(model.clone()).problem(run.initial(), (times[0], end));
        let options = SolveOptions::times(&times[..]).noise(one_draw_a_step(&times, run.normals()));
        let solution = solve(&problem, &method(&sde_multistep(&run), &path), options).unwrap();
        assert!(solution.outcome.is_success());
        let mut ours = solution.u_last.clone();
        model.predict(Target::DATA.into(), &mut ours, &solution.u_last, end.into()).unwrap();
        let gap = relative_gap(&ours, &corrected);
        let apart = relative_gap(&corrected, &theirs);
        println!(
            "order 3, {} steps: theirs {spoiled:.1e} with -1/2, ours {gap:.1e} with +1/2, apart {apart:.1e}",
            run.n()
        );
        assert!(spoiled <= TOLERANCE && gap <= TOLERANCE && apart > 1e-2);
    }
}
