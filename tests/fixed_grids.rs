//! Runge-Kutta methods on fixed grids against diffrax and jcopo/diffuse.

mod common;

use common::{Batch, Reference, Run, batch, exact_flow, gap, mixture, path, reference};
use driftfield_problems::flow::PathField;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::method::registry::runge_kutta_methods;
use driftfield_solvers::method::{BoxedMethod, Method, Rk4};
use driftfield_solvers::{
    FieldError, OdeProblem, Outcome, Save, Solution, SolveOptions, VectorField, solve,
};

/// Our name for a method of another library; `None` for those we do not have.
fn our_name(theirs: &str) -> Option<&'static str> {
    match theirs {
        "Euler" => Some("euler"),
        "Midpoint" => Some("midpoint"),
        "Heun" => Some("heun"),
        "Ralston" => Some("ralston"),
        "Bosh3" => Some("bs3"),
        "Dopri5" => Some("dopri5"),
        "Tsit5" => Some("tsit5"),
        // "Dopri8" is Prince & Dormand's 8(7) pair, another method than Dop853;
        // DDIM and DPM-Solver++ are exponential integrators.
        _ => None,
    }
}

fn method<F: VectorField<Batch> + 'static>(name: &str) -> BoxedMethod<Batch, F> {
    runge_kutta_methods().into_iter().find(|method| method.info().name == name).unwrap()
}

fn solve_on_its_grid<F: VectorField<Batch> + 'static>(
    name: &str,
    field: F,
    file: &Reference,
    run: &Run,
) -> Solution<Batch> {
    let times = run.times.clone().unwrap();
    let span = (times[0], times[times.len() - 1]);
    let problem = OdeProblem::new(field, batch(&file.initial), span);
    let options = SolveOptions::times(times).save(Save::every(1).with_start());
    let solution = solve(&problem, &method(name), options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    solution
}

/// Solves every run of the file that we have a method for and compares the NFE
/// and every recorded state (each step, or each `n`-th one). Returns the number
/// of runs.
fn compare<F: VectorField<Batch> + 'static>(
    file: &str,
    field: impl Fn() -> F,
    tolerance: f64,
) -> usize {
    let file = reference(file);
    let mut compared = 0;
    for run in &file.runs {
        let settings = &run.settings;
        let theirs = settings.solver.as_ref().or(settings.integrator.as_ref()).unwrap();
        let Some(name) = our_name(theirs) else { continue };
        let solution = solve_on_its_grid(name, field(), &file, run);
        assert_eq!(Some(solution.statistics.nfe), run.nfe, "{settings:?}");
        let steps = run.times.as_ref().unwrap().len() - 1;
        assert_eq!(solution.u.len(), steps + 1);
        if let Some(states) = &run.states {
            let stride = steps / (states.len() - 1);
            assert_eq!(states.len(), steps / stride + 1);
            for (found, expected) in solution.u.iter().step_by(stride).zip(states) {
                let error = gap(found, &batch(expected));
                assert!(error < tolerance, "{settings:?}: {error:e}");
            }
        }
        let error = gap(&solution.u_last, &batch(&run.last));
        assert!(error < tolerance, "{settings:?}: {error:e}");
        compared += 1;
    }
    compared
}

fn rectified_flow() -> PathField<Batch> {
    exact_flow(mixture(), &path("rectified-flow"))
}

#[test]
fn seven_methods_agree_with_diffrax() {
    // Two grids each; the file's other runs are Dopri8 and implicit methods.
    assert_eq!(compare("ode/diffrax_fixed.json", rectified_flow, 1e-12), 14);
}

#[test]
fn euler_and_heun_agree_with_diffuse_on_the_rectified_flow() {
    // Four grids each; its clipping of alpha and sigma acts in the others only.
    assert_eq!(compare("diffuse/flow_deterministic.json", rectified_flow, 1e-12), 8);
}

/// The probability flow of VP as jcopo/diffuse computes it from a predicted
/// noise: its score is `-eps / (clip(sigma, 0.001, 0.9999) + 1e-8)`, ours
/// `-eps / sigma`.
struct ClippedFlow {
    exact: PathField<Batch>,
    path: SharedPath,
}

impl VectorField<Batch> for ClippedFlow {
    fn eval(&self, du: &mut Batch, u: &Batch, t: f64) -> Result<(), FieldError> {
        self.exact.eval(du, u, t)?;
        let linear = self.path.drift_rate(t);
        let sigma = self.path.sigma(t);
        let factor = sigma / (sigma.clamp(0.001, 0.9999) + 1e-8);
        du.zip_mut_with(u, |du, u| *du = linear * u + factor * (*du - linear * u));
        Ok(())
    }
}

#[test]
fn euler_and_heun_agree_with_diffuse_on_vp() {
    let vp = path("vp");
    let clipped = || ClippedFlow { exact: exact_flow(mixture(), &vp), path: vp.clone() };
    assert_eq!(compare("diffuse/vp_deterministic.json", clipped, 1e-12), 4);
    // Without the clipping the runs differ by what it does to the score: a
    // relative 1e-4 near t = 1.
    assert_eq!(compare("diffuse/vp_deterministic.json", || exact_flow(mixture(), &vp), 1e-3), 4);
}

#[test]
fn rk4_is_the_classical_method() {
    // torchdiffeq's `rk4` is the 3/8 rule and diffrax has none: the textbook
    // loop instead.
    let field = rectified_flow();
    let file = reference("ode/diffrax_fixed.json");
    let initial = batch(&file.initial);
    let eval = |u: &Batch, t: f64| {
        let mut du = Batch::zeros(u.dim());
        field.eval(&mut du, u, t).unwrap();
        du
    };
    let (steps, start, end) = (10, 1.0, 1e-3);
    let h = (end - start) / f64::from(steps);
    let mut u = initial.clone();
    for i in 0..steps {
        let t = start + f64::from(i) * h;
        let k1 = eval(&u, t);
        let k2 = eval(&(&u + &k1 * (h / 2.0)), t + h / 2.0);
        let k3 = eval(&(&u + &k2 * (h / 2.0)), t + h / 2.0);
        let k4 = eval(&(&u + &k3 * h), t + h);
        u = u + (k1 + (k2 + k3) * 2.0 + k4) * (h / 6.0);
    }
    let problem = rectified_flow().problem(initial, (start, end));
    let solution = solve(&problem, &Rk4::new(), SolveOptions::steps(10)).unwrap();
    assert_eq!(solution.statistics.nfe, 40);
    let error = gap(&solution.u_last, &u);
    assert!(error < 1e-13, "{error:e}");
}
