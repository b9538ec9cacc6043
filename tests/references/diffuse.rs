//! DDIM and DPM-Solver++(2S) against jcopo/diffuse, whose Euler and Heun runs are in
//! `fixed_grids.rs`: `cargo test --release --test references diffuse -- --nocapture` prints the
//! figures.
//!
//! They are the same schemes as here: 2S has its node at the mean of the step's times. What
//! differs is the field it gives them (docs/references.md): alpha and sigma are
//! clipped, and noise and data are made from the network's prediction by way of a score with the
//! clipped values, 1e-8 being added to what it divides by; on VP, whose network predicts the
//! noise, DDIM takes it as it is. That field is written here.

use std::sync::Arc;

use crate::common::published::{Published, Verdict, numbers, run_method};
use crate::common::{Batch, exact_flow, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::method::BoxedMethod;
use driftfield_solvers::method::exponential::{Ddim, Nodes, Singlestep};
use driftfield_solvers::{
    FieldError, Level, NonlinearPart, Schedule, SemilinearField, Target, Times, VectorField,
};

/// The field of a path as jcopo/diffuse computes it.
#[derive(Clone)]
struct Clipped {
    exact: PathField<Batch>,
    schedule: Arc<dyn Schedule>,
    /// Added to what the score is divided by.
    added: f64,
}

impl Clipped {
    fn new(name: &str, integrator: &str) -> Self {
        let added = if (name, integrator) == ("vp", "DDIM") { 0.0 } else { 1e-8 };
        let path = path(name);
        Clipped {
            exact: exact_flow(mixture(), &path),
            schedule: Arc::new(ClippedSchedule(path)),
            added,
        }
    }

    /// From the noise on VP, from the velocity on the rectified flow.
    fn score(&self, out: &mut Batch, u: &Batch, t: f64) -> Result<(), FieldError> {
        if self.exact.path().name() == "vp" {
            self.exact.predict(Target::NOISE, out, u, t.into())?;
            *out /= -(self.schedule.at(t)?.sigma + self.added);
            return Ok(());
        }
        self.exact.eval(out, u, t.into())?;
        let t = t.clamp(0.001, 0.999);
        let (drift, diffusion) = (-1.0 / (1.0 - t), 2.0 * t / (1.0 - t) + self.added);
        out.zip_mut_with(u, |out, u| *out = 2.0 * (drift * u - *out) / diffusion);
        Ok(())
    }
}

impl VectorField<Batch> for Clipped {
    fn eval(&self, du: &mut Batch, u: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        self.exact.eval(du, u, t)
    }
}

/// Alpha and sigma, clipped.
struct ClippedSchedule(SharedPath);

impl Schedule for ClippedSchedule {
    fn at(&self, t: f64) -> Result<Level, FieldError> {
        let path = &self.0;
        let largest = if path.name() == "vp" { 0.9999 } else { 0.999 };
        let alpha = path.alpha(t).clamp(0.001, largest);
        let sigma = path.sigma(t).clamp(0.001, largest);
        Ok(Level { alpha, sigma, log_snr: (alpha / sigma).ln() })
    }
    fn time_at_log_snr(&self, log_snr: f64) -> Result<f64, FieldError> {
        Ok(self.0.time_at_log_snr(log_snr))
    }
}

impl SemilinearField<Batch> for Clipped {
    fn schedule(&self) -> &Arc<dyn Schedule> {
        &self.schedule
    }
    fn predict(
        &self,
        target: Target,
        out: &mut Batch,
        u: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        assert_eq!(target, Target::DATA);
        let t = t.one()?;
        let Level { alpha, sigma, .. } = self.schedule.at(t)?;
        self.score(out, u, t)?;
        out.zip_mut_with(u, |out, u| *out = (u + sigma * sigma * *out) / alpha);
        Ok(())
    }
}

fn method(theirs: &str) -> Result<BoxedMethod<Batch, Clipped>, &'static str> {
    let mean = |t: f64, t_next: f64, i: usize, n: usize| {
        let share = i as f64 / n as f64;
        Ok((1.0 - share) * t + share * t_next)
    };
    match theirs {
        "DDIM" => Ok(BoxedMethod::new(Ddim::default())),
        "DPMpp2s" => {
            let nodes = Nodes::Rule(Arc::new(mean));
            Ok(BoxedMethod::new(Singlestep::second(NonlinearPart::Data).nodes(nodes)))
        }
        _ => Err("Euler and Heun: fixed_grids.rs"),
    }
}

#[test]
fn every_run_of_both_methods() {
    for (name, process) in [("flow_deterministic", "rectified-flow"), ("vp_deterministic", "vp")] {
        let file = Published::read(&format!("diffuse/{name}"));
        file.tally(1e-10, |run| {
            let integrator = run["settings"]["integrator"].as_str().unwrap();
            let method = match method(integrator) {
                Ok(method) => method,
                Err(reason) => return Verdict::LeftOut(reason),
            };
            let field = Clipped::new(process, integrator);
            run_method(&field, &file.initial(), &numbers(&run["times"]), &method, None).compare(run)
        });
    }
}
