//! What must hold of every exponential integrator on every path: names of one method, the last
//! step to the data, both directions of time, both precisions.

use crate::common::published::run;
use crate::common::{Batch, all_paths, exact_flow, gap, mixture};
use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::{PathField, probability_flow};
use driftfield_problems::method::{parse, path_methods};
use driftfield_problems::predictor::Target;
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::{Dop853, Kind, Method, MethodInfo};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{
    HostState, OdeProblem, Outcome, Solution, SolveError, SolveOptions, solve,
};
use ndarray::Array2;

/// Eight points of the size of the path's noise at `t`.
fn initial(path: &SharedPath, t: f64) -> Batch {
    let size = path.alpha(t).hypot(path.sigma(t));
    Batch::from_shape_fn((8, 2), |(i, j)| 1.3 * size * ((1 + 2 * i + j) as f64 * 12.9898).sin())
}

fn deterministic() -> Vec<&'static str> {
    let infos = path_methods::<Batch>().into_iter().map(|method| method.info());
    infos
        .filter(|info| info.kind == Kind::Exponential && !info.draws_noise)
        .map(|info| info.name)
        .collect()
}

fn largest(state: &Batch) -> f64 {
    state.iter().fold(1.0f64, |size, value| size.max(value.abs()))
}

#[test]
fn two_names_of_one_method() {
    for path in all_paths() {
        let flow = exact_flow(mixture(), &path);
        let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
        let initial = initial(&path, start);
        for spacing in [Spacing::LogSnr, Spacing::Quadratic] {
            let times = spacing.times(&path, start, end, 9).unwrap();
            let states = |solver: &str| run(&flow, &initial, &times, solver).states;
            assert_eq!(states("edm-heun"), states("deis-rhork:tableau=heun2"));
            assert_eq!(states("dpm-2"), states("dpm-solver-2s"));
            for order in 1..=4 {
                let other = states(&format!("deis-rhoab{}", order - 1));
                assert_eq!(states(&format!("lms:order={order}")), other);
            }
        }
    }
}

/// From a state without a past, the step to where there is no noise left can only be to the
/// predicted data, whatever the method, its start and its corrector.
#[test]
fn one_step_to_the_data_is_the_predicted_data() {
    for path in all_paths().into_iter().filter(|path| !path.domain().data.finite_log_snr) {
        let flow = exact_flow(mixture(), &path);
        let start = 0.4;
        let from = initial(&path, start);
        let mut data = from.clone();
        flow.predictor().predict(Target::DATA.into(), &mut data, &from, start.into()).unwrap();
        let steps_to_data =
            |solver: &&str| parse::<Batch>(solver).unwrap().info().evaluations_to_data.is_some();
        let mut solvers: Vec<&str> = deterministic().into_iter().filter(steps_to_data).collect();
        assert!(solvers.len() >= 11, "{solvers:?}");
        solvers.extend([
            "lms:start=matching",
            "lms:start=heun",
            "deis-tab3:start=matching,corrector=unic",
            "deis-rhoab1:corrector=unic,lower_order_final=true",
        ]);
        for solver in solvers {
            let ours = run(&flow, &from, &[start, 0.0], solver);
            assert_eq!(ours.nfe, 1, "{solver} on {}", path.name());
            let error = gap(&ours.states[1], &data);
            assert!(error < 1e-13, "{solver} on {}: {error:e}", path.name());
            // And from a state with a past, something finite near it.
            let times = Spacing::Quadratic.times(&path, start, 0.0, 6).unwrap();
            let state = run(&flow, &from, &times, solver).states.pop().unwrap();
            assert!(gap(&state, &data) < 2.0, "{solver} on {}", path.name());
        }
    }
}

/// Against the exact encoding: no method knows of a direction.
#[test]
fn encoding_is_solving_backwards() {
    for path in all_paths() {
        let flow = exact_flow(mixture(), &path);
        let (noise, data) = match path.name() {
            "edm" => (20.0, 0.1),
            "ve" => (0.9, 0.3),
            _ => (0.9, 0.1),
        };
        let from = initial(&path, data);
        let problem = OdeProblem::new(flow.clone(), from.clone(), (data, noise));
        let truth = solve(&problem, &Dop853::new(), SolveOptions::adaptive(1e-12, 1e-12)).unwrap();
        let times = Spacing::LogSnr.times(&path, data, noise, 200).unwrap();
        for solver in deterministic() {
            let order = parse::<Batch>(solver).unwrap().info().order;
            let allowed = if order == 1 { 1e-2 } else { 3e-4 };
            let encoded = run(&flow, &from, &times, solver).states.pop().unwrap();
            let error = gap(&encoded, &truth.u_last) / largest(&truth.u_last);
            assert!(error < allowed, "{solver} on {}: {error:e}", path.name());
        }
    }
}

fn last_state<T>(path: &SharedPath, initial: Array2<T>, times: &[f64], solver: &str) -> Array2<T>
where
    T: driftfield_solvers::Scalar,
    Array2<T>: HostState,
{
    let predictor = MixturePredictor::new(mixture(), path.clone());
    let flow = probability_flow::<Array2<T>>(predictor);
    let problem = OdeProblem::new(flow, initial, (times[0], times[times.len() - 1]));
    let solution = solve(&problem, &parse(solver).unwrap(), SolveOptions::times(times)).unwrap();
    assert!(solution.outcome.is_success(), "{solver} on {}: {}", path.name(), solution.outcome);
    solution.u_last
}

/// Single precision costs rounding and nothing else, over the default span and grid. (tAB-3 can be
/// made to amplify it: on a log-SNR grid of rectified flow its steps in time double near pure
/// noise, where a cubic extrapolates with weights of some hundred, and the gap is 3e-3. Heun in `rho` multiplies the
/// rounding of its second stage by half the step, 490 in the first one there: 2e-4.)
#[test]
fn single_precision_follows_double() {
    for path in all_paths() {
        let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
        let initial = initial(&path, start).mapv(|x| x as f32);
        let spacing = Spacing::default_for(&path);
        let times = spacing.times(&path, start, end, 20).unwrap();
        for solver in deterministic() {
            let double = last_state(&path, initial.mapv(f64::from), &times, solver);
            let single = last_state(&path, initial.clone(), &times, solver).mapv(f64::from);
            let error = gap(&single, &double);
            assert!(error < 1e-3, "{solver} on {}: {error:e}", path.name());
        }
    }
}

/// One Gaussian, whose flow is known in closed form.
struct Closed {
    path: SharedPath,
    flow: PathField<Batch>,
}

const MEAN: [f64; 2] = [0.8, -0.5];
const STD: f64 = 0.6;

impl Closed {
    fn new(path: SharedPath) -> Self {
        let data = GaussianMixture::isotropic(vec![1.0], vec![MEAN.to_vec()], vec![STD]).unwrap();
        Closed { flow: exact_flow(data, &path), path }
    }

    fn spread(&self, t: f64) -> f64 {
        (self.path.alpha(t) * STD).hypot(self.path.sigma(t))
    }

    /// States along the flow from `from` at `t` to `t_next`.
    fn carried(&self, from: &Batch, (t, t_next): (f64, f64)) -> Batch {
        Batch::from_shape_fn(from.dim(), |(lane, i)| {
            let centred = from[[lane, i]] - self.path.alpha(t) * MEAN[i];
            self.path.alpha(t_next) * MEAN[i] + self.spread(t_next) / self.spread(t) * centred
        })
    }

    /// States distributed as the marginal at `t`.
    fn drawn(&self, lanes: usize, t: f64) -> Batch {
        let mut states = Batch::zeros((lanes, 2));
        fill_initial_normals(&mut states, self.spread(t), 3, 0).unwrap();
        for mut row in states.rows_mut() {
            row[0] += self.path.alpha(t) * MEAN[0];
            row[1] += self.path.alpha(t) * MEAN[1];
        }
        states
    }

    fn attempted(
        &self,
        from: &Batch,
        span: (f64, f64),
        steps: usize,
        solver: &str,
    ) -> Result<Solution<Batch>, SolveError> {
        let problem = OdeProblem::new(self.flow.clone(), from.clone(), span);
        let times = Spacing::Quadratic.times(&self.path, span.0, span.1, steps).unwrap();
        solve(&problem, &parse(solver).unwrap(), SolveOptions::times(times).seed(5))
    }

    fn solved(
        &self,
        from: &Batch,
        span: (f64, f64),
        steps: usize,
        solver: &str,
    ) -> Solution<Batch> {
        self.attempted(from, span, steps, solver).unwrap()
    }

    /// Why the solve was not made, or did not get through.
    fn reason(&self, from: &Batch, span: (f64, f64), solver: &str) -> String {
        let outcome = match self.attempted(from, span, 9, solver) {
            Ok(solution) => solution.outcome,
            Err(none) => none.outcome().unwrap().clone(),
        };
        let Outcome::Failed { error, .. } = outcome else {
            panic!("{solver} is neither made nor refused on {}: {outcome}", self.path.spec())
        };
        error.to_string()
    }
}

fn ending_in_data() -> impl Iterator<Item = Closed> {
    all_paths().into_iter().filter(|path| !path.domain().data.finite_log_snr).map(Closed::new)
}

/// Paths that start with nothing but noise.
fn starting_in_noise() -> impl Iterator<Item = Closed> {
    let rescaled = process::parse("ddpm:zero_terminal_snr=true").unwrap();
    let paths = all_paths().into_iter().chain([rescaled]);
    paths.filter(|path| path.alpha(path.domain().noise.t) == 0.0).map(Closed::new)
}

/// Every exponential integrator by name, with what it says of itself.
fn exponential() -> Vec<MethodInfo> {
    let infos = path_methods::<Batch>().into_iter().map(|method| method.info());
    infos.filter(|info| info.kind == Kind::Exponential).collect()
}

/// Whether the solve in 160 steps is right, and better than that in 40 or so good that the error
/// of the last step alone rules.
fn converges(closed: &Closed, from: &Batch, span: (f64, f64), solver: &str) -> Result<(), String> {
    let [coarse, fine] = [40, 160].map(|steps| {
        let solution = closed.solved(from, span, steps, solver);
        let outcome = &solution.outcome;
        assert!(outcome.is_success(), "{solver} on {}: {outcome}", closed.path.name());
        gap(&solution.u_last, &closed.carried(from, span))
    });
    let right = fine < 2e-2 && (fine < 0.5 * coarse || fine < 1e-3);
    let wrong = || format!("{solver} on {}: {coarse:e}, {fine:e}", closed.path.name());
    if right { Ok(()) } else { Err(wrong()) }
}

fn refused(closed: &Closed, from: &Batch, span: (f64, f64), solver: &str) {
    let reason = closed.reason(from, span, solver);
    let advice = ["take one that is", "nearest usable time", "encode with eta = 0"];
    assert!(advice.iter().any(|words| reason.contains(words)), "{solver}: {reason}");
}

/// A first step of infinite length has no parts.
fn undivided(closed: &Closed, from: &Batch, span: (f64, f64), solver: &str) {
    let reason = closed.reason(from, span, solver);
    assert!(reason.contains("leave out start=matching"), "{reason}");
}

/// Pure noise is encoded to by every formula of one value: the state becomes the noise.
#[test]
fn a_step_to_nothing_but_noise_is_the_predicted_noise() {
    for closed in starting_in_noise() {
        let from = closed.drawn(8, 0.9);
        let mut noise = from.clone();
        closed
            .flow
            .predictor()
            .predict(Target::NOISE.into(), &mut noise, &from, 0.9.into())
            .unwrap();
        let expected = closed.path.sigma(1.0) * &noise;
        for name in [
            "ddim",
            "dpm-solver-1",
            "dpm-solver++1",
            "dpm-solver-3m",
            "deis-tab2",
            "lms",
            "ipndm",
            "unipc-2",
        ] {
            let found = closed.solved(&from, (0.9, 1.0), 1, name);
            assert!(found.outcome.is_success(), "{name}: {}", found.outcome);
            assert!(gap(&found.u_last, &expected) < 1e-13, "{name} on {}", closed.path.spec());
        }
    }
}

/// A step whose formula is finite is made, and is right: to the data.
#[test]
fn steps_to_where_there_is_no_noise() {
    let mut wrong = Vec::new();
    for closed in ending_in_data() {
        let span = (0.6, 0.0);
        let (few, many) = (closed.drawn(8, span.0), closed.drawn(2000, span.0));
        let mut made = 0;
        for info in exponential() {
            let label = format!("{} on {}", info.name, closed.path.name());
            if info.evaluations_to_data.is_none() {
                refused(&closed, &few, span, info.name);
                continue;
            }
            made += 1;
            if !info.draws_noise {
                wrong.extend(converges(&closed, &few, span, info.name).err());
                continue;
            }
            let solution = closed.solved(&many, span, 160, info.name);
            assert!(solution.outcome.is_success(), "{label}: {}", solution.outcome);
            for (i, column) in solution.u_last.columns().into_iter().enumerate() {
                let (mean, std) = (column.mean().unwrap(), column.std(1.0));
                if (mean - MEAN[i]).abs() > 0.05 || (std / STD - 1.0).abs() > 0.06 {
                    wrong.push(format!("{label}: mean {mean}, standard deviation {std}"));
                }
            }
        }
        // All but those with nodes inside the step, and adaptive ones.
        assert_eq!(exponential().len() - made, 8, "{}", closed.path.name());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same from the data: clean data is encoded.
#[test]
fn steps_from_where_there_is_no_noise() {
    let mut wrong = Vec::new();
    for closed in ending_in_data() {
        let span = (0.0, 0.6);
        let from = closed.drawn(8, span.0);
        let mut made = Vec::new();
        for info in exponential() {
            if !info.starts_from_data || info.draws_noise {
                refused(&closed, &from, span, info.name);
                continue;
            }
            made.push(info.name);
            wrong.extend(converges(&closed, &from, span, info.name).err());
        }
        for name in
            ["ddim", "dpm-solver-1", "dpm-solver-2m", "deis-tab3", "lms", "ipndm", "edm-heun"]
        {
            assert!(made.contains(&name), "{name}: {made:?}");
        }
        for setting in ["unipc-3:prediction=noise", "lms:corrector=unic", "lms:start=heun"] {
            wrong.extend(converges(&closed, &from, span, setting).err());
        }
        undivided(&closed, &from, span, "lms:start=matching");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A first step from the data, and a last one to them, are DDIM's.
#[test]
fn one_step_from_the_data_takes_the_predicted_noise() {
    for closed in ending_in_data() {
        let from = closed.drawn(8, 0.0);
        let mut noise = from.clone();
        closed
            .flow
            .predictor()
            .predict(Target::NOISE.into(), &mut noise, &from, 0.0.into())
            .unwrap();
        let (alpha, sigma) = (closed.path.alpha(0.1), closed.path.sigma(0.1));
        let expected = alpha / closed.path.alpha(0.0) * &from + sigma * &noise;
        for name in ["ddim", "dpm-solver-1", "deis-tab2", "lms", "ipndm", "dpm-solver-3m"] {
            let found = closed.solved(&from, (0.0, 0.1), 1, name);
            assert_eq!(found.statistics.nfe, 1, "{name}");
            assert!(gap(&found.u_last, &expected) < 1e-14, "{name} on {}", closed.path.name());
        }
    }
}

/// The same from pure noise, where the data is what is predicted.
#[test]
fn steps_from_where_there_is_nothing_but_noise() {
    assert!(starting_in_noise().count() >= 4);
    let mut wrong = Vec::new();
    for closed in starting_in_noise() {
        let span = (1.0, 0.05);
        let (few, many) = (closed.drawn(8, span.0), closed.drawn(2000, span.0));
        let mut made = Vec::new();
        for info in exponential() {
            let label = format!("{} on {}", info.name, closed.path.spec());
            if !info.starts_from_noise {
                refused(&closed, &few, span, info.name);
                continue;
            }
            made.push(info.name);
            if !info.draws_noise {
                wrong.extend(converges(&closed, &few, span, info.name).err());
                continue;
            }
            let solution = closed.solved(&many, span, 160, info.name);
            assert!(solution.outcome.is_success(), "{label}: {}", solution.outcome);
            let (alpha, spread) = (closed.path.alpha(span.1), closed.spread(span.1));
            for (i, column) in solution.u_last.columns().into_iter().enumerate() {
                let (mean, std) = (column.mean().unwrap(), column.std(1.0));
                if (mean - alpha * MEAN[i]).abs() > 0.06 || (std / spread - 1.0).abs() > 0.08 {
                    wrong.push(format!("{label}: mean {mean}, standard deviation {std}"));
                }
            }
        }
        for name in ["ddim", "dpm-solver++1", "dpm-solver++3m", "unipc-3", "sde-dpm-solver++2m"] {
            assert!(made.contains(&name), "{name}: {made:?}");
        }
        assert!(!made.contains(&"lms") && !made.contains(&"dpm-solver-2m"), "{made:?}");
        wrong.extend(converges(&closed, &few, span, "dpm-solver++3m:corrector=unic").err());
        undivided(&closed, &few, span, "dpm-solver++2m:start=matching");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A first step from pure noise is DDIM's: the state is the noise, and the mean of the data is all
/// that is known of it.
#[test]
fn one_step_from_noise_takes_the_predicted_data() {
    for closed in starting_in_noise() {
        let from = closed.drawn(8, 1.0);
        let (alpha, sigma) = (closed.path.alpha(0.9), closed.path.sigma(0.9));
        let expected = Batch::from_shape_fn(from.dim(), |(lane, i)| {
            alpha * MEAN[i] + sigma / closed.path.sigma(1.0) * from[[lane, i]]
        });
        for name in ["ddim", "dpm-solver++1", "dpm-solver++2m", "dpm-solver++3m", "unipc-2"] {
            let found = closed.solved(&from, (1.0, 0.9), 1, name);
            assert_eq!(found.statistics.nfe, 1, "{name}");
            assert!(gap(&found.u_last, &expected) < 1e-14, "{name} on {}", closed.path.spec());
        }
    }
}
