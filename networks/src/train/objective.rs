//! What a network is trained to predict, and how errors are weighted.

use std::str::FromStr;

use driftfield_problems::catalog::{Alias, Catalog, Entry};
use driftfield_problems::predictor::Prediction;
use driftfield_problems::process::GaussianPath;
use driftfield_problems::spec::SpecError;
use serde::{Deserialize, Serialize};

use super::TrainError;

/// What the network is trained to predict at `x_t = alpha x_0 + sigma eps`.
///
/// The loss is `E[w(t) |prediction - target|^2 / d]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// `eps`, `w = 1` (Ho et al., 2020): for variance-preserving processes.
    Noise,
    /// `alpha' x_0 + sigma' eps`, `w = 1` (Lipman et al., 2023; Liu et al.,
    /// 2023): for rectified flow, where it is `eps - x_0`.
    Velocity,
    /// `x_0`, with the network as a residual on its input, `x_t + net(x_t, t)`,
    /// and `w(t) = 1 / (t + 0.05)^2`: for bridges, whose drift is the error of
    /// the prediction divided by `t`. The offset bounds the weight where the
    /// state is almost the data.
    Data,
    /// The label of `x_0` itself, by the cross-entropy: for classifiers, which see no process.
    Label,
}

/// Offset in the weight of [`Objective::Data`].
const DATA_WEIGHT_OFFSET: f64 = 0.05;

/// The process at one time, as training sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixture {
    pub(crate) alpha: f64,
    pub(crate) sigma: f64,
    /// The target is `data * x_0 + noise * eps`.
    pub(crate) data: f64,
    pub(crate) noise: f64,
    pub(crate) weight: f64,
}

impl FromStr for Objective {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Objective::catalog().build(text)
    }
}

impl Objective {
    /// What a network that generates may be trained to predict, by name.
    pub fn catalog() -> Catalog<Objective> {
        let entry = |objective: Objective, summary| {
            Entry::new(objective.prediction(), summary, move |_| Ok(objective))
        };
        let entries = [
            entry(Objective::Noise, "the noise in the state (Ho et al., 2020)"),
            entry(Objective::Velocity, "the path's derivative in time (Lipman et al., 2023)"),
            entry(Objective::Data, "the data, as a correction of the state; for bridges"),
        ];
        let objectives = Catalog::new("prediction", entries);
        let names = Prediction::catalog();
        let of_ours = |alias: &&Alias| objectives.names().any(|name| name == alias.ours());
        let aliases: Vec<Alias> = names.other_names().iter().filter(of_ours).cloned().collect();
        objectives.aliases(aliases)
    }

    /// The name stored with the weights: `noise`, `velocity`, `data` or `label`.
    pub fn prediction(self) -> &'static str {
        match self {
            Objective::Noise => "noise",
            Objective::Velocity => "velocity",
            Objective::Data => "data",
            Objective::Label => "label",
        }
    }

    /// Whether the network's input is added to its output.
    pub fn residual(self) -> bool {
        matches!(self, Objective::Data)
    }

    /// `w(t)`.
    pub fn weight(self, t: f64) -> f64 {
        match self {
            Objective::Noise | Objective::Velocity | Objective::Label => 1.0,
            Objective::Data => (t + DATA_WEIGHT_OFFSET).powi(-2),
        }
    }

    /// State, target and weight at time `t`, refused where not finite.
    pub(crate) fn mixture(self, path: &dyn GaussianPath, t: f64) -> Result<Mixture, TrainError> {
        if self == Objective::Label {
            return Ok(Mixture { alpha: 1.0, sigma: 0.0, data: 1.0, noise: 0.0, weight: 1.0 });
        }
        let finite = |quantity: &'static str, value: f64| {
            if value.is_finite() { Ok(value) } else { Err(TrainError::Process { quantity, t }) }
        };
        let alpha = finite("alpha", path.alpha(t))?;
        let sigma = finite("sigma", path.sigma(t))?;
        let (data, noise) = match self {
            Objective::Noise => (0.0, 1.0),
            Objective::Data | Objective::Label => (1.0, 0.0),
            Objective::Velocity => (
                finite("derivative of alpha", path.alpha_derivative(t))?,
                finite("derivative of sigma", path.sigma_derivative(t))?,
            ),
        };
        Ok(Mixture { alpha, sigma, data, noise, weight: self.weight(t) })
    }
}

#[cfg(test)]
mod tests {
    use driftfield_problems::process::{BrownianBridge, RectifiedFlow};

    use super::*;

    #[test]
    fn targets_are_those_of_the_definitions() {
        let at = |objective: Objective| objective.mixture(&RectifiedFlow, 0.25).unwrap();
        let velocity = at(Objective::Velocity);
        assert_eq!((velocity.alpha, velocity.sigma), (0.75, 0.25));
        assert_eq!((velocity.data, velocity.noise), (-1.0, 1.0));
        assert_eq!((at(Objective::Noise).data, at(Objective::Noise).noise), (0.0, 1.0));
        let data = at(Objective::Data);
        assert_eq!((data.data, data.noise), (1.0, 0.0));
        assert!((data.weight - 1.0 / 0.09).abs() < 1e-12);
    }

    #[test]
    fn a_process_that_is_not_finite_is_named_with_its_time() {
        let bridge = BrownianBridge::default();
        assert!(Objective::Noise.mixture(&bridge, 0.0).is_ok());
        assert!(matches!(
            Objective::Velocity.mixture(&bridge, 0.0),
            Err(TrainError::Process { t: 0.0, .. })
        ));
    }
}
