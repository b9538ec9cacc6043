use std::fmt;
use std::sync::Arc;

use driftfield_solvers::FieldError;
use driftfield_solvers::number::Number;

/// How much of Anderson's noise a reverse diffusion carries: 0 is the
/// probability flow, 1 Anderson's reversal. Every level has the same marginals.
#[derive(Clone)]
pub enum NoiseLevel {
    /// The same at all times.
    Constant(f64),
    /// A function of time.
    Schedule(Arc<dyn Fn(f64) -> f64 + Send + Sync>),
}

impl NoiseLevel {
    /// A level that is a function of time.
    pub fn schedule(level: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Self {
        NoiseLevel::Schedule(Arc::new(level))
    }

    /// The level at `t`, refused unless finite and not negative.
    pub fn at(&self, t: f64) -> Result<f64, FieldError> {
        let level = match self {
            NoiseLevel::Constant(level) => *level,
            NoiseLevel::Schedule(level) => level(t),
        };
        if level >= 0.0 && level.is_finite() {
            return Ok(level);
        }
        Err(FieldError::Domain {
            t,
            advice: format!(
                "the noise level is {}; it must be finite and not negative",
                Number(level)
            ),
        })
    }
}

impl From<f64> for NoiseLevel {
    fn from(level: f64) -> Self {
        NoiseLevel::Constant(level)
    }
}

impl fmt::Debug for NoiseLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoiseLevel::Constant(level) => write!(f, "Constant({})", Number(*level)),
            NoiseLevel::Schedule(_) => write!(f, "Schedule(..)"),
        }
    }
}
