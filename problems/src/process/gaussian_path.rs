/// A process with `x_t = alpha(t) x_0 + sigma(t) eps`, `eps ~ N(0, I)`.
///
/// Time runs from data (t = 0) to noise (t = 1), except where a path says
/// otherwise (EDM: time is sigma itself).
pub trait GaussianPath: Send + Sync + std::fmt::Debug {
    /// `alpha(t)`.
    fn alpha(&self, t: f64) -> f64;
    /// `sigma(t)`.
    fn sigma(&self, t: f64) -> f64;
    /// `d alpha / dt`.
    fn alpha_derivative(&self, t: f64) -> f64;
    /// `d sigma / dt`.
    fn sigma_derivative(&self, t: f64) -> f64;
}
