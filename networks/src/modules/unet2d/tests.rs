use candle_core::{DType, Tensor};
use serde_json::{Value, json};

use super::UNet2dConfig;
use crate::modules::testing::{assert_differentiable, built, distance, recorded, tensor, tensors};
use crate::modules::{Conditions, ModuleEntry, ModuleError, recognise};
use crate::tensors::{NamedTensors, Renaming, Rule, TensorsError};

const BOTH: [&str; 2] = ["plain", "labelled"];

fn weights(name: &str) -> NamedTensors {
    tensors(&format!("diffusers/{name}/diffusion_pytorch_model.safetensors"))
}

fn config(name: &str) -> Value {
    recorded(&format!("diffusers/{name}/config.json"))
}

/// What diffusers was given and gave.
fn outputs(name: &str, dtype: DType) -> ([Tensor; 3], Conditions) {
    let io = recorded(&format!("diffusers/{name}/io.json"));
    let labels = io.get("labels").map(|labels| tensor(labels, DType::U32));
    let read = |name: &str| tensor(&io[name], dtype);
    ([read("x"), read("t"), read("y")], Conditions { labels, ..Conditions::default() })
}

#[test]
fn diffusers_gives_the_same() {
    let module = ModuleEntry::named("unet2d").unwrap();
    for (name, dtype) in [("plain", DType::F32), ("labelled", DType::F32), ("labelled", DType::F64)]
    {
        let network = built(module, &weights(name), &config(name), dtype).unwrap();
        let ([x, t, y], conditions) = outputs(name, dtype);
        let error = distance(&network.forward(&x, &t, &conditions).unwrap(), &y);
        assert!(error < 1e-5, "{name}: {error}");
    }
}

#[test]
fn the_shapes_and_the_keys_say_what_the_document_does() {
    let keys = "attention_head_dim=16,norm_num_groups=4,norm_eps=1e-6,flip_sin_to_cos=false,\
                freq_shift=1,downsample_padding=0,mid_block_scale_factor=1.4,\
                center_input_sample=true";
    for (name, keys) in BOTH.into_iter().zip(["norm_num_groups=8", keys]) {
        let weights = weights(name);
        let module = recognise(&weights).next().unwrap();
        assert_eq!(module.name, "unet2d");
        let spec = format!("unet2d:{keys}").parse().unwrap();
        let found = module.configuration(&weights, &spec).unwrap();
        let told: UNet2dConfig = serde_json::from_value(config(name)).unwrap();
        let found: UNet2dConfig = serde_json::from_value(found).unwrap();
        let expected = UNet2dConfig {
            time_embedding_dim: Some(told.time_width()),
            attention_head_dim: found.attention_head_dim,
            ..told
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn attention_may_have_its_old_names() {
    let names = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")];
    let rule = |(new, old)| Rule::rename(format!("**.{new}.*"), format!("**.{old}.*"));
    let old = weights("plain").rename(&Renaming::from(names.map(rule).to_vec())).unwrap();
    assert!(old.contains("mid_block.attentions.0.query.weight"));
    let module = recognise(&old).next().unwrap();
    let network = built(module, &old, &config("plain"), DType::F32).unwrap();
    let ([x, t, y], conditions) = outputs("plain", DType::F32);
    assert!(distance(&network.forward(&x, &t, &conditions).unwrap(), &y) < 1e-5);
}

#[test]
fn gradients_are_those_of_differences() {
    let module = ModuleEntry::named("unet2d").unwrap();
    let network = built(module, &weights("labelled"), &config("labelled"), DType::F64).unwrap();
    let ([x, t, _], conditions) = outputs("labelled", DType::F64);
    assert_differentiable(network.as_ref(), &x, &t, &conditions);
}

#[test]
fn labels_are_asked_for() {
    let module = ModuleEntry::named("unet2d").unwrap();
    let network = built(module, &weights("labelled"), &config("labelled"), DType::F32).unwrap();
    let ([x, t, _], _) = outputs("labelled", DType::F32);
    let error = network.forward(&x, &t, &Conditions::default()).unwrap_err().to_string();
    assert!(error.contains("`labels`"), "{error}");
}

#[test]
fn what_is_not_supported_is_refused_by_its_name() {
    let module = ModuleEntry::named("unet2d").unwrap();
    let refused = |key: &str, value: Value| {
        let mut config = config("plain");
        config[key] = value;
        built(module, &weights("plain"), &config, DType::F32).err().unwrap()
    };
    for (key, value) in [
        ("down_block_types", json!(["SkipDownBlock2D", "AttnDownBlock2D"])),
        ("up_block_types", json!(["UpBlock2D"])),
        ("time_embedding_type", json!("fourier")),
        ("act_fn", json!("mish")),
        ("class_embed_type", json!("identity")),
        ("norm_num_groups", json!(5)),
        ("attention_head_dim", json!(0)),
        ("downsample_padding", json!(2)),
        ("freq_shift", json!(8)),
        ("norm_eps", json!(-1.0)),
        ("layers_per_block", json!(1_000_000_000_000_u64)),
        ("block_out_channels", json!([])),
    ] {
        let error = refused(key, value);
        assert!(matches!(error, ModuleError::Config { .. }), "{key}: {error}");
    }
    let deeper = refused("layers_per_block", json!(2));
    let expected = "down_blocks.0.resnets.1";
    match deeper {
        ModuleError::Tensors(TensorsError::Missing { name, .. }) => {
            assert!(name.starts_with(expected), "{name}")
        }
        other => panic!("{other}"),
    }
}
