/// How the diffusion of an equation maps Brownian motions to components.
pub trait NoiseStructure: 'static {
    /// Whether the Brownian motions act on all components of a lane, each through
    /// a column of its own, instead of one on each component.
    const SHARED: bool;
}

/// One Brownian motion per component: `du_i = f_i dt + g_i dW_i`.
///
/// Euler-Maruyama and the Euler-Heun and Heun methods converge whatever `g_i`
/// depends on. Methods of strong order 1 and above, and of weak order 2, take
/// `g_i` as a function of `u_i` and `t` alone (or of `t` alone); otherwise the
/// equation is one with general noise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Diagonal;

/// One Brownian motion for all components of a lane: `du = f dt + g dW`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OneMotion;

/// `m` Brownian motions for all components of a lane:
/// `du = f dt + sum_k g_k dW_k`, the `g_k` being the columns of a matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct General;

impl NoiseStructure for Diagonal {
    const SHARED: bool = false;
}

impl NoiseStructure for OneMotion {
    const SHARED: bool = true;
}

impl NoiseStructure for General {
    const SHARED: bool = true;
}

/// Noise without iterated integrals of two different Brownian motions: what
/// Milstein's method and the strong order 3/2 for multiplicative noise need.
#[diagnostic::on_unimplemented(
    message = "the method needs diagonal or scalar noise, and the equation has `{Self}` noise",
    note = "methods for general noise: EulerMaruyama, WeakRungeKutta (Ito), EulerHeun, StochasticHeun (Stratonovich)"
)]
pub trait OneColumn: NoiseStructure {}

impl OneColumn for Diagonal {}
impl OneColumn for OneMotion {}
