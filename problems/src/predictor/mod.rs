//! Predictors: a network or an exact function, and what it predicts.

mod from_data;
mod model_time;
mod network;
mod network_predictor;
mod prediction;
#[expect(clippy::module_inception, reason = "the trait that the module is about")]
mod predictor;
mod restriction;
mod shifted;
mod threshold;
mod thresholded;

pub use driftfield_solvers::Target;
pub use driftfield_solvers::field::{Pullback, Pushforward, Targets, Times};

pub use self::predictor::Predictor;
pub(crate) use from_data::weights_from_data;
pub use model_time::ModelTime;
pub use network::Network;
pub use network_predictor::NetworkPredictor;
pub use prediction::Prediction;
pub use shifted::Shifted;
pub use threshold::Threshold;
pub use thresholded::Thresholded;
