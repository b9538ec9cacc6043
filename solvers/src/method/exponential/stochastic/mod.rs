//! Methods that draw noise: what they draw ([`AncestralNoise`], [`DiffusionNoise`], [`Churn`]) and
//! the steps that leave room for it.

mod ancestral_2s;
mod ancestral_noise;
mod churn;
mod diffusion_noise;
mod sde_2s;
mod sde_multistep;
mod step_noise;

pub use ancestral_2s::{Ancestral2S, Ancestral2SStepper};
pub use ancestral_noise::AncestralNoise;
pub use churn::{Churn, Churned, ChurnedStepper};
pub use diffusion_noise::DiffusionNoise;
pub use sde_2s::{Sde2S, Sde2SStepper};
pub use sde_multistep::{SdeMultistep, SdeMultistepStepper};
pub(super) use step_noise::Increment;
pub use step_noise::NoiseSettingError;
