//! Files of runs made by published code, compared run by run and tallied.

use std::collections::BTreeMap;
use std::path::Path;

use driftfield_problems::flow::PathField;
use driftfield_problems::method;
use driftfield_problems::predictor::Target;
use driftfield_solvers::method::Method;
use driftfield_solvers::noise::RecordedPath;
use driftfield_solvers::{OdeProblem, Save, SolveOptions, solve};
use serde_json::Value;

use super::{Batch, batch, gap};

/// A file of runs.
pub struct Published {
    name: String,
    json: Value,
}

/// What became of a run.
pub enum Verdict {
    /// The largest gap over all states recorded, and whether the evaluations are as many.
    Compared { gap: f64, nfe_equal: bool },
    /// Why it cannot be repeated here, or is elsewhere.
    LeftOut(&'static str),
}

/// All states of a run of ours.
pub struct Ours {
    pub states: Vec<Batch>,
    pub nfe: u64,
}

pub fn points(value: &Value) -> Batch {
    batch(&serde_json::from_value::<Vec<[f64; 2]>>(value.clone()).unwrap())
}

pub fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The solver that parameters are added to one by one.
pub fn spec(name: &str, parameters: &[(&str, &Value)]) -> String {
    let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let list: Vec<String> =
        parameters.iter().map(|(key, value)| format!("{key}={}", text(value))).collect();
    format!("{name}:{}", list.join(","))
}

impl Published {
    /// Reads `tests/data/NAME.json`.
    pub fn read(name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.json"));
        let text = std::fs::read_to_string(&file).unwrap();
        Published { name: name.to_owned(), json: serde_json::from_str(&text).unwrap() }
    }

    pub fn initial(&self) -> Batch {
        points(&self.json["initial"])
    }

    pub fn runs(&self) -> &[Value] {
        self.json["runs"].as_array().unwrap()
    }

    /// The recorded normals, one batch a draw, as the path of this grid.
    pub fn noise(&self, times: &[f64]) -> RecordedPath<Batch> {
        RecordedPath::from_normals(times.to_vec(), self.draws(times.len() - 1)).unwrap()
    }

    /// The first of the recorded normals.
    pub fn draws(&self, count: usize) -> Vec<Batch> {
        self.json["noise"].as_array().unwrap()[..count].iter().map(points).collect()
    }

    /// Judges every run, prints the tally, and fails unless every run that is not left
    /// out matches.
    pub fn tally(&self, tolerance: f64, judge: impl Fn(&Value) -> Verdict) {
        let (mut matching, mut largest, mut failures) = (0, 0.0f64, Vec::new());
        let mut left_out = BTreeMap::<&str, usize>::new();
        for run in self.runs() {
            match judge(run) {
                Verdict::Compared { gap, nfe_equal: true } if gap <= tolerance => {
                    (matching, largest) = (matching + 1, largest.max(gap));
                }
                Verdict::Compared { gap, nfe_equal } => {
                    failures
                        .push(format!("{}: gap {gap:e}, NFE equal: {nfe_equal}", run["settings"]));
                }
                Verdict::LeftOut(reason) => *left_out.entry(reason).or_default() += 1,
            }
        }
        let all = self.runs().len();
        println!("{}.json: {matching}/{all} runs, largest gap {largest:.1e}", self.name);
        for (reason, count) in left_out {
            println!("    {count} left out: {reason}");
        }
        assert!(failures.is_empty(), "{}:\n{}", self.name, failures.join("\n"));
        assert!(matching > 0, "{}: nothing was compared", self.name);
    }
}

/// Runs `method` over `times` with the normals given, if any.
pub fn run_method(
    field: &PathField<Batch>,
    initial: &Batch,
    times: &[f64],
    method: &impl Method<Batch, PathField<Batch>>,
    noise: Option<RecordedPath<Batch>>,
) -> Ours {
    let span = (times[0], times[times.len() - 1]);
    let problem = OdeProblem::new(field.clone(), initial.clone(), span);
    let options = SolveOptions::times(times).save(Save::all());
    let options = match noise {
        Some(noise) => options.noise(noise),
        None => options,
    };
    let solution = solve(&problem, method, options).unwrap();
    assert!(solution.outcome.is_success(), "{}: {}", method.info().name, solution.outcome);
    Ours { states: solution.u, nfe: solution.statistics.nfe }
}

/// Runs the solver of that name.
pub fn run(field: &PathField<Batch>, initial: &Batch, times: &[f64], solver: &str) -> Ours {
    run_method(field, initial, times, &method::parse(solver).unwrap(), None)
}

impl Ours {
    /// Adds the predicted data as a last state: what `--denoise-final` does, and what samplers
    /// that end at `sigma = 0` do in their last step.
    pub fn denoised(mut self, field: &PathField<Batch>, t: f64) -> Self {
        let last = &self.states[self.states.len() - 1];
        let mut data = last.clone();
        field.predictor().predict(Target::DATA, &mut data, last, t).unwrap();
        self.states.push(data);
        self.nfe += 1;
        self
    }

    /// Against the final state of a recorded run, and all others if there are any.
    pub fn compare(&self, recorded: &Value) -> Verdict {
        let mut worst = gap(&self.states[self.states.len() - 1], &points(&recorded["final"]));
        if let Some(states) = recorded["states"].as_array() {
            assert_eq!(states.len(), self.states.len(), "{}", recorded["settings"]);
            for (ours, state) in self.states.iter().zip(states) {
                worst = worst.max(gap(ours, &points(state)));
            }
        }
        Verdict::Compared { gap: worst, nfe_equal: self.nfe == recorded["nfe"].as_u64().unwrap() }
    }
}
