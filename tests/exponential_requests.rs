//! What a request for an exponential integrator becomes: its span, its grid, its
//! evaluations, and what is refused.

use driftfield::generate::{Budget, Field, GenerateError, Generated, Initial, Settings, generate};
use driftfield_problems::field::GaussianMixture;
use driftfield_problems::method::{parse, path_methods};
use driftfield_problems::process::{self, GaussianPath, PROCESSES};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::{Kind, Method};

fn run(process: &str, settings: &Settings) -> Result<Generated<f64>, GenerateError> {
    let means = vec![vec![-1.0, 0.5], vec![1.0, 0.0]];
    let mixture = GaussianMixture::isotropic(vec![0.4, 0.6], means, vec![0.3, 0.2]).unwrap();
    let initial = Initial::Noise { lanes: 20, seed: 1 };
    generate(&process::parse(process).unwrap(), &Field::Mixture(mixture.into()), initial, settings)
}

fn encode(
    process: &str,
    state: ndarray::ArrayD<f64>,
    settings: &Settings,
) -> Result<Generated<f64>, GenerateError> {
    let means = vec![vec![-1.0, 0.5], vec![1.0, 0.0]];
    let mixture = GaussianMixture::isotropic(vec![0.4, 0.6], means, vec![0.3, 0.2]).unwrap();
    let path = process::parse(process).unwrap();
    generate(&path, &Field::Mixture(mixture.into()), Initial::State(state), settings)
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
    for entry in PROCESSES {
        let path = process::parse(entry.name).unwrap();
        for solver in exponential() {
            let mut settings = Settings::new(solver, Budget::Steps(7));
            let done = run(entry.name, &settings).unwrap();
            assert!(done.outcome.is_success(), "{} {solver}: {}", entry.name, done.outcome);
            assert_eq!(done.span.start, path.start_with_finite_log_snr());
            assert_eq!(done.statistics.nfe, 7 * per_step(solver));
            if !path.domain().noise.finite_log_snr && path.domain().noise.t.is_finite() {
                settings.t_start = Some(path.domain().noise.t);
                let error = run(entry.name, &settings).unwrap_err().to_string();
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
                let mut settings = Settings::new(solver, Budget::Evaluations(nfe));
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
    let mut settings = Settings::new("dpm-solver-3s", Budget::Evaluations(1));
    assert_eq!(run("vp", &settings).unwrap().steps, Some(1));
    settings.denoise_final = true;
    assert!(matches!(run("vp", &settings), Err(GenerateError::BudgetTooSmall { least: 2, .. })));
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
        assert!(run("vp", &Settings::new(good, Budget::Steps(5))).is_ok(), "{good}");
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
        let error = run("vp", &Settings::new(bad, Budget::Steps(5))).unwrap_err();
        assert!(matches!(error, GenerateError::Spec(_)), "{bad}: {error}");
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
        let error = run("vp", &Settings::new(solver, Budget::Steps(5))).unwrap_err();
        assert!(matches!(error, GenerateError::Spec(_)), "{solver}: {error}");
        assert!(error.to_string().contains(range), "{solver}: {error}");
    }
    let mut settings = Settings::new("ddim", Budget::Steps(5));
    settings.noise_level = Some(1.0);
    assert!(matches!(run("vp", &settings), Err(GenerateError::NoiseLevelOfOde("ddim"))));
    let adaptive = Budget::Adaptive { abstol: 1e-3, reltol: 1e-3, max_nfe: None };
    assert!(run("vp", &Settings::new("dpm-solver-2s", adaptive)).is_err());
    let done = run("rectified-flow", &Settings::new("dpm-solver++23", adaptive)).unwrap();
    assert!(done.outcome.is_success() && done.span.start == 0.999);
}

/// With noise they are refused what only an ODE method can do, without it they can do it.
#[test]
fn noise_has_its_own_parameter_and_no_way_back() {
    let stochastic =
        ["ddim:eta=0.3", "dpm-2-ancestral", "sde-dpm-solver++2s", "sde-dpm-solver++2m"];
    for solver in stochastic {
        let name = parse::<[f64; 2]>(solver).unwrap().info().name;
        let mut settings = Settings::new(solver, Budget::Steps(5));
        settings.noise_level = Some(1.0);
        let error = run("vp", &settings).unwrap_err();
        assert!(matches!(error, GenerateError::OwnNoise(refused) if refused == name));
        assert!(error.to_string().contains("such as eta"), "{error}");
        let mut settings = Settings::new(solver, Budget::Steps(5));
        (settings.t_start, settings.t_end) = (Some(0.1), Some(0.9));
        let error = run("vp", &settings).unwrap_err();
        assert!(matches!(error, GenerateError::StochasticEncoding(refused) if refused == name));
    }
    // To sigma = 0 a step with noise is one like all others, the noise being 0.
    let mut settings = Settings::new("ddim:eta=1", Budget::Steps(5));
    settings.spacing = Some(Spacing::Quadratic);
    settings.t_end = Some(0.0);
    assert_eq!(run("edm", &settings).unwrap().statistics.nfe, 5);
    (settings.spacing, settings.t_end) = (None, None);
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
            let mut settings = Settings::new(solver, Budget::Steps(6));
            settings.spacing = Some(Spacing::Quadratic);
            settings.t_end = Some(0.0);
            let Some(last) = info.evaluations_to_data else {
                let error = run(process, &settings).unwrap_err().to_string();
                assert!(error.contains("no finite log-SNR at t = 0"), "{solver}: {error}");
                continue;
            };
            let done = run(process, &settings).unwrap();
            assert!(done.outcome.is_success(), "{solver} on {process}: {}", done.outcome);
            assert_eq!(done.statistics.nfe, 5 * info.evaluations_per_step + last);
            settings.budget = Budget::Evaluations(done.statistics.nfe);
            assert_eq!(run(process, &settings).unwrap().steps, Some(6), "{solver}");
            settings.budget = Budget::Evaluations(done.statistics.nfe - 1);
            assert_eq!(run(process, &settings).unwrap().steps, Some(5), "{solver}");
            // Where the log-SNR is uniform there is no step to an infinite one.
            settings.spacing = Some(Spacing::LogSnr);
            assert!(run(process, &settings).is_err(), "{solver}");
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
            let mut settings = Settings::new(solver, Budget::Steps(6));
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
    for entry in PROCESSES {
        let path = process::parse(entry.name).unwrap();
        for method in path_methods::<[f64; 2]>() {
            let info = method.info();
            let mut budgets = vec![Budget::Steps(5), Budget::Evaluations(200)];
            if info.adaptive() {
                budgets.push(Budget::Adaptive { abstol: 1e-3, reltol: 1e-3, max_nfe: None });
            }
            for budget in budgets {
                for t in [0.5, path.domain().data.t] {
                    let mut settings = Settings::new(info.name, budget);
                    (settings.t_start, settings.t_end) = (Some(t), Some(t));
                    settings.saved = driftfield::generate::Saved::All;
                    let done = encode(entry.name, given.clone(), &settings).unwrap();
                    let label = format!("{} on {} at {t}", info.name, entry.name);
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
    let samples = |solver: &str, seed| {
        let mut settings = Settings::new(solver, Budget::Steps(10));
        settings.seed = seed;
        run("edm", &settings).unwrap().samples
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
        let mut settings = Settings::new(&churned, Budget::Steps(10));
        (settings.t_start, settings.t_end) = (Some(0.002), Some(80.0));
        let encoding = run("edm", &settings).unwrap_err();
        assert!(matches!(encoding, GenerateError::StochasticEncoding(_)), "{encoding}");
    }
}

/// A list of times has its own number of steps, which a number of evaluations covers or not.
#[test]
fn lists_within_a_number_of_evaluations() {
    let list = Spacing::explicit([0.9, 0.5, 0.1]).unwrap();
    let mut settings = Settings::new("heun", Budget::Evaluations(5));
    settings.spacing = Some(list);
    let done = run("vp", &settings).unwrap();
    assert_eq!((done.steps, done.statistics.nfe), (Some(2), 4));
    settings.denoise_final = true;
    assert_eq!(run("vp", &settings).unwrap().statistics.nfe, 5);
    settings.budget = Budget::Evaluations(4);
    let error = run("vp", &settings).unwrap_err();
    assert!(matches!(error, GenerateError::TimesTooMany { steps: 2, least: 5, .. }), "{error}");
}
