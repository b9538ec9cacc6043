use std::collections::HashMap;

use candle_core::{DType, Tensor};

use super::CondUNet2dConfig;
use crate::modules::testing::{assert_differentiable, built, distance, inferred, recorded, tensor};
use crate::modules::{Conditions, ModuleConfig, ModuleEntry, ModuleError, Shapes, recognise};

/// The original's checkpoint in torch's layout.
fn checkpoint() -> HashMap<String, Tensor> {
    candle_core::safetensors::load(
        crate::modules::testing::data("condunet2d/model.safetensors"),
        &candle_core::Device::Cpu,
    )
    .unwrap()
}

/// What the original was given and gave, with channels first.
fn outputs(dtype: DType) -> [Tensor; 3] {
    let io = recorded("condunet2d/io.json");
    let image = |name: &str| tensor(&io[name], dtype).permute((0, 3, 1, 2)).unwrap();
    [image("x"), tensor(&io["t"], dtype), image("y")]
}

#[test]
fn the_original_gives_the_same() {
    for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F64, 1e-5)] {
        let network = inferred("condunet2d", ":num_heads=2", &checkpoint(), dtype).unwrap();
        let [x, t, y] = outputs(dtype);
        let found = network.forward(&x, &t, &Conditions::default()).unwrap();
        let error = distance(&found, &y);
        println!("{dtype:?} {error:e}");
        assert!(error < tolerance, "{error}");
    }
}

#[test]
fn one_time_is_for_all_lanes() {
    let network = inferred("condunet2d", ":num_heads=2", &checkpoint(), DType::F32).unwrap();
    let [x, t, _] = outputs(DType::F32);
    let (one, both) = (t.narrow(0, 1, 1).unwrap(), Conditions::default());
    let first = network.forward(&x, &one, &both).unwrap().narrow(0, 1, 1).unwrap();
    let alone = network.forward(&x.narrow(0, 1, 1).unwrap(), &one, &both).unwrap();
    assert!(distance(&first, &alone) < 1e-5);
}

#[test]
fn the_shapes_say_all_but_the_heads() {
    let io = recorded("condunet2d/io.json");
    let shapes = Shapes::of(&checkpoint());
    let inferred = CondUNet2dConfig::infer(&shapes).unwrap();
    assert_eq!(inferred.num_heads, 8);
    let told: CondUNet2dConfig = serde_json::from_value(io["config"].clone()).unwrap();
    assert_eq!(CondUNet2dConfig { num_heads: 2, ..inferred }, told);
    assert_eq!(recognise(&shapes).map(|module| module.name).collect::<Vec<_>>(), ["condunet2d"]);
}

#[test]
fn gradients_are_those_of_differences() {
    let network = inferred("condunet2d", ":num_heads=2", &checkpoint(), DType::F64).unwrap();
    let [x, t, _] = outputs(DType::F64);
    assert_differentiable(network.as_ref(), &x, &t, &Conditions::default());
}

#[test]
fn what_does_not_fit_is_named() {
    let refused = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut tensors = checkpoint();
        change(&mut tensors);
        inferred("condunet2d", ":num_heads=2", &tensors, DType::F32).err().unwrap()
    };
    let name = "blocks_up.1.layers.0.conv2.weight";
    match refused(&|tensors| drop(tensors.remove(name))) {
        ModuleError::Missing { name: missing, .. } => assert_eq!(missing, name),
        other => panic!("{other}"),
    }
    let flipped = |tensors: &mut HashMap<String, Tensor>| {
        let turned = tensors[name].permute((2, 3, 1, 0)).unwrap();
        tensors.insert(name.to_owned(), turned);
    };
    match refused(&flipped) {
        ModuleError::Shape { name: wrong, expected, found, .. } => {
            assert_eq!(
                (wrong.as_str(), expected, found),
                (name, vec![64, 64, 3, 3], vec![3, 3, 64, 64])
            );
        }
        other => panic!("{other}"),
    }
    let added = |tensors: &mut HashMap<String, Tensor>| {
        tensors.insert("labels.weight".into(), tensors[name].clone());
    };
    match refused(&added) {
        ModuleError::Unused { first, count: 1, .. } => assert_eq!(first, "labels.weight"),
        other => panic!("{other}"),
    }
}

#[test]
fn configurations_that_make_no_network_are_refused() {
    let module = ModuleEntry::named("condunet2d").unwrap();
    for (config, word) in [
        (r#"{"num_heads": 3}"#, "num_heads"),
        (r#"{"ch": 20}"#, "multiple of the groups"),
        (r#"{"ch_mult": []}"#, "levels"),
        (r#"{"ch_mult": [1e300]}"#, "channels"),
        (r#"{"num_res_blocks": 100000}"#, "num_res_blocks"),
        (r#"{"in_channels": "one"}"#, "invalid type"),
    ] {
        let config = serde_json::from_str(config).unwrap();
        let error = built(module, &checkpoint(), &config, DType::F32).err().unwrap().to_string();
        assert!(error.contains(word) && error.contains("condunet2d"), "{error}");
    }
    let error = inferred("condunet2d", ":heads=2", &checkpoint(), DType::F32).err().unwrap();
    assert!(error.to_string().contains("num_heads"), "{error}");
}
