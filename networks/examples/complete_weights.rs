//! Writes a weights file anew as training would now, its tensors as they were, to the bit: with the
//! name of its architecture and, if the data of its training are given, with how far they spread
//! (the root of the mean variance of a component, in the units of the process).
//!
//! ```sh
//! cargo run --release -p driftfield-networks --example complete_weights -- FILE.safetensors [DATA]
//! ```

use std::error::Error;

use driftfield_networks::weights::{self, TrainedNetwork};
use driftfield_networks::{Architecture, ClassifierConfig, MlpConfig, UNetConfig};
use driftfield_problems::data::{self, Mnist};
use driftfield_problems::standardisation::Standardisation;
use ndarray::Array2;

/// Points that `train` draws from a data set that is not finite.
const TRAINING_POINTS: usize = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("give a weights file")?;
    let data = arguments.next();
    match weights::architecture_of(&file)?.name {
        MlpConfig::NAME => complete::<MlpConfig>(&file, data.as_deref()),
        UNetConfig::NAME => complete::<UNetConfig>(&file, data.as_deref()),
        ClassifierConfig::NAME => complete::<ClassifierConfig>(&file, data.as_deref()),
        other => Err(format!("this example knows no `{other}`").into()),
    }
}

fn complete<A: Architecture>(file: &str, data: Option<&str>) -> Result<(), Box<dyn Error>> {
    let mut network = TrainedNetwork::<A>::load(file)?;
    if let Some(name) = data {
        let mut data = training_data(&network, name)?;
        network.standardisation.apply(&mut data)?;
        network.data_std = Some(Standardisation::spread(&data));
    }
    network.save(file)?;
    println!("{file}: {}, data_std = {:?}", A::NAME, network.data_std);
    Ok(())
}

fn training_data<A: Architecture>(
    network: &TrainedNetwork<A>,
    name: &str,
) -> Result<Array2<f64>, Box<dyn Error>> {
    let Some(directory) = name.strip_prefix("mnist:") else {
        let seed = network.training["seed"].as_u64().unwrap_or(0);
        return Ok(data::by_name(name)?.sample(TRAINING_POINTS, seed));
    };
    let digits = Mnist::read(directory)?;
    // A classifier is trained on the first half of the digits.
    let classifies = network.parameters.config().classes() > 0;
    Ok(if classifies { digits.first_half().pixels } else { digits.train.pixels })
}
