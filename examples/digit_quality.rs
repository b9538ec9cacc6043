//! What digits score in the features of the shipped classifier: real ones, as if they had been
//! generated, which is the floor that others are read against, and generated ones from a file.
//!
//! `cargo run --release --example digit_quality [DIR [SAMPLES.npy]]` with a directory of the MNIST
//! files and samples whose labels go from 0 to 9 in turn, as those of
//! `driftfield sample --label 0,1,2,3,4,5,6,7,8,9`.

use driftfield::generate::shipped_classifier;
use driftfield::metrics::ImageReference;
use driftfield::problems::data::Mnist;
use driftfield::problems::npy;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let few = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mnist");
    let mut arguments = std::env::args().skip(1);
    let digits = Mnist::read(arguments.next().unwrap_or(few.to_owned()))?;
    let reference = digits.second_half().pixels.mapv(|pixel| pixel as f32);
    let reference = ImageReference::new(shipped_classifier()?, reference.view())?;
    let real = digits.test.pixels.mapv(|pixel| pixel as f32);
    for n in [64, 250, 500, 1000].into_iter().filter(|&n| n <= real.nrows()) {
        let floor = reference.floor(real.view(), &digits.test.labels, n)?;
        println!("real: {}", serde_json::to_string(&floor)?);
        assert!(floor.accuracy.is_some_and(|accuracy| accuracy > 0.95));
    }
    if let Some(file) = arguments.next() {
        let (samples, _) = npy::read_rows::<f32>(file)?;
        let labels: Vec<u32> = (0..10).cycle().take(samples.nrows()).collect();
        let quality = reference.quality(samples.view(), Some(&labels))?;
        println!("samples: {}", serde_json::to_string(&quality)?);
    }
    Ok(())
}
