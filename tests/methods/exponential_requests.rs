//! What a request for an exponential integrator becomes: its span, its grid, its
//! evaluations, and what is refused; and the same of every other method.

use std::sync::Arc;

use driftfield::generate::{
    Budget, EmpiricalModel, GenerateError, Generated, Initial, MixtureModel, Saved, Settings,
    generate,
};
use driftfield::problems::method::Solver;
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::method::{self, parse, path_methods};
use driftfield_problems::predictor::{Predictor, Target};
use driftfield_problems::process::{self, GaussianPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::exponential::{Multistep, MultistepRule, MultistepStep};
use driftfield_solvers::method::{
    Kind, Method, MethodInfo, Step, StepError, Stepper, Told, move_lanes,
};
use driftfield_solvers::{FieldError, NonlinearPart, SemilinearField, State, StateError};

fn mixture() -> GaussianMixture {
    let means = vec![vec![-1.0, 0.5], vec![1.0, 0.0]];
    GaussianMixture::isotropic(vec![0.4, 0.6], means, vec![0.3, 0.2]).unwrap()
}

fn run(process: &str, settings: &Settings) -> Result<Generated<f64>, GenerateError> {
    let initial = Initial::Noise { lanes: 20 };
    let model = MixtureModel::new(mixture());
    let settings = Settings { seed: 1, ..settings.clone() };
    generate(&process::parse(process).unwrap(), &model, initial, &settings)
}

fn encode(
    process: &str,
    state: ndarray::ArrayD<f64>,
    settings: &Settings,
) -> Result<Generated<f64>, GenerateError> {
    let means = vec![vec![-1.0, 0.5], vec![1.0, 0.0]];
    let mixture = GaussianMixture::isotropic(vec![0.4, 0.6], means, vec![0.3, 0.2]).unwrap();
    let path = process::parse(process).unwrap();
    generate(&path, &MixtureModel::new(mixture), Initial::State(state), settings)
}

fn exponential() -> Vec<&'static str> {
    let infos = path_methods::<[f64; 2]>().into_iter().map(|method| method.info());
    infos.filter(|info| info.kind == Kind::Exponential).map(|info| info.name).collect()
}

#[test]
fn names_of_the_contract() {
    let names = exponential();
    for family in ["dpm-solver-", "dpm-solver++"] {
        for member in ["1", "2s", "2m", "3s", "3m"] {
            assert!(names.contains(&&*format!("{family}{member}")), "{family}{member}");
        }
    }
    for order in 0..4 {
        for name in ["deis-tab", "deis-rhoab"] {
            assert!(names.contains(&&*format!("{name}{order}")), "{name}{order}");
        }
        assert!(names.contains(&&*format!("unipc-{}", order + 1)), "unipc-{}", order + 1);
    }
    for name in [
        "ddim",
        "deis-rhork",
        "lms",
        "ipndm",
        "dpm-2",
        "edm-heun",
        "sde-dpm-solver++1",
        "sde-dpm-solver++2m",
    ] {
        assert!(names.contains(&name), "{name}");
    }
}

/// The default start gives way to one of finite log-SNR; an explicit one is refused.
#[test]
fn every_process_runs_every_method_from_a_usable_start() {
    for entry in process::catalog().entries() {
        let path = process::parse(entry.name()).unwrap();
        for solver in exponential() {
            let mut settings = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(7));
            let done = run(entry.name(), &settings).unwrap();
            assert!(done.outcome.is_success(), "{} {solver}: {}", entry.name(), done.outcome);
            assert_eq!(done.span.start, path.start_with_finite_log_snr());
            assert_eq!(done.statistics.nfe, 7 * per_step(solver));
            if !path.domain().noise.finite_log_snr && path.domain().noise.t.is_finite() {
                settings.t_start = Some(path.domain().noise.t);
                let info = parse::<[f64; 2]>(solver).unwrap().info();
                if info.starts_from_noise {
                    let done = run(entry.name(), &settings).unwrap();
                    assert!(
                        done.outcome.is_success(),
                        "{} {solver}: {}",
                        entry.name(),
                        done.outcome
                    );
                    assert_eq!(done.statistics.nfe, 7 * per_step(solver));
                    continue;
                }
                let error = run(entry.name(), &settings).unwrap_err().to_string();
                let advice = format!("nearest usable time is {}", done.span.start);
                assert!(error.contains(&advice), "{error}");
            }
        }
    }
}

fn per_step(solver: &str) -> u64 {
    parse::<[f64; 2]>(solver).unwrap().info().evaluations_per_step
}

/// Singlestep methods use up any number of evaluations, the denoising one included.
#[test]
fn evaluations_are_used_up() {
    // Those that draw noise have no order lists, and steps of two evaluations leave one over.
    let stochastic = |solver: &&str| parse::<[f64; 2]>(solver).unwrap().info().draws_noise;
    for solver in exponential().into_iter().filter(|solver| !stochastic(solver)) {
        for spacing in [Spacing::Uniform, Spacing::LogSnr, Spacing::KARRAS] {
            for nfe in [4, 5, 10, 15] {
                let mut settings =
                    Settings::new(Solver::parse(solver).unwrap(), Budget::Evaluations(nfe));
                settings.spacing = Some(spacing.clone());
                settings.denoise_final = true;
                let done = run("vp", &settings).unwrap();
                // Only the order lists of singlestep methods leave nothing over.
                let listed = per_step(solver) == 1 || solver.ends_with('s');
                let used = done.statistics.nfe;
                assert!(used == nfe || !listed && used < nfe, "{solver} {spacing}: {used}");
            }
        }
    }
    let mut settings =
        Settings::new(Solver::parse("dpm-solver-3s").unwrap(), Budget::Evaluations(1));
    assert_eq!(run("vp", &settings).unwrap().steps, Some(1));
    // One evaluation for the denoising leaves no step.
    settings.denoise_final = true;
    let done = run("vp", &settings).unwrap();
    assert_eq!((done.steps, done.statistics.nfe), (Some(0), 1));
    settings.budget = Budget::Evaluations(u64::MAX);
    assert!(run("vp", &settings).is_err());
}

#[test]
fn parameters_are_read_or_refused() {
    for good in [
        "dpm-solver-2s:type=taylor",
        "dpm-solver++3m:form=reference,lower_order_final=false,start=matching",
        "unipc-3:variant=bh1,prediction=noise,lower_order_final=false",
        "deis-rhork:tableau=ralston3",
        "deis-tab3:start=matching,lower_order_final=true",
        "lms:order=2,corrector=unic",
        "edm-heun:churn=10,tmin=0.05,tmax=50,noise=1.003",
        "dpm-2:churn=10",
        "unipc-4:start=matching",
        "unipc-2:variant=vary_coeff",
        "ipndm:start=heun",
        "dpm-solver++2m:corrector=unic",
        "dpm-solver-12:type=taylor",
    ] {
        assert!(
            run("vp", &Settings::new(Solver::parse(good).unwrap(), Budget::Steps(5))).is_ok(),
            "{good}"
        );
    }
    for bad in [
        "dpm-solver-2m:form=reference",
        "dpm-solver-12:start=matching",
        "dpm-solver++2m:uncorrected=3",
        "unipc-2:corrector=unic",
        "dpm-solver-4s",
        "dpm-solver++2m:type=heun",
        "dpm-solver++2m:order=3",
        "unipc-5",
        "unipc-2:variant=bh3",
        "ddim:lower_order_final=true",
        "deis-rhork:tableau=bs3",
        "deis-tab4",
        "ipndm:start=runge-kutta",
        "lms:order=5",
        "lms:order=0",
        "ipndm:order=3",
        "edm-heun:churn=-1",
        "edm-heun:tmin=2,tmax=1",
        "edm-heun:s_churn=3",
    ] {
        assert!(Solver::parse(bad).is_err(), "{bad}");
    }
    for (solver, range) in [
        ("ddim:eta=-0.1", "from 0 to 1"),
        ("ddim:eta=1.5", "from 0 to 1"),
        ("ddim:eta=NaN", "a finite number"),
        ("euler-ancestral:eta=2", "from 0 to 1"),
        ("sde-dpm-solver++2m:eta=-1", "at least 0"),
        ("sde-dpm-solver++2m:eta=inf", "a finite number"),
        ("sde-dpm-solver++2m:noise=-1", "at least 0"),
        ("dpm-solver++2s-ancestral:noise=nan", "a finite number"),
        ("sde-dpm-solver++1:type=heun", "no parameter"),
        ("sde-dpm-solver++2m:form=reference", "no parameter"),
        ("sde-dpm-solver++2m:type=taylor", "one of midpoint, heun"),
    ] {
        let error = Solver::parse(solver).unwrap_err();
        assert!(error.to_string().contains(range), "{solver}: {error}");
    }
    let mut settings = Settings::new(Solver::parse("ddim").unwrap(), Budget::Steps(5));
    settings.noise_level = Some(1.0);
    assert!(matches!(run("vp", &settings), Err(GenerateError::NoiseLevelOfOde("ddim"))));
    let adaptive = Budget::Adaptive { abstol: 1e-3, reltol: 1e-3, max_nfe: None };
    assert!(run("vp", &Settings::new(Solver::parse("dpm-solver-2s").unwrap(), adaptive)).is_err());
    let done =
        run("rectified-flow", &Settings::new(Solver::parse("dpm-solver++23").unwrap(), adaptive))
            .unwrap();
    assert!(done.outcome.is_success() && done.span.start == 0.999);
}

/// With noise they are refused what only an ODE method can do, without it they can do it.
#[test]
fn noise_has_its_own_parameter_and_no_way_back() {
    let stochastic =
        ["ddim:eta=0.3", "dpm-2-ancestral", "sde-dpm-solver++2s", "sde-dpm-solver++2m"];
    for solver in stochastic {
        let name = parse::<[f64; 2]>(solver).unwrap().info().name;
        let mut settings = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(5));
        settings.noise_level = Some(1.0);
        let error = run("vp", &settings).unwrap_err();
        assert!(matches!(error, GenerateError::OwnNoise(refused) if refused == name));
        assert!(error.to_string().contains("such as eta"), "{error}");
        let mut settings = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(5));
        (settings.t_start, settings.t_end) = (Some(0.1), Some(0.9));
        let error = run("vp", &settings).unwrap_err();
        assert!(matches!(error, GenerateError::StochasticEncoding(refused) if refused == name));
    }
    // To sigma = 0 a step with noise is one like all others, the noise being 0, on the grid of the
    // process as on another.
    let mut settings = Settings::new(Solver::parse("ddim:eta=1").unwrap(), Budget::Steps(5));
    settings.spacing = Some(Spacing::Quadratic);
    settings.t_end = Some(0.0);
    let listed = run("edm", &settings).unwrap();
    settings.spacing = None;
    let done = run("edm", &settings).unwrap();
    for done in [listed, done] {
        assert_eq!((done.span.end, done.statistics.nfe), (0.0, 5));
    }
    settings.t_end = None;
    settings.denoise_final = true;
    assert_eq!(run("edm", &settings).unwrap().statistics.nfe, 6);
}

/// Methods that evaluate nothing at the end of a last step can make it to where there is no
/// noise left: the state becomes the predicted data, or, for a multistep method, its like.
#[test]
fn steps_to_the_data() {
    for process in ["vp", "sub-vp", "edm", "rectified-flow", "brownian-bridge"] {
        for solver in exponential() {
            let info = parse::<[f64; 2]>(solver).unwrap().info();
            let mut settings = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(6));
            settings.spacing = Some(Spacing::Quadratic);
            settings.t_end = Some(0.0);
            // The last step to the data of `edm` is for every method.
            let of_path = (process == "edm").then_some(1);
            let Some(last) = info.evaluations_to_data.or(of_path) else {
                let error = run(process, &settings).unwrap_err().to_string();
                assert!(error.contains("no finite log-SNR at t = 0"), "{solver}: {error}");
                continue;
            };
            let done = run(process, &settings).unwrap();
            assert!(done.outcome.is_success(), "{solver} on {process}: {}", done.outcome);
            assert_eq!(done.statistics.nfe, 5 * info.evaluations_per_step + last);
            settings.budget = Budget::Evaluations(done.statistics.nfe);
            // Lists of orders have steps of their own.
            if info.evaluations_to_data.is_some() {
                assert_eq!(run(process, &settings).unwrap().steps, Some(6), "{solver}");
            }
            settings.budget = Budget::Evaluations(done.statistics.nfe - 1);
            let fewer = run(process, &settings).unwrap();
            if info.evaluations_to_data.is_some() {
                assert_eq!(fewer.steps, Some(5), "{solver}");
            }
            assert!(fewer.statistics.nfe < done.statistics.nfe, "{solver}");
            // Where the log-SNR is uniform there is no step to an infinite one, unless it comes after.
            settings.spacing = Some(Spacing::LogSnr);
            match run(process, &settings) {
                Ok(done) => assert!(process == "edm" && done.outcome.is_success(), "{solver}"),
                Err(error) => {
                    assert!(process != "edm", "{solver}");
                    assert!(error.to_string().contains("spacing `logsnr`"), "{error}");
                }
            }
        }
    }
}

/// Methods whose formula is finite from clean data encode it; the others say where to start.
#[test]
fn steps_from_the_data() {
    for process in ["vp", "sub-vp", "edm", "rectified-flow", "brownian-bridge"] {
        for solver in exponential() {
            let info = parse::<[f64; 2]>(solver).unwrap().info();
            if info.draws_noise {
                continue;
            }
            let mut settings = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(6));
            settings.spacing = Some(Spacing::Quadratic);
            (settings.t_start, settings.t_end) = (Some(0.0), Some(0.8));
            let clean = ndarray::array![[-1.0, 0.5], [1.1, 0.1]].into_dyn();
            let encoded = encode(process, clean.clone(), &settings);
            if !info.starts_from_data {
                let error = encoded.unwrap_err().to_string();
                assert!(error.contains("no finite log-SNR at t = 0"), "{solver}: {error}");
                assert!(error.contains("nearest usable time"), "{solver}: {error}");
                continue;
            }
            let encoded = encoded.unwrap();
            assert!(encoded.outcome.is_success(), "{solver} on {process}: {}", encoded.outcome);
            assert_eq!(encoded.statistics.nfe, 6 * info.evaluations_per_step, "{solver}");
            assert!(encoded.samples.iter().all(|x| x.is_finite()) && encoded.samples != clean);
            // A field that knows no noise there is refused before anything is solved.
            settings.threshold = Some("static:max=3".parse().unwrap());
            let error = encode(process, clean, &settings).unwrap_err();
            assert!(matches!(error, GenerateError::FieldEnd { t: 0.0, .. }), "{solver}: {error}");
        }
    }
}

/// Every solver over an empty span gives back what it was given, and evaluates nothing.
#[test]
fn an_empty_span_returns_the_initial_state() {
    let given = ndarray::array![[-1.0, 0.5], [1.1, 0.1]].into_dyn();
    for entry in process::catalog().entries() {
        let path = process::parse(entry.name()).unwrap();
        for method in path_methods::<[f64; 2]>() {
            let info = method.info();
            let mut budgets = vec![Budget::Steps(5), Budget::Evaluations(200)];
            if info.adaptive() {
                budgets.push(Budget::Adaptive { abstol: 1e-3, reltol: 1e-3, max_nfe: None });
            }
            for budget in budgets {
                for t in [0.5, path.domain().data.t] {
                    let mut settings = Settings::new(Solver::parse(info.name).unwrap(), budget);
                    (settings.t_start, settings.t_end) = (Some(t), Some(t));
                    settings.saved = driftfield::generate::Saved::All;
                    let done = encode(entry.name(), given.clone(), &settings).unwrap();
                    let label = format!("{} on {} at {t}", info.name, entry.name());
                    assert!(done.outcome.is_success(), "{label}: {}", done.outcome);
                    assert_eq!((&done.samples, &done.times), (&given, &vec![t]), "{label}");
                    assert_eq!(done.trajectory, std::slice::from_ref(&given), "{label}");
                    assert_eq!(done.statistics, Default::default(), "{label}");
                    let adaptive = matches!(budget, Budget::Adaptive { .. });
                    assert_eq!(done.steps, (!adaptive).then_some(0), "{label}");
                }
            }
        }
    }
}

#[test]
fn churn_draws_noise_and_nothing_else_changes() {
    // A given state, as a drawn one has the seed of the churn's noise.
    let start =
        ndarray::ArrayD::from_shape_fn(vec![20, 2], |i| 80.0 * ((3 * i[0] + i[1]) as f64).sin());
    let (path, model) = (process::parse("edm").unwrap(), MixtureModel::new(mixture()));
    let samples = |solver: &str, seed| {
        let mut settings = Settings::new(Solver::parse(solver).unwrap(), Budget::Steps(10));
        settings.seed = seed;
        generate(&path, &model, Initial::State(start.clone()), &settings).unwrap().samples
    };
    for name in ["edm-heun", "dpm-2"] {
        let churned = format!("{name}:churn=5");
        assert_eq!(samples(name, 1), samples(name, 2));
        assert_eq!(samples(&churned, 1), samples(&churned, 1));
        assert_ne!(samples(&churned, 1), samples(&churned, 2));
        assert_ne!(samples(&churned, 1), samples(name, 1));
        // No level lies in an empty range, so that nothing is added.
        let elsewhere = format!("{name}:churn=5,tmin=1e6,tmax=1e7");
        assert_eq!(samples(&elsewhere, 1), samples(name, 1));
        let mut settings = Settings::new(Solver::parse(&churned).unwrap(), Budget::Steps(10));
        (settings.t_start, settings.t_end) = (Some(0.002), Some(80.0));
        let encoding = run("edm", &settings).unwrap_err();
        assert!(matches!(encoding, GenerateError::StochasticEncoding(_)), "{encoding}");
    }
}

/// A list of times has its own number of steps, which a number of evaluations covers or not.
#[test]
fn lists_within_a_number_of_evaluations() {
    let list = Spacing::explicit([0.9, 0.5, 0.1]).unwrap();
    let mut settings = Settings::new(Solver::parse("heun").unwrap(), Budget::Evaluations(5));
    settings.spacing = Some(list);
    let done = run("vp", &settings).unwrap();
    assert_eq!((done.steps, done.statistics.nfe), (Some(2), 4));
    settings.denoise_final = true;
    assert_eq!(run("vp", &settings).unwrap().statistics.nfe, 5);
    settings.budget = Budget::Evaluations(4);
    let error = run("vp", &settings).unwrap_err();
    assert!(matches!(error, GenerateError::TimesTooMany { steps: 2, least: 5, .. }), "{error}");
}

fn every_method() -> Vec<MethodInfo> {
    path_methods::<[f64; 2]>().into_iter().map(|method| method.info()).collect()
}

/// `--t-end 0` of `edm` with every method: steps to 0.002 and one to the data, at one evaluation
/// and none at `sigma = 0`, where this data set has no density; the NFE is exact both ways.
#[test]
fn every_method_ends_at_the_data_of_edm() {
    let points = ndarray::array![[-1.0, 0.5], [1.0, 0.0], [0.3, -0.4]];
    let model = EmpiricalModel {
        points: Arc::new(points.clone()),
        smoothing: 0.0,
        row_shape: vec![2],
        units: None,
        file: "points".to_owned(),
    };
    let edm = process::parse("edm").unwrap();
    let run =
        |settings: &Settings| generate::<f64>(&edm, &model, Initial::Noise { lanes: 6 }, settings);
    for info in every_method() {
        for steps in [1, 2, 7] {
            let mut settings =
                Settings::new(Solver::parse(info.name).unwrap(), Budget::Steps(steps));
            settings.t_end = Some(0.0);
            settings.saved = Saved::All;
            let done = run(&settings).unwrap_or_else(|error| panic!("{}: {error}", info.name));
            assert!(done.outcome.is_success(), "{}: {}", info.name, done.outcome);
            assert_eq!(done.steps, Some(steps));
            assert_eq!((done.times[0], done.times[steps]), (80.0, 0.0));
            assert_eq!(done.trajectory.len(), steps + 1);
            if steps > 1 {
                let levels = Spacing::KARRAS.times(&edm, 80.0, 0.002, steps - 1).unwrap();
                assert_eq!(done.times[..steps], levels);
            }
            let nfe = done.statistics.nfe;
            let last = info.evaluations_to_data.unwrap_or(1);
            assert_eq!(nfe, info.evaluations(steps as u64 - 1) + last, "{}", info.name);
            settings.budget = Budget::Evaluations(nfe);
            let within = run(&settings).unwrap();
            assert!(within.statistics.nfe <= nfe, "{}", info.name);
            // Lists of orders use up the evaluations in steps of their own.
            if !info.name.ends_with('s') {
                assert_eq!(within.steps, Some(steps), "{}", info.name);
            }
        }
        // The predicted data of a data set without smoothing is among its points.
        let mut settings = Settings::new(Solver::parse(info.name).unwrap(), Budget::Steps(18));
        settings.t_end = Some(0.0);
        if info.evaluations_to_data.is_none() {
            for x in run(&settings).unwrap().samples.outer_iter() {
                let gap = |point: ndarray::ArrayView1<'_, f64>| {
                    x.iter().zip(point).map(|(x, p)| (x - p).abs()).fold(0.0, f64::max)
                };
                let nearest = points.outer_iter().map(gap).fold(f64::INFINITY, f64::min);
                assert!(nearest < 1e-9, "{}: {x}", info.name);
            }
        }
    }
    let mut settings = Settings::new(Solver::parse("heun").unwrap(), Budget::Steps(3));
    (settings.t_start, settings.t_end) = (Some(0.001), Some(0.0));
    let error = run(&settings).unwrap_err().to_string();
    assert!(error.contains("0.002") && error.contains("one step"), "{error}");
    settings.budget = Budget::Steps(1);
    assert!(run(&settings).is_ok());
}

/// What is refused names the spacing, and says so if nobody asked for it.
#[test]
fn refused_spacings_are_named() {
    let mut settings = Settings::new(Solver::parse("euler").unwrap(), Budget::Steps(9));
    (settings.t_start, settings.t_end) = (Some(0.5), Some(0.5 - 1e-16));
    let error = run("vp", &settings).unwrap_err().to_string();
    assert!(error.contains("`uniform` is the default spacing of `vp`"), "{error}");
    settings.spacing = Some(Spacing::Uniform);
    let error = run("vp", &settings).unwrap_err().to_string();
    assert!(error.contains("`uniform`") && !error.contains("default"), "{error}");
    let mut settings = Settings::new(Solver::parse("heun").unwrap(), Budget::Steps(9));
    settings.t_end = Some(0.0);
    for spacing in [Spacing::LogSnr, Spacing::KARRAS, Spacing::PolyExponential { rho: 2.0 }] {
        settings.spacing = Some(spacing.clone());
        let error = run("vp", &settings).unwrap_err().to_string();
        let name = format!("the spacing `{spacing}` needs");
        assert!(error.contains(&name) && error.contains("0.001"), "{error}");
    }
}

/// The number after `before` in a message.
fn number_after(message: &str, before: &str) -> u64 {
    let (_, rest) = message.split_once(before).unwrap_or_else(|| panic!("{before}: {message}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// A message on evaluations has the number that was given, and the least it names is the least
/// there is.
#[test]
fn budgets_in_messages_are_the_ones_given() {
    for info in every_method() {
        for (process, t_end) in [("vp", None), ("edm", None), ("edm", Some(0.0))] {
            for denoise_final in [false, true] {
                let what = format!("{} on {process} to {t_end:?}, {denoise_final}", info.name);
                let attempt = |nfe: u64| {
                    let mut settings =
                        Settings::new(Solver::parse(info.name).unwrap(), Budget::Evaluations(nfe));
                    (settings.t_end, settings.denoise_final) = (t_end, denoise_final);
                    run(process, &settings).map(|done| (done.steps, done.statistics.nfe))
                };
                let mut least = None;
                for nfe in 0..40 {
                    match attempt(nfe) {
                        Ok((steps, spent)) if (nfe, denoise_final) == (1, true) => {
                            assert_eq!((steps, spent), (Some(0), 1), "{what}");
                        }
                        Ok((steps, spent)) => {
                            assert!(steps > Some(0) && spent <= nfe, "{what}: {spent} of {nfe}");
                            assert!(nfe >= *least.get_or_insert(nfe), "{what}: {nfe}");
                        }
                        Err(error) => {
                            let message = error.to_string();
                            assert_eq!(number_after(&message, ""), nfe, "{what}: {message}");
                            let stated = number_after(&message, "give at least ");
                            assert_eq!(*least.get_or_insert(stated), stated, "{what}: {message}");
                            assert!(nfe < stated, "{what}: {message}");
                            let step = number_after(&message, "which takes ");
                            assert_eq!(step + u64::from(denoise_final), stated, "{message}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn spent_budgets_are_the_ones_given() {
    let adaptive = every_method().into_iter().filter(MethodInfo::adaptive);
    for info in adaptive {
        for max_nfe in 1..14 {
            for (denoise_final, per_lane) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                let max_nfe = Some(max_nfe);
                let budget = Budget::Adaptive { abstol: 1e-6, reltol: 1e-6, max_nfe };
                let mut settings = Settings::new(Solver::parse(info.name).unwrap(), budget);
                (settings.denoise_final, settings.per_lane) = (denoise_final, per_lane);
                let done = match run("vp", &settings) {
                    Err(GenerateError::NotPerLane(_)) if per_lane => continue,
                    done => done.unwrap(),
                };
                let message = done.outcome.to_string();
                assert_eq!(done.outcome.name(), "budget_spent", "{}: {message}", info.name);
                assert_eq!(Some(number_after(&message, "the budget of ")), max_nfe, "{message}");
                let made = number_after(&message, ", after ");
                assert!(Some(made + u64::from(denoise_final)) <= max_nfe, "{message}");
            }
        }
    }
}

/// The denoising alone, with every method on every process: the predicted data at the start.
#[test]
fn one_evaluation_may_be_the_denoising_alone() {
    for entry in process::catalog().entries() {
        let path = process::parse(entry.name()).unwrap();
        for info in every_method() {
            let mut settings =
                Settings::new(Solver::parse(info.name).unwrap(), Budget::Evaluations(1));
            settings.denoise_final = true;
            settings.saved = Saved::All;
            let done = run(entry.name(), &settings).unwrap();
            let what = format!("{} on {}", info.name, entry.name());
            assert!(done.outcome.is_success(), "{what}");
            assert_eq!((done.steps, done.statistics.nfe), (Some(0), 1), "{what}");
            assert_eq!(done.span.start, done.span.end, "{what}");
            let [start] = done.trajectory.as_slice() else { panic!("{what}") };
            let mut data = start.clone();
            let exact = MixturePredictor::new(mixture(), path.clone());
            exact.predict(Target::DATA.into(), &mut data, start, done.span.start.into()).unwrap();
            assert_eq!(done.samples, data, "{what}");
        }
    }
}

/// `u + int N` for the data, of order 1: DPM-Solver++1 as somebody else would write it.
#[derive(Clone)]
struct OwnRule;

impl MultistepRule for OwnRule {
    fn name(&self) -> &'static str {
        "own-rule"
    }
    fn part(&self) -> NonlinearPart {
        NonlinearPart::Data
    }
    fn values(&self) -> usize {
        1
    }
    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        weights[0] = step.whole.weight(1);
        Ok(())
    }
}

/// DDIM as a method of somebody's own, written for any state.
#[derive(Clone)]
struct OwnDdim;

/// Holds the predicted data.
struct OwnDdimStepper<S>(S);

impl<S: State, F: SemilinearField<S>> Method<S, F> for OwnDdim {
    type Stepper = OwnDdimStepper<S>;

    fn info(&self) -> MethodInfo {
        MethodInfo::one_step("own-ddim", Kind::Exponential, 1, 1)
    }
    fn begin(&self, initial: &S) -> Self::Stepper {
        OwnDdimStepper(initial.zeros_like())
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for OwnDdimStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let schedule = step.field.schedule();
        let (now, next) = (schedule.at(step.t)?, schedule.at(step.t_next)?);
        step.field.predict(Target::DATA, &mut self.0, step.u, step.t.into())?;
        let scale = next.sigma / now.sigma;
        let weight = next.alpha - scale * now.alpha;
        step.next.linear_combination(0.0, &[(scale, step.u), (weight, &self.0)])?;
        Ok(())
    }
    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Lanes(from) => move_lanes([&mut self.0], from),
            _ => Ok(()),
        }
    }
}

/// Methods of one's own stand beside ours, in both precisions, by label or by name.
#[test]
fn methods_of_ones_own_run_where_ours_do() {
    let own = method::catalog().with(method::multistep_solver("DPM-Solver++1 again", OwnRule));
    let model = MixtureModel::new(mixture());
    let path = process::parse("vp").unwrap();
    let noise = Initial::Noise { lanes: 20 };
    let single = |solver: &Solver| {
        let settings = Settings::new(solver.clone(), Budget::Steps(8));
        let initial = Initial::<f32>::Noise { lanes: 20 };
        generate(&path, &model, initial, &settings).unwrap().samples.mapv(f64::from)
    };
    let double = |solver: &Solver| {
        let settings = Settings::new(solver.clone(), Budget::Steps(8));
        generate(&path, &model, noise.clone(), &settings).unwrap().samples
    };
    let ours = Solver::parse("dpm-solver++1").unwrap();
    for solver in [
        Solver::new("mine", OwnDdim),
        Solver::new("mine", Multistep::new(OwnRule)),
        own.build("own-rule").unwrap(),
        own.build("own-rule:start=matching,lower_order_final=true").unwrap(),
    ] {
        let gap = |a: ndarray::ArrayD<f64>, b: ndarray::ArrayD<f64>| {
            (a - b).iter().fold(0.0f64, |worst, gap| worst.max(gap.abs()))
        };
        assert!(gap(double(&solver), double(&ours)) < 1e-13, "{solver}");
        assert!(gap(single(&solver), single(&ours)) < 1e-5, "{solver}");
    }
    let corrected = own.build("own-rule:corrector=unic").unwrap();
    assert_eq!((corrected.label(), corrected.info().order), ("own-rule:corrector=unic", 2));
    let error = own.build("own-rul").unwrap_err().to_string();
    assert!(error.contains("did you mean `own-rule`"), "{error}");
}
