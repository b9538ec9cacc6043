//! A trained network with all that is needed to sample from it.

use std::path::Path;

use driftfield_problems::standardisation::Standardisation;
use serde_json::Value;

use super::WeightsError;
use super::archive::{Archive, Values};
use super::document::{Document, FORMAT, KIND};
use crate::{Architecture, MlpConfig, Parameters, Plan};

/// A trained network, what it predicts of which process, and in which units.
///
/// The process runs in standardised units: the state given to the network is
/// the standardised data mixed with unit noise, so sampling starts from
/// `sigma(1) N(0, I)` and [`Standardisation::undo`] ends it.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainedNetwork<A = MlpConfig> {
    /// Architecture and weights.
    pub parameters: Parameters<A>,
    /// The process as `sample --process` takes it: `vp:beta_min=0.1,beta_max=20`.
    pub process: String,
    /// What it predicts: `noise`, `data`, `velocity`, `v` or `score`.
    pub prediction: String,
    /// Units of the data.
    pub standardisation: Standardisation,
    /// Settings of the training run; `null` if unknown.
    pub training: Value,
    /// Name of the data set.
    pub data: String,
    /// Root of the mean variance of a component of the data, in the units of the process; `None`
    /// in files made before it was measured.
    pub data_std: Option<f64>,
}

/// Refuses a spread of the data that is none.
fn check_spread(std: Option<f64>) -> Result<(), WeightsError> {
    match std {
        // 1e100: its square is finite.
        Some(std) if !(0.0..=1e100).contains(&std) => {
            Err(WeightsError::Metadata(format!("data_std is {std:e}, which is no spread of data")))
        }
        _ => Ok(()),
    }
}

impl<A: Architecture> TrainedNetwork<A> {
    /// Reads a network from the bytes of its file (`include_bytes!`, say).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        Self::from_archive(&Archive::from_bytes(bytes)?)
    }

    /// Reads a network from its file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        Self::from_archive(&Archive::load(path.as_ref())?)
    }

    /// The bytes of its file: the same for the same network.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        self.to_archive()?.to_bytes()
    }

    /// Writes its file, whole or not at all.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), WeightsError> {
        self.to_archive()?.save(path.as_ref())
    }

    /// The network for host states on the CPU, without labels until it is given some.
    pub fn plan(&self) -> Plan {
        Plan::new(&self.parameters)
    }

    /// Components of a row of the data.
    pub fn dimension(&self) -> usize {
        self.parameters.config().dimension()
    }

    fn to_archive(&self) -> Result<Archive, WeightsError> {
        self.standardisation.validate(self.dimension())?;
        let mut archive = Archive::new(&Document {
            kind: KIND.into(),
            format: FORMAT,
            process: self.process.clone(),
            prediction: self.prediction.clone(),
            architecture: A::NAME.to_owned(),
            configuration: self.parameters.config().clone(),
            standardisation: self.standardisation.clone(),
            training: self.training.clone(),
            data: self.data.clone(),
            data_std: self.data_std,
        })?;
        for entry in self.parameters.entries() {
            let values = self.parameters.values()[entry.range].to_vec();
            archive.insert(&entry.name, &entry.shape, Values::F32(values));
        }
        Ok(archive)
    }

    pub(crate) fn from_archive(archive: &Archive) -> Result<Self, WeightsError> {
        let document = Document::<A>::of(archive)?;
        let config = document.configuration;
        config.validate().map_err(crate::ParametersError::from)?;
        document.standardisation.validate(config.dimension())?;
        check_spread(document.data_std)?;
        let mut values = Vec::new();
        for entry in config.entries() {
            values.extend_from_slice(&archive.f32s(&entry.name, &entry.shape)?);
        }
        Ok(TrainedNetwork {
            parameters: Parameters::from_values(&config, values)?,
            process: document.process,
            prediction: document.prediction,
            standardisation: document.standardisation,
            training: document.training,
            data: document.data,
            data_std: document.data_std,
        })
    }
}

#[cfg(test)]
mod tests {
    use half::f16;
    use proptest::prelude::*;
    use safetensors::tensor::TensorView;
    use safetensors::{Dtype, SafeTensors};

    use super::*;
    use crate::parameters::tests::random_parameters;

    fn example() -> TrainedNetwork {
        let config = MlpConfig { width: 8, layers: 2, time_features: 4, ..MlpConfig::new(2) };
        TrainedNetwork {
            parameters: random_parameters(&config, 1),
            process: "vp:beta_min=0.1,beta_max=20".into(),
            prediction: "noise".into(),
            standardisation: Standardisation { mean: vec![0.1, -2.0], std: vec![1.5, 1.5] },
            training: serde_json::json!({"steps": 10, "learning_rate": 0.1}),
            data: "cat".into(),
            data_std: Some(0.9),
        }
    }

    #[test]
    fn a_network_survives_its_file_and_its_bytes_are_reproducible() {
        let network = example();
        let bytes = network.to_bytes().unwrap();
        assert_eq!(bytes, network.to_bytes().unwrap());
        assert_eq!(network, TrainedNetwork::<MlpConfig>::from_bytes(&bytes).unwrap());
        // Embedded bytes are aligned to nothing.
        let mut shifted = vec![0];
        shifted.extend_from_slice(&bytes);
        assert_eq!(network, TrainedNetwork::<MlpConfig>::from_bytes(&shifted[1..]).unwrap());

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("network.safetensors");
        network.save(&path).unwrap();
        network.save(&path).unwrap();
        assert_eq!(network, TrainedNetwork::<MlpConfig>::load(&path).unwrap());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(matches!(
            TrainedNetwork::<MlpConfig>::load(directory.path().join("absent")),
            Err(WeightsError::Io { .. })
        ));
    }

    #[test]
    fn each_defect_has_its_own_error() {
        let network = example();
        let good = network.to_archive().unwrap();
        let load = |archive: &Archive| {
            TrainedNetwork::<MlpConfig>::from_bytes(&archive.to_bytes().unwrap()).unwrap_err()
        };
        let mut archive = good.clone();
        archive.insert("layers.1.bias", &[2, 4], Values::F32(vec![0.0; 8]));
        assert!(
            matches!(load(&archive), WeightsError::WrongShape { name, .. } if name == "layers.1.bias")
        );
        archive.insert("layers.1.bias", &[2, 4], Values::F64(vec![0.0; 8]));
        assert!(
            matches!(load(&archive), WeightsError::WrongShape { found, .. } if found == "f64 [2, 4]")
        );
        archive.insert("layers.1.bias", &[8], Values::F32(vec![f32::NAN; 8]));
        assert!(matches!(load(&archive), WeightsError::Parameters(_)));

        let document = |change: &dyn Fn(&mut Value)| {
            let mut value: Value = good.document().unwrap();
            change(&mut value);
            load(&Archive::new(&value).unwrap())
        };
        assert!(matches!(document(&|_| ()), WeightsError::MissingTensor { .. }));
        assert!(matches!(document(&|v| v["format"] = 9.into()), WeightsError::Kind { .. }));
        assert!(matches!(document(&|v| v["process"] = 9.into()), WeightsError::Metadata(_)));
        for std in [-1.0, 1e300] {
            assert!(matches!(document(&|v| v["data_std"] = std.into()), WeightsError::Metadata(_)));
        }
        assert!(matches!(
            document(&|v| v["configuration"]["width"] = 0.into()),
            WeightsError::Parameters(_)
        ));
        for other in ["unet", "transformer"] {
            assert!(matches!(
                document(&|v| v["architecture"] = other.into()),
                WeightsError::Kind { found, .. } if found.contains(other)
            ));
        }
        assert!(matches!(
            document(&|v| v["standardisation"]["std"][0] = 0.into()),
            WeightsError::Standardisation(_)
        ));

        let bare =
            safetensors::serialize(Vec::<(&str, safetensors::tensor::TensorView)>::new(), None);
        assert!(matches!(
            TrainedNetwork::<MlpConfig>::from_bytes(&bare.unwrap()),
            Err(WeightsError::MissingMetadata)
        ));
        let bytes = network.to_bytes().unwrap();
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(matches!(
            TrainedNetwork::<MlpConfig>::from_bytes(&flipped),
            Err(WeightsError::Checksum)
        ));
        assert!(matches!(
            TrainedNetwork::<MlpConfig>::from_bytes(&bytes[..bytes.len() - 1]),
            Err(WeightsError::Malformed(_))
        ));
    }

    /// The file of `network` with its tensors of another type, as a converter leaves it: metadata
    /// and checksum are those of before.
    fn converted(network: &TrainedNetwork, dtype: Dtype, to_bytes: fn(f32) -> Vec<u8>) -> Vec<u8> {
        let bytes = network.to_bytes().unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = file
            .iter()
            .map(|(name, view)| {
                let shape = view.shape().to_vec();
                if view.dtype() != Dtype::F32 {
                    return (name.to_owned(), view.dtype(), shape, view.data().to_vec());
                }
                let values = view.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four));
                (name.to_owned(), dtype, shape, values.flat_map(to_bytes).collect())
            })
            .collect();
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        safetensors::serialize(views, header.metadata().clone()).unwrap()
    }

    #[test]
    fn weights_converted_to_another_precision_load() {
        let network = example();
        let load = |bytes: Vec<u8>| TrainedNetwork::<MlpConfig>::from_bytes(&bytes);
        let wide = converted(&network, Dtype::F64, |x| f64::from(x).to_le_bytes().to_vec());
        assert_eq!(load(wide.clone()).unwrap(), network);
        // Truncated, which is within one unit of the last place of eight bits.
        let brain = converted(&network, Dtype::BF16, |x| x.to_le_bytes()[2..].to_vec());
        let brain = load(brain).unwrap();
        for (half, full) in brain.parameters.values().iter().zip(network.parameters.values()) {
            assert!((half - full).abs() <= full.abs() / 128.0, "{half} {full}");
        }
        let half = converted(&network, Dtype::F16, |x| {
            let bits = (0..0x7c00).min_by(|&a, &b| {
                let gap = |bits| (f16::from_bits(bits).to_f32() - x.abs()).abs();
                gap(a).total_cmp(&gap(b))
            });
            let sign = if x < 0.0 { 0x8000 } else { 0 };
            (bits.unwrap() | sign).to_le_bytes().to_vec()
        });
        let half = load(half).unwrap();
        for (half, full) in half.parameters.values().iter().zip(network.parameters.values()) {
            assert!((half - full).abs() <= full.abs() / 2048.0 + 3e-8, "{half} {full}");
        }
        // Other weights in f64 are no conversion of these.
        let mut changed = wide;
        let last = changed.len() - 1;
        changed[last - 2] ^= 0x10;
        assert!(matches!(load(changed), Err(WeightsError::Checksum)));
    }

    #[test]
    fn of_several_tensors_of_a_wrong_type_the_same_is_named_every_time() {
        let bytes = converted(&example(), Dtype::I32, |x| x.to_le_bytes().to_vec());
        for _ in 0..20 {
            let error = TrainedNetwork::<MlpConfig>::from_bytes(&bytes).unwrap_err();
            let WeightsError::Dtype { name, found } = &error else { panic!("{error}") };
            let names: Vec<String> =
                example().parameters.entries().into_iter().map(|entry| entry.name).collect();
            assert_eq!((Some(name), found.as_str()), (names.iter().min(), "i32"));
            assert!(error.to_string().contains("f16"), "{error}");
        }
    }

    #[test]
    fn a_file_made_before_the_spread_was_measured_loads() {
        let network = TrainedNetwork { data_std: None, ..example() };
        let bytes = network.to_bytes().unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("data_std"));
        assert_eq!(TrainedNetwork::<MlpConfig>::from_bytes(&bytes).unwrap(), network);
    }

    /// The document of format 1 had the configuration in place of the architecture's name.
    #[test]
    fn a_file_made_before_architectures_were_named_loads() {
        let network = example();
        let mut archive = network.to_archive().unwrap();
        let mut document: Value = archive.document().unwrap();
        document["architecture"] = document["configuration"].take();
        document.as_object_mut().unwrap().remove("configuration");
        document["format"] = 1.into();
        let mut old = Archive::new(&document).unwrap();
        for entry in network.parameters.entries() {
            let values = archive.f32s(&entry.name, &entry.shape).unwrap().into_owned();
            old.insert(&entry.name, &entry.shape, Values::F32(values));
        }
        archive = Archive::from_bytes(&old.to_bytes().unwrap()).unwrap();
        assert_eq!(TrainedNetwork::<MlpConfig>::from_archive(&archive).unwrap(), network);
        assert_eq!(crate::registry::read(&archive, &crate::catalog()).unwrap().architecture, "mlp");
        assert!(matches!(
            TrainedNetwork::<crate::UNetConfig>::from_archive(&archive),
            Err(WeightsError::Kind { .. })
        ));
    }

    proptest! {
        #[test]
        fn damage_is_an_error_never_a_panic_and_never_other_weights(
            cut in 0usize..6000,
            flips in prop::collection::vec((0usize..6000, 1u8..), 0..6),
        ) {
            let network = example();
            let mut bytes = network.to_bytes().unwrap();
            let len = bytes.len();
            bytes.truncate(cut.max(1).min(len));
            for (at, bits) in flips {
                let at = at % bytes.len();
                bytes[at] ^= bits;
            }
            if let Ok(loaded) = TrainedNetwork::<MlpConfig>::from_bytes(&bytes) {
                prop_assert_eq!(loaded, network);
            }
        }
    }
}
