//! Predictor-corrector sampling, reverse diffusion and annealed Langevin dynamics on every
//! process: evaluations, marginals, lanes, and what is refused. The published numbers are in
//! `score_sde_references.rs`.

use crate::common::{Batch, all_paths, exact_flow, gap, mixture, path};
use driftfield::generate::{
    Budget, GenerateError, Generated, Initial, MixtureModel, Settings, generate,
};
use driftfield::problems::method::Solver;
use driftfield_problems::flow::PathField;
use driftfield_problems::method::{
    AnnealedLangevin, LangevinRule, NoPredictor, PredictorCorrector, parse, path_methods,
};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spec::SpecError;
use driftfield_solvers::method::{Kind, Method};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{OdeProblem, Outcome, Solution, SolveOptions, solve};
use ndarray::{Array2, s};

fn span(path: &SharedPath) -> (f64, f64) {
    (path.start_with_finite_log_snr(), path.default_span().1)
}

fn initial(path: &SharedPath, lanes: usize) -> Batch {
    let mut points = Batch::zeros((lanes, 2));
    fill_initial_normals(&mut points, path.sigma(span(path).0), 1, 0).unwrap();
    points
}

fn run(path: &SharedPath, solver: &str, steps: usize) -> Solution<Batch> {
    let field: PathField<Batch> = exact_flow(mixture(), path).with_noise_level(1.0);
    let problem = field.problem(initial(path, 8), span(path));
    let method = parse::<Batch>(solver).unwrap();
    let solution = solve(&problem, &method, SolveOptions::steps(steps).seed(5)).unwrap();
    assert_eq!(solution.outcome, Outcome::Success, "{solver} on {}", path.spec());
    assert_eq!(solution.statistics.nfe, method.info().evaluations(steps as u64), "{solver}");
    solution
}

fn generated(process: &str, settings: &Settings) -> Result<Generated<f64>, GenerateError> {
    let initial = Initial::Noise { lanes: 20 };
    generate(&path(process), &MixtureModel::new(mixture()), initial, settings)
}

/// Whatever the predictor keeps from step to step it has to do without, at its price.
#[test]
fn every_method_is_a_predictor_on_every_process() {
    for path in all_paths() {
        for method in path_methods::<Batch>() {
            let name = method.info().name;
            if name == "pc" {
                continue;
            }
            let _ = run(&path, &format!("pc:predictor={name},n=2"), 6);
        }
        let _ = run(&path, "pc:predictor=none,n=3,corrector=langevin", 6);
        let _ = run(&path, "pc:predictor=ddim:eta=0.5,corrector=langevin", 6);
    }
}

/// With steps too short to matter a corrected method is its predictor, on the last part of
/// the noise.
#[test]
fn a_corrector_that_does_nothing_leaves_the_predictor() {
    for path in all_paths() {
        for (predictor, exact) in [("heun", true), ("dpm-solver++2s", true), ("ancestral", false)] {
            for corrector in ["ald", "langevin"] {
                let solver = format!("pc:predictor={predictor},corrector={corrector},snr=1e-12");
                let alone = run(&path, predictor, 10).u_last;
                let gap = gap(&run(&path, &solver, 10).u_last, &alone);
                assert_eq!(gap < 1e-6, exact, "{solver} on {}: {gap:e}", path.spec());
            }
        }
    }
}

/// Annealed Langevin dynamics correct at the end of a step, a corrector without predictor at
/// its start.
#[test]
fn a_ladder_of_corrections_is_annealed_langevin() {
    let ve = path("ve");
    let (start, end) = span(&ve);
    let times: Vec<f64> = (0..=10).map(|k| start + (end - start) * f64::from(k) / 10.0).collect();
    let flow = exact_flow(mixture(), &ve);
    type Flow = OdeProblem<Batch, PathField<Batch>>;
    let end_over = |times: &[f64], method: &dyn Fn(&Flow) -> Batch| {
        method(&flow.clone().problem(initial(&ve, 8), (times[0], times[10])))
    };
    let annealed = AnnealedLangevin::new(4.0 * 0.16 * 0.16, 1).unwrap();
    let annealed = end_over(&times, &|problem| {
        solve(problem, &annealed, SolveOptions::times(times.clone()).seed(3)).unwrap().u_last
    });
    // The same times, each one place earlier; every draw has unit variance, however long the
    // step it is taken from.
    let shifted: Vec<f64> = times[1..].iter().copied().chain([0.5 * end]).collect();
    let rule = LangevinRule::Annealed;
    let corrected = PredictorCorrector::new(NoPredictor, rule, 0.16, 1).unwrap();
    let corrected = end_over(&shifted, &|problem| {
        solve(problem, &corrected, SolveOptions::times(shifted.clone()).seed(3)).unwrap().u_last
    });
    assert!(gap(&annealed, &corrected) < 1e-9, "{:e}", gap(&annealed, &corrected));
}

/// The lanes of a batch share the steps of the published rule, and no others.
#[test]
fn lanes_depend_on_the_batch_under_the_published_rule_only() {
    let vp = path("vp");
    let end = |solver: &str, lanes: std::ops::Range<usize>| {
        let start = initial(&vp, 50).slice(s![lanes.clone(), ..]).to_owned();
        let problem = exact_flow(mixture(), &vp).with_noise_level(1.0).problem(start, span(&vp));
        let options = SolveOptions::steps(9).seed(4).first_lane(lanes.start as u64);
        solve(&problem, &parse::<Batch>(solver).unwrap(), options).unwrap().u_last
    };
    for (solver, apart) in [
        ("pc", true),
        ("pc:predictor=sde-dpm-solver++2s,n=2", true),
        ("pc:predictor=ancestral,corrector=langevin", false),
        ("reverse-diffusion", true),
        ("annealed-langevin", true),
    ] {
        let whole = end(solver, 0..50);
        assert_eq!(end(solver, 0..50), whole);
        let part: Array2<f64> = end(solver, 10..17);
        assert_eq!(part == whole.slice(s![10..17, ..]), apart, "{solver}");
    }
}

#[test]
fn requests_run_at_every_noise_level_on_every_process() {
    for process in all_paths() {
        let name = process.name();
        for method in path_methods::<[f64; 2]>() {
            let info = method.info();
            for level in [0.0, 0.5, 1.0, 2.0] {
                let mut settings =
                    Settings::new(Solver::parse(info.name).unwrap(), Budget::Steps(40));
                settings.noise_level = Some(level);
                let done = generated(name, &settings);
                if info.kind != Kind::Stochastic {
                    let refused = done.err().unwrap();
                    assert!(
                        matches!(
                            refused,
                            GenerateError::NoiseLevelOfOde(_) | GenerateError::OwnNoise(_)
                        ),
                        "{}: {refused}",
                        info.name
                    );
                    continue;
                }
                let done = done.unwrap();
                assert!(done.outcome.is_success(), "{} on {name}: {}", info.name, done.outcome);
                assert_eq!(done.statistics.nfe, info.evaluations(40));
            }
        }
    }
}

#[test]
fn budgets_count_corrections() {
    let mut settings = Settings::new(Solver::parse("pc:n=2").unwrap(), Budget::Evaluations(31));
    settings.denoise_final = true;
    let done = generated("vp", &settings).unwrap();
    assert_eq!((done.steps, done.statistics.nfe), (Some(10), 31));
    let settings =
        Settings::new(Solver::parse("annealed-langevin:n=5").unwrap(), Budget::Evaluations(24));
    assert_eq!(generated("ve", &settings).unwrap().steps, Some(4));
    let too_few =
        generated("ve", &Settings::new(Solver::parse("pc:n=9").unwrap(), Budget::Evaluations(9)));
    assert!(matches!(too_few, Err(GenerateError::BudgetTooSmall { least: 10, .. })));
}

#[test]
fn settings_are_read_or_refused() {
    for bad in [
        "pc:snr=0",
        "pc:snr=-0.1",
        "pc:snr=nan",
        "pc:n=0",
        "pc:n=-1",
        "pc:n=1.5",
        "pc:corrector=none",
        "pc:predictor=nothing",
        "pc:predictor=pc:n=0",
        "pc:steps=2",
        "pc:final_noise=no",
        "annealed-langevin:step=0",
        "annealed-langevin:n=0",
        "annealed-langevin:snr=0.1",
        "reverse-diffusion:n=1",
    ] {
        assert!(Solver::parse(bad).is_err(), "{bad}");
    }
    let error = parse::<Batch>("pc:snr=0").err().unwrap();
    assert!(matches!(&error, SpecError::Value { key, .. } if key == "snr"), "{error}");
    for solver in ["pc", "annealed-langevin", "reverse-diffusion"] {
        let mut settings = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(5));
        (settings.t_start, settings.t_end) = (Some(1e-3), Some(1.0));
        let encoding = generated("vp", &settings).unwrap_err();
        assert!(matches!(encoding, GenerateError::StochasticEncoding(_)), "{encoding}");
        let adaptive = Budget::Adaptive { abstol: 1e-3, reltol: 1e-3, max_nfe: None };
        assert!(
            generated("vp", &Settings::new(Solver::parse(solver).unwrap(), adaptive)).is_err(),
            "{solver}"
        );
    }
    let adaptive = Budget::Adaptive { abstol: 1e-3, reltol: 1e-3, max_nfe: None };
    assert!(
        generated("vp", &Settings::new(Solver::parse("pc:predictor=tsit5").unwrap(), adaptive))
            .is_err()
    );
}
