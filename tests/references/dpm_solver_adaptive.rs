//! The adaptive DPM-Solver against its published code, and against k-diffusion's, which puts
//! the same pairs under another controller.
//!
//! `cargo test --release --test references dpm_solver_adaptive -- --nocapture` prints the table.

use crate::common::published::{Published, Verdict, points};
use crate::common::{Batch, exact_flow, gap, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_problems::method::{PathMethod, parse};
use driftfield_solvers::method::exponential::DPM_SOLVER_CONTROLLER;
use driftfield_solvers::method::{ErrorEstimate, Method, Step, Stepper, Told};
use driftfield_solvers::noise::NoNoise;
use driftfield_solvers::{
    Adaptive, Counted, ErrorNorm, SemilinearField, SolveOptions, State, StepControl, Tolerance,
    solve,
};
use serde_json::Value;

type Flow = PathField<Batch>;

fn number(settings: &Value, key: &str) -> f64 {
    settings[key].as_f64().unwrap()
}

fn method(family: &str, order: &Value) -> PathMethod<Batch> {
    let pair = if order.as_u64() == Some(2) { "12" } else { "23" };
    parse(&format!("{family}{pair}")).unwrap()
}

/// Accepted steps of a published run: every attempt starts with an evaluation at its start,
/// which a rejection repeats.
fn accepted(run: &Value, order: usize) -> Option<u64> {
    let times: Vec<f64> = serde_json::from_value(run["model_times"].clone()).ok()?;
    let mut starts: Vec<f64> = times.into_iter().step_by(order).collect();
    starts.dedup();
    Some(starts.len() as u64)
}

#[test]
fn published_runs() {
    let file = Published::read("dpm_solver/adaptive");
    file.tally(1e-10, |run| {
        let settings = &run["settings"];
        let family = match settings["algorithm_type"].as_str().unwrap() {
            "dpmsolver" => "dpm-solver-",
            _ => "dpm-solver++",
        };
        let method = method(family, &settings["order"]);
        let order = settings["order"].as_u64().unwrap();
        let tolerance = Tolerance::new(number(settings, "atol"), number(settings, "rtol"));
        let control = Adaptive {
            controller: DPM_SOLVER_CONTROLLER,
            norm: ErrorNorm::WorstLane,
            initial_step: Some(number(settings, "h_init")),
            ..Adaptive::new(tolerance.larger_of())
        };
        let problem = exact_flow(mixture(), &path("vp"))
            .problem(file.initial(), (number(settings, "t_start"), number(settings, "t_end")));
        let options = SolveOptions::new(StepControl::Adaptive(control));
        let solution = solve(&problem, &method, options).unwrap();
        assert!(solution.outcome.is_success(), "{settings}: {}", solution.outcome);
        let statistics = solution.statistics;
        let attempts = run["nfe"].as_u64().unwrap() / order;
        assert_eq!(statistics.accepted + statistics.rejected, attempts, "{settings}");
        if let Some(accepted) = accepted(run, order as usize) {
            assert_eq!(statistics.accepted, accepted, "{settings}");
        }
        // We keep the value at the start of a rejected step.
        assert_eq!(statistics.nfe, order * attempts - statistics.rejected);
        let gap = gap(&solution.u_last, &points(&run["final"]));
        // Where the rounding was patched out, the numbers are ours.
        if !settings["variant"].as_str().unwrap().starts_with("patched") {
            assert!(gap < 1e-7, "{settings}: {gap:e}");
            return Verdict::LeftOut(
                "as many steps, within 1e-7: the code rounds error^(-1/k) to f32, which moves its steps",
            );
        }
        Verdict::Compared { gap, nfe_equal: true }
    });
}

/// k-diffusion's controller: `atan` around 1 limits the factor, which also decides acceptance.
struct TheirController {
    coefficients: [f64; 3],
    accept_safety: f64,
    inverse_errors: Option<[f64; 3]>,
    h: f64,
}

impl TheirController {
    fn judge(&mut self, error: f64) -> bool {
        let inverse = 1.0 / (error + 1e-8);
        let errors = self.inverse_errors.get_or_insert([inverse; 3]);
        errors[0] = inverse;
        let product: f64 =
            errors.iter().zip(self.coefficients).map(|(error, b)| error.powf(b)).product();
        let factor = 1.0 + (product - 1.0).atan();
        let accept = factor >= self.accept_safety;
        if accept {
            errors[2] = errors[1];
            errors[1] = errors[0];
        }
        self.h *= factor;
        accept
    }
}

#[test]
fn kdiffusion_runs() {
    let file = Published::read("kdiffusion/dpm_fast_adaptive");
    let flow: Flow = exact_flow(mixture(), &path("edm"));
    file.tally(1e-9, |run| {
        let settings = &run["settings"];
        if settings["sampler"] != "sample_dpm_adaptive" {
            return Verdict::LeftOut("fixed steps: kdiffusion/mod.rs");
        }
        let order = number(settings, "order");
        let method = method("dpm-solver-", &settings["order"]);
        let tolerance = Tolerance::new(number(settings, "atol"), number(settings, "rtol"));
        let tolerance = tolerance.larger_of();
        let [p, i, d] = ["pcoeff", "icoeff", "dcoeff"].map(|key| number(settings, key) / order);
        let mut controller = TheirController {
            coefficients: [p + i + d, -(p + 2.0 * d), d],
            accept_safety: number(settings, "accept_safety"),
            inverse_errors: None,
            h: number(settings, "h_init"),
        };
        let (sigma_max, sigma_min) = (number(settings, "sigma_max"), number(settings, "sigma_min"));
        let mut u = file.initial() * sigma_max;
        let mut next = u.clone();
        let field = Counted::new(&flow, None);
        let mut stepper = method.begin(&u);
        let (mut clock, end) = (-sigma_max.ln(), -sigma_min.ln());
        let (mut accepted, mut rejected, mut squares) = (0, 0, Vec::new());
        while clock < end - 1e-5 {
            let clock_next = end.min(clock + controller.h);
            let (t, t_next) = ((-clock).exp(), (-clock_next).exp());
            let step = Step {
                field: &field,
                t,
                t_next,
                h: t_next - t,
                u: &u,
                next: &mut next,
                noise: &mut NoNoise,
                grid: None,
                lanes: None,
            };
            stepper.step(step).unwrap();
            let ErrorEstimate::Against { error, before, after } = stepper.error() else {
                panic!("no estimate")
            };
            error.weighted_mean_squares(before, after, &tolerance, &mut squares).unwrap();
            let error = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
            if controller.judge(error) {
                stepper.tell(Told::Accepted).unwrap();
                std::mem::swap(&mut u, &mut next);
                clock = clock_next;
                accepted += 1;
            } else {
                rejected += 1;
            }
        }
        let info = &run["info"];
        let counts = (info["n_accept"].as_u64(), info["n_reject"].as_u64());
        Verdict::Compared {
            gap: gap(&u, &points(&run["final"])),
            nfe_equal: counts == (Some(accepted), Some(rejected)),
        }
    });
}

/// Under our own default control: the error falls with the tolerance, on every path.
#[test]
fn error_follows_the_tolerance_on_every_path() {
    for path in crate::common::all_paths() {
        let span = (path.start_with_finite_log_snr(), path.default_span().1);
        let initial = Batch::from_shape_fn((16, 2), |(i, j)| {
            path.sigma(span.0) * 1.3 * ((1 + 2 * i + j) as f64 * 12.9898).sin()
        });
        let solve_with = |solver: &str, tolerance: f64| {
            let problem = exact_flow(mixture(), &path).problem(initial.clone(), span);
            let method = parse::<Batch>(solver).unwrap();
            let solution =
                solve(&problem, &method, SolveOptions::adaptive(tolerance, tolerance)).unwrap();
            assert!(solution.outcome.is_success(), "{solver}: {}", solution.outcome);
            solution.u_last
        };
        let truth = solve_with("dop853", 1e-11);
        for solver in ["dpm-solver-12", "dpm-solver-23", "dpm-solver++12", "dpm-solver++23"] {
            let errors = [1e-3, 1e-5].map(|tolerance| gap(&solve_with(solver, tolerance), &truth));
            let name = path.name();
            assert!(errors[0] < 0.3 && errors[1] < 0.05 * errors[0], "{name} {solver} {errors:?}");
        }
    }
}

#[test]
fn the_clock_is_the_log_snr_of_the_field() {
    let flow = exact_flow(mixture(), &path("vp"));
    let field = Counted::new(&flow, None);
    let method = parse::<Batch>("dpm-solver++23").unwrap();
    let clock = method.clock(&field, 0.4).unwrap();
    assert_eq!(clock, flow.schedule().at(0.4).unwrap().log_snr);
    assert!((method.time_at_clock(&field, clock).unwrap() - 0.4).abs() < 1e-13);
    let rk = parse::<Batch>("tsit5").unwrap();
    assert_eq!(rk.clock(&field, 0.4).unwrap(), 0.4);
}
