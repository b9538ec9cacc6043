//! One problem, two solvers: the Lorenz system with RK4 on a fixed grid and with
//! adaptive Tsit5, and what each costs.
//!
//! `cargo run --release --example two_solvers`

use driftfield::prelude::*;

fn lorenz(du: &mut [f64; 3], u: &[f64; 3], _t: f64) {
    *du = [10.0 * (u[1] - u[0]), u[0] * (28.0 - u[2]) - u[1], u[0] * u[1] - 8.0 / 3.0 * u[2]];
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = OdeProblem::new(lorenz, [1.0, 1.0, 1.0], (0.0, 2.0));
    let rk4 = solve(&problem, &Rk4::new(), SolveOptions::steps(400))?;
    let tsit5 = solve(&problem, &Tsit5::new(), SolveOptions::adaptive(1e-8, 1e-8))?;
    let tight = SolveOptions::adaptive(1e-12, 1e-12);
    let reference = solve(&problem, &Dop853::new(), tight)?.complete()?;

    // RK4 evaluates the field four times a step; Tsit5's last stage is its next
    // step's first, so that n attempted steps cost 6 n + 1, and the automatic
    // choice of the first step one more.
    assert_eq!(rk4.statistics.nfe, 4 * 400);
    let attempted = tsit5.statistics.accepted + tsit5.statistics.rejected;
    assert_eq!(tsit5.statistics.nfe, 6 * attempted + 2);

    for (name, solution) in [("rk4", rk4), ("tsit5", tsit5)] {
        let statistics = solution.statistics;
        let error = distance(&solution.complete()?, &reference);
        println!("{name:>6}: {statistics}; error {error:.1e}");
        assert!(error < 1e-3);
    }
    Ok(())
}

fn distance(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}
