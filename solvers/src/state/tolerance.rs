use std::ops::Range;

use super::StateError;

/// One value for every component of a lane, or one each.
#[derive(Debug, Clone, PartialEq)]
pub enum Components {
    /// The same value for every component.
    All(f64),
    /// One value per component of a lane.
    Each(Vec<f64>),
}

impl Components {
    fn part(&self, components: Range<usize>) -> Self {
        match self {
            Components::All(value) => Components::All(*value),
            Components::Each(values) => Components::Each(values[components].to_vec()),
        }
    }

    /// The value for component `i` of a lane.
    #[inline(always)]
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Components::All(value) => *value,
            Components::Each(values) => values[i],
        }
    }

    /// All the distinct values given.
    pub fn values(&self) -> &[f64] {
        match self {
            Components::All(value) => std::slice::from_ref(value),
            Components::Each(values) => values,
        }
    }

    /// Refuses a list whose length is not that of a lane.
    pub fn check_len(&self, lane_len: usize) -> Result<(), StateError> {
        match self {
            Components::Each(values) if values.len() != lane_len => {
                Err(StateError::ToleranceLength { expected: lane_len, found: values.len() })
            }
            _ => Ok(()),
        }
    }
}

impl From<f64> for Components {
    fn from(value: f64) -> Self {
        Components::All(value)
    }
}

impl From<Vec<f64>> for Components {
    fn from(values: Vec<f64>) -> Self {
        Components::Each(values)
    }
}

/// Absolute and relative tolerance: the error of component `i` is measured in
/// units of `abstol_i + reltol_i * max(|u_i before|, |u_i after|)`, or of the larger of
/// the two terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Tolerance {
    /// Absolute tolerance.
    pub abstol: Components,
    /// Relative tolerance.
    pub reltol: Components,
    larger_of: bool,
}

impl Tolerance {
    /// Scalar or per-component tolerances.
    pub fn new(abstol: impl Into<Components>, reltol: impl Into<Components>) -> Self {
        Tolerance { abstol: abstol.into(), reltol: reltol.into(), larger_of: false }
    }

    /// Takes the larger of the absolute and the relative term, as DPM-Solver's and
    /// k-diffusion's codes do, instead of their sum (Hairer; torchdiffeq, diffrax, SciML).
    #[must_use]
    pub fn larger_of(mut self) -> Self {
        self.larger_of = true;
        self
    }

    /// The tolerances of these components alone, for states made of several. Lists must have
    /// been [checked](Components::check_len) against the whole lane.
    #[must_use]
    pub fn part(&self, components: Range<usize>) -> Self {
        Tolerance {
            abstol: self.abstol.part(components.clone()),
            reltol: self.reltol.part(components),
            larger_of: self.larger_of,
        }
    }

    /// The unit of error of component `i`, whose larger value is `size`.
    #[inline(always)]
    pub fn scale(&self, i: usize, size: f64) -> f64 {
        let (abstol, reltol) = (self.abstol.get(i), self.reltol.get(i));
        Unit { abstol, reltol, larger_of: self.larger_of }.of(size)
    }

    /// The unit of error of every component, where it is the same rule for all.
    #[inline(always)]
    pub(super) fn uniform(&self) -> Option<Unit> {
        match (&self.abstol, &self.reltol) {
            (&Components::All(abstol), &Components::All(reltol)) => {
                Some(Unit { abstol, reltol, larger_of: self.larger_of })
            }
            _ => None,
        }
    }
}

/// The rule of one component.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    abstol: f64,
    reltol: f64,
    larger_of: bool,
}

impl Unit {
    /// The unit of error of a component whose larger value is `size`.
    #[inline(always)]
    pub(super) fn of(self, size: f64) -> f64 {
        let (absolute, relative) = (self.abstol, self.reltol * size);
        if self.larger_of { absolute.max(relative) } else { absolute + relative }
    }
}
