//! What mistakes do to the strong order: the tests of `strong_order.rs` see wrong signs,
//! missing corrections, areas left out, and noise that is met twice.

use crate::common::sde::{Batch, Hyperbolic, curved};
use crate::common::strong::{
    AGAINST_FINER, LEVELS, Mistake, Mistaken, PATHS, Setting, TOLERANCE, strong,
};
use driftfield_solvers::field::WithDerivative;
use driftfield_solvers::method::registry::{stochastic_methods, stratonovich_methods};
use driftfield_solvers::method::stochastic::NoiseKind;
use driftfield_solvers::method::{Method, Milstein, Sriw1};
use driftfield_solvers::noise::Channels;
use driftfield_solvers::{Ito, SdeProblem, Stratonovich};

fn refused(what: &str, order: f64, (slope, deviation): (f64, f64)) {
    println!("{what}: order {order}, slope {slope:.3} +- {deviation:.3}");
    assert!((slope - order).abs() >= TOLERANCE, "{what}: {slope} passes for order {order}");
}

#[test]
fn mistakes_change_the_slope() {
    let problem = Hyperbolic { a: [0.4, 0.5], c: [0.6, -0.5], start: [0.5, -0.3] };
    let initial = problem.initial(PATHS);
    let span = (0.0, 1.0);
    let setting = Setting::new(Channels::PerComponent, &initial, span, LEVELS, LEVELS[5]);
    let exact = problem.exact(&setting.end(&initial)[0], 1.0);
    for factor in [-1.0, 0.0] {
        let mut wrong = problem.derivative();
        wrong.1 = wrong.1.map(|q| factor * q);
        let ito = WithDerivative { field: problem.ito(), derivative: wrong };
        let sde = SdeProblem::from_field(ito, initial.clone(), span);
        let slope = setting.slope(&sde, &Milstein::new(), &exact, |path| path);
        refused(&format!("milstein, correction times {factor}"), 1.0, slope);
    }
    let Ito { drift, diffusion } = problem.ito();
    let unconverted = Stratonovich { drift, diffusion };
    let sde = SdeProblem::from_field(unconverted, initial.clone(), span);
    for method in stratonovich_methods() {
        let order = strong(&method, NoiseKind::Diagonal);
        let slope = setting.slope(&sde, &method, &exact, |path| path);
        refused(&format!("{} on the drift of Ito", method.info().name), order, slope);
    }
    let sde = SdeProblem::from_field(problem.ito(), initial, span);
    for method in stochastic_methods() {
        let order = strong(&method, NoiseKind::Diagonal);
        let name = method.info().name;
        let reused = |path| Mistaken::new(path, Mistake::Reused);
        let slope = setting.slope(&sde, &method, &exact, reused);
        refused(&format!("{name}, noise met twice"), order, slope);
    }
}

#[test]
fn mistaken_areas_change_the_slope() {
    let span = (0.0, 1.0);
    let initial = Batch::from_elem((PATHS, 1), 0.3);
    let sde = SdeProblem::from_field(curved(0.3, 0.25), initial.clone(), span);
    let precise = Sriw1::new();
    let (setting, exact) =
        Setting::with_finer_solution(Channels::PerComponent, &sde, &precise, AGAINST_FINER);
    for method in stochastic_methods() {
        let order = strong(&method, NoiseKind::Diagonal);
        if order == 1.5 {
            for mistake in [Mistake::NoAreas, Mistake::TurnedAreas] {
                let met = |path| Mistaken::new(path, mistake);
                let slope = setting.slope(&sde, &method, &exact, met);
                refused(&format!("{}, {mistake:?}", method.info().name), order, slope);
            }
        }
    }
}
