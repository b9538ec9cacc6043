//! How far samplers of an inverse problem are from the true posterior, where that is known: for
//! data of one Gaussian and for a mixture of two, both with exact fields, so that all error is the
//! sampler's.
//!
//! `cargo run --release -p driftfield-problems --example inverse_bias`

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
use driftfield_problems::flow::probability_flow;
use driftfield_problems::inverse::{Conditioned, Dps, Gram, ImageShape, Observation, parse};
use driftfield_problems::method;
use driftfield_problems::predictor::Predictor;
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{SolveOptions, solve};
use ndarray::{Array2, ArrayView1};

type Batch = Array2<f64>;
type Failure = Box<dyn Error>;

const LANES: usize = 4000;
/// Noise of the measurement; the first two of four components are observed.
const NOISE: f64 = 0.3;
const MEASURED: [f64; 2] = [0.3, -0.2];

/// Components `N(mean, std^2 I)` with their weights.
struct Prior {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    std: f64,
}

impl Prior {
    fn predictor(&self, path: &SharedPath) -> Result<MixturePredictor, Failure> {
        let stds = vec![self.std; self.weights.len()];
        let mixture = GaussianMixture::isotropic(self.weights.clone(), self.means.clone(), stds)?;
        Ok(MixturePredictor::new(mixture, path.clone()))
    }

    /// The posterior's weights, and its components' means; variances are `seen` and `std^2`.
    fn posterior(&self) -> Prior {
        let (own, noise) = (self.std * self.std, NOISE * NOISE);
        let gain = own / (own + noise);
        let misfit = |mean: &[f64]| -> f64 {
            MEASURED.iter().zip(mean).map(|(y, m)| (y - m) * (y - m)).sum()
        };
        let likely = |mean: &[f64]| (-0.5 * misfit(mean) / (own + noise)).exp();
        let parts = self.weights.iter().zip(&self.means);
        let joint: Vec<f64> = parts.map(|(weight, mean)| weight * likely(mean)).collect();
        let total: f64 = joint.iter().sum();
        let moved = |mean: &Vec<f64>| {
            let mut moved = mean.clone();
            for (m, y) in moved.iter_mut().zip(MEASURED) {
                *m += gain * (y - *m);
            }
            moved
        };
        Prior {
            weights: joint.iter().map(|weight| weight / total).collect(),
            means: self.means.iter().map(moved).collect(),
            std: (own * noise / (own + noise)).sqrt(),
        }
    }
}

/// Where a sample's mean and spread are, in standard deviations of the posterior.
fn report(name: &str, sample: &Batch, prior: &Prior) {
    let posterior = prior.posterior();
    let stds = [posterior.std, posterior.std, prior.std, prior.std];
    let distance = |x: ArrayView1<'_, f64>, mean: &[f64]| -> f64 {
        let gaps = x.iter().zip(mean).zip(stds);
        gaps.map(|((x, mean), std)| ((x - mean) / std).powi(2)).sum()
    };
    let rows: Vec<_> = sample.rows().into_iter().collect();
    let nearest = |x: &ArrayView1<'_, f64>| {
        let distances = posterior.means.iter().map(|mean| distance(*x, mean));
        let least = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        least.map_or(0, |(k, _)| k)
    };
    // Of the first component only: where the other lies is told by the share.
    let own: Vec<_> = rows.iter().filter(|x| nearest(x) == 0).collect();
    let share = own.len() as f64 / rows.len() as f64;
    let moments = |axes: std::ops::Range<usize>| {
        let (mut bias, mut square) = (0.0, 0.0);
        for axis in axes.clone() {
            let count = own.len() as f64;
            let mean = own.iter().map(|x| x[axis]).sum::<f64>() / count;
            let variance = own.iter().map(|x| (x[axis] - mean).powi(2)).sum::<f64>() / count;
            bias += ((mean - posterior.means[0][axis]) / stds[axis]).powi(2);
            square += variance / stds[axis].powi(2);
        }
        ((bias / axes.len() as f64).sqrt(), (square / axes.len() as f64).sqrt())
    };
    let (seen, unseen) = (moments(0..2), moments(2..4));
    println!(
        "{name:<34} {share:>6.3} {:>9.3} {:>7.3} {:>9.3} {:>7.3}",
        seen.0, seen.1, unseen.0, unseen.1
    );
}

fn sample(
    path: &SharedPath,
    predictor: impl Predictor<Batch> + 'static,
    (solver, steps): (&str, usize),
    dps: Option<&mut Dps<MixturePredictor>>,
) -> Result<Batch, Failure> {
    let span = path.default_span();
    let mut initial = Batch::zeros((LANES, 4));
    fill_initial_normals(&mut initial, path.sigma(span.0), 1, 0)?;
    let problem = probability_flow(predictor).problem(initial, span);
    let mut options = SolveOptions::steps(steps).seed(2);
    if let Some(dps) = dps {
        options = options.observer(dps);
    }
    let solution = solve(&problem, &method::parse(solver)?, options)?;
    if !solution.outcome.is_success() {
        return Err(format!("{:?}", solution.outcome).into());
    }
    Ok(solution.u_last)
}

fn compare(title: &str, prior: &Prior, data_stds: &[f64]) -> Result<(), Failure> {
    let path = process::parse("vp")?;
    let measurement =
        parse(&format!("square:size=1x2,center=0x1,std={NOISE}"), &ImageShape::grey(2, 2))?;
    let observation = Arc::new(Observation::new(measurement, MEASURED.to_vec())?);
    println!("\n{title}; the share of the first component is {:.3}", prior.posterior().weights[0]);
    println!(
        "{:<34} {:>6} {:>9} {:>7} {:>9} {:>7}",
        "sampler", "share", "bias seen", "std", "unseen", "std"
    );
    let prior_predictor = prior.predictor(&path)?;
    for &std in data_stds {
        for solver in [("heun", 100), ("sde-dpm-solver++2m", 100)] {
            let given = || (prior_predictor.clone(), observation.clone());
            let (predictor, of) = given();
            let guided = Conditioned::pseudo_inverse(predictor, of)?.data_std(std)?;
            let found = sample(&path, guided, solver, None)?;
            report(&format!("pigdm s={std} {}", solver.0), &found, prior);
            let (predictor, of) = given();
            let replaced = Conditioned::replacement(predictor, of)?.data_std(std)?;
            let found = sample(&path, replaced, solver, None)?;
            report(&format!("replacement s={std} {}", solver.0), &found, prior);
        }
    }
    for solver in [("ddim", 100), ("dpm-solver++2m", 100), ("ancestral", 100), ("ancestral", 1000)]
    {
        for zeta in [0.003, 0.01, 0.03, 0.1, 0.3, 1.0] {
            let mut dps = Dps::new(prior_predictor.clone(), observation.clone(), zeta)?;
            let found = sample(&path, prior_predictor.clone(), solver, Some(&mut dps))?;
            report(&format!("dps zeta={zeta} {} {}", solver.0, solver.1), &found, prior);
        }
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    println!("standard deviations of the posterior: bias of the mean, ratio of the spread");
    let one = Prior { weights: vec![1.0], means: vec![vec![0.4, -0.2, 1.0, 0.1]], std: 0.8 };
    compare("one Gaussian", &one, &[0.8, 1.0])?;
    let means = vec![vec![0.8, -0.6, 1.0, 0.5], vec![-0.7, 0.6, -1.0, -0.5]];
    let two = Prior { weights: vec![0.4, 0.6], means, std: 0.4 };
    compare("a mixture of two", &two, &[0.4, 1.0])?;

    println!("\ntime to prepare A A^T");
    for (text, side) in [("square:size=14", 28), ("pool:factor=2", 28), ("blur:width=2", 28)] {
        let measurement = parse(text, &ImageShape::grey(side, side))?;
        let clock = Instant::now();
        let gram = Gram::new(measurement.as_ref())?;
        let count = gram.eigenvalues().len();
        println!("{text:<20} {count:>4} values {:>8.3} s", clock.elapsed().as_secs_f64());
    }
    Ok(())
}
