/// The forward diffusion over one step: `p(x_t | x_u) = N(scale * x_u, variance * I)` for
/// `u <= t`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransitionKernel {
    /// `alpha_t / alpha_u`.
    pub scale: f64,
    /// `sigma_t^2 - scale^2 sigma_u^2`.
    pub variance: f64,
}

impl TransitionKernel {
    /// Nothing happens: `x_t = x_u`.
    pub const STAY: TransitionKernel = TransitionKernel { scale: 1.0, variance: 0.0 };
}
