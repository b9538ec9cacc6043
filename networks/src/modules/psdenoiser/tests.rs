use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use super::PsDenoiserConfig;
use crate::modules::testing::{
    assert_differentiable, built, changed, distance, inferred, recorded, tensor, tensors,
};
use crate::modules::{Conditions, ModuleConfig, ModuleEntry, ModuleError, recognise};
use crate::tensors::{NamedTensors, TensorsError};

fn weights() -> NamedTensors {
    tensors("psdenoiser/model.safetensors")
}

/// What the original was given and gave.
fn outputs(dtype: DType) -> ([Tensor; 3], Conditions) {
    let io = recorded("psdenoiser/io.json");
    let read = |name: &str| tensor(&io[name], dtype);
    let tensors = ["image", "cdn"].map(|name| (name.to_owned(), read(name)));
    ([read("x"), read("t"), read("y")], Conditions { labels: None, tensors: tensors.into() })
}

#[test]
fn the_original_gives_the_same() {
    for dtype in [DType::F32, DType::F64] {
        let network = inferred("psdenoiser", "", &weights(), dtype).unwrap();
        let ([x, t, y], conditions) = outputs(dtype);
        let error = distance(&network.forward(&x, &t, &conditions).unwrap(), &y);
        assert!(error < 1e-5, "{error}");
    }
}

#[test]
fn the_shapes_say_all_but_the_groups() {
    let config = PsDenoiserConfig::infer(&weights()).unwrap();
    let dim_mults = vec![1, 2];
    let expected = PsDenoiserConfig { dim: 8, dim_mults, cdn_len: Some(3), ..Default::default() };
    assert_eq!(config, expected);
    assert_eq!(recognise(&weights()).map(|module| module.name).collect::<Vec<_>>(), ["psdenoiser"]);
}

#[test]
fn gradients_are_those_of_differences() {
    let network = inferred("psdenoiser", "", &weights(), DType::F64).unwrap();
    let ([x, t, _], conditions) = outputs(DType::F64);
    assert_differentiable(network.as_ref(), &x, &t, &conditions);
}

#[test]
fn one_condition_is_for_all_lanes_and_none_is_refused() {
    let network = inferred("psdenoiser", "", &weights(), DType::F32).unwrap();
    let ([x, t, _], both) = outputs(DType::F32);
    let one = |(name, rows): (&String, &Tensor)| (name.clone(), rows.narrow(0, 0, 1).unwrap());
    let one = Conditions { tensors: both.tensors.iter().map(one).collect(), ..both.clone() };
    let all = network.forward(&x, &t, &one).unwrap().narrow(0, 0, 1).unwrap();
    let own = network.forward(&x, &t, &both).unwrap().narrow(0, 0, 1).unwrap();
    assert!(distance(&all, &own) < 1e-5);
    let refused = |conditions| network.forward(&x, &t, &conditions).unwrap_err().to_string();
    let cdn = |rows: &[usize]| Tensor::zeros(rows, DType::F32, &Device::Cpu).unwrap();
    for (tensors, words) in [
        (BTreeMap::new(), "`cdn`, which is not"),
        (BTreeMap::from([("cdn".to_owned(), cdn(&[1, 3]))]), "`image`, which is not"),
        (BTreeMap::from([("cdn".to_owned(), cdn(&[3, 3]))]), "each of 2 lanes"),
    ] {
        let error = refused(Conditions { labels: None, tensors });
        assert!(error.contains(words), "{error}");
    }
    let odd = x.narrow(3, 0, 3).unwrap();
    let error = network.forward(&odd, &t, &both).unwrap_err().to_string();
    assert!(error.contains("multiples of 2, not 8 x 3"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let name = "downs.1.2.fn.fn.to_out.0.weight";
    let tensors = changed(&weights(), name, |_| None);
    match inferred("psdenoiser", "", &tensors, DType::F32).err().unwrap() {
        ModuleError::Tensors(TensorsError::Missing { name: missing, .. }) => {
            assert_eq!(missing, name)
        }
        other => panic!("{other}"),
    }
    let module = ModuleEntry::named("psdenoiser").unwrap();
    for (config, word) in [
        (r#"{"resnet_block_groups": 3}"#, "resnet_block_groups"),
        (r#"{"dim": 7}"#, "even"),
        (r#"{"dim_mults": [18446744073709551615]}"#, "channels"),
        (r#"{"cdn_len": 0}"#, "cdn_len"),
    ] {
        let config = serde_json::from_str(config).unwrap();
        let error = built(module, &tensors, &config, DType::F32).err().unwrap().to_string();
        assert!(error.contains(word), "{error}");
    }
}
