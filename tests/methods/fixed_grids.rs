//! Runge-Kutta methods on fixed grids against diffrax and jcopo/diffuse.

use crate::common::published::{Published, Verdict, numbers, run_method};
use crate::common::{Batch, exact_flow, gap, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::method::registry::runge_kutta_methods;
use driftfield_solvers::method::{BoxedMethod, Method, Rk4};
use driftfield_solvers::{FieldError, SolveOptions, Times, VectorField, solve};

/// Our name for a method of another library, or why there is none here.
fn our_name(theirs: &str) -> Result<&'static str, &'static str> {
    match theirs {
        "Euler" => Ok("euler"),
        "Midpoint" => Ok("midpoint"),
        "Heun" => Ok("heun"),
        "Ralston" => Ok("ralston"),
        "Bosh3" => Ok("bs3"),
        "Dopri5" => Ok("dopri5"),
        "Tsit5" => Ok("tsit5"),
        "Dopri8" => Err("Dopri8 is Prince & Dormand's 8(7) pair, another method than Dop853"),
        "DDIM" | "DPMpp2s" => Err("exponential integrators: diffuse_references.rs"),
        "ImplicitEuler" | "Kvaerno3" | "Kvaerno5" => Err("no implicit methods here"),
        other => panic!("no decision on {other}"),
    }
}

fn method<F: VectorField<Batch> + 'static>(name: &str) -> BoxedMethod<Batch, F> {
    runge_kutta_methods().into_iter().find(|method| method.info().name == name).unwrap()
}

/// Every run of the file that we have a method for: NFE and every recorded state.
fn compare<F: VectorField<Batch> + Clone + 'static>(file: &str, field: &F, tolerance: f64) {
    let file = Published::read(file);
    file.tally(tolerance, |run| {
        let settings = &run["settings"];
        let theirs = settings["solver"].as_str().or(settings["integrator"].as_str()).unwrap();
        let name = match our_name(theirs) {
            Ok(name) => name,
            Err(reason) => return Verdict::LeftOut(reason),
        };
        let times = numbers(&run["times"]);
        run_method(field, &file.initial(), &times, &method::<F>(name), None).compare(run)
    });
}

fn rectified_flow() -> PathField<Batch> {
    exact_flow(mixture(), &path("rectified-flow"))
}

#[test]
fn seven_methods_agree_with_diffrax() {
    compare("ode/diffrax_fixed", &rectified_flow(), 1e-12);
}

#[test]
fn euler_and_heun_agree_with_diffuse_on_the_rectified_flow() {
    // Its clipping of alpha and sigma acts in the other methods only.
    compare("diffuse/flow_deterministic", &rectified_flow(), 1e-12);
}

/// The probability flow of VP as jcopo/diffuse computes it from a predicted
/// noise: its score is `-eps / (clip(sigma, 0.001, 0.9999) + 1e-8)`, ours
/// `-eps / sigma`.
#[derive(Clone)]
struct ClippedFlow {
    exact: PathField<Batch>,
    path: SharedPath,
}

impl VectorField<Batch> for ClippedFlow {
    fn eval(&self, du: &mut Batch, u: &Batch, t: Times<'_>) -> Result<(), FieldError> {
        self.exact.eval(du, u, t)?;
        let t = t.one()?;
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
    let exact = exact_flow(mixture(), &vp);
    let clipped = ClippedFlow { exact: exact.clone(), path: vp.clone() };
    compare("diffuse/vp_deterministic", &clipped, 1e-12);
    // Without the clipping the runs differ by what it does to the score: a
    // relative 1e-4 near t = 1.
    println!("without its clipping:");
    compare("diffuse/vp_deterministic", &exact, 1e-3);
}

#[test]
fn rk4_is_the_classical_method() {
    // torchdiffeq's `rk4` is the 3/8 rule and diffrax has none: the textbook
    // loop instead.
    let field = rectified_flow();
    let initial = Published::read("ode/diffrax_fixed").initial();
    let eval = |u: &Batch, t: f64| {
        let mut du = Batch::zeros(u.dim());
        field.eval(&mut du, u, t.into()).unwrap();
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
