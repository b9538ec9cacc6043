//! What real handwritten digits score as if they had been generated: the floor that the quality
//! of generated ones is read against.
//!
//! `cargo run --release --example digit_quality [DIR]` with a directory of the MNIST files.

use driftfield::generate::shipped_classifier;
use driftfield::metrics::ImageReference;
use driftfield::problems::data::Mnist;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let few = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mnist");
    let digits = Mnist::read(std::env::args().nth(1).unwrap_or(few.to_owned()))?;
    let reference = digits.second_half().pixels.mapv(|pixel| pixel as f32);
    let reference = ImageReference::new(shipped_classifier()?, reference.view())?;
    let real = digits.test.pixels.mapv(|pixel| pixel as f32);
    for n in [64, 250, 500, 1000].into_iter().filter(|&n| n <= real.nrows()) {
        let floor = reference.floor(real.view(), &digits.test.labels, n)?;
        println!("{}", serde_json::to_string(&floor)?);
        assert!(floor.accuracy.is_some_and(|accuracy| accuracy > 0.95));
    }
    Ok(())
}
