//! A candle module of one's own, told a label, under guidance: five solvers at equal evaluations.
//!
//! `cargo run --release --example own_tensor_network [DIRECTORY]` prints the table and writes table,
//! curves and report there, by default into the directory for temporary files.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use driftfield::generate::{Condition, TensorModel};
use driftfield::networks::TensorFn;
use driftfield::networks::candle_core::{DType, Device, Result as CandleResult, Tensor};
use driftfield::networks::candle_nn::{Linear, Module};
use driftfield::networks::modules::Conditions;
use driftfield::prelude::*;
use driftfield::study::{Case, Run, Study, terminal_table, write};

/// A layer of its kind, as a training would have left it: the state, the time and the label
/// (2 is none) in, the predicted noise out.
fn module() -> CandleResult<Linear> {
    let weight: [[f32; 4]; 2] = [[0.9, 0.1, 0.2, 0.3], [-0.1, 0.9, -0.2, 0.3]];
    Ok(Linear::new(Tensor::new(&weight, &Device::Cpu)?, None))
}

/// All of it.
fn study() -> Result<Study, Box<dyn Error>> {
    let module = module()?;
    let network = move |x: &Tensor, t: &Tensor, told: &Conditions| {
        let lanes = x.dim(0)?;
        let column = |of: Tensor| of.to_dtype(DType::F32)?.broadcast_as(lanes)?.reshape((lanes, 1));
        let (t, label) = (column(t.clone())?, column(told.labels(lanes)?)?);
        module.forward(&Tensor::cat(&[x, &t, &(1.0 - label)?.tanh()?], 1)?)
    };
    let network = TensorFn::new(DType::F32, Device::Cpu, network);
    let model = TensorModel::new("mine", [2], Prediction::Noise, network).labels(2);
    let case = Case::on("vp", process::parse("vp")?, Arc::new(model))?;
    let case = case.with_condition(Condition::labels([0, 1]).guided(1.5))?;
    let solvers = ["euler", "heun", "ddim", "dpm-solver++2m", "unipc-3"];
    let solvers = solvers.into_iter().map(Solver::parse).collect::<Result<Vec<_>, _>>()?;
    let runs = solvers.iter().flat_map(|solver| [10, 20].map(|nfe| Run::evaluations(solver, nfe)));
    Ok(Study { cases: vec![case], runs: vec![runs.collect()], lanes: 200, ..Study::default() })
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let study = study()?;
    let result = study.run(|_| ())?;
    println!("{}", terminal_table(&result));
    let directory = write(&study, &result, &directory)?;
    println!("written: {}", directory.join("report.html").display());
    Ok(())
}
