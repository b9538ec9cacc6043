//! Solver error with no model error: the probability flow of a Gaussian mixture
//! is known exactly, so every difference from DOP853 at tight tolerances is the
//! solver's.
//!
//! `cargo run --release --example gaussian_mixture_sampling`

use driftfield::prelude::*;
use ndarray::Array2;

const LANES: usize = 1000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mixture: GaussianMixture = r#"{"weights": [0.5, 0.3, 0.2],
        "means": [[-1.5, 0.5], [1.0, 1.2], [0.6, -1.4]], "stds": [0.3, 0.2, 0.4]}"#
        .parse()?;

    for name in ["rectified-flow", "vp"] {
        let path = process::parse(name)?;
        let (start, end) = path.default_span();
        // Lane i of the noise depends on (seed, i) alone, not on the batch.
        let mut noise = Array2::<f64>::zeros((LANES, 2));
        fill_initial_normals(&mut noise, path.sigma(start), 7, 0)?;
        let field = probability_flow(MixturePredictor::new(mixture.clone(), path));
        let problem = field.problem(noise, (start, end));

        let tight = SolveOptions::adaptive(1e-11, 1e-11);
        let truth = solve(&problem, &Dop853::new(), tight)?;
        println!("{name}: truth by dop853, {}", truth.statistics);
        let truth = truth.complete()?;
        let runs = [
            ("euler, 24 steps", solve(&problem, &Euler::new(), SolveOptions::steps(24))?),
            ("heun, 12 steps", solve(&problem, &Heun::new(), SolveOptions::steps(12))?),
            ("rk4, 6 steps", solve(&problem, &Rk4::new(), SolveOptions::steps(6))?),
            ("tsit5, 1e-4", solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-4, 1e-4))?),
        ];
        let mut errors = Vec::new();
        for (run, solution) in runs {
            let nfe = solution.statistics.nfe;
            let error = root_mean_square(&solution.complete()?, &truth);
            println!("  {run:>16}: NFE {nfe:>3}, error {error:.2e}");
            errors.push(error);
        }
        assert!(errors[1] < errors[0], "at equal NFE, order 2 beats order 1 here");
    }
    Ok(())
}

/// The root, over lanes, of the mean squared distance.
fn root_mean_square(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    ((a - b).mapv(|x| x * x).sum() / a.nrows() as f64).sqrt()
}
