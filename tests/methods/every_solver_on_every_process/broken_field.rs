//! A field that fails once, at any of its first evaluations, and is right otherwise: the solve ends
//! as the field says, or with the right state. Every method, fixed and adaptive steps, one step for
//! all lanes and one each.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::PathField;
use driftfield_problems::method::path_methods;
use driftfield_problems::predictor::{Predictor, Targets, Times};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::method::registry::stratonovich_methods;
use driftfield_solvers::method::{BoxedMethod, Kind, Method};
use driftfield_solvers::{ErrorNorm, FieldError, OdeProblem, Outcome, Save, SolveOptions};

use super::{Batch, attempt, gap, path, smooth, span};

const EVALUATIONS: u64 = 30;
const MESSAGE: &str = "the field broke";
/// What adaptive steps are held to.
const TOLERANCE: f64 = 1e-4;
/// The same with noise, which makes steps small.
const WITH_NOISE: f64 = 2e-2;

/// What the field does once.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Error,
    Panic,
    /// Writes this into the last lane it is given.
    Value(f64),
}

const FAULTS: [Fault; 5] = [
    Fault::Error,
    Fault::Panic,
    Fault::Value(f64::NAN),
    Fault::Value(f64::INFINITY),
    Fault::Value(f64::NEG_INFINITY),
];

/// A fault at one evaluation of an exact field.
struct Breaks {
    exact: MixturePredictor,
    fault: Fault,
    at: u64,
    calls: Arc<AtomicU64>,
}

impl Breaks {
    fn once(
        &self,
        out: &mut Batch,
        evaluate: impl FnOnce(&mut Batch) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        evaluate(out)?;
        match self.fault {
            _ if call != self.at => {}
            Fault::Error => return Err(FieldError::other(MESSAGE)),
            // Without the hook that prints.
            Fault::Panic => resume_unwind(Box::new(MESSAGE)),
            Fault::Value(value) => {
                let last = out.nrows() - 1;
                out[[last, 1]] = value;
            }
        }
        Ok(())
    }
}

impl Predictor<Batch> for Breaks {
    fn path(&self) -> &SharedPath {
        self.exact.path()
    }

    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut Batch,
        x: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.once(out, |out| self.exact.predict(target, out, x, t))
    }
}

/// How a solve ended: the outcome of every lane, its end, and what was saved of it.
#[derive(Clone)]
struct End {
    outcomes: Vec<Outcome>,
    u: Batch,
    saved: Vec<Batch>,
}

impl End {
    /// The largest gap to another end and its saved states, of one lane or of all.
    fn gap(&self, other: &End, lane: Option<usize>) -> f64 {
        let rows = |states: &Batch| match lane {
            Some(lane) => states.select(ndarray::Axis(0), &[lane]),
            None => states.clone(),
        };
        let saved = self.saved.iter().zip(&other.saved);
        let gaps = saved.map(|(a, b)| gap(&rows(a), &rows(b)));
        gaps.fold(gap(&rows(&self.u), &rows(&other.u)), f64::max)
    }
}

/// One way to solve, for a field that breaks.
struct Run<'a> {
    name: String,
    path: &'a SharedPath,
    /// Gap to the solve with the sound field that is no mistake.
    allowed: f64,
    solve: &'a dyn Fn(OdeProblem<Batch, PathField<Batch>>) -> End,
}

impl Run<'_> {
    /// The solve with a fault at evaluation `at`, and the evaluations that were made.
    fn with(&self, fault: Fault, at: u64) -> (End, u64) {
        let calls = Arc::new(AtomicU64::new(0));
        let exact = MixturePredictor::new(smooth(), self.path.clone());
        let predictor = Breaks { exact, fault, at, calls: calls.clone() };
        let field = PathField::new(Arc::new(predictor), 1.0.into());
        let (start, end) = span(self.path);
        let size = self.path.alpha(start).hypot(self.path.sigma(start));
        let initial =
            Batch::from_shape_fn((3, 2), |(i, j)| size * (0.8 - 0.5 * (2 * i + j) as f64));
        let end = (self.solve)(OdeProblem::new(field, initial, (start, end)));
        (end, calls.load(Ordering::Relaxed))
    }

    fn check(&self) {
        let (sound, evaluations) = self.with(Fault::Error, u64::MAX);
        assert!(sound.outcomes.iter().all(Outcome::is_success), "{}", self.name);
        for fault in FAULTS {
            for at in 1..=EVALUATIONS.min(evaluations) {
                let context = format!("{}, {fault:?} at evaluation {at}", self.name);
                match fault {
                    Fault::Panic => {
                        let payload = catch_unwind(AssertUnwindSafe(|| self.with(fault, at)));
                        let Err(payload) = payload else { panic!("{context}: went on") };
                        assert_eq!(payload.downcast_ref(), Some(&MESSAGE), "{context}");
                    }
                    Fault::Error => {
                        let (end, calls) = self.with(fault, at);
                        assert_eq!(calls, at, "{context}: went on");
                        for outcome in &end.outcomes {
                            let right = match outcome {
                                Outcome::Failed { error, .. } => error.to_string() == MESSAGE,
                                // Lanes may have arrived before.
                                outcome => end.outcomes.len() > 1 && outcome.is_success(),
                            };
                            assert!(right, "{context}: {outcome:?}");
                        }
                        let failed = end.outcomes.iter().any(|outcome| !outcome.is_success());
                        assert!(failed, "{context}: success");
                    }
                    Fault::Value(_) => self.check_value(&self.with(fault, at).0, &sound, &context),
                }
            }
        }
        // Nothing stays behind.
        let (again, _) = self.with(Fault::Error, u64::MAX);
        assert_eq!(again.gap(&sound, None), 0.0, "{}", self.name);
    }

    /// Either the field is named, with the lane, or the end is the right one.
    fn check_value(&self, end: &End, sound: &End, context: &str) {
        let all = end.outcomes.len() == 1;
        for (lane, outcome) in end.outcomes.iter().enumerate() {
            match outcome {
                Outcome::Success => {
                    let gap = end.gap(sound, (!all).then_some(lane));
                    assert!(gap <= self.allowed, "{context}: off by {gap:e}");
                }
                Outcome::NonFinite { lane: named, t } => {
                    assert_eq!(*named, if all { 2 } else { lane }, "{context}");
                    let (start, end) = span(self.path);
                    assert!((end..=start).contains(t), "{context}: t = {t}");
                }
                other => panic!("{context}: {other:?}"),
            }
        }
    }
}

/// Times to save at, none of them on a grid of few equal steps.
fn save_times((start, end): (f64, f64)) -> Vec<f64> {
    [0.13, 0.55, 0.97].map(|share| start + share * (end - start)).to_vec()
}

fn check_shared_steps(path: &SharedPath, method: &BoxedMethod<Batch, PathField<Batch>>) {
    let info = method.info();
    let mut saves = vec![Save::last()];
    if info.interpolant_order.is_some() {
        saves.push(Save::at(save_times(span(path))));
    }
    let tolerance = if info.kind == Kind::Stochastic { WITH_NOISE } else { TOLERANCE };
    for save in saves {
        for adaptive in [false, true] {
            if adaptive && !info.adaptive() {
                continue;
            }
            let options = || {
                let options = match adaptive {
                    false => SolveOptions::steps(6),
                    true => SolveOptions::adaptive(tolerance, tolerance),
                };
                options.save(save.clone()).seed(3)
            };
            let solve = |problem| {
                let solution = attempt(&problem, method, options());
                End { outcomes: vec![solution.outcome], u: solution.u_last, saved: solution.u }
            };
            let name = format!("{} on {}, adaptive: {adaptive}", info.name, path.name());
            // A step rejected and made again leads to other steps.
            let allowed = if adaptive { 50.0 * tolerance } else { 0.0 };
            Run { name, path, allowed, solve: &solve }.check();
        }
    }
}

fn check_own_steps(path: &SharedPath, method: &BoxedMethod<Batch, PathField<Batch>>) {
    for times in [vec![], save_times(span(path))] {
        let solve = |problem| {
            let options = SolveOptions::adaptive(TOLERANCE, TOLERANCE).norm(ErrorNorm::EachLane);
            let solution = attempt(&problem, method, options.save(Save::at(times.clone())));
            End {
                outcomes: solution.lanes.into_iter().map(|lane| lane.outcome).collect(),
                u: solution.u_last,
                saved: solution.u,
            }
        };
        let name = format!("{} on {}, steps of each lane's own", method.info().name, path.name());
        Run { name, path, allowed: 50.0 * TOLERANCE, solve: &solve }.check();
    }
}

#[test]
fn a_field_that_breaks_once_is_never_a_wrong_success() {
    for name in ["rectified-flow", "vp", "edm"] {
        let path = path(name);
        for method in path_methods().iter().chain(&stratonovich_methods()) {
            check_shared_steps(&path, method);
        }
        let own =
            |method: &&BoxedMethod<_, _>| method.info().adaptive() && method.info().lane_steps;
        for method in path_methods().iter().filter(own) {
            check_own_steps(&path, method);
        }
    }
}
