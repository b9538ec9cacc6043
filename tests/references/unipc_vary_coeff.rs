//! The `vary_coeff` variant of UniPC's published code, whose corrector is of order 1 by a mistake.
//!
//! With `A` the inverse of the matrix `r_i^(k - 1) / k!` and `w_k` the exact weights, both predictor
//! and corrector add `sum_k w_(k + 1) (A D)_k`, `D_i = (N_i - N_0) / r_i`; the corrector's last `D` is
//! that of the predicted end. The published corrector leaves out the last row of `A`, and of
//! the last column takes one element for all rows: the row that its loop has ended with, with
//! the weight of the next one. Written out below with the sum as published and with the whole of
//! it, the first gives the published numbers, and the second ours.
//!
//! `cargo test --release --test references unipc_vary_coeff -- --nocapture` prints the tally and the orders.

use crate::common::published::{Ours, Published, Verdict, numbers, run};
use crate::common::{Batch, exact_flow, gap, mixture, path};
use driftfield_problems::flow::PathField;
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::method::Dop853;
use driftfield_solvers::method::exponential::Transition;
use driftfield_solvers::{NonlinearPart, SemilinearField, SolveOptions, solve};
use nalgebra::DMatrix;
use serde_json::Value;

const TOLERANCE: f64 = 1e-10;

/// Which terms the corrector adds.
#[derive(Clone, Copy, PartialEq)]
enum Sum {
    Published,
    Whole,
}

/// UniPC as the published code runs it.
#[derive(Clone, Copy)]
struct Code {
    part: NonlinearPart,
    order: usize,
    lower_order_final: bool,
    sum: Sum,
}

/// The inverse of the matrix with elements `r_i^k / (k + 1)!`.
fn inverse(r: &[f64]) -> DMatrix<f64> {
    let factorial = |k: usize| (2..=k + 1).product::<usize>() as f64;
    let element = |i: usize, k: usize| r[i].powi(k as i32) / factorial(k);
    DMatrix::from_fn(r.len(), r.len(), element).try_inverse().unwrap()
}

impl Code {
    fn value(&self, flow: &PathField<Batch>, u: &Batch, t: f64) -> Batch {
        let mut value = u.clone();
        flow.predict(self.part.into(), &mut value, u, t.into()).unwrap();
        value
    }

    /// The weights of the differences `D` at distances `r`, the last of which is the end of a
    /// corrected step.
    fn weights(&self, whole: &Transition, r: &[f64], corrects: bool) -> Vec<f64> {
        let (a, n) = (inverse(r), r.len());
        let sum = |rows: usize, i: usize| (0..rows).map(|k| whole.weight(k + 2) * a[(k, i)]).sum();
        let mut weights: Vec<f64> = (0..n).map(|i| sum(n, i)).collect();
        if corrects && self.sum == Sum::Published {
            weights = (0..n).map(|i| sum(n - 1, i)).collect();
            weights[n - 1] = whole.weight(n + 1) * a[(n.saturating_sub(2), n - 1)];
        }
        weights
    }

    fn run(&self, flow: &PathField<Batch>, initial: &Batch, times: &[f64]) -> Ours {
        let steps = times.len() - 1;
        let mut states = vec![initial.clone()];
        // Clock and value, newest first.
        let clock = |t: f64| flow.schedule().at(t).unwrap();
        let mut past = vec![(clock(times[0]).log_snr, self.value(flow, initial, times[0]))];
        let mut nfe = 1;
        for (i, ends) in times.windows(2).enumerate() {
            let left = if self.lower_order_final { steps - i } else { self.order };
            let order = self.order.min(i + 1).min(left);
            let whole = Transition::new(self.part, &clock(ends[0]), &clock(ends[1]));
            let newest = past[0].clone();
            let mut r: Vec<f64> =
                past[1..order].iter().map(|(at, _)| (at - newest.0) / whole.h).collect();
            let mut d: Vec<Batch> =
                past[1..order].iter().zip(&r).map(|((_, n), r)| (n - &newest.1) / *r).collect();
            let base = whole.scale * &states[i] + whole.weight(1) * &newest.1;
            let add = |weights: &[f64], d: &[Batch]| {
                weights.iter().zip(d).fold(base.clone(), |sum, (w, d)| sum + *w * d)
            };
            let mut next = base.clone();
            if order > 1 {
                next = add(&self.weights(&whole, &r, false), &d);
            }
            if i + 1 < steps {
                let value = self.value(flow, &next, ends[1]);
                nfe += 1;
                r.push(1.0);
                d.push(&value - &newest.1);
                next = add(&self.weights(&whole, &r, true), &d);
                past.insert(0, (clock(ends[1]).log_snr, value));
            }
            states.push(next);
        }
        Ours { states, nfe }
    }
}

fn flow() -> PathField<Batch> {
    exact_flow(mixture(), &path("vp"))
}

fn code(settings: &Value, sum: Sum) -> Code {
    let part = match settings["algorithm_type"].as_str().unwrap() {
        "data_prediction" => NonlinearPart::Data,
        _ => NonlinearPart::Noise,
    };
    Code {
        part,
        order: settings["order"].as_u64().unwrap() as usize,
        lower_order_final: settings["lower_order_final"].as_bool().unwrap(),
        sum,
    }
}

fn ours(code: &Code, initial: &Batch, times: &[f64]) -> Ours {
    let prediction = if code.part == NonlinearPart::Data { "data" } else { "noise" };
    let (order, lower) = (code.order, code.lower_order_final);
    let settings = format!("prediction={prediction},lower_order_final={lower}");
    run(&flow(), initial, times, &format!("unipc-{order}:variant=vary_coeff,{settings}"))
}

#[test]
fn the_published_sum_gives_the_published_numbers() {
    let file = Published::read("unipc/unipc_vary_coeff");
    println!("with the published corrector written out:");
    file.tally(TOLERANCE, |recorded| {
        let times = numbers(&recorded["times"]);
        code(&recorded["settings"], Sum::Published)
            .run(&flow(), &file.initial(), &times)
            .compare(recorded)
    });
}

#[test]
fn the_whole_sum_gives_ours() {
    let file = Published::read("unipc/unipc_vary_coeff");
    let (mut largest, mut apart) = (0.0f64, f64::INFINITY);
    for recorded in file.runs() {
        let times = numbers(&recorded["times"]);
        let code = code(&recorded["settings"], Sum::Whole);
        let whole = code.run(&flow(), &file.initial(), &times);
        let ours = ours(&code, &file.initial(), &times);
        assert_eq!(whole.nfe, ours.nfe);
        for (a, b) in whole.states.iter().zip(&ours.states) {
            largest = largest.max(gap(a, b));
        }
        if let (true, Verdict::Compared { gap, .. }) = (code.order > 1, ours.compare(recorded)) {
            apart = apart.min(gap);
        }
    }
    let all = file.runs().len();
    println!(
        "with the whole sum: ours in {all} runs, largest gap {largest:.1e}; order 2 and above is at least {apart:.1e} from the published numbers"
    );
    assert!(largest <= TOLERANCE && apart > 1e-4, "{largest:e} {apart:e}");
}

#[test]
fn orders_with_either_sum() {
    let (flow, span) = (flow(), (0.6, 0.02));
    let initial = Published::read("unipc/unipc_vary_coeff").initial();
    let problem = flow.clone().problem(initial.clone(), span);
    let truth = solve(&problem, &Dop853::new(), SolveOptions::adaptive(1e-13, 1e-13)).unwrap();
    for part in [NonlinearPart::Data, NonlinearPart::Noise] {
        for (order, sum, expected) in [
            (1, Sum::Published, 2.0),
            (2, Sum::Published, 1.0),
            (3, Sum::Published, 1.0),
            (1, Sum::Whole, 2.0),
            (2, Sum::Whole, 3.0),
        ] {
            let code = Code { part, order, lower_order_final: false, sum };
            let errors = [160, 320].map(|steps| {
                let times = Spacing::LogSnr.times(&path("vp"), span.0, span.1, steps).unwrap();
                gap(&code.run(&flow, &initial, &times).states[steps], &truth.u_last)
            });
            let slope = (errors[0] / errors[1]).log2();
            let name = if sum == Sum::Published { "published" } else { "whole" };
            println!("{part:?}, UniPC-{order}, {name} sum: order {slope:.2}, {:.1e}", errors[1]);
            assert!((slope - expected).abs() < 0.25, "{slope} {errors:?}");
        }
    }
}
