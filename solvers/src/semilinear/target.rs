/// What is asked of a [semilinear field](super::SemilinearField): `data D + noise E`.
///
/// Noise, data, velocity, v, score and every drift of a Gaussian path are of this form, `D` being
/// `E[x_0 | x_t]` and `E` being `E[eps | x_t]`, so that a predictor that can give any such
/// combination directly never divides by an alpha or a sigma that vanishes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Coefficient of `D`.
    pub data: f64,
    /// Coefficient of `E`.
    pub noise: f64,
}

impl Target {
    /// `D`.
    pub const DATA: Target = Target { data: 1.0, noise: 0.0 };
    /// `E`.
    pub const NOISE: Target = Target { data: 0.0, noise: 1.0 };

    /// Whether both coefficients are finite.
    pub fn is_finite(&self) -> bool {
        self.data.is_finite() && self.noise.is_finite()
    }
}

/// Which of its two nonlinear parts a semilinear field is integrated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NonlinearPart {
    /// The noise `E`: the linear part moves like `alpha` (DPM-Solver, DEIS).
    Noise,
    /// The data `D`: the linear part moves like `sigma` (DPM-Solver++).
    Data,
}

impl From<NonlinearPart> for Target {
    fn from(part: NonlinearPart) -> Self {
        match part {
            NonlinearPart::Noise => Target::NOISE,
            NonlinearPart::Data => Target::DATA,
        }
    }
}
