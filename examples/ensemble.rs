//! A hundred thousand paths over all threads, and only their statistics kept: the
//! price of an average-rate option on a geometric Brownian motion.
//!
//! `cargo run --release --example ensemble`

use driftfield::prelude::*;
use driftfield::solvers::ensemble::{Moments, Quantiles};
use driftfield::solvers::method::MilsteinDerivativeFree;
use ndarray::Array2;

const LANES: usize = 100_000;
const RATE: f64 = 0.05;
const VOLATILITY: f64 = 0.3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ensemble = Ensemble::new(LANES, |lanes| {
        let drift = |f: &mut Array2<f64>, u: &Array2<f64>, _t: f64| {
            f.zip_mut_with(u, |f, u| *f = RATE * u);
        };
        let diffusion = |g: &mut Array2<f64>, u: &Array2<f64>, _t: f64| {
            g.zip_mut_with(u, |g, u| *g = VOLATILITY * u);
        };
        Ok(SdeProblem::new(drift, diffusion, Array2::ones((lanes.count, 1)), (0.0, 1.0)))
    });
    // Twelve months of four steps; the option pays what their average exceeds 1 by.
    let solution = ensemble.solve(
        &MilsteinDerivativeFree::new(),
        |_lanes| SolveOptions::steps(48).seed(1).save(Save::every(4)),
        |lane, out| {
            let months = lane.times().len();
            let sum: f64 = (0..months).filter_map(|k| lane.saved(k)).map(|u| u[0]).sum();
            let payoff = (sum / months as f64 - 1.0).max(0.0);
            out.copy_from_slice(&[lane.end()[0], (-RATE).exp() * payoff]);
        },
        (Moments::new(2), Quantiles::new(2)),
    )?;
    assert!(solution.is_success());
    let (moments, quantiles) = &solution.statistics;
    println!(
        "{} lanes, {} evaluations per lane",
        moments.count(),
        solution.lane_nfe / LANES as u64
    );
    println!(
        "end: mean {:.4} (exact {:.4}), variance {:.4}, covariance with the payoff {:.4}",
        moments.mean()[0],
        RATE.exp(),
        moments.variance(0),
        moments.covariance(0, 1)
    );
    for p in [0.05, 0.5, 0.95] {
        println!("  {p}-quantile {:.4}", quantiles.quantile(0, p).ok_or("no lanes")?);
    }
    println!("price {:.4} +- {:.4}", moments.mean()[1], moments.standard_error(1));
    assert!((moments.mean()[0] - RATE.exp()).abs() < 5.0 * moments.standard_error(0));
    Ok(())
}
