//! Orders of the exponential methods on the probability flows of random mixtures, the multistep
//! ones with an exact history: `cargo test --release --test methods multistep_orders -- --nocapture` prints the
//! last slopes.

use crate::common::{Batch, exact_flow, path};
use driftfield_problems::exact::GaussianMixture;
use driftfield_problems::flow::PathField;
use driftfield_problems::method;
use driftfield_problems::process::SharedPath;
use driftfield_solvers::method::{Dop853, Method};
use driftfield_solvers::{OdeProblem, SolveOptions, solve};
use proptest::prelude::*;

/// Enough that no leading coefficient is small by accident on all of them.
const LANES: usize = 60;

/// Times strictly inside every path, with room for a history before them.
const SPAN: (f64, f64) = (0.9, 0.05);

/// Three Gaussians apart from one another, none of them so narrow that the leading term
/// hides behind the next. (Lying on top of one another they are nearly one Gaussian, whose flow is
/// nearly linear, and DPM-Solver-3M has order 4 on VP.)
fn mixtures() -> impl Strategy<Value = GaussianMixture> {
    let component = |x: f64, y: f64| (0.3..1.0, x - 0.4..x + 0.4, y - 0.4..y + 0.4, 0.5..0.8);
    [component(-1.5, 0.5), component(1.0, 1.2), component(0.6, -1.4)].prop_map(|components| {
        let total: f64 = components.iter().map(|c| c.0).sum();
        let weights = components.iter().map(|c| c.0 / total).collect();
        let means = components.iter().map(|c| vec![c.1, c.2]).collect();
        let stds = components.iter().map(|c| c.3).collect();
        GaussianMixture::isotropic(weights, means, stds).unwrap()
    })
}

fn exact(flow: &PathField<Batch>, initial: &Batch, span: (f64, f64)) -> Batch {
    let problem = OdeProblem::new(flow.clone(), initial.clone(), span);
    let options = SolveOptions::adaptive(1e-13, 1e-13);
    let solution = solve(&problem, &Dop853::new(), options).unwrap();
    assert!(solution.outcome.is_success(), "{}", solution.outcome);
    solution.u_last
}

struct Case {
    path: SharedPath,
    flow: PathField<Batch>,
    initial: Batch,
    truth: Batch,
}

impl Case {
    fn new(name: &str, mixture: GaussianMixture) -> Case {
        let path = path(name);
        let flow = exact_flow(mixture, &path);
        let initial = Batch::from_shape_fn((LANES, 2), |(i, j)| {
            path.sigma(SPAN.0)
                * 1.3
                * ((1 + 2 * i + j) as f64 * 12.9898).sin()
                * (0.4 + 0.02 * i as f64)
        });
        let truth = exact(&flow, &initial, SPAN);
        Case { path, flow, initial, truth }
    }

    /// The clock at both ends of the span.
    fn clock(&self) -> (f64, f64) {
        (self.path.log_snr(SPAN.0), self.path.log_snr(SPAN.1))
    }

    /// The times of steps equal on the clock, `past` of them before the span.
    fn times(&self, steps: usize, past: usize) -> Vec<f64> {
        let (start, end) = self.clock();
        let h = (end - start) / steps as f64;
        let mut times: Vec<f64> = (-(past as i64)..=steps as i64)
            .map(|i| self.path.time_at_log_snr(start + i as f64 * h))
            .collect();
        (times[past], times[past + steps]) = SPAN;
        times
    }

    fn error(&self, solver: &str, steps: usize) -> f64 {
        let method = method::parse::<Batch>(solver).unwrap();
        let past = method.info().history as usize;
        let times = self.times(steps, past);
        let history: Vec<(f64, Batch)> = times[..past]
            .iter()
            .map(|&t| (t, exact(&self.flow, &self.initial, (SPAN.0, t))))
            .collect();
        let options = SolveOptions::times(&times[past..]).history(history);
        let problem = OdeProblem::new(self.flow.clone(), self.initial.clone(), SPAN);
        let solution = solve(&problem, &method, options).unwrap();
        assert!(solution.outcome.is_success(), "{solver}: {}", solution.outcome);
        let evaluations = method.info().evaluations(steps as u64) + past as u64;
        assert_eq!(solution.statistics.nfe, evaluations, "{solver}");
        ((&solution.u_last - &self.truth).mapv(|gap| gap * gap).sum() / LANES as f64).sqrt()
    }
}

/// Every multistep method at full order to the end of the grid, and its order.
fn methods() -> Vec<(String, f64)> {
    let mut methods = Vec::new();
    for family in ["dpm-solver-", "dpm-solver++"] {
        for (rest, order) in
            [("1", 1.0), ("2s", 2.0), ("2s:type=taylor", 2.0), ("3s", 3.0), ("3s:type=taylor", 3.0)]
        {
            methods.push((format!("{family}{rest}"), order));
        }
    }
    for family in ["dpm-solver-", "dpm-solver++"] {
        for (rest, order) in [
            ("2m:", 2.0),
            ("2m:type=taylor,", 2.0),
            ("3m:", 3.0),
            ("3m:form=reference,", 2.0),
            ("2m:corrector=unic,", 3.0),
            ("3m:corrector=unic,", 4.0),
        ] {
            methods.push((format!("{family}{rest}lower_order_final=false"), order));
        }
    }
    for order in 1..=4 {
        for prediction in ["data", "noise"] {
            for variant in ["bh1", "bh2", "vary_coeff"] {
                let settings = format!("prediction={prediction},variant={variant}");
                let solver = format!("unipc-{order}:{settings},lower_order_final=false");
                methods.push((solver, f64::from(order) + 1.0));
            }
        }
    }
    for q in 0..4 {
        for family in ["deis-tab", "deis-rhoab"] {
            methods.push((format!("{family}{q}"), f64::from(q) + 1.0));
        }
        methods.push((format!("lms:order={}", q + 1), f64::from(q) + 1.0));
    }
    methods.push(("deis-tab1:corrector=unic".to_owned(), 3.0));
    methods.push(("deis-rhoab2:corrector=unic".to_owned(), 4.0));
    // Weights of order 4 if all times counted alike.
    methods.push(("ipndm".to_owned(), 2.0));
    methods
}

/// Steps fine enough for the leading term to rule, and so coarse that it stands above rounding.
fn ladder(order: f64) -> [usize; 3] {
    match order as u32 {
        ..=3 => [160, 320, 640],
        4 => [120, 240, 480],
        _ => [120, 240, 480],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 0, rng_seed: proptest::test_runner::RngSeed::Fixed(20261122), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn orders_from_an_exact_history(mixture in mixtures()) {
        let mut failures = Vec::new();
        for name in ["vp", "rectified-flow", "brownian-bridge"] {
            let case = Case::new(name, mixture.clone());
            for (solver, order) in methods() {
                prop_assert_eq!(f64::from(method::parse::<Batch>(&solver).unwrap().info().order), order);
                let errors = ladder(order).map(|steps| case.error(&solver, steps));
                let slope = (errors[1] / errors[2]).log2();
                println!("{name:<16} {solver:<70} {slope:.2} {:.1e}", errors[2]);
                if (slope - order).abs() > 0.3 || errors[2] < 3e-13 {
                    failures.push(format!("{name} {solver}: {slope:.3} {errors:?}"));
                }
            }
        }
        prop_assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
