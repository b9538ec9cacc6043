//! A multistep rule that takes all that its step shows: past states beside past values, and the
//! times of the grid.

use crate::common::{Batch, exact_flow, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_solvers::method::exponential::{
    Bh, DpmSolverM, FinalOrders, Multistep, MultistepRule, MultistepStep, Start, Transition, UniC,
};
use driftfield_solvers::observer::{AcceptedStep, Flow, Moved};
use driftfield_solvers::{
    FieldError, NonlinearPart, OdeProblem, Save, Solution, SolveOptions, solve,
};
use ndarray::Array2;

/// DPM-Solver++(2M) from predicted noise: `D_j = (x_j - sigma_j E_j) / alpha_j`, so that both the
/// states and the values of two steps count.
struct DataFromNoise;

/// What the method gives the predicted data, newest first.
fn data_weights(step: &MultistepStep<'_>, values: usize) -> [f64; 2] {
    let whole = Transition::new(NonlinearPart::Data, &step.knots[0].level, &step.end.level);
    match values {
        1 => [whole.weight(1), 0.0],
        _ => {
            let half = -0.5 * whole.weight(1) / step.distance(1);
            [whole.weight(1) + half, -half]
        }
    }
}

impl MultistepRule for DataFromNoise {
    fn name(&self) -> &'static str {
        "data-from-noise"
    }

    fn part(&self) -> NonlinearPart {
        NonlinearPart::Noise
    }

    fn values(&self) -> usize {
        2
    }

    fn states(&self) -> usize {
        2
    }

    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        if let Some(grid) = step.grid {
            assert_eq!(grid.times.steps(), grid.steps);
            assert_eq!(grid.times.at(grid.index), step.knots[0].t);
            assert_eq!(grid.times.at(grid.index + 1), step.end.t);
        }
        let of_data = data_weights(step, weights.len());
        for ((weight, of_data), knot) in weights.iter_mut().zip(of_data).zip(step.knots) {
            *weight = -of_data * knot.level.sigma / knot.level.alpha;
        }
        Ok(())
    }

    fn state_weights(
        &self,
        step: &MultistepStep<'_>,
        weights: &mut [f64],
    ) -> Result<(), FieldError> {
        let of_data = data_weights(step, weights.len());
        for ((weight, of_data), knot) in weights.iter_mut().zip(of_data).zip(step.knots) {
            *weight = of_data / knot.level.alpha;
        }
        weights[0] += step.end.level.sigma / step.knots[0].level.sigma;
        Ok(())
    }
}

type Problem = OdeProblem<Batch, PathField<Batch>>;

fn problem() -> Problem {
    let path = path("vp");
    let initial = Array2::from_shape_fn((5, 2), |(i, j)| (1.3 * (2 * i + j) as f64).sin());
    exact_flow(mixture(), &path).problem(initial, (0.9, 0.02))
}

fn full<R: MultistepRule>(rule: R) -> Multistep<R> {
    Multistep::new(rule).final_orders(FinalOrders::Full)
}

fn gap(a: &Batch, b: &Batch) -> f64 {
    (a - b).iter().fold(0.0, |most, gap| gap.abs().max(most))
}

#[test]
fn past_states_are_those_at_which_the_values_were_taken() {
    let problem = problem();
    let (t0, t1) = problem.span;
    let h = (t1 - t0) / 20.0;
    let before = (t0 - h, problem.initial.mapv(|x| 1.01 * x + 0.02));
    let correct = |step: &mut AcceptedStep<'_, Batch>| {
        if step.statistics.accepted == 7 {
            *step.correct() *= 1.05;
        }
        Flow::Continue
    };
    let exchange = |step: &mut AcceptedStep<'_, Batch>| {
        if step.statistics.accepted == 7 {
            step.move_lanes(&[0, 3, 2, 1, 1], Moved::Renumbered).unwrap();
        }
        Flow::Continue
    };
    let grid = || SolveOptions::steps(20);
    let options: [(&str, &dyn Fn() -> SolveOptions<'static, Batch>); 5] = [
        ("plain", &grid),
        ("after a history", &|| grid().history([before.clone()])),
        ("corrected", &|| grid().observer(correct)),
        ("with lanes that move", &|| grid().observer(exchange)),
        ("beside dense output", &|| grid().save(Save::dense())),
    ];
    let solved = |solution: Solution<Batch>| solution.complete().unwrap();
    let plain = solved(solve(&problem, &full(DataFromNoise), grid()).unwrap());
    for (context, options) in options {
        let own = solved(solve(&problem, &full(DataFromNoise), options()).unwrap());
        let second = full(DpmSolverM::second(NonlinearPart::Data));
        let expected = solved(solve(&problem, &second, options()).unwrap());
        assert!(gap(&own, &expected) < 1e-12, "{context}: {}", gap(&own, &expected));
        let as_plain = ["plain", "beside dense output"].contains(&context);
        assert_eq!(own == plain, as_plain, "{context} changes what is solved");
    }
}

/// The parts of a first step have states too, and a corrected step has one where its predicted end
/// had another.
#[test]
fn rules_with_past_states_keep_their_order_after_a_divided_start_and_with_a_corrector() {
    let problem = problem();
    let tight = full(DpmSolverM::third(NonlinearPart::Data)).start(Start::Matching);
    let truth = solve(&problem, &tight, SolveOptions::steps(5000)).unwrap().u_last;
    let slope = |method: &Multistep<DataFromNoise>| {
        let error = |steps| {
            gap(&solve(&problem, method, SolveOptions::steps(steps)).unwrap().u_last, &truth)
        };
        (error(160) / error(320)).log2()
    };
    let start = full(DataFromNoise).start(Start::Matching);
    let corrected = start.clone().corrector(UniC(Bh::default()));
    for (method, order) in [(start, 2.0), (corrected, 3.0)] {
        let slope = slope(&method);
        assert!((slope - order).abs() < 0.35, "{slope}, not {order}");
    }
}
