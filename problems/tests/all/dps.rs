//! Diffusion posterior sampling as an observer: its correction, its counts, its failures.

use std::sync::Arc;

use crate::common::all_paths;
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{probability_flow, reverse_sde};
use driftfield_problems::inverse::{Dps, ImageShape, Observation, parse};
use driftfield_problems::method::{self, path_methods};
use driftfield_problems::predictor::{Predictor, Pullback, Target, Targets, Times};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::Method;
use driftfield_solvers::observer::{AcceptedStep, Flow};
use driftfield_solvers::{FieldError, OdeProblem, Outcome, SolveOptions, solve};
use ndarray::Array2;

type Batch = Array2<f64>;

fn prior(path: &SharedPath) -> MixturePredictor {
    let means = vec![vec![1.0, -1.0, 0.0, 0.3], vec![-1.0, 0.5, 0.8, -0.6]];
    let prior = GaussianMixture::isotropic(vec![0.4, 0.6], means, vec![0.5, 0.7]).unwrap();
    MixturePredictor::new(prior, path.clone())
}

fn observation(values: Vec<f64>) -> Arc<Observation> {
    let shape = ImageShape::grey(2, 2);
    let square = parse("square:size=1x2,center=0x1,std=0.1", &shape).unwrap();
    Arc::new(Observation::new(square, values).unwrap())
}

fn start(path: &SharedPath) -> ((f64, f64), Batch) {
    let span = (path.start_with_finite_log_snr(), path.default_span().1);
    (span, prior(path).marginal(span.0).unwrap().draw(3, 4))
}

/// `|y - A x_0_hat(x)|` of a lane.
fn misfit(predictor: &MixturePredictor, of: &Observation, lane: usize, x: &[f64], t: f64) -> f64 {
    let state = nalgebra::DVector::from_column_slice(x);
    let mut data = state.clone();
    predictor.predict(Target::DATA.into(), &mut data, &state, t.into()).unwrap();
    of.residual(lane, data.as_slice()).iter().map(|r| r * r).sum::<f64>().sqrt()
}

#[test]
fn the_correction_is_the_gradient_of_the_misfit_before_the_step() {
    const ZETA: f64 = 0.7;
    let path = process::parse("vp").unwrap();
    let predictor = prior(&path);
    // A measurement of each lane's own.
    let of = observation(vec![0.4, -0.3, 1.0, 0.2, -0.5, 2.0]);
    let x = prior(&path).marginal(0.5).unwrap().draw(3, 9);
    let problem = || OdeProblem::new(probability_flow(predictor.clone()), x.clone(), (0.5, 0.45));
    let method = method::parse("heun").unwrap();
    let plain = solve(&problem(), &method, SolveOptions::steps(1)).unwrap().u_last;
    let mut dps = Dps::new(predictor.clone(), of.clone(), ZETA).unwrap();
    let options = SolveOptions::steps(1).observer(&mut dps);
    let guided = solve(&problem(), &method, options).unwrap().u_last;
    for lane in 0..3 {
        let row = x.row(lane).to_vec();
        let square = |axis: usize, h: f64| {
            let mut moved = row.clone();
            moved[axis] += h;
            misfit(&predictor, &of, lane, &moved, 0.5).powi(2)
        };
        let size = misfit(&predictor, &of, lane, &row, 0.5);
        for axis in 0..4 {
            const H: f64 = 1e-3;
            let slope = (8.0 * (square(axis, H) - square(axis, -H))
                - (square(axis, 2.0 * H) - square(axis, -2.0 * H)))
                / (12.0 * H);
            let expected = -ZETA / (size + 1e-3) * slope;
            let found = guided[[lane, axis]] - plain[[lane, axis]];
            assert!((found - expected).abs() < 1e-8, "{lane}, {axis}: {found} {expected}");
        }
    }
}

#[test]
fn every_method_is_guided_on_every_process_and_counted() {
    const STEPS: u64 = 12;
    for path in all_paths() {
        let (span, initial) = start(&path);
        let times = Spacing::LogSnr.times(&path, span.0, span.1, STEPS as usize).unwrap();
        let field = reverse_sde(prior(&path), 1.0);
        for method in path_methods::<Batch>() {
            let info = method.info();
            let what = format!("{} on {}", info.name, path.spec());
            let mut dps = Dps::new(prior(&path), observation(vec![0.4, -0.3]), 0.02).unwrap();
            let options = SolveOptions::times(times.clone()).observer(&mut dps);
            let problem = OdeProblem::new(field.clone(), initial.clone(), span);
            let solution = solve(&problem, &method, options).unwrap();
            assert!(solution.outcome.is_success(), "{what}: {:?}", solution.outcome);
            assert_eq!((dps.gradients(), dps.network_forwards()), (STEPS, 0), "{what}");
            // What was cached at the end of a step is evaluated again after its correction.
            let nfe = info.evaluations(STEPS);
            assert!([nfe, nfe + STEPS - 1].contains(&solution.statistics.nfe), "{what}");
        }
    }
}

#[test]
fn guidance_of_length_zero_is_none_and_keeps_a_history() {
    let path = process::parse("rectified-flow").unwrap();
    let (span, initial) = start(&path);
    let times = Spacing::LogSnr.times(&path, span.0, span.1, 15).unwrap();
    let problem = OdeProblem::new(probability_flow(prior(&path)), initial, span);
    let options = || SolveOptions::times(times.clone());
    for solver in ["dpm-solver++3m", "deis-tab3", "lms", "heun", "dpm-solver-3s", "ddim"] {
        let method = method::parse(solver).unwrap();
        let dps = || Dps::new(prior(&path), observation(vec![0.4, -0.3]), 0.0).unwrap();
        let plain = solve(&problem, &method, options()).unwrap().u_last;
        let (mut keeps, mut forgets) = (dps(), dps().forgetting_history());
        let kept = solve(&problem, &method, options().observer(&mut keeps)).unwrap().u_last;
        assert_eq!(kept, plain, "{solver}");
        let forgot = solve(&problem, &method, options().observer(&mut forgets)).unwrap().u_last;
        assert_eq!(forgot == plain, method.info().history == 0, "{solver}");
    }
}

/// Around a single Gaussian the misfit is a convex function of the state, and steps shorter than
/// its curvature allows bring it down, the more the longer they are.
#[test]
fn the_misfit_shrinks_with_zeta() {
    let path = process::parse("vp").unwrap();
    let gaussian = GaussianMixture::isotropic(vec![1.0], vec![vec![0.0; 4]], vec![1.0]).unwrap();
    let predictor = MixturePredictor::new(gaussian, path.clone());
    let (span, initial) = start(&path);
    let of = observation(vec![1.5, -1.2]);
    let end = |zeta: f64, solver: &str| {
        let mut dps = Dps::new(predictor.clone(), of.clone(), zeta).unwrap();
        let flow = probability_flow(predictor.clone());
        let problem = OdeProblem::new(flow, initial.clone(), span);
        let method = method::parse(solver).unwrap();
        let options = SolveOptions::steps(50).observer(&mut dps);
        let end = solve(&problem, &method, options).unwrap().u_last;
        let rows = end.rows().into_iter().enumerate();
        let squares = rows.map(|(lane, x)| {
            of.residual(lane, x.as_slice().unwrap()).iter().map(|r| r * r).sum::<f64>()
        });
        squares.sum::<f64>().sqrt()
    };
    for solver in ["ddim", "heun", "dpm-solver++2m"] {
        let misfits = [0.0, 0.003, 0.01, 0.03, 0.1].map(|zeta| end(zeta, solver));
        assert!(misfits.is_sorted_by(|a, b| a > b), "{solver}: {misfits:?}");
        assert!(misfits[4] < 0.2 * misfits[0], "{solver}: {misfits:?}");
    }
}

/// Fails, or gives numbers that are none, from a time on.
struct Failing {
    inner: MixturePredictor,
    below: f64,
    with: Result<f64, FieldError>,
}

impl Predictor<Batch> for Failing {
    fn path(&self) -> &SharedPath {
        self.inner.path()
    }
    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut Batch,
        x: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        self.inner.predict(target, out, x, t)
    }
    fn pull_back(
        &self,
        target: Targets<'_>,
        pull: Pullback<'_, Batch>,
        x: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let mut gradient = x.clone();
        let inner = Pullback::new(&mut *pull.value, pull.cotangent, &mut gradient);
        self.inner.pull_back(target, inner, x, t)?;
        if t.one()? < self.below {
            gradient[[1, 0]] = self.with.clone()?;
        }
        pull.state.assign(&gradient);
        Ok(())
    }
    fn forwards(&self, _t: Times<'_>) -> u64 {
        2
    }
}

#[test]
fn failures_stop_the_solve_with_their_reason() {
    let path = process::parse("vp").unwrap();
    let (span, initial) = start(&path);
    let problem = OdeProblem::new(probability_flow(prior(&path)), initial, span);
    let run = |with, observation| {
        let failing = Failing { inner: prior(&path), below: 0.55, with };
        let mut dps = Dps::new(failing, observation, 0.1).unwrap();
        let options = SolveOptions::steps(10).observer(&mut dps);
        let outcome = solve(&problem, &method::parse("heun").unwrap(), options).unwrap().outcome;
        let Outcome::Stopped { reason, .. } = outcome else { panic!("{outcome:?}") };
        (reason, dps.gradients(), dps.network_forwards())
    };
    let of = || observation(vec![0.4, -0.3]);
    let (reason, gradients, forwards) = run(Err(FieldError::other("no more network")), of());
    assert!(reason.contains("no more network"), "{reason}");
    // Steps from 1, 0.9, .. 0.6 went well; the one from 0.5 did not.
    assert_eq!((gradients, forwards), (6, 12));
    let (reason, ..) = run(Ok(f64::NAN), of());
    assert!(reason.contains("lane 1") && reason.contains("zeta"), "{reason}");
    let (reason, gradients, _) = run(Ok(0.0), observation(vec![0.0; 4]));
    assert!(reason.contains("2 lanes") && gradients == 0, "{reason}");
    for zeta in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(Dps::new(prior(&path), of(), zeta).is_err(), "{zeta}");
    }
}

#[test]
fn other_observers_see_the_corrected_state() {
    let path = process::parse("vp").unwrap();
    let (span, initial) = start(&path);
    let problem = OdeProblem::new(probability_flow(prior(&path)), initial, span);
    let mut last = Batch::zeros((3, 4));
    let mut dps = Dps::new(prior(&path), observation(vec![0.4, -0.3]), 0.2).unwrap();
    let options =
        SolveOptions::steps(5).observer(&mut dps).observer(|step: &mut AcceptedStep<'_, Batch>| {
            last.assign(step.u());
            Flow::Continue
        });
    let end = solve(&problem, &method::parse("heun").unwrap(), options).unwrap().u_last;
    assert_eq!(end, last);
}

/// With what is observed known to 0.3 and data of width 0.8, the posterior is 0.28 wide. Guidance
/// that is short leaves it far wider, and guidance that keeps the measurement collapses on it: no
/// length samples the posterior. A sample of 2,000 has its width to 2 %.
#[test]
fn what_is_sampled_is_no_posterior() {
    const LANES: usize = 2000;
    let path = process::parse("vp").unwrap();
    let mean = vec![0.4, -0.2, 1.0, 0.1];
    let gaussian = GaussianMixture::isotropic(vec![1.0], vec![mean], vec![0.8]).unwrap();
    let predictor = MixturePredictor::new(gaussian, path.clone());
    let square = parse("square:size=1x2,center=0x1,std=0.3", &ImageShape::grey(2, 2)).unwrap();
    let of = Arc::new(Observation::new(square, vec![0.3, -0.2]).unwrap());
    let span = (path.start_with_finite_log_snr(), path.default_span().1);
    let initial = predictor.marginal(span.0).unwrap().draw(LANES, 4);
    let width = |zeta: f64| {
        let mut dps = Dps::new(predictor.clone(), of.clone(), zeta).unwrap();
        let flow = probability_flow(predictor.clone());
        let problem = OdeProblem::new(flow, initial.clone(), span);
        let options = SolveOptions::steps(100).observer(&mut dps);
        let ddim = method::parse("ddim").unwrap();
        let samples = solve(&problem, &ddim, options).unwrap().u_last;
        let observed = samples.slice(ndarray::s![.., ..2]);
        observed.std_axis(ndarray::Axis(0), 1.0).mean().unwrap()
    };
    let posterior = 0.8 * 0.3 / (0.8f64.powi(2) + 0.3f64.powi(2)).sqrt();
    assert!(width(0.003) > 1.5 * posterior);
    assert!(width(0.1) < 0.5 * posterior);
}
