//! Writes into a weights file how far the data of its training spread: the root of the mean
//! variance of a component, in the units of the process. Training does so by itself; files made
//! before it did are completed by this. The tensors stay as they are, to the bit.
//!
//! ```sh
//! cargo run --release -p driftfield-networks --example record_data_std -- FILE.safetensors DATA
//! ```

use std::error::Error;

use driftfield_networks::weights::{AnyNetwork, TrainedNetwork};
use driftfield_networks::{Architecture, ClassifierConfig};
use driftfield_problems::data::{self, Mnist};
use driftfield_problems::standardisation::Standardisation;
use ndarray::Array2;

/// Points that `train` draws from a data set that is not finite.
const TRAINING_POINTS: usize = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, name] = arguments.as_slice() else {
        return Err("give a weights file and the data it was trained on".into());
    };
    let digits = name.strip_prefix("mnist:").map(Mnist::read).transpose()?;
    match TrainedNetwork::<ClassifierConfig>::load(file) {
        Ok(network) => {
            let digits = digits.ok_or("a classifier is trained on digits, mnist:DIR")?;
            record(network, digits.first_half().pixels, file)
        }
        Err(_) => match AnyNetwork::load(file)? {
            AnyNetwork::UNet(network) => {
                let digits = digits.ok_or("digits are needed, mnist:DIR")?;
                record(network, digits.train.pixels, file)
            }
            AnyNetwork::Mlp(network) => {
                let seed = network.training["seed"].as_u64().unwrap_or(0);
                record(network, data::by_name(name)?.sample(TRAINING_POINTS, seed), file)
            }
        },
    }
}

fn record<A: Architecture>(
    mut network: TrainedNetwork<A>,
    mut data: Array2<f64>,
    file: &str,
) -> Result<(), Box<dyn Error>> {
    network.standardisation.apply(&mut data)?;
    let std = Standardisation::spread(&data);
    network.data_std = Some(std);
    network.save(file)?;
    println!("{file}: data_std = {std}");
    Ok(())
}
