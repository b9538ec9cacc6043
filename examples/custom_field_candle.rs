//! A field of your own on candle tensors: the state is a `Tensor`, on whatever
//! device it was made.
//!
//! `cargo run --release --example custom_field_candle`

use candle_core::{DType, Device, Tensor};
use driftfield::prelude::*;

/// A predator-prey system for a batch `[n, 2]` of starting points.
struct LotkaVolterra;

impl LotkaVolterra {
    fn derivative(&self, u: &Tensor) -> candle_core::Result<Tensor> {
        let (prey, predator) = (u.narrow(1, 0, 1)?, u.narrow(1, 1, 1)?);
        let meetings = (&prey * &predator)?;
        Tensor::cat(&[(&prey - &meetings)?, (&meetings - &predator)?], 1)
    }
}

impl VectorField<Tensor> for LotkaVolterra {
    fn eval(&self, du: &mut Tensor, u: &Tensor, _t: Times<'_>) -> Result<(), FieldError> {
        *du = self.derivative(u).map_err(FieldError::other)?;
        Ok(())
    }
}

/// `x - ln x + y - ln y`, which the flow keeps.
fn invariant(u: &Tensor) -> candle_core::Result<Vec<f64>> {
    (u - u.log()?)?.sum(1)?.to_vec1()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::Cpu;
    let start = Tensor::new(&[[0.5f64, 1.0], [1.5, 0.7], [2.0, 2.0]], &device)?;
    let before = invariant(&start)?;
    let problem = OdeProblem::new(LotkaVolterra, start, (0.0, 10.0));
    let options = SolveOptions::adaptive(1e-10, 1e-10);
    let solution = solve(&problem, &Tsit5::new(), options)?;
    println!("{}: {}", solution.outcome, solution.statistics);
    let end = solution.complete()?;
    println!("{end}");
    for (before, after) in before.iter().zip(invariant(&end)?) {
        println!("invariant {before:.9} -> {after:.9}");
        assert!((before - after).abs() < 1e-7);
    }
    assert_eq!(end.dtype(), DType::F64);
    Ok(())
}
