/// Which states a solution keeps. The last one is always at hand as
/// [`Solution::u_last`](crate::Solution::u_last).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Save {
    pub(crate) start: bool,
    pub(crate) times: Vec<f64>,
    pub(crate) every: Option<u64>,
    pub(crate) dense: bool,
}

impl Save {
    /// Nothing but the last state.
    pub fn last() -> Self {
        Save::default()
    }

    /// The initial state and every accepted step.
    pub fn all() -> Self {
        Save::every(1).with_start()
    }

    /// Every `n`-th accepted step (`n = 0` is read as 1), and the last one.
    pub fn every(n: u64) -> Self {
        Save { every: Some(n.max(1)), ..Save::default() }
    }

    /// The states at given times inside the span, saved in the order of
    /// integration and once each however often a time is given, by the method's continuous
    /// extension where a time is not the end of a step. Order of extension and
    /// extra evaluations (counted): see the method.
    pub fn at(times: impl Into<Vec<f64>>) -> Self {
        Save { times: times.into(), ..Save::default() }
    }

    /// The continuous extension of every step, for
    /// [`Solution::interpolate`](crate::Solution::interpolate).
    pub fn dense() -> Self {
        Save { dense: true, ..Save::default() }
    }

    /// The initial state as well.
    #[must_use]
    pub fn with_start(mut self) -> Self {
        self.start = true;
        self
    }
}
