use super::RhoRungeKutta;
use crate::method::exponential::stochastic::{Churn, Churned};
use crate::method::runge_kutta::HeunTableau;

/// The second-order sampler of Karras et al., *Elucidating the Design Space of
/// Diffusion-Based Generative Models*, 2022, algorithm 2: Heun's method in
/// `rho = sigma / alpha` after the noise of `churn`. On the `edm` path this is the published
/// algorithm, on any other the same in the variables in which it is written.
///
/// Without churn it is deterministic, and the rhoRK-DEIS of the same tableau
/// ([`RhoRungeKutta`]); both names are in use. The step to where there is no noise left is
/// Euler's, as published.
pub type EdmHeun = Churned<RhoRungeKutta<HeunTableau>>;

/// [`EdmHeun`] with this churn.
pub const fn edm_heun(churn: Churn) -> EdmHeun {
    Churned::new(RhoRungeKutta::named("edm-heun"), churn)
}
