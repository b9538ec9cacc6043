use super::RhoRungeKutta;
use crate::method::exponential::stochastic::Churned;
use crate::method::runge_kutta::HeunTableau;

/// The second-order sampler of Karras et al., *Elucidating the Design Space of
/// Diffusion-Based Generative Models*, 2022, algorithm 2: Heun's method in
/// `rho = sigma / alpha` after the noise of a [`Churn`]. On the `edm` path this is the published
/// algorithm, on any other the same in the variables in which it is written.
///
/// With `gamma` as [`Churn`] has it, `z` standard normal, and in the [notation] of
/// this module:
///
/// - `rho' = (1 + gamma) rho`,
/// - `y' = x / alpha + S_noise sqrt(rho'^2 - rho^2) z`,
/// - `d = E(alpha' y')` at `rho'`,
/// - `d_next = E(alpha_next (y' + (rho_next - rho') d))` at `rho_next`,
/// - `x_next = alpha_next (y' + (rho_next - rho') (d + d_next) / 2)`.
///
/// The paper's `x`, `t` and `(x - D(x)) / t` are `y`, `rho` and `E`.
///
/// Without churn it is deterministic, and the rhoRK-DEIS of the same tableau
/// ([`RhoRungeKutta`]); both names are in use. The step to where there is no noise left is
/// Euler's, as published.
///
/// ```
/// use driftfield_solvers::method::exponential::{Churn, Churned, EdmHeun, RhoRungeKutta};
/// let method: EdmHeun = Churned::new(RhoRungeKutta::edm_heun(), Churn::of(40.0));
/// # let _ = method;
/// ```
///
/// [notation]: crate::method::exponential#notation
/// [`Churn`]: crate::method::exponential::Churn
pub type EdmHeun = Churned<RhoRungeKutta<HeunTableau>>;

impl RhoRungeKutta<HeunTableau> {
    /// The method of [`EdmHeun`], to be given its churn: the same as by [`RhoRungeKutta::new`],
    /// under this name.
    pub const fn edm_heun() -> Self {
        RhoRungeKutta::named("edm-heun")
    }
}
