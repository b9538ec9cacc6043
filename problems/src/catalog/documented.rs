//! What the entries of every catalogue of this crate declare is true: with each key at its
//! documented default, and with all of them, a thing is the one that the bare name makes.

use std::sync::Arc;

use driftfield_solvers::method::Method;
use driftfield_solvers::method::registry::{exponential_methods, stochastic_exponential_methods};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{OdeProblem, SolveOptions, solve};
use ndarray::Array2;

use super::{Catalog, Key};
use crate::exact::{GaussianMixture, MixturePredictor};
use crate::flow::PathField;
use crate::inverse::{self, ImageShape};
use crate::method::{self, IntendedGrid, Recipe, methods};
use crate::predictor::Threshold;
use crate::process::{self, GaussianPath};
use crate::spacing::{self, Spacing};
use crate::{data, npy};

type State = Array2<f64>;

/// Every name of a catalogue, with the texts that must mean the same; `required` is what a thing
/// that has no default for all of its keys is given.
fn texts<T>(catalog: &Catalog<T>, required: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for entry in catalog.entries() {
        assert!(!entry.summary().is_empty(), "{}", entry.name());
        let (_, given) =
            required.iter().find(|(name, _)| *name == entry.name()).unwrap_or(&("", ""));
        let bare = match *given {
            "" => entry.name().to_owned(),
            given => format!("{}:{given}", entry.name()),
        };
        let mark = if given.is_empty() { ':' } else { ',' };
        let at_default = |key: &Key| {
            assert!(!key.about().is_empty() && !key.values().is_empty(), "{}", key.name());
            Some(format!("{}={}", key.name(), key.default()?))
        };
        let defaults: Vec<String> = entry.parameters().iter().filter_map(at_default).collect();
        let all = Some(defaults.join(",")).filter(|_| !defaults.is_empty());
        let texts = defaults.iter().cloned().chain(all).map(|text| format!("{bare}{mark}{text}"));
        found.push((bare.clone(), texts.collect()));
    }
    found
}

/// Holds what `made` makes of every text against what it makes of the bare name.
fn agree<T, U: PartialEq + std::fmt::Debug>(
    catalog: &Catalog<T>,
    required: &[(&str, &str)],
    made: impl Fn(T) -> U,
) {
    for (bare, texts) in texts(catalog, required) {
        let of = |text: &str| made(catalog.build(text).unwrap_or_else(|e| panic!("{text}: {e}")));
        let expected = of(&bare);
        for text in texts {
            assert_eq!(of(&text), expected, "{text}");
        }
    }
}

fn problem() -> OdeProblem<State, PathField<State>> {
    let path = process::parse("vp").unwrap();
    let means = vec![vec![-1.0, 0.5], vec![1.0, -0.25]];
    let mixture = GaussianMixture::isotropic(vec![0.3, 0.7], means, vec![0.2, 0.4]).unwrap();
    let predictor = MixturePredictor::new(mixture, path.clone());
    let mut noise = Array2::zeros((3, 2));
    fill_initial_normals(&mut noise, path.sigma(1.0), 4, 0).unwrap();
    OdeProblem::new(PathField::new(Arc::new(predictor), 1.0.into()), noise, path.default_span())
}

/// Few enough steps for what depends on their number, and without and with an intended grid.
#[test]
fn methods_are_what_their_keys_say() {
    let problem = problem();
    let path = process::parse("vp").unwrap();
    let on = |recipe: &Recipe<State>, grid: Option<&IntendedGrid>, steps: usize| {
        let method = recipe.make(grid).method;
        solve(&problem, &method, SolveOptions::steps(steps).seed(1)).unwrap().u_last
    };
    let grid = IntendedGrid { path, spacing: Spacing::Uniform, evaluations: None };
    agree(&methods::<State>(), &[], |recipe| {
        let short = on(&recipe, Some(&grid), 6);
        assert!(short.iter().all(|x| x.is_finite()));
        (short, on(&recipe, None, 12))
    });
}

#[test]
fn methods_have_the_name_of_their_entry_and_none_is_left_out() {
    let (methods, solvers) = (methods::<State>(), method::catalog());
    for (entry, solver) in methods.entries().iter().zip(solvers.entries()) {
        let info = methods.build(entry.name()).unwrap().make(None).method.info();
        let both = solvers.build(solver.name()).unwrap();
        assert_eq!((info.name, info), (entry.name(), both.info()));
        assert_eq!((both.label(), solver.name()), (entry.name(), entry.name()));
    }
    assert_eq!(methods.defaults().count(), methods.entries().len());
    let listed = exponential_methods::<State, PathField<State>>().into_iter();
    for method in listed.chain(stochastic_exponential_methods()) {
        let info = method.info();
        assert_eq!(methods.build(info.name).unwrap().make(None).method.info(), info);
    }
}

/// A rule is one entry, and has what every multistep method has.
#[test]
fn multistep_rules_share_their_parameters() {
    let shared = ["start", "uncorrected", "lower_order_final", "few_steps", "last_order"];
    let multistep = ["2m", "3m", "unipc", "deis-tab", "deis-rhoab", "lms", "ipndm"];
    let catalog = methods::<State>();
    let is_multistep =
        |name: &str| !name.starts_with("sde") && multistep.iter().any(|part| name.contains(part));
    let rules: Vec<_> =
        catalog.entries().iter().filter(|entry| is_multistep(entry.name())).collect();
    assert_eq!(rules.len(), 18);
    for rule in rules {
        for key in shared {
            let known = rule.parameters().iter().any(|known| known.name() == key);
            assert!(known, "{}: {key}", rule.name());
        }
        // UniPC's corrector is what it is.
        let chosen = rule.parameters().iter().any(|known| known.name() == "corrector");
        assert_eq!(chosen, !rule.name().starts_with("unipc"), "{}", rule.name());
    }
}

#[test]
fn processes_are_what_their_keys_say() {
    let states = |path: &process::SharedPath| {
        let times = [path.default_span().0, 0.5, path.default_span().1];
        times.map(|t| (path.alpha(t), path.sigma(t)))
    };
    agree(&process::catalog(), &[], |path| (path.spec(), states(&path)));
}

#[test]
fn spacings_and_thresholds_are_what_their_keys_say() {
    agree(&spacing::catalog(), &[], |spacing| spacing);
    agree(&Threshold::catalog(), &[], |threshold| threshold);
}

#[test]
fn data_sets_are_what_their_keys_say() {
    agree(&data::catalog(), &[], |data| data.sample(20, 3));
}

#[test]
fn measurements_are_what_their_keys_say() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.npy");
    npy::write(&file, &Array2::from_elem((3, 16), 0.25)).unwrap();
    let matrix = format!("file={}", file.display());
    let shape = ImageShape::grey(4, 4);
    let image: Vec<f64> = (0..16).map(f64::from).collect();
    agree(&inverse::catalog(), &[("square", "size=2"), ("matrix", &matrix)], |recipe| {
        let measurement = recipe.make(&shape).unwrap();
        let mut out = vec![0.0; measurement.measured()];
        measurement.apply(&mut out, &image);
        (out, measurement.noise_std())
    });
}
