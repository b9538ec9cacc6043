//! Stochastic methods against torchsde and diffrax, which were handed the same
//! recorded path, and against the exact solutions on it.

use std::path::Path;

use driftfield_solvers::field::WithDerivative;
use driftfield_solvers::method::{
    EulerHeun, EulerMaruyama, Method, Milstein, MilsteinDerivativeFree, Shark, Sra1, Srid2, Sriw1,
    StochasticHeun,
};
use driftfield_solvers::noise::RecordedPath;
use driftfield_solvers::{
    Additive, Ito, Problem, Save, SdeProblem, SolveOptions, StochasticField, Stratonovich, solve,
};
use ndarray::Array2;
use serde_json::Value;

type Batch = Array2<f64>;

/// `du = theta (mu - u) dt + sigma dW`.
const THETA: f64 = 1.5;
const MU: f64 = 0.3;
const SIGMA: f64 = 0.7;
/// `du = a u dt + b u dW`, Ito.
const A: f64 = 0.4;
const B: f64 = 0.6;

fn file(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/sde").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn column(values: &[f64]) -> Batch {
    Batch::from_shape_vec((values.len(), 1), values.to_vec()).unwrap()
}

/// The recorded path, linear between its 1,025 times as it was for the others.
fn path() -> RecordedPath<Batch> {
    let file = file("paths_exact.json");
    let rows: Vec<Vec<f64>> = file["dW"].as_array().unwrap().iter().map(numbers).collect();
    let steps = rows[0].len();
    let grid = (0..=steps).map(|k| k as f64 / steps as f64).collect();
    let at = |k: usize| column(&rows.iter().map(|row| row[k]).collect::<Vec<_>>());
    RecordedPath::new(grid, (0..steps).map(at).collect()).unwrap().piecewise_linear()
}

fn initial() -> Batch {
    column(&[1.0, 0.5, 2.0, 1.5])
}

fn ou_drift(du: &mut Batch, u: &Batch, _t: f64) {
    du.zip_mut_with(u, |du, u| *du = THETA * (MU - u));
}

fn times(factor: f64) -> impl Fn(&mut Batch, &Batch, f64) + Copy {
    move |out, u, _t| out.zip_mut_with(u, |out, u| *out = factor * u)
}

/// States at eighths of the span, four paths each.
fn states<F, M>(field: F, method: &M, steps: usize) -> Vec<Vec<f64>>
where
    F: StochasticField<Batch>,
    M: Method<Batch, F>,
{
    let problem = SdeProblem::from_field(field, initial(), (0.0, 1.0));
    run(&problem, method, steps)
}

fn run<P, M>(problem: &P, method: &M, steps: usize) -> Vec<Vec<f64>>
where
    P: Problem<State = Batch>,
    M: Method<Batch, P::Field>,
{
    let save = Save::at((0..=8).map(|k| f64::from(k) / 8.0).collect::<Vec<_>>());
    let options = SolveOptions::steps(steps).noise(path()).save(save);
    let solution = solve(problem, method, options).unwrap();
    assert!(solution.outcome.is_success(), "{:?}", solution.outcome);
    solution.u.iter().map(|u| u.iter().copied().collect()).collect()
}

/// Every run of `file` whose settings agree with `wanted`, with its steps.
fn runs(name: &str, wanted: &[(&str, &str)]) -> Vec<(usize, Vec<Vec<f64>>)> {
    let file = file(name);
    let matching = file["runs"].as_array().unwrap().iter().filter(|run| {
        let gradient_free = run["settings"].get("grad_free").is_some();
        wanted.iter().all(|(key, value)| match *key {
            "grad_free" => gradient_free == (*value == "true"),
            key => run["settings"][key] == *value,
        })
    });
    let found: Vec<_> = matching
        .map(|run| {
            let steps = run["settings"]["steps"].as_u64().unwrap() as usize;
            (steps, run["states"].as_array().unwrap().iter().map(numbers).collect())
        })
        .collect();
    assert_eq!(found.len(), 3, "{wanted:?}");
    found
}

fn gap(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

/// Compares with all runs of those settings.
fn compare(name: &str, wanted: &[(&str, &str)], ours: impl Fn(usize) -> Vec<Vec<f64>>) {
    let runs = runs(name, wanted);
    let mut largest = 0.0f64;
    for (steps, theirs) in &runs {
        let gap = gap(&ours(*steps), theirs);
        assert!(gap < 1e-12, "{wanted:?}, {steps} steps: {gap:e}");
        largest = largest.max(gap);
    }
    println!("{name} {wanted:?}: {} runs, largest gap {largest:.1e}", runs.len());
}

fn torchsde(
    problem: &str,
    noise: &str,
    sense: &str,
    method: &str,
    ours: impl Fn(usize) -> Vec<Vec<f64>>,
) {
    let (method, free) = match method.strip_suffix(" grad_free") {
        Some(method) => (method, "true"),
        None => (method, "false"),
    };
    let wanted = [
        ("problem", problem),
        ("noise_type", noise),
        ("sde_type", sense),
        ("method", method),
        ("grad_free", free),
    ];
    compare("torchsde.json", &wanted, ours);
}

fn diffrax(problem: &str, sense: &str, solver: &str, ours: impl Fn(usize) -> Vec<Vec<f64>>) {
    let wanted = [("problem", problem), ("sense", sense), ("solver", solver)];
    compare("diffrax.json", &wanted, ours);
}

#[test]
fn ornstein_uhlenbeck_as_torchsde_and_diffrax() {
    let sigma = |g: &mut Batch, _t: f64| g.fill(SIGMA);
    let field = Additive { drift: ou_drift, diffusion: sigma };
    let em = |steps| states(field, &EulerMaruyama::new(), steps);
    let heun = |steps| states(field, &StochasticHeun::new(), steps);
    let euler_heun = |steps| states(field, &EulerHeun::new(), steps);
    torchsde("OU", "additive", "ito", "euler", em);
    torchsde("OU", "additive", "ito", "milstein", em);
    torchsde("OU", "additive", "ito", "srk", |steps| states(field, &Sra1::new(), steps));
    torchsde("OU", "additive", "stratonovich", "heun", heun);
    torchsde("OU", "additive", "stratonovich", "euler_heun", euler_heun);
    diffrax("OU", "ito", "Euler", em);
    diffrax("OU", "additive", "Heun", heun);
    diffrax("OU", "additive", "EulerHeun", euler_heun);
    diffrax("OU", "additive", "SRA1", |steps| states(field, &Sra1::new(), steps));
    diffrax("OU", "additive", "ShARK", |steps| states(field, &Shark::new(), steps));
    torchsde("OU", "diagonal", "ito", "srk", |steps| states(field, &Srid2::new(), steps));
}

#[test]
fn geometric_brownian_motion_as_torchsde_and_diffrax() {
    let ito = Ito { drift: times(A), diffusion: times(B) };
    let stratonovich = Stratonovich { drift: times(A - 0.5 * B * B), diffusion: times(B) };
    let derivative = times(B * B);
    let em = |steps| states(ito, &EulerMaruyama::new(), steps);
    let ito_milstein =
        |steps| states(WithDerivative { field: ito, derivative }, &Milstein::new(), steps);
    let stratonovich_milstein =
        |steps| states(WithDerivative { field: stratonovich, derivative }, &Milstein::new(), steps);
    let heun = |steps| states(stratonovich, &StochasticHeun::new(), steps);
    let euler_heun = |steps| states(stratonovich, &EulerHeun::new(), steps);
    torchsde("GBM", "diagonal", "ito", "euler", em);
    torchsde("GBM", "diagonal", "ito", "milstein", ito_milstein);
    torchsde("GBM", "diagonal", "ito", "milstein grad_free", |steps| {
        states(ito, &MilsteinDerivativeFree::new(), steps)
    });
    torchsde("GBM", "diagonal", "ito", "srk", |steps| states(ito, &Srid2::new(), steps));
    torchsde("GBM", "diagonal", "stratonovich", "milstein", stratonovich_milstein);
    torchsde("GBM", "diagonal", "stratonovich", "milstein grad_free", |steps| {
        states(stratonovich, &MilsteinDerivativeFree::new(), steps)
    });
    torchsde("GBM", "diagonal", "stratonovich", "heun", heun);
    torchsde("GBM", "diagonal", "stratonovich", "euler_heun", euler_heun);
    diffrax("GBM", "ito", "Euler", em);
    diffrax("GBM", "ito", "ItoMilstein", ito_milstein);
    diffrax("GBM", "stratonovich", "StratonovichMilstein", stratonovich_milstein);
    diffrax("GBM", "stratonovich", "Heun", heun);
    diffrax("GBM", "stratonovich", "EulerHeun", euler_heun);
}

/// The largest error at t = 1 for 64, 128 and 256 steps against the exact solution
/// on the path.
fn final_errors(problem: &str, ours: impl Fn(usize) -> Vec<Vec<f64>>) -> [f64; 3] {
    let file = file("paths_exact.json");
    let mut runs = file["runs"].as_array().unwrap().iter();
    let run = runs.find(|run| run["settings"]["problem"] == problem).unwrap();
    // The recorded path knows no areas: for the Ornstein-Uhlenbeck process it is
    // the solution on the piecewise linear path that is approached.
    let exact = run.get("exact_of_piecewise_linear_path_final").unwrap_or(&run["final"]);
    [64, 128, 256].map(|steps| gap(&ours(steps)[8..], &[numbers(exact)]))
}

#[test]
fn errors_on_the_recorded_path_are_small_where_no_other_library_runs_the_scheme() {
    let sigma = |g: &mut Batch, _t: f64| g.fill(SIGMA);
    let ou = Additive { drift: ou_drift, diffusion: sigma };
    let gbm = Ito { drift: times(A), diffusion: times(B) };
    let ou_euler = final_errors("OU", |steps| states(ou, &EulerMaruyama::new(), steps));
    let gbm_euler = final_errors("GBM", |steps| states(gbm, &EulerMaruyama::new(), steps));
    for (name, errors, euler) in [
        ("sriw1, OU", final_errors("OU", |steps| states(ou, &Sriw1::new(), steps)), ou_euler),
        ("shark, OU", final_errors("OU", |steps| states(ou, &Shark::new(), steps)), ou_euler),
        ("sra1, OU", final_errors("OU", |steps| states(ou, &Sra1::new(), steps)), ou_euler),
        ("sriw1, GBM", final_errors("GBM", |steps| states(gbm, &Sriw1::new(), steps)), gbm_euler),
    ] {
        println!("{name}: {errors:?}");
        for (error, euler) in errors.iter().zip(euler) {
            assert!(*error < 0.05 * euler, "{name}: {error:e}, Euler-Maruyama {euler:e}");
        }
    }
}
