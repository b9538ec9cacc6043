//! Adaptive steps against diffrax and SciPy: the same numbers of accepted and rejected
//! steps and the same end.

use crate::common::published::{Published, Verdict, points};
use crate::common::{Batch, exact_flow, gap, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_solvers::method::runge_kutta::{
    Dopri5Tableau, ErrorWeights, ExplicitTableau, RungeKutta, Tableau,
};
use driftfield_solvers::method::{
    Bs3, Dop853, Dopri5, ErrorEstimate, Method, Step, Stepper, Told, Tsit5,
};
use driftfield_solvers::noise::NoNoise;
use driftfield_solvers::{
    Counted, OdeProblem, PidController, Solution, SolveOptions, State, Tolerance, solve,
};
use nalgebra::DVector;
use serde_json::Value;

type Flow = PathField<Batch>;

fn flow() -> Flow {
    exact_flow(mixture(), &path("rectified-flow"))
}

/// A solve's counts and end.
struct End {
    nfe: u64,
    accepted: u64,
    rejected: u64,
    u: Batch,
}

impl End {
    fn compare(&self, run: &Value) -> Verdict {
        let count = |key: &str| run[key].as_u64().unwrap();
        let counts = (self.nfe, self.accepted, self.rejected);
        Verdict::Compared {
            gap: gap(&self.u, &points(&run["final"])),
            nfe_equal: counts == (count("nfe"), count("n_accept"), count("n_reject")),
        }
    }
}

fn number(run: &Value, key: &str) -> f64 {
    run["settings"][key].as_f64().unwrap()
}

fn ours(method: &impl Method<Batch, Flow>, run: &Value, initial: &Batch) -> End {
    // Theirs lets a step grow after a rejection.
    let theirs = PidController { grow_after_rejection: true, ..PidController::integral() };
    let options = SolveOptions::adaptive(number(run, "atol"), number(run, "rtol"))
        .controller(theirs)
        .initial_step(0.01);
    let problem = flow().problem(initial.clone(), (1.0, 1e-3));
    let solution = solve(&problem, method, options).unwrap();
    let statistics = solution.statistics;
    End {
        nfe: statistics.nfe,
        accepted: statistics.accepted,
        rejected: statistics.rejected,
        u: solution.u_last,
    }
}

/// The loop of diffrax's `PIDController` around our methods. It differs from
/// ours in one rule: an accepted step is never followed by a shorter one, so
/// that an error between `safety^k` and 1 leads to a rejection later on.
fn with_their_controller(method: &impl Method<Batch, Flow>, run: &Value, initial: &Batch) -> End {
    let tolerance = Tolerance::new(number(run, "atol"), number(run, "rtol"));
    let order = f64::from(method.info().order);
    let pcoeff = number(run, "pcoeff");
    let icoeff = if pcoeff == 0.0 { 1.0 } else { 0.4 };
    let flow = flow();
    let field = Counted::new(&flow, None);
    let mut stepper = method.begin(initial);
    let (mut t, mut h, mut u, mut next) = (1.0, -0.01, initial.clone(), initial.clone());
    let (mut accepted, mut rejected, mut previous) = (0, 0, 1.0f64);
    let mut mean_squares = Vec::new();
    while t > 1e-3 {
        let t_next: f64 = if t + h <= 1e-3 { 1e-3 } else { t + h };
        let taken = t_next - t;
        let noise = &mut NoNoise;
        let step = Step {
            field: &field,
            t,
            t_next,
            h: taken,
            u: &u,
            next: &mut next,
            noise,
            grid: None,
            lanes: None,
        };
        stepper.step(step).unwrap();
        let ErrorEstimate::Single(estimate) = stepper.error() else { panic!("no estimate") };
        estimate.weighted_mean_squares(&u, &next, &tolerance, &mut mean_squares).unwrap();
        let error = (mean_squares.iter().sum::<f64>() / mean_squares.len() as f64).sqrt();
        let keep = error < 1.0;
        let factor = 0.9 * error.powf(-(icoeff + pcoeff) / order) * previous.powf(pcoeff / order);
        h = taken * factor.clamp(if keep { 1.0 } else { 0.2 }, 10.0);
        if keep {
            previous = error;
            stepper.tell(Told::Accepted).unwrap();
            std::mem::swap(&mut u, &mut next);
            t = t_next;
            accepted += 1;
        } else {
            rejected += 1;
        }
    }
    End { nfe: field.evaluations().nfe, accepted, rejected, u }
}

/// Dormand & Prince's pair with the error weights of torchdiffeq and diffrax,
/// those of Shampine's embedded solution (1986); ours are the original ones of
/// 1980, which Hairer's code, SciPy and Julia use.
#[derive(Debug, Clone, Copy, Default)]
struct ShampineTableau;

impl ExplicitTableau for ShampineTableau {
    const TABLEAU: Tableau = Tableau {
        error: ErrorWeights::Single {
            weights: &[
                35.0 / 384.0 - 1951.0 / 21600.0,
                0.0,
                500.0 / 1113.0 - 22642.0 / 50085.0,
                125.0 / 192.0 - 451.0 / 720.0,
                -2187.0 / 6784.0 + 12231.0 / 42400.0,
                11.0 / 84.0 - 649.0 / 6300.0,
                -1.0 / 60.0,
            ],
            order: 4,
        },
        ..Dopri5Tableau::TABLEAU
    };
}

/// The runs without `dt0` repeat those with -0.01 to the last digit.
#[test]
fn every_run_of_a_pair_we_have() {
    let file = Published::read("ode/diffrax_adaptive");
    file.tally(1e-9, |run| {
        let initial = &file.initial();
        let end = match run["settings"]["solver"].as_str().unwrap() {
            "Tsit5" => with_their_controller(&Tsit5::new(), run, initial),
            "Dopri5" => with_their_controller(&RungeKutta::<ShampineTableau>::new(), run, initial),
            "Bosh3" => {
                let mut end = with_their_controller(&Bs3::new(), run, initial);
                // An FSAL pair of four stages makes 1 + 3 n evaluations in n attempts;
                // their counter says 2168 for 722, one too many.
                end.nfe += u64::from(run["nfe"] == 2168);
                end
            }
            "Dopri8" => {
                return Verdict::LeftOut(
                    "Dopri8 is Prince & Dormand's 8(7) pair, another method than Dop853",
                );
            }
            "Heun" | "Midpoint" | "Ralston" => {
                return Verdict::LeftOut("here Heun, midpoint and Ralston estimate no error");
            }
            other => panic!("no decision on {other}"),
        };
        end.compare(run)
    });
}

#[test]
fn our_loop_agrees_where_the_controllers_do_not_differ() {
    let file = Published::read("ode/diffrax_adaptive");
    // In these two runs no accepted step has an error above safety^5.
    let runs = file.runs().iter().filter(|run| {
        run["settings"]["solver"] == "Tsit5"
            && run["settings"]["dt0"] == -0.01
            && number(run, "pcoeff") == 0.0
            && number(run, "rtol") >= 1e-6
    });
    assert_eq!(runs.clone().count(), 2);
    for run in runs {
        let verdict = ours(&Tsit5::new(), run, &file.initial()).compare(run);
        assert!(matches!(verdict, Verdict::Compared { gap, nfe_equal: true } if gap < 1e-9));
    }
}

type Ode = fn(&mut DVector<f64>, &DVector<f64>, f64);

/// Two bodies on an ellipse, and where they start for an eccentricity.
const TWO_BODIES: Ode = |du, u, _| {
    let cubed = u[0].hypot(u[1]).powi(3);
    du.copy_from_slice(&[u[2], u[3], -u[0] / cubed, -u[1] / cubed]);
};

fn ellipse(e: f64) -> Vec<f64> {
    vec![1.0 - e, 0.0, 0.0, ((1.0 + e) / (1.0 - e)).sqrt()]
}

/// The problems of `scipy_detest.py`.
fn detest(name: &str) -> (Ode, Vec<f64>) {
    match name {
        "A3" => (|du, u, t| du[0] = u[0] * t.cos(), vec![1.0]),
        "A5" => (|du, u, t| du[0] = (u[0] - t) / (u[0] + t), vec![4.0]),
        "B1" => (
            |du, u, _| {
                let product = u[0] * u[1];
                du.copy_from_slice(&[2.0 * (u[0] - product), product - u[1]]);
            },
            vec![1.0, 3.0],
        ),
        "B4" => (
            |du, u, _| {
                let r = (u[0] * u[0] + u[1] * u[1]).sqrt();
                let slopes = [-u[1] - u[0] * u[2] / r, u[0] - u[1] * u[2] / r, u[0] / r];
                du.copy_from_slice(&slopes);
            },
            vec![3.0, 0.0, 0.0],
        ),
        "B5" => (
            |du, u, _| du.copy_from_slice(&[u[1] * u[2], -u[0] * u[2], -0.51 * u[0] * u[1]]),
            vec![0.0, 1.0, 1.0],
        ),
        "D1" => (TWO_BODIES, ellipse(0.1)),
        "D3" => (TWO_BODIES, ellipse(0.5)),
        "D5" => (TWO_BODIES, ellipse(0.9)),
        "E2" => (
            |du, u, _| du.copy_from_slice(&[u[1], (1.0 - u[0] * u[0]) * u[1] - u[0]]),
            vec![2.0, 0.0],
        ),
        "E3" => (
            |du, u, t| {
                let force = u[0].powi(3) / 6.0 - u[0] + 2.0 * (2.78535 * t).sin();
                du.copy_from_slice(&[u[1], force]);
            },
            vec![0.0, 0.0],
        ),
        other => panic!("no decision on {other}"),
    }
}

fn solve_detest(run: &Value, controller: PidController) -> Solution<DVector<f64>> {
    let tolerance = run["tolerance"].as_f64().unwrap();
    let options = SolveOptions::adaptive(tolerance, tolerance).controller(controller);
    let (field, start) = detest(run["problem"].as_str().unwrap());
    let problem = OdeProblem::new(field, DVector::from_vec(start), (0.0, 20.0));
    let solution = match run["method"].as_str().unwrap() {
        "RK45" => solve(&problem, &Dopri5::new(), options),
        _ => solve(&problem, &Dop853::new(), options),
    };
    solution.unwrap()
}

/// With the default controller; not all are, where a step may grow after a rejection.
#[test]
fn evaluations_are_those_of_scipy() {
    let file = Published::read("ode/scipy_detest");
    let growing = PidController { grow_after_rejection: true, ..PidController::default() };
    let (mut largest, mut otherwise) = (0.0f64, 0);
    for run in file.runs() {
        let solution = solve_detest(run, PidController::default());
        assert!(solution.outcome.is_success(), "{run}: {}", solution.outcome);
        let count = |key: &str| run[key].as_u64().unwrap();
        let statistics = solution.statistics;
        let attempts = statistics.accepted + statistics.rejected;
        // Two for the first step, of which one is the first stage.
        let nfe = match run["method"].as_str().unwrap() {
            "RK45" => statistics.nfe,
            // Theirs evaluates at the end of rejected steps too, and of the last one.
            _ => 2 + 12 * attempts,
        };
        assert_eq!((nfe, statistics.accepted), (count("nfe"), count("accepted")), "{run}");
        assert!(statistics.nfe <= nfe, "{run}");
        let end: Vec<f64> = serde_json::from_value(run["final"].clone()).unwrap();
        let gap = (&solution.u_last - DVector::from_vec(end)).amax();
        largest = largest.max(gap);
        let grown = solve_detest(run, growing).statistics;
        otherwise += u64::from(grown.accepted + grown.rejected != attempts);
    }
    let all = file.runs().len();
    println!("{all} runs, ends within {largest:.1e}; {otherwise} make other steps if they grow");
    assert!(largest < 1e-4 && otherwise > 0, "{largest:e}, {otherwise}");
}
