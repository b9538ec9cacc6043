//! Langevin dynamics against closed forms: the stationary moments of the exact recursions of the
//! schemes on Gaussians, and samples of them.
//!
//! False alarms: eight sampled moments are compared, each allowed 5.7 standard errors, which a
//! normal estimate exceeds with probability 1.2e-8: below 1e-6 in all.

use crate::common::mixture;
use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::probability_flow;
use driftfield_problems::langevin::{
    Baoab, LangevinError, Obabo, OverdampedLangevin, PhaseSpace, UnderdampedLangevin,
};
use driftfield_problems::method::AnnealedLangevin;
use driftfield_problems::process;
use driftfield_solvers::method::{EulerMaruyama, Method, Sra1};
use driftfield_solvers::noise::{BrownianTree, Noise, NoiseError, NoiseRequest, RecordedPath};
use driftfield_solvers::{
    FieldError, Outcome, Problem, SemilinearField, SolveOptions, State, Times, Tolerance,
    VectorField, solve,
};
use ndarray::Array2;

type Batch = Array2<f64>;

const LANES: usize = 200_000;
const STANDARD_ERRORS: f64 = 5.7;

/// A centred Gaussian of variance `1 / k`, by its score.
#[derive(Clone, Copy)]
struct Gaussian {
    k: f64,
}

impl<S: State> VectorField<S> for Gaussian {
    fn eval(&self, out: &mut S, x: &S, _t: Times<'_>) -> Result<(), FieldError> {
        Ok(out.linear_combination(0.0, &[(-self.k, x)])?)
    }
}

/// Brownian increments of the wrong size.
struct Louder<N>(N, f64);

impl<S: State, N: Noise<S>> Noise<S> for Louder<N> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.0.increments(a, b, dw)?;
        for dw in dw {
            dw.linear_combination(self.1, &[])?;
        }
        Ok(())
    }
    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        self.0.provides(request)
    }
}

/// The end of `steps` steps of length `h` from 0, the noise scaled by `louder`.
fn end<P: Problem>(problem: &P, method: &impl Method<P::State, P::Field>, louder: f64) -> P::State {
    let (t0, t1) = problem.span();
    let steps = 64;
    let times: Vec<f64> =
        (0..=steps).map(|k| t0 + (t1 - t0) * f64::from(k) / f64::from(steps)).collect();
    let noise = BrownianTree::new(3, 0, problem.initial(), times.clone()).unwrap();
    let options = SolveOptions::times(times).noise(Louder(noise, louder));
    let solution = solve(problem, method, options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    solution.u_last
}

/// How far the variance of a sample of a centred Gaussian is off, in units of what is allowed.
fn misfit(sample: &Batch, variance: f64) -> f64 {
    let n = sample.len() as f64;
    let found = sample.iter().map(|x| x * x).sum::<f64>() / n;
    (found / variance - 1.0).abs() / (2.0 / n).sqrt() / STANDARD_ERRORS
}

fn verdict(name: &str, right: f64, wrong: f64) {
    println!("{name}: {right:.2} of the allowed, with 2 % more noise {wrong:.2}");
    assert!(right < 1.0, "{name}: {right}");
    assert!(wrong > 1.0, "{name}, with 2 % more noise: {wrong}");
}

/// `x <- (1 - h) x + sqrt(2 h) z` has the stationary variance `1 / (1 - h / 2)`.
#[test]
fn the_unadjusted_langevin_algorithm_on_a_gaussian() {
    let h = 0.25;
    let problem =
        OverdampedLangevin::new(Gaussian { k: 1.0 }).problem(Batch::zeros((LANES, 1)), 64.0 * h);
    let left = (1.0 - h).powi(128);
    let variance = (1.0 - left) / (1.0 - h / 2.0);
    let [right, wrong] =
        [1.0, 1.02].map(|louder| misfit(&end(&problem, &EulerMaruyama::new(), louder), variance));
    verdict("euler-maruyama", right, wrong);
}

/// Position and velocity after one step from `(q, v)` with these increments of the velocity.
fn step(
    method: &impl Method<PhaseSpace<f64>, UnderdampedLangevin<Gaussian>>,
    (k, friction, h): (f64, f64, f64),
    start: [f64; 2],
    normals: [f64; 2],
) -> [f64; 2] {
    let field = UnderdampedLangevin::new(Gaussian { k }, friction).unwrap();
    let mut problem = field.problem(start[0], h);
    problem.initial = PhaseSpace::new(start[0], start[1]).unwrap();
    let increment = |z: f64| PhaseSpace::new(0.0, z * (0.5 * h).sqrt()).unwrap();
    let grid = vec![0.0, 0.5 * h, h];
    let noise = RecordedPath::new(grid, normals.map(increment).to_vec()).unwrap();
    let u = solve(&problem, method, SolveOptions::steps(1).noise(noise)).unwrap().u_last;
    [u.position, u.velocity]
}

/// The covariance that a step leaves of one that it finds, exactly: a step is linear in the
/// state and in the normals.
fn after_one_step(
    method: &impl Method<PhaseSpace<f64>, UnderdampedLangevin<Gaussian>>,
    parameters: (f64, f64, f64),
    [qq, qv, vv]: [f64; 3],
    louder: f64,
) -> [f64; 3] {
    let [a, b] = [[1.0, 0.0], [0.0, 1.0]].map(|u| step(method, parameters, u, [0.0, 0.0]));
    let draws = [[louder, 0.0], [0.0, louder]].map(|z| step(method, parameters, [0.0, 0.0], z));
    let entry = |i: usize, j: usize| {
        a[i] * a[j] * qq
            + (a[i] * b[j] + a[j] * b[i]) * qv
            + b[i] * b[j] * vv
            + draws.iter().map(|z| z[i] * z[j]).sum::<f64>()
    };
    [entry(0, 0), entry(0, 1), entry(1, 1)]
}

/// Baoab keeps the positions' variance `1 / k`, Obabo the velocities' 1, for any step.
#[test]
fn the_stationary_moments_of_splittings_are_the_known_ones() {
    for (k, friction, h) in [(1.0, 1.0, 0.5), (2.0, 0.3, 1.0), (0.7, 20.0, 2.0), (4.0, 1.0, 0.9)] {
        let parameters = (k, friction, h);
        let shrunk = 1.0 - h * h * k / 4.0;
        let baoab = [1.0 / k, 0.0, shrunk];
        let obabo = [1.0 / (k * shrunk), 0.0, 1.0];
        let drift = |found: [f64; 3], law: [f64; 3]| {
            found.iter().zip(law).map(|(found, law)| (found - law).abs()).fold(0.0, f64::max)
        };
        let (a, b) = (after_one_step(&Baoab, parameters, baoab, 1.0), {
            after_one_step(&Obabo, parameters, obabo, 1.0)
        });
        assert!(drift(a, baoab) < 1e-13, "baoab {parameters:?}: {a:?}");
        assert!(drift(b, obabo) < 1e-13, "obabo {parameters:?}: {b:?}");
        let a = after_one_step(&Baoab, parameters, baoab, 1.02);
        assert!(drift(a, baoab) > 1e-3, "baoab with more noise {parameters:?}");
    }
}

#[test]
fn samples_of_splittings_have_the_stationary_moments() {
    let (k, friction, h) = (2.0, 1.0, 0.6);
    let problem = || {
        let field = UnderdampedLangevin::new(Gaussian { k }, friction).unwrap();
        field.problem(Batch::zeros((LANES, 1)), 64.0 * h)
    };
    let shrunk = 1.0 - h * h * k / 4.0;
    let [right, wrong] = [1.0, 1.02].map(|louder| end(&problem(), &Baoab, louder));
    verdict("baoab, q", misfit(&right.position, 1.0 / k), misfit(&wrong.position, 1.0 / k));
    verdict("baoab, v", misfit(&right.velocity, shrunk), misfit(&wrong.velocity, shrunk));
    let [right, wrong] = [1.0, 1.02].map(|louder| end(&problem(), &Obabo, louder));
    let position = 1.0 / (k * shrunk);
    verdict("obabo, q", misfit(&right.position, position), misfit(&wrong.position, position));
    verdict("obabo, v", misfit(&right.velocity, 1.0), misfit(&wrong.velocity, 1.0));
}

/// The same dynamics as an SDE: small steps of any method for additive noise.
#[test]
fn stochastic_methods_solve_underdamped_dynamics() {
    let field = UnderdampedLangevin::new(Gaussian { k: 2.0 }, 1.0).unwrap();
    let problem = field.problem(Batch::zeros((20_000, 1)), 12.8);
    let solution = solve(&problem, &Sra1::new(), SolveOptions::steps(256).seed(2)).unwrap();
    for (sample, variance) in [(&solution.u_last.position, 0.5), (&solution.u_last.velocity, 1.0)] {
        // Strong order 3/2: the bias of steps of 0.05 is far below 2 %.
        assert!(misfit(sample, variance) < 1.0, "{}", misfit(sample, variance));
    }
    let adaptive = solve(&problem, &Sra1::new(), SolveOptions::adaptive(1e-2, 1e-2).seed(2));
    assert_eq!(adaptive.unwrap().outcome, Outcome::Success);
}

/// Algorithm 1 of Song & Ermon (2019), written out, with the normals it drew.
#[test]
fn annealed_langevin_dynamics_are_the_published_algorithm() {
    let (levels, count, epsilon) = (10, 5, 2e-5);
    let path = process::parse("ve:sigma_min=0.01,sigma_max=2").unwrap();
    let field = probability_flow::<Batch>(MixturePredictor::new(mixture(), path.clone()));
    // A geometric ladder from 1 to 0.01; the grid starts above it.
    let ladder = (0..levels).map(|i| 0.01f64.powf(f64::from(i) / 9.0));
    let below = ladder.map(|sigma| path.time_at_log_snr(-sigma.ln()));
    let times: Vec<f64> = std::iter::once(1.0).chain(below).collect();
    let mut normals = Batch::zeros((8, 2 * count * (times.len() - 1)));
    driftfield_solvers::noise::fill_initial_normals(&mut normals, 1.0, 9, 0).unwrap();
    let draw = |k: usize| normals.slice(ndarray::s![.., 2 * k..2 * k + 2]).to_owned();

    let initial = Batch::from_shape_fn((8, 2), |(i, j)| (i as f64 - 4.0) * 0.5 + j as f64);
    let (mut expected, mut score) = (initial.clone(), initial.clone());
    let mut drawn = 0;
    for &t in &times[1..] {
        let sigma = field.schedule().at_end(t).unwrap().sigma;
        let a = epsilon * sigma * sigma / (0.01 * 0.01);
        for _ in 0..count {
            field.score(&mut score, &expected, t).unwrap();
            expected = &expected + &(0.5 * a * &score) + a.sqrt() * draw(drawn);
            drawn += 1;
        }
    }

    let fine: Vec<f64> =
        times
            .windows(2)
            .flat_map(|w| {
                let (a, b) = (w[0], w[1]);
                (1..=count).map(move |k| {
                    if k == count { b } else { a + (b - a) * (k as f64 / count as f64) }
                })
            })
            .collect();
    let grid = std::iter::once(times[0]).chain(fine).collect();
    let noise = RecordedPath::from_normals(grid, (0..drawn).map(draw).collect()).unwrap();
    let problem = field.problem(initial, (times[0], times[times.len() - 1]));
    let method = AnnealedLangevin::new(epsilon / 1e-4, count).unwrap();
    let options = SolveOptions::times(times).noise(noise);
    let solution = solve(&problem, &method, options).unwrap();
    assert_eq!(solution.statistics.nfe, drawn as u64);
    let gap = (&solution.u_last - &expected).iter().fold(0.0f64, |gap, x| gap.max(x.abs()));
    assert!(gap < 1e-12, "{gap:e}");
}

#[test]
fn the_score_of_a_marginal_is_sampled_at_one_noise_level() {
    let path = process::parse("vp").unwrap();
    let single = driftfield_problems::exact::GaussianMixture::isotropic(
        vec![1.0],
        vec![vec![0.0]],
        vec![0.5],
    );
    let exact = MixturePredictor::new(single.unwrap(), path.clone());
    let score = probability_flow::<Batch>(exact).score_at(0.2);
    let variance = (0.5 * path.alpha(0.2)).powi(2) + path.sigma(0.2).powi(2);
    let h = 0.25 * variance;
    let problem = OverdampedLangevin::new(score).problem(Batch::zeros((LANES, 1)), 64.0 * h);
    // In units of the curvature the steps have length 1/4.
    let stationary = variance / (1.0 - 0.125);
    let [right, wrong] =
        [1.0, 1.02].map(|louder| misfit(&end(&problem, &EulerMaruyama::new(), louder), stationary));
    verdict("euler-maruyama on a marginal", right, wrong);
}

#[test]
fn phase_space_is_a_state() {
    let rows = |a: f64| Batch::from_shape_fn((3, 2), |(i, j)| a + (2 * i + j) as f64);
    let mut state = PhaseSpace::new(rows(0.0), rows(10.0)).unwrap();
    assert_eq!((state.lanes(), state.lane_len()), (3, 4));
    assert!(PhaseSpace::new(rows(0.0), Batch::zeros((2, 2))).is_err());
    let other = state.clone();
    state.linear_combination(2.0, &[(-1.0, &other), (0.5, &other)]).unwrap();
    assert_eq!(state.velocity[[2, 1]], 1.5 * 15.0);
    // Lanes are filled in order, each whole.
    let mut seen = Vec::new();
    let fill = |lane: usize, block: &mut [f64]| {
        seen.push(lane);
        for (i, value) in block.iter_mut().enumerate() {
            *value = (10 * lane + i) as f64;
        }
    };
    state.fill_lanes(fill).unwrap();
    assert_eq!(seen, [0, 1, 2]);
    assert_eq!((state.position[[1, 1]], state.velocity[[1, 0]]), (11.0, 12.0));
    let tolerance = Tolerance::new(vec![1.0, 1.0, 2.0, 2.0], 0.0);
    let mut squares = Vec::new();
    state.weighted_mean_squares(&other, &other, &tolerance, &mut squares).unwrap();
    assert_eq!(squares[0], (0.0 + 1.0 + 1.0 + 2.25) / 4.0);
    let short = Tolerance::new(vec![1.0, 1.0], 0.0);
    assert!(state.weighted_mean_squares(&other, &other, &short, &mut squares).is_err());
    state.velocity[[1, 0]] = f64::NAN;
    assert_eq!(state.first_non_finite_lane(), Ok(Some(1)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let gaussian = Gaussian { k: 1.0 };
    assert!(matches!(UnderdampedLangevin::new(gaussian, 0.0), Err(LangevinError(0.0))));
    assert!(UnderdampedLangevin::new(gaussian, f64::NAN).is_err());
    let problem = UnderdampedLangevin::new(gaussian, 1.0).unwrap().problem(1.0, -1.0);
    let backwards = solve(&problem, &Baoab, SolveOptions::steps(4)).unwrap_err();
    assert!(backwards.to_string().contains("forwards"), "{backwards}");
    for (step, count) in [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (0.1, 0)] {
        assert!(AnnealedLangevin::new(step, count).is_err(), "{step} {count}");
    }
}
