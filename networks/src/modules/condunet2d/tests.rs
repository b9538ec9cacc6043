use candle_core::{DType, Tensor};

use super::CondUNet2dConfig;
use crate::modules::testing::{
    assert_differentiable, built, changed, distance, inferred, recorded, tensor, tensors,
};
use crate::modules::{Conditions, ModuleEntry, ModuleError, recognise};
use crate::tensors::{NamedTensors, TensorsError};

/// The original's checkpoint.
fn checkpoint() -> NamedTensors {
    tensors("condunet2d/model.msgpack")
}

/// What the original was given and gave, with channels first.
fn outputs(dtype: DType) -> [Tensor; 3] {
    let io = recorded("condunet2d/io.json");
    let image = |name: &str| tensor(&io[name], dtype).permute((0, 3, 1, 2)).unwrap();
    [image("x"), tensor(&io["t"], dtype), image("y")]
}

#[test]
fn the_original_gives_the_same() {
    for dtype in [DType::F32, DType::F64] {
        let network = inferred("condunet2d", ":num_heads=2", &checkpoint(), dtype).unwrap();
        let [x, t, y] = outputs(dtype);
        let found = network.forward(&x, &t, &Conditions::default()).unwrap();
        let error = distance(&found, &y);
        assert!(error < 1e-5, "{error}");
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
    let module = recognise(&checkpoint()).next().unwrap();
    assert_eq!((module.name, recognise(&checkpoint()).count()), ("condunet2d", 1));
    let inferred = module.configuration(&checkpoint(), &"condunet2d".parse().unwrap()).unwrap();
    let inferred: CondUNet2dConfig = serde_json::from_value(inferred).unwrap();
    assert_eq!(inferred.num_heads, 8);
    let told: CondUNet2dConfig = serde_json::from_value(io["config"].clone()).unwrap();
    assert_eq!(CondUNet2dConfig { num_heads: 2, ..inferred }, told);
}

#[test]
fn gradients_are_those_of_differences() {
    let network = inferred("condunet2d", ":num_heads=2", &checkpoint(), DType::F64).unwrap();
    let [x, t, _] = outputs(DType::F64);
    assert_differentiable(network.as_ref(), &x, &t, &Conditions::default());
}

#[test]
fn what_does_not_fit_is_named() {
    let refused =
        |tensors: &NamedTensors| match inferred("condunet2d", ":num_heads=2", tensors, DType::F32)
            .err()
            .unwrap()
        {
            ModuleError::Tensors(error) => error,
            other => panic!("{other}"),
        };
    let file = "blocks_up.1.layers.0.conv2.kernel";
    let taken = "blocks_up.1.layers.0.conv2.weight";
    match refused(&changed(&checkpoint(), file, |_| None)) {
        TensorsError::Missing { name, .. } => assert_eq!(name, taken),
        other => panic!("{other}"),
    }
    let turned = |tensor: &Tensor| tensor.permute((3, 2, 0, 1)).ok();
    match refused(&changed(&checkpoint(), file, turned)) {
        TensorsError::Shape { name, expected, found } => {
            assert_eq!((name.as_str(), expected.as_str()), (taken, "[64, 64, 3, 3]"));
            assert_eq!(found, [3, 3, 64, 64]);
        }
        other => panic!("{other}"),
    }
    let mut more = checkpoint();
    let bias = more.get("out.layers.2.bias").unwrap().clone();
    more.insert("labels.bias", bias.clone()).unwrap();
    match refused(&more) {
        TensorsError::Leftover { names } => assert_eq!(names, ["labels.bias"]),
        other => panic!("{other}"),
    }
    let infinite = |tensor: &Tensor| (tensor / 0.0).ok();
    match refused(&changed(&checkpoint(), "out.layers.2.bias", infinite)) {
        TensorsError::NonFinite { name } => assert_eq!(name, "out.layers.2.bias"),
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

#[test]
fn halves_hold_late_times_as_well() {
    let of = |dtype| inferred("condunet2d", ":num_heads=2", &checkpoint(), dtype).unwrap();
    let [x, _, _] = outputs(DType::F32);
    let t = Tensor::new(&[4001f32], x.device()).unwrap();
    let none = Conditions::default();
    let whole = of(DType::F32).forward(&x, &t, &none).unwrap();
    let half = of(DType::F16).forward(&x.to_dtype(DType::F16).unwrap(), &t, &none).unwrap();
    // Rounded to half precision the time is 4000, and the output another.
    let late = Tensor::new(&[4000f32], x.device()).unwrap();
    let moved = of(DType::F32).forward(&x, &late, &none).unwrap();
    let half = half.to_dtype(DType::F32).unwrap();
    assert!(distance(&half, &whole) < 0.2 * distance(&moved, &whole));
}
