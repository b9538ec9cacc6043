//! Not a benchmark: prints what an exact evaluation costs.
//! `cargo test --release -p driftfield-problems --test speed -- --ignored --nocapture`

use std::time::Instant;

use driftfield_problems::field::{EmpiricalPredictor, GaussianMixture, MixturePredictor};
use driftfield_problems::predictor::{Predictor, Target};
use driftfield_problems::process;
use ndarray::Array2;

#[test]
#[ignore = "prints timings"]
fn exact_evaluations() {
    let path = process::parse("vp").unwrap();
    let draw = |n: usize, d: usize| {
        Array2::from_shape_fn((n, d), |(i, j)| ((i * d + j) as f64 * 12.9898).sin())
    };
    let means: Vec<Vec<f64>> = draw(64, 2).rows().into_iter().map(|row| row.to_vec()).collect();
    let mixture = GaussianMixture::isotropic(vec![1.0 / 64.0; 64], means, vec![0.1; 64]).unwrap();
    type Exact = Box<dyn Predictor<Array2<f64>>>;
    let predictors: [(&str, usize, Exact); 3] = [
        ("64 components in 2-D", 2, Box::new(MixturePredictor::new(mixture, path.clone()))),
        (
            "3000 points in 2-D",
            2,
            Box::new(EmpiricalPredictor::new(draw(3000, 2), 0.0, path.clone()).unwrap()),
        ),
        (
            "3000 points in 784-D",
            784,
            Box::new(EmpiricalPredictor::new(draw(3000, 784), 0.0, path.clone()).unwrap()),
        ),
    ];
    for (name, d, predictor) in predictors {
        for rows in [1, if d == 2 { 3000 } else { 64 }] {
            let x = draw(rows, d);
            let mut out = x.clone();
            let mut best = f64::INFINITY;
            for _ in 0..20 {
                let start = Instant::now();
                predictor.predict(Target::NOISE, &mut out, &x, 0.3).unwrap();
                best = best.min(start.elapsed().as_secs_f64());
            }
            println!("{name}, {rows} row(s): {:.3} ms", best * 1e3);
        }
    }
}
