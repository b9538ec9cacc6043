//! A new exponential integrator: the weights it gives to the last values of the nonlinear
//! part, and nothing else. History, start, corrector and counting come with the driver.

use driftfield::prelude::*;
use driftfield::problems::exact::{GaussianMixture, MixturePredictor};
use driftfield::problems::flow::probability_flow;
use driftfield::problems::process::{GaussianPath, SharedPath, parse};
use driftfield::problems::spacing::Spacing;
use driftfield::solvers::method::exponential::{Multistep, MultistepRule, MultistepStep, Start};
use driftfield::solvers::{FieldError, NonlinearPart};
use ndarray::{Array2, array};

/// Lawson's integrating factor with the Adams-Bashforth rule of two steps (J. D. Lawson,
/// "Generalized Runge-Kutta processes for stable systems with large Lipschitz constants",
/// *SIAM J. Numer. Anal.* 4, 1967): the whole integrand `e^((1 - s) z) N(s)` is taken for
/// linear in s, where the methods of DPM-Solver take `N` alone for it. Order 2.
struct LawsonAb2;

impl MultistepRule for LawsonAb2 {
    fn name(&self) -> &'static str {
        "lawson-ab2"
    }

    fn part(&self) -> NonlinearPart {
        NonlinearPart::Data
    }

    fn values(&self) -> usize {
        2
    }

    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        // The integrand's weight at the start of the step, `gain h e^z`.
        let now = step.whole.weight(0);
        if let [first] = weights {
            *first = now;
            return Ok(());
        }
        // One step back, at s = -r, it is `gain h e^((1 + r) z)`.
        let r = -step.distance(1);
        let growth = now / (step.whole.gain * step.whole.h);
        weights[0] = now * (1.0 + 0.5 / r);
        weights[1] = -now * growth.powf(r) * 0.5 / r;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path: SharedPath = parse("vp")?;
    let mixture = GaussianMixture::isotropic(
        vec![0.5, 0.5],
        vec![vec![-1.0, 0.5], vec![1.0, 0.0]],
        vec![0.5, 0.4],
    )?;
    let flow = probability_flow(MixturePredictor::new(mixture, path.clone()));
    let (start, end) = path.default_span();
    let initial: Array2<f64> = array![[0.3, -1.2], [-0.8, 0.1], [1.5, 0.7]];
    let problem = flow.problem(initial, (start, end));
    let truth = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-12, 1e-12))?.u_last;
    let method = Multistep::new(LawsonAb2).start(Start::Matching);
    let mut previous = f64::NAN;
    for steps in [40, 80, 160, 320] {
        let times = Spacing::LogSnr.times(&path, start, end, steps)?;
        let solution = solve(&problem, &method, SolveOptions::times(times))?;
        let error = (&solution.u_last - &truth).mapv(f64::abs).sum() / 6.0;
        let slope = (previous / error).log2();
        println!("{:>3} evaluations: error {error:.2e}, slope {slope:.2}", solution.statistics.nfe);
        previous = error;
    }
    Ok(())
}
