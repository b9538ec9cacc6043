use candle_core::{DType, Tensor};

use crate::modules::testing::{built, distance, inferred, recorded, tensor, tensors};
use crate::modules::{Conditions, ModuleEntry, TensorNetwork, recognise};
use crate::tensors::NamedTensors;

fn weights() -> NamedTensors {
    tensors("diffusers/condition/diffusion_pytorch_model.safetensors")
}

fn outputs() -> ([Tensor; 3], Conditions) {
    let io = recorded("diffusers/condition/io.json");
    let read = |name: &str| tensor(&io[name], DType::F32);
    let text = "encoder_hidden_states";
    let tensors = [(text.to_owned(), read(text))].into();
    ([read("x"), read("t"), read("y")], Conditions { labels: None, tensors })
}

fn network() -> Box<dyn TensorNetwork> {
    let module = ModuleEntry::named("unet2d-condition").unwrap();
    built(module, &weights(), &recorded("diffusers/condition/config.json"), DType::F32).unwrap()
}

#[test]
fn diffusers_gives_the_same_up_to_the_gelu() {
    let ([x, t, y], conditions) = outputs();
    let error = distance(&network().forward(&x, &t, &conditions).unwrap(), &y);
    assert!(error < 2e-4, "{error}");
}

#[test]
fn shapes_and_keys_make_the_same_network() {
    let names: Vec<_> = recognise(&weights()).map(|module| module.name).collect();
    assert_eq!(names, ["unet2d-condition"]);
    let keys = ":attention_head_dim=2";
    let found = inferred("unet2d-condition", keys, &weights(), DType::F32).unwrap();
    let ([x, t, _], conditions) = outputs();
    let outputs = [found, network()].map(|network| network.forward(&x, &t, &conditions).unwrap());
    assert_eq!(distance(&outputs[0], &outputs[1]), 0.0);
}
