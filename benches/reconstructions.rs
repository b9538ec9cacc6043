//! How well every solver keeps a measurement: digits reconstructed from a square of 8 x 8 pixels.
//!
//! `cargo bench --bench reconstructions` takes about three quarters of an hour (`-- ddim heun` for some solvers
//! only) and writes `target/bench/reconstructions.json`: rows `{network, solver, technique,
//! spacing, misfit, nfe}`. The misfit is `|y - A x|^2 / 64`, the mean over 32 digits with a
//! measurement each, to be held against the variance 0.01 of the noise. 50 steps throughout.

mod common;

use std::sync::Arc;

use driftfield::generate::{Budget, Initial, Settings, TrainedModel};
use driftfield::problems::data::Mnist;
use driftfield::problems::inverse::{self, ImageShape, Observation};
use driftfield::problems::method::Solver;
use driftfield::problems::method::path_methods;
use driftfield::problems::process;
use driftfield::reconstruct::{Technique, reconstruct};
use driftfield::solvers::method::Method;
use ndarray::ArrayD;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const DIGITS: usize = 32;
/// A technique, and where the times lie if not where the process places them.
type Column = (&'static str, Option<&'static str>);
/// Networks, each with what every solver is tried on: DPS where the sweep found that it keeps the
/// measurement.
const NETWORKS: [(&str, [Column; 3]); 2] = [
    ("rectified-flow", [("replacement", None), ("pigdm", None), ("dps:zeta=0.5", None)]),
    ("vp", [("replacement", None), ("pigdm", None), ("dps:zeta=0.5", Some("quadratic"))]),
];
const SWEPT: [Column; 8] = [
    ("dps:zeta=0.05", None),
    ("dps:zeta=0.1", None),
    ("dps:zeta=0.2", None),
    ("dps:zeta=0.3", None),
    ("dps:zeta=0.5", None),
    ("dps:zeta=0.7", None),
    ("dps:zeta=1", None),
    ("dps:zeta=2", None),
];
const SWEEPING: [&str; 5] = ["euler-maruyama", "ddim", "heun", "dpm-solver++2s", "dpm-solver++2m"];

/// A square of each of the first digits of the slice that the tests use.
fn observation() -> Result<Observation, Box<dyn std::error::Error>> {
    let shape = ImageShape::grey(28, 28);
    let measurement: Arc<_> = inverse::parse("square:size=8,center=14x14,std=0.1", &shape)?;
    let digits = Mnist::read(format!("{ROOT}/tests/data/mnist"))?.test.pixels;
    let mut values = Vec::new();
    for (seed, digit) in digits.outer_iter().take(DIGITS).enumerate() {
        let one = Observation::of_image(measurement.clone(), &digit.to_vec(), seed as u64)?;
        values.extend_from_slice(one.values());
    }
    Ok(Observation::new(measurement, values)?)
}

/// Reconstructs by every technique around every solver, prints a table and returns its rows.
fn table(
    network: &str,
    observation: &Observation,
    solvers: &[&str],
    columns: &[Column],
) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let model = TrainedModel::read(&format!("{ROOT}/weights/mnist-{network}.safetensors"))?;
    let path = process::parse(network)?;
    let heading = |(technique, spacing): &Column| match spacing {
        Some(spacing) => format!("{technique}, {spacing}"),
        None => (*technique).to_owned(),
    };
    let headings: Vec<_> = columns.iter().map(heading).collect();
    println!("\n{network}\n\n| solver | {} |", headings.join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    let mut rows = Vec::new();
    for &solver in solvers {
        print!("| {solver} |");
        for &(technique, spacing) in columns {
            let spacing = spacing.map(str::parse).transpose()?;
            let settings =
                Settings { spacing, ..Settings::new(Solver::parse(solver)?, Budget::Steps(50)) };
            let initial = Initial::<f32>::Noise { lanes: DIGITS };
            let parsed = Technique::parse(technique)?;
            let done = reconstruct(&path, &model, observation, &parsed, initial, &settings)?;
            let (misfit, generated) = (done.mean_misfit(), &done.generated);
            if generated.outcome.is_success() {
                print!(" {misfit:.4} |");
            } else {
                print!(" {} |", generated.outcome);
            }
            rows.push(json!({
                "network": network, "solver": solver, "technique": technique,
                "spacing": settings.spacing.map(|spacing| spacing.to_string()),
                "misfit": misfit, "nfe": generated.statistics.nfe,
            }));
        }
        println!();
    }
    Ok(rows)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let observation = observation()?;
    let solvers: Vec<_> = path_methods::<ArrayD<f32>>()
        .iter()
        .map(|method| method.info().name)
        .filter(|name| named.is_empty() || named.iter().any(|wanted| wanted == name))
        .collect();
    let mut rows = Vec::new();
    for (network, columns) in &NETWORKS {
        rows.extend(table(network, &observation, &SWEEPING, &SWEPT)?);
        rows.extend(table(network, &observation, &solvers, columns)?);
    }
    Ok(common::write("reconstructions", rows)?)
}
