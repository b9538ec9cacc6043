//! Predictors: a network or an exact function, and what it predicts.

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
mod weights;

pub use driftfield_solvers::Target;
pub use driftfield_solvers::field::{Inputs, Pullback, Pushforward, Targets, Times};

pub use self::predictor::Predictor;
pub use model_time::ModelTime;
pub use network::Network;
pub use network_predictor::NetworkPredictor;
pub use prediction::Prediction;
pub use shifted::Shifted;
pub use threshold::Threshold;
pub use thresholded::Thresholded;
pub(crate) use weights::{
    Asked, Rates, check_process, from_data, pull_through, push_through, weights_from_data,
};
