//! To NumPy and back. Arrays travel as `.npy` files in C order, f32 or f64.
//!
//! `cargo run --release --example numpy_roundtrip [DIRECTORY]`
//!
//! Writes `noise.npy` (`[500, 2]`, f32), solves from it, writes `samples.npy`, and
//! reads `noise.npy` back to the bit. In Python:
//!
//! ```python
//! import numpy as np
//! noise = np.load("noise.npy")          # float32, shape (500, 2)
//! samples = np.load("samples.npy")
//! np.save("init.npy", np.random.default_rng(0).normal(size=(500, 2)))
//! ```
//!
//! `init.npy` (float64 here) is then read by `npy::read_matrix::<f32>("init.npy")`,
//! which converts between the two widths, or on the command line by
//! `driftfield sample --init init.npy`. `examples/numpy_roundtrip.py` is the
//! Python side in full.

use driftfield::prelude::*;
use ndarray::Array2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (directory, keep) = match std::env::args().nth(1) {
        Some(directory) => (directory.into(), true),
        None => (std::env::temp_dir().join(format!("driftfield-{}", std::process::id())), false),
    };
    std::fs::create_dir_all(&directory)?;
    let path = process::parse("rectified-flow")?;
    let (start, end) = path.default_span();
    let mixture = GaussianMixture::isotropic(
        vec![0.5, 0.5],
        vec![vec![-1.0, 0.0], vec![1.0, 0.0]],
        vec![0.2, 0.3],
    )?;

    let mut noise = Array2::<f32>::zeros((500, 2));
    fill_initial_normals(&mut noise, path.sigma(start), 0, 0)?;
    npy::write(directory.join("noise.npy"), &noise)?;

    let init: Array2<f32> = npy::read_matrix(directory.join("noise.npy"))?;
    assert_eq!(init, noise, "a round trip keeps every bit");
    let wide: Array2<f64> = npy::read_matrix(directory.join("noise.npy"))?;
    assert_eq!(wide, noise.mapv(f64::from), "f32 files are read as f64 where asked");

    let field = probability_flow(MixturePredictor::new(mixture, path));
    let problem = field.problem(init, (start, end));
    let samples = solve(&problem, &Heun::new(), SolveOptions::steps(20))?.complete()?;
    npy::write(directory.join("samples.npy"), &samples)?;
    println!("wrote noise.npy and samples.npy {:?}", samples.dim());
    if keep {
        println!("they are in {}", directory.display());
    } else {
        std::fs::remove_dir_all(&directory)?;
    }
    Ok(())
}
