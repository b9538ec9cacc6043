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
    for name in [
        "ddim",
        "unipc-1",
        "unipc-2",
        "unipc-3",
        "unipc-4",
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
            assert_eq!(done.statistics.nfe, done.statistics.accepted * per_step(solver));
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
                settings.spacing = Some(spacing);
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
        "unipc-4:start=matching",
        "dpm-solver++2m:corrector=unic",
        "dpm-solver-12:type=taylor",
    ] {
        assert!(run("vp", &Settings::new(good, Budget::Steps(5))).is_ok(), "{good}");
    }
    for bad in [
        "dpm-solver-2m:form=reference",
        "dpm-solver-12:start=matching",
        "unipc-2:corrector=unic",
        "dpm-solver-4s",
        "dpm-solver++2m:type=heun",
        "dpm-solver++2m:order=3",
        "unipc-5",
        "unipc-2:variant=vary_coeff",
        "ddim:lower_order_final=true",
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
        assert!(matches!(error, GenerateError::NoiseLevelOfEta(refused) if refused == name));
        assert!(error.to_string().contains(&format!("{name}:eta=0.5")), "{error}");
        let mut settings = Settings::new(solver, Budget::Steps(5));
        (settings.t_start, settings.t_end) = (Some(0.1), Some(0.9));
        let error = run("vp", &settings).unwrap_err();
        assert!(matches!(error, GenerateError::StochasticEncoding(refused) if refused == name));
    }
    // To sigma = 0 there is no step: the predicted data is what is left there.
    let mut settings = Settings::new("ddim:eta=1", Budget::Steps(5));
    settings.t_end = Some(0.0);
    let error = run("edm", &settings).unwrap_err();
    assert!(matches!(error, GenerateError::Time(_)), "{error}");
    settings.t_end = None;
    settings.denoise_final = true;
    assert_eq!(run("edm", &settings).unwrap().statistics.nfe, 6);
}
