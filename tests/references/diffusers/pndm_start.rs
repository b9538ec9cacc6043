//! PNDM from its own start: three steps of the Runge-Kutta method of Liu et al. (*Pseudo
//! Numerical Methods for Diffusion Models on Manifolds*, 2022), then iPNDM.

use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::probability_flow;
use driftfield_problems::predictor::{Predictor, Target};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::{Save, SolveOptions, solve};
use ndarray::ArrayD;

use super::TOLERANCE;
use super::request::method;
use super::run::Run;
use crate::common::mixture;
use crate::common::published::{Published, relative_gap, rows};

struct RungeKutta {
    path: SharedPath,
    model: MixturePredictor,
}

impl RungeKutta {
    fn noise(&self, u: &ArrayD<f64>, t: f64) -> ArrayD<f64> {
        let mut noise = u.clone();
        self.model.predict(Target::NOISE.into(), &mut noise, u, t.into()).unwrap();
        noise
    }

    /// DDIM from one time to another with this noise.
    fn transfer(&self, u: &ArrayD<f64>, noise: &ArrayD<f64>, t: f64, to: f64) -> ArrayD<f64> {
        let rho = |t: f64| self.path.sigma(t) / self.path.alpha(t);
        self.path.alpha(to) * (u / self.path.alpha(t) + (rho(to) - rho(t)) * noise)
    }

    /// The classical method with nodes half way in time, whatever rho is there.
    fn step(&self, u: &ArrayD<f64>, t: f64, to: f64) -> ArrayD<f64> {
        let middle = 0.5 * (t + to);
        let first = self.noise(u, t);
        let second = self.noise(&self.transfer(u, &first, t, middle), middle);
        let third = self.noise(&self.transfer(u, &second, t, middle), middle);
        let fourth = self.noise(&self.transfer(u, &third, t, to), to);
        self.transfer(u, &((first + 2.0 * second + 2.0 * third + fourth) / 6.0), t, to)
    }
}

#[test]
fn ipndm_goes_on_from_the_runge_kutta_start() {
    let file = Published::read("diffusers/pndm");
    let path = process::parse("ddpm").unwrap();
    let model = MixturePredictor::new(mixture(), path.clone());
    let start = RungeKutta { path: path.clone(), model: model.clone() };
    let mut largest = 0.0f64;
    let runs = file.runs().iter().filter(|run| run["settings"].get("skip_prk_steps").is_none());
    assert_eq!(runs.clone().count(), 3);
    for json in runs {
        let run = Run { file: file.json(), run: json };
        let spacing: Spacing = "leading".parse().unwrap();
        let times = spacing.own_times(&path, run.n() - 1).unwrap().unwrap();
        let mut states = vec![run.initial()];
        for ends in times[..4].windows(2) {
            states.push(start.step(&states[states.len() - 1], ends[0], ends[1]));
        }
        let from = states.pop().unwrap();
        let past: Vec<_> = times.iter().copied().zip(states.iter().cloned()).collect();
        let problem =
            probability_flow(model.clone()).problem(from, (times[3], times[times.len() - 1]));
        let options = SolveOptions::times(&times[3..]).save(Save::all()).history(past);
        let solution = solve(&problem, &method("ipndm", &path), options).unwrap();
        assert!(solution.outcome.is_success());
        largest = largest.max(relative_gap(&solution.u_last, &rows(&json["final"])));
        if let Some(recorded) = run.recorded() {
            // Four calls a step, then one.
            let at = [0, 4, 8].into_iter().chain(12..);
            for (state, at) in states.iter().chain(&solution.u).zip(at) {
                largest = largest.max(relative_gap(state, &recorded[at]));
            }
        }
    }
    println!("PNDM from its Runge-Kutta start, iPNDM after it: 3 runs, gap {largest:.1e}");
    assert!(largest <= TOLERANCE, "{largest:e}");
}
