//! Files of runs made by published code, compared run by run and tallied: the one place that
//! counts what matches.

use std::collections::BTreeMap;
use std::path::Path;

use driftfield_problems::flow::PathField;
use driftfield_problems::method;
use driftfield_problems::predictor::Target;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::method::Method;
use driftfield_solvers::noise::RecordedPath;
use driftfield_solvers::{OdeProblem, Save, SolveOptions, State, VectorField, solve};
use ndarray::ArrayD;
use serde_json::Value;

use super::{Batch, batch, gap};

/// A file of runs.
pub struct Published {
    name: String,
    json: Value,
}

/// What became of a run.
pub enum Verdict {
    /// The largest gap over all states recorded, and whether the evaluations are as many; and
    /// so the accepted and rejected steps, if steps are adaptive.
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

    /// The whole file.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The recorded normals, one batch a draw.
    pub fn normals(&self) -> impl Iterator<Item = Batch> {
        self.json["noise"].as_array().unwrap().iter().map(points)
    }

    /// The recorded normals, one draw a step, as the path of this grid.
    pub fn noise(&self, times: &[f64]) -> RecordedPath<Batch> {
        one_draw_a_step(times, self.normals())
    }

    /// The first of the recorded normals.
    pub fn draws(&self, count: usize) -> Vec<Batch> {
        self.normals().take(count).collect()
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

/// The path of this grid with one standard normal a step.
pub fn one_draw_a_step<S: State>(
    times: &[f64],
    normals: impl Iterator<Item = S>,
) -> RecordedPath<S> {
    let normals = normals.take(times.len() - 1).collect();
    RecordedPath::from_normals(times.to_vec(), normals).unwrap()
}

/// The same with two a step, as `sample_dpmpp_sde` draws them: up to the node of the step, and
/// over the whole of it, which is the sum of the increments before and after the node.
pub fn two_draws_a_step<S: State>(
    path: &SharedPath,
    times: &[f64],
    mut normals: impl Iterator<Item = S>,
) -> RecordedPath<S> {
    let (mut grid, mut increments) = (vec![times[0]], Vec::new());
    let mut draw = |length: f64| {
        let mut normal = normals.next().unwrap();
        normal.linear_combination(length.abs().sqrt(), &[]).unwrap();
        normal
    };
    for ends in times.windows(2) {
        let (start, end) = (path.log_snr(ends[0]), path.log_snr(ends[1]));
        let node = path.time_at_log_snr(start + 0.5 * (end - start));
        let before = draw(ends[0] - node);
        let mut after = draw(ends[0] - ends[1]);
        after.linear_combination(1.0, &[(-1.0, &before)]).unwrap();
        increments.extend([before, after]);
        grid.extend([node, ends[1]]);
    }
    RecordedPath::new(grid, increments).unwrap()
}

/// The rows of a JSON array of arrays.
pub fn rows(value: &Value) -> ArrayD<f64> {
    points(value).into_dyn()
}

/// Largest gap, relative to the largest of `b` above 1; infinite where one is NaN.
pub fn relative_gap(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let size = b.iter().fold(1.0f64, |size, value| size.max(value.abs()));
    a.iter().zip(b).fold(0.0, |worst: f64, (a, b)| {
        let gap = (a - b).abs() / size;
        if gap.is_nan() { f64::INFINITY } else { worst.max(gap) }
    })
}

/// Runs `method` over `times` with the normals given, if any.
pub fn run_method<F: VectorField<Batch> + Clone>(
    field: &F,
    initial: &Batch,
    times: &[f64],
    method: &impl Method<Batch, F>,
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
        field.predictor().predict(Target::DATA.into(), &mut data, last, t.into()).unwrap();
        self.states.push(data);
        self.nfe += 1;
        self
    }

    /// Against the final state of a recorded run, and all others if there are any: each, or
    /// every `n`-th.
    pub fn compare(&self, recorded: &Value) -> Verdict {
        let mut worst = gap(&self.states[self.states.len() - 1], &points(&recorded["final"]));
        if let Some(states) = recorded["states"].as_array() {
            let (steps, recorded_steps) = (self.states.len() - 1, states.len() - 1);
            assert_eq!(steps % recorded_steps, 0, "{}", recorded["settings"]);
            let ours = self.states.iter().step_by(steps / recorded_steps);
            for (ours, state) in ours.zip(states) {
                worst = worst.max(gap(ours, &points(state)));
            }
        }
        Verdict::Compared { gap: worst, nfe_equal: self.nfe == recorded["nfe"].as_u64().unwrap() }
    }
}
