/// The exact conditional of an earlier state given a later one and the data:
/// `p(x_u | x_t, x_0) = N(state * x_t + data * x_0, variance * I)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    /// Coefficient of `x_t`.
    pub state: f64,
    /// Coefficient of `x_0`.
    pub data: f64,
    /// Variance of each component.
    pub variance: f64,
}

impl Posterior {
    /// Nothing happens: `x_u = x_t`.
    pub const STAY: Posterior = Posterior { state: 1.0, data: 0.0, variance: 0.0 };
}
