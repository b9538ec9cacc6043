//! The residual MLP as a module of PyTorch's.

use driftfield_problems::echo::echo;

use super::MlpConfig;
use crate::Parameters;
use crate::tensors::{Layout, NamedTensors, Renaming, Rule, TensorsError};
use crate::weights::TorchLayout;

impl TorchLayout for MlpConfig {
    fn torch_layout(&self) -> Renaming {
        MlpConfig::torch_renaming()
    }
}

impl MlpConfig {
    /// From the state dict of a torch module with our names to our tensors, and back: a weight of
    /// `nn.Linear` is the transpose of ours.
    pub fn torch_renaming() -> Renaming {
        vec![Rule::layout("**.weight", Layout::Transpose)].into()
    }

    /// The architecture of tensors in our layout: dimension, width, layers and time features from
    /// their shapes; the frequencies of the time features and whether the input is added to the
    /// output, which no tensor tells, from `like`.
    pub fn of_tensors(tensors: &NamedTensors, like: &MlpConfig) -> Result<Self, TensorsError> {
        let [time_features, width] = matrix_of(tensors, "time.weight")?;
        let [dimension, _] = matrix_of(tensors, "state.weight")?;
        let layers = (0..tensors.len()).take_while(|l| tensors.contains(&weight_of(*l))).count();
        Ok(MlpConfig { dimension, width, layers, time_features, ..like.clone() })
    }
}

fn weight_of(layer: usize) -> String {
    format!("layers.{layer}.weight")
}

fn matrix_of(tensors: &NamedTensors, name: &str) -> Result<[usize; 2], TensorsError> {
    match tensors.get(name)?.dims() {
        &[inputs, outputs] => Ok([inputs, outputs]),
        found => Err(TensorsError::Shape {
            name: echo(name),
            expected: "[inputs, outputs]".to_owned(),
            found: found.to_vec(),
        }),
    }
}

impl Parameters<MlpConfig> {
    /// The residual MLP of [`MlpConfig`] that PyTorch trained, from its state dict:
    ///
    /// ```python
    /// self.time = nn.Linear(time_features, width)
    /// self.state = nn.Linear(dimension, width, bias=False)
    /// self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
    /// self.output = nn.Linear(width, dimension)
    /// ```
    ///
    /// Other names are renamed before ([`NamedTensors::rename`]). The sizes are those of the
    /// tensors; the frequencies and `residual` are those of `like`, [`MlpConfig::new`] where the
    /// network was made with ours.
    pub fn from_torch(tensors: &NamedTensors, like: &MlpConfig) -> Result<Self, TensorsError> {
        let ours = tensors.rename(&MlpConfig::torch_renaming())?;
        Parameters::from_tensors(&MlpConfig::of_tensors(&ours, like)?, &ours)
    }
}
