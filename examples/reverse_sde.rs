//! The reverse diffusion at several noise levels: 0 is the probability flow, 1
//! Anderson's reversal, and all share their marginals. Ancestral sampling and a
//! chunk of the batch solved apart stand beside them.
//!
//! `cargo run --release --example reverse_sde`

use driftfield::metrics::sliced_wasserstein;
use driftfield::prelude::*;
use ndarray::{Array2, s};

const LANES: usize = 2000;
const SEED: u64 = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mixture: GaussianMixture =
        r#"{"weights": [0.6, 0.4], "means": [[-1, 0], [1, 0.5]], "stds": [0.2, 0.3]}"#.parse()?;
    let path = process::parse("vp")?;
    let (start, end) = path.default_span();
    let mut noise = Array2::<f64>::zeros((LANES, 2));
    fill_initial_normals(&mut noise, path.sigma(start), SEED, 0)?;
    let predictor = MixturePredictor::new(mixture.clone(), path.clone());

    let data = mixture.draw(LANES, 100);
    let distance = |sample: &Array2<f64>| sliced_wasserstein(&sample.view(), &data.view());
    let floor = distance(&mixture.draw(LANES, 101))?;
    println!("sampling floor (two draws of the data): {floor:.3}");

    // Times uniform in sqrt(t): smaller steps near the data.
    let times = Spacing::Quadratic.times(&path, start, end, 200)?;
    let options = || SolveOptions::times(times.clone()).seed(SEED);
    for level in [0.0, 0.5, 1.0, 1.5] {
        let field = reverse_sde(predictor.clone(), level);
        let solution = solve(
            &field.sde_problem(noise.clone(), (start, end)),
            &EulerMaruyama::new(),
            options(),
        )?;
        let statistics = solution.statistics;
        let found = distance(&solution.complete()?)?;
        println!("noise level {level}: sliced W {found:.3}, {statistics}");
        assert!(found < floor + 0.1, "every level has the data's distribution at its end");
    }

    let field = reverse_sde(predictor, 1.0);
    let ancestral = field.clone().sde_problem(noise.clone(), (start, end));
    let whole = solve(&ancestral, &Ancestral::new(), options())?.complete()?;
    println!("ancestral: sliced W {:.3}", distance(&whole)?);

    // Lanes 500 to 599 apart, as lanes 500 to 599 of the whole: the same bits.
    let chunk = noise.slice(s![500..600, ..]).to_owned();
    let chunk = field.sde_problem(chunk, (start, end));
    let chunk = solve(&chunk, &Ancestral::new(), options().first_lane(500))?.complete()?;
    assert_eq!(chunk, whole.slice(s![500..600, ..]));
    println!("100 lanes solved apart are bit for bit those of the batch of {LANES}");
    Ok(())
}
