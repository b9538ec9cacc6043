//! Watching a solve: a trajectory streamed to an `.npy` file row by row, a
//! statistic kept instead of the states, and progress.
//!
//! `cargo run --release --example observe_and_stream`

use driftfield::prelude::*;
use driftfield::problems::npy::RowWriter;
use driftfield::solvers::observer::{Progress, Record, Sink};
use ndarray::{Array2, Array3, Axis};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = process::parse("vp")?;
    let (start, end) = path.default_span();
    let mixture: GaussianMixture =
        r#"{"weights": [0.5, 0.5], "means": [[-1, 0], [1, 0]], "stds": [0.2, 0.3]}"#.parse()?;
    let mut noise = Array2::<f32>::zeros((200, 2));
    fill_initial_normals(&mut noise, path.sigma(start), 0, 0)?;
    let field = probability_flow(MixturePredictor::new(mixture, path));
    let problem = field.problem(noise.clone(), (start, end));

    // `[11, 200, 2]`: the initial state and every tenth step, never all in memory.
    let file = std::env::temp_dir().join(format!("trajectory-{}.npy", std::process::id()));
    let mut rows = RowWriter::create(&file, noise.shape())?;
    rows.push(&noise)?;
    let mut spread = Record::new(|u: &Array2<f32>, _t: f64| u.std_axis(Axis(0), 0.0).to_vec());
    let options = SolveOptions::steps(100)
        .observer(Sink::every(10, |u: &Array2<f32>, _t: f64| rows.push(u)))
        .observer(&mut spread)
        .observer(Progress::new(4, |fraction| println!("{:>4.0} %", 100.0 * fraction)));
    let end = solve(&problem, &Heun::new(), options)?.complete()?;
    rows.finish()?;

    let trajectory: Array3<f32> = npy::read(&file)?.into_dimensionality()?;
    std::fs::remove_file(&file)?;
    println!("streamed an array of shape {:?}", trajectory.dim());
    assert_eq!(trajectory.dim(), (11, 200, 2));
    assert_eq!(trajectory.index_axis(Axis(0), 10), end);

    let (first, last) = (&spread.values[0], &spread.values[99]);
    println!("standard deviations at t = {:.3}: {:.3?}", first.0, first.1);
    println!("standard deviations at t = {:.3}: {:.3?}", last.0, last.1);
    assert_eq!(spread.values.len(), 100);

    // An observer may also change the state, or stop the solve.
    let options = SolveOptions::steps(100).observer(|step: &mut AcceptedStep<'_, Array2<f32>>| {
        if step.t < 0.5 { Flow::Stop("far enough".to_owned()) } else { Flow::Continue }
    });
    let partial = solve(&problem, &Heun::new(), options)?;
    println!("{}", partial.outcome);
    assert!(matches!(partial.outcome, Outcome::Stopped { .. }) && partial.t_last < 0.5);
    Ok(())
}
