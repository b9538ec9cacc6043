//! Senses and directions of stochastic equations, and lanes that stay what they are
//! whatever the batch and the thread.

use crate::common::every_stochastic_method;
use crate::common::sde::{Batch, Hyperbolic, squared_errors};
use driftfield_solvers::field::{AsIto, AsStratonovich, WithDerivative};
use driftfield_solvers::method::{EulerMaruyama, Method, StochasticHeun};
use driftfield_solvers::noise::{BrownianTree, Retraced};
use driftfield_solvers::{Additive, SdeProblem, SolveOptions, StochasticField, solve};

const PROBLEM: Hyperbolic = Hyperbolic { a: [0.4, 0.5], c: [0.6, -0.3], start: [0.2, -0.5] };

fn drift_at(field: &impl StochasticField<Batch>, u: &Batch) -> Batch {
    let mut out = u.clone();
    field.drift(&mut out, u, 0.3).unwrap();
    out
}

fn close(a: &Batch, b: &Batch) -> bool {
    squared_errors(a, b).iter().all(|square| *square < 1e-28)
}

#[test]
fn the_drift_correction_converts_between_the_senses() {
    let derivative = PROBLEM.derivative();
    let ito = || WithDerivative { field: PROBLEM.ito(), derivative };
    let stratonovich = || WithDerivative { field: PROBLEM.stratonovich(), derivative };
    let u = Batch::from_shape_fn((5, 2), |(i, j)| i as f64 - 2.0 + 0.3 * j as f64);
    assert!(close(&drift_at(&AsIto::new(stratonovich()), &u), &drift_at(&ito(), &u)));
    assert!(close(&drift_at(&AsStratonovich::new(ito()), &u), &drift_at(&stratonovich(), &u)));
    assert!(close(&drift_at(&AsIto::new(AsStratonovich::new(ito())), &u), &drift_at(&ito(), &u)));
    // Another shape afterwards.
    let field = AsIto::new(stratonovich());
    drift_at(&field, &u);
    assert_eq!(drift_at(&field, &Batch::zeros((3, 2))).dim(), (3, 2));
}

/// Over decreasing time both senses are those of the direction of the solve, and the
/// correction turns its sign: both ways of solving one equation meet.
#[test]
fn the_correction_follows_the_direction() {
    let derivative = PROBLEM.derivative();
    let initial = PROBLEM.initial(400);
    for (span, backwards) in [((0.0, 0.5), false), ((0.5, 0.0), true)] {
        let field = WithDerivative { field: PROBLEM.stratonovich(), derivative };
        let problem = SdeProblem::from_field(field, initial.clone(), span);
        let options = || SolveOptions::steps(2048).seed(4);
        let heun = solve(&problem, &StochasticHeun::new(), options()).unwrap().u_last;
        let distance = |converted: AsIto<_, Batch>| {
            let problem = SdeProblem::from_field(converted, initial.clone(), span);
            let euler = solve(&problem, &EulerMaruyama::new(), options()).unwrap().u_last;
            let squares = squared_errors(&euler, &heun);
            (squares.iter().sum::<f64>() / 400.0).sqrt()
        };
        let (right, wrong) = if backwards {
            (distance(AsIto::over_decreasing_time(field)), distance(AsIto::new(field)))
        } else {
            (distance(AsIto::new(field)), distance(AsIto::over_decreasing_time(field)))
        };
        // Order 1/2: 0.2 sqrt(h); the wrong drift is off by a^2 |u| T.
        assert!(right < 5e-3 && wrong > 5.0 * right, "{right} {wrong}");
    }
}

#[test]
fn a_retraced_path_leads_back_and_a_fresh_one_does_not() {
    let initial = PROBLEM.initial(50);
    let times: Vec<f64> = (0..=512).map(|k| f64::from(k) / 512.0).collect();
    let there = SdeProblem::from_field(PROBLEM.stratonovich(), initial.clone(), (0.0, 1.0));
    let options = SolveOptions::times(times.clone()).seed(2);
    let end = solve(&there, &StochasticHeun::new(), options).unwrap().u_last;
    let back = SdeProblem::from_field(PROBLEM.stratonovich(), end, (1.0, 0.0));
    let reversed: Vec<f64> = times.iter().rev().copied().collect();
    let options = || SolveOptions::times(reversed.clone()).seed(2);
    let worst = |u: &Batch| squared_errors(u, &initial).into_iter().fold(0.0, f64::max).sqrt();
    let tree = BrownianTree::new(2, 0, &initial, times).unwrap();
    let retraced = options().noise(Retraced::new(tree));
    let retraced = solve(&back, &StochasticHeun::new(), retraced).unwrap().u_last;
    let fresh = solve(&back, &StochasticHeun::new(), options()).unwrap().u_last;
    assert!(worst(&retraced) < 2e-2, "{}", worst(&retraced));
    assert!(worst(&fresh) > 0.3, "{}", worst(&fresh));
}

#[test]
fn lanes_are_the_same_bits_in_any_batch_and_thread() {
    let end = |method: usize, lanes: usize, first: usize| {
        let drift =
            |du: &mut Batch, u: &Batch, t: f64| du.zip_mut_with(u, |du, u| *du = (u + t).sin());
        let diffusion = |g: &mut Batch, t: f64| g.fill(0.3 + t);
        let field = Additive { drift, diffusion };
        let methods = every_stochastic_method();
        let initial =
            Batch::from_shape_fn((lanes, 2), |(i, j)| (first + i) as f64 + 0.5 * j as f64);
        let problem = SdeProblem::from_field(field, initial, (1.0, 0.0));
        let options = SolveOptions::steps(7).seed(9).first_lane(first as u64);
        let method = methods.get(method)?;
        // One lane alone adapts by itself.
        let options = if lanes == 1 && first == 100 {
            if !method.info().adaptive() {
                return Some(Batch::zeros((1, 2)));
            }
            SolveOptions::adaptive(1e-3, 1e-3).seed(9).first_lane(100)
        } else {
            options
        };
        Some(solve(&problem, method, options).unwrap().u_last)
    };
    for method in 0.. {
        let Some(whole) = end(method, 6, 0) else {
            assert_eq!(method, 10, "every method was run");
            break;
        };
        let chunks = std::thread::scope(|scope| {
            let chunks = [(0, 2), (2, 1), (3, 3)]
                .map(|(first, lanes)| (first, scope.spawn(move || end(method, lanes, first))));
            chunks.map(|(first, chunk)| (first, chunk.join().unwrap().unwrap()))
        });
        for (first, chunk) in &chunks {
            for (i, lane) in chunk.rows().into_iter().enumerate() {
                assert_eq!(lane, whole.row(first + i), "method {method}");
            }
        }
        let elsewhere = std::thread::scope(|s| s.spawn(|| end(method, 1, 100)).join().unwrap());
        assert_eq!(end(method, 1, 100), elsewhere, "adaptive");
    }
}
