//! Our explicit solvers beside those of other Rust libraries and a loop written by
//! hand, on the same problems in the same run, one after the other in turn.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml --bench peers` prints a table and writes
//! `benches/peers/target/bench/peers.json`:
//! rows `{task, ours, peer, peer_name, ratio}`, times in seconds, `ratio` ours over
//! the peer's. Less than two minutes; ratios within one run are what counts.
//!
//! - *tolerance*: absolute and relative tolerance alike, what one solve takes. Codes
//!   keep a tolerance more or less well, so that this says little without:
//! - *error*: tolerances are swept, and the time is read off where the achieved error
//!   is the same, log-linear between neighbouring tolerances.
//! - *per step*: a solve divided by the steps attempted.

#[path = "peers/by_hand.rs"]
mod by_hand;
#[path = "peers/contender.rs"]
mod contender;
#[path = "peers/differential_equations.rs"]
mod differential_equations_crate;
#[path = "peers/diffsol.rs"]
mod diffsol_crate;
#[path = "peers/ode_solvers.rs"]
mod ode_solvers_crate;
#[path = "peers/ours.rs"]
mod ours;
#[path = "peers/problems.rs"]
mod problems;
#[path = "peers/report.rs"]
mod report;
#[path = "peers/steps.rs"]
mod steps;
#[path = "peers/sweep.rs"]
mod sweep;

use contender::Contender;
use problems::{Dynamics, Lorenz, LotkaVolterra, Problem, Ring, VanDerPol};
use report::Report;

fn main() {
    let mut report = Report::default();
    steps::fixed_steps(&mut report);
    steps::flat_batch(&mut report);
    small(&mut report, Problem::new("lorenz", Lorenz, [1.0; 3], 5.0));
    small(&mut report, Problem::new("lotka-volterra", LotkaVolterra, [1.0; 2], 20.0));
    small(&mut report, Problem::new("van der pol, mu = 1", VanDerPol(1.0), [2.0, 0.0], 20.0));
    small(&mut report, Problem::new("van der pol, mu = 5", VanDerPol(5.0), [2.0, 0.0], 20.0));
    large(&mut report, Problem::new("linear, 1000 dimensions", Ring, problems::wave(1000), 20.0));
    report.print();
    report.write("target/bench/peers.json").expect("target/bench can be written");
}

/// All contenders on a problem of a few dimensions.
fn small<const N: usize, D: Dynamics>(report: &mut Report, problem: Problem<[f64; N], D>) {
    let mut contenders = ours::small(&problem);
    contenders.push(by_hand::contender(&problem));
    contenders.extend(ode_solvers_crate::small(&problem));
    contenders.extend(differential_equations_crate::contenders(&problem));
    contenders.extend(diffsol_crate::explicit(problem.start.to_vec(), &problem));
    contenders.extend(diffsol_crate::implicit(problem.start.to_vec(), &problem));
    compare(report, problem.name, &contenders);
}

/// All contenders but the implicit ones on a problem of many dimensions.
fn large<D: Dynamics>(report: &mut Report, problem: Problem<Vec<f64>, D>) {
    let mut contenders = ours::large(&problem);
    contenders.extend(ode_solvers_crate::large(&problem));
    contenders.extend(differential_equations_crate::contenders(&problem));
    contenders.extend(diffsol_crate::explicit(problem.start.clone(), &problem));
    compare(report, problem.name, &contenders);
}

fn compare(report: &mut Report, problem: &str, contenders: &[Contender<'_>]) {
    let sweeps = sweep::run(contenders);
    report.compare(problem, contenders, &sweeps);
}
