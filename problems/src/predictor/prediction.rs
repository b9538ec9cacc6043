use std::str::FromStr;

use super::Target;
use crate::catalog::{Alias, Catalog, Entry};
use crate::process::GaussianPath;
use crate::spec::SpecError;

/// What a network is trained to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prediction {
    /// `E[eps | x_t]` (Ho et al. 2020).
    Noise,
    /// `E[x_0 | x_t]`.
    Data,
    /// `E[alpha' x_0 + sigma' eps | x_t]`, the probability flow's velocity
    /// (Lipman et al. 2022).
    Velocity,
    /// `E[alpha eps - sigma x_0 | x_t]` (Salimans & Ho 2022).
    V,
    /// `grad log p_t = -E[eps | x_t] / sigma` (Song et al. 2021).
    Score,
}

impl Prediction {
    /// Every prediction.
    pub const ALL: [Prediction; 5] = [
        Prediction::Noise,
        Prediction::Data,
        Prediction::Velocity,
        Prediction::V,
        Prediction::Score,
    ];

    /// Every prediction by name.
    pub fn catalog() -> Catalog<Prediction> {
        let entry = |prediction: Prediction| {
            Entry::new(prediction.name(), prediction.summary(), move |_| Ok(prediction))
        };
        let aliases = ALIASES.map(|(name, ours, whose)| Alias::new(name, ours, whose));
        Catalog::new("prediction", Prediction::ALL.map(entry)).aliases(aliases)
    }

    fn summary(self) -> &'static str {
        match self {
            Prediction::Noise => "the noise in the state (Ho et al. 2020)",
            Prediction::Data => "the data",
            Prediction::Velocity => "the path's derivative in time (Lipman et al. 2022)",
            Prediction::V => "alpha eps - sigma x_0 (Salimans & Ho 2022)",
            Prediction::Score => "the gradient of the log density (Song et al. 2021)",
        }
    }

    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Prediction::Noise => "noise",
            Prediction::Data => "data",
            Prediction::Velocity => "velocity",
            Prediction::V => "v",
            Prediction::Score => "score",
        }
    }

    /// The prediction in terms of `E[x_0]` and `E[eps]`. A coefficient is
    /// infinite where `sigma = 0` (score) or where `sigma'` is infinite
    /// (velocity).
    pub fn target<P: GaussianPath + ?Sized>(self, path: &P, t: f64) -> Target {
        match self {
            Prediction::Noise => Target::NOISE,
            Prediction::Data => Target::DATA,
            Prediction::Velocity => {
                Target { data: path.alpha_derivative(t), noise: path.sigma_derivative(t) }
            }
            Prediction::V => Target { data: -path.sigma(t), noise: path.alpha(t) },
            Prediction::Score => Target { data: 0.0, noise: -1.0 / path.sigma(t) },
        }
    }
}

/// What else they are called.
const ALIASES: [(&str, &str, &str); 9] = [
    ("epsilon", "noise", "diffusers"),
    ("eps", "noise", "k-diffusion"),
    ("sample", "data", "diffusers"),
    ("x0", "data", "DPM-Solver"),
    ("x_start", "data", "DPM-Solver"),
    ("denoised", "data", "k-diffusion"),
    ("v_prediction", "v", "diffusers"),
    ("flow", "velocity", "flow matching"),
    ("flow_prediction", "velocity", "diffusers"),
];

impl FromStr for Prediction {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Prediction::catalog().build(text)
    }
}
