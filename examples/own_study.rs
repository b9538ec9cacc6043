//! A study of things of one's own: a multistep rule, a path, a predictor around a predictor, a
//! network and a metric, each in the tables beside ours.
//!
//! `cargo run --release --example own_study [DIRECTORY]` prints the table and writes
//! `study.csv`, `study.json`, the curves and `report.html` there, by default into the directory
//! for temporary files.

use std::error::Error;
use std::f64::consts::FRAC_PI_2;
use std::path::PathBuf;
use std::sync::Arc;

use driftfield::generate::{Around, MixtureModel, Model, NetworkModel, SharedPredictor};
use driftfield::metrics::{Metric, PreparedSample};
use driftfield::prelude::*;
use driftfield::problems::data::FiniteData;
use driftfield::problems::method::Solver;
use driftfield::problems::predictor::{Targets, Times};
use driftfield::problems::process::OwnPath;
use driftfield::solvers::NonlinearPart;
use driftfield::solvers::method::exponential::{Multistep, MultistepRule, MultistepStep};
use driftfield::study::{Case, Run, Study, terminal_table, write};
use ndarray::{ArrayD, Axis, array};

/// Exponential time differencing with the Adams-Bashforth rule of two steps, ETD2 (S. M. Cox, P. C.
/// Matthews, "Exponential time differencing for stiff systems", *J. Comput. Phys.* 176, 2002): with
/// `N` the predicted data, taken for linear on the clock, `u_next = scale u + w_1 N_0 + w_2 (N_0 -
/// N_1) / r`, `r` the step before in units of this one.
#[derive(Debug, Clone)]
struct Etd2;

impl MultistepRule for Etd2 {
    fn name(&self) -> &'static str {
        "etd2"
    }

    fn part(&self) -> NonlinearPart {
        NonlinearPart::Data
    }

    fn values(&self) -> usize {
        2
    }

    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        let (constant, linear) = (step.whole.weight(1), step.whole.weight(2));
        weights[0] = constant;
        if let [newest, before] = weights {
            let slope = linear / -step.distance(1);
            *newest += slope;
            *before = -slope;
        }
        Ok(())
    }
}

/// The trigonometric path (Albergo & Vanden-Eijnden, *Building Normalizing Flows with Stochastic
/// Interpolants*, 2023): two functions are a path.
fn trigonometric() -> SharedPath {
    let (alpha, sigma) = (|t: f64| (FRAC_PI_2 * (1.0 - t)).sin(), |t: f64| (FRAC_PI_2 * t).sin());
    Arc::new(OwnPath::new(alpha, sigma).named("trigonometric"))
}

/// The mean of what a predictor says of a state and of its mirror image, mirrored back: for data
/// that is symmetric about the origin, the same and less wrong.
struct Symmetric(SharedPredictor<f64>);

impl Predictor<ArrayD<f64>> for Symmetric {
    fn path(&self) -> &SharedPath {
        self.0.path()
    }

    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut ArrayD<f64>,
        x: &ArrayD<f64>,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let mut mirrored = ArrayD::zeros(x.raw_dim());
        self.0.predict(target, &mut mirrored, &-x, t)?;
        self.0.predict(target, out, x, t)?;
        out.zip_mut_with(&mirrored, |out, mirrored| *out = 0.5 * (*out - mirrored));
        Ok(())
    }
}

/// The difference of the spreads of two samples, a spread being the root of the mean squared
/// distance to the mean.
fn spread_gap() -> Metric {
    let spread = |sample: &PreparedSample| sample.rows().var_axis(Axis(0), 0.0).sum().sqrt();
    Metric::between("spread_gap", "|s_P - s_Q|, s^2 = mean|x - mean x|^2", move |p, q| {
        Ok((spread(p) - spread(q)).abs())
    })
}

/// Data at two points, `m` and `-m`: its mean given a state is `m tanh(alpha <m, x> / sigma^2)`.
fn two_points(path: SharedPath) -> Result<impl Model, Box<dyn Error>> {
    let network = move |out: &mut ArrayD<f64>, x: &ArrayD<f64>, t: f64| {
        let scale = path.alpha(t) / path.sigma(t).powi(2);
        for (mut out, x) in out.rows_mut().into_iter().zip(x.rows()) {
            let sign = (scale * (x[0] + 0.5 * x[1])).tanh();
            out.assign(&array![sign, 0.5 * sign]);
        }
    };
    let data = FiniteData::new(array![[1.0, 0.5], [-1.0, -0.5]])?;
    Ok(NetworkModel::new("two points", [2], Prediction::Data, network).trained_on(data))
}

/// All of it on one path, with a method of ours beside the own one.
pub fn study() -> Result<Study, Box<dyn Error>> {
    let path = trigonometric();
    let mixture = GaussianMixture::isotropic(
        vec![0.5, 0.5],
        vec![vec![-1.0, -0.5], vec![1.0, 0.5]],
        vec![0.4, 0.4],
    )?;
    let mixture: Arc<dyn Model> = Arc::new(MixtureModel::new(mixture));
    let symmetric = Arc::new(Around::new("symmetric", mixture.clone(), Symmetric));
    let network = Arc::new(two_points(path.clone())?);
    let cases = [mixture, symmetric, network]
        .into_iter()
        .map(|model| Ok(Case::on("trigonometric", path.clone(), model)?.measuring(spread_gap())))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let solvers = [Solver::new("etd2", Multistep::new(Etd2)), Solver::parse("ddim")?];
    let runs: Vec<Run> = solvers
        .iter()
        .flat_map(|solver| [20, 40, 80].map(|steps| Run::steps(solver, steps)))
        .collect();
    let runs = cases.iter().map(|_| runs.clone()).collect();
    Ok(Study { cases, runs, lanes: 500, seeds: vec![0, 1], ..Study::default() })
}

#[allow(dead_code, reason = "tests/own_objects.rs takes the study alone")]
fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let study = study()?;
    let result = study.run(|_| ())?;
    println!("{}", terminal_table(&result));
    let directory = write(&study, &result, &directory)?;
    println!("written: {}", directory.join("report.html").display());
    Ok(())
}
