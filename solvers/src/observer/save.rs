/// Which states a solution keeps. The last one is always at hand as
/// [`Solution::u_last`](crate::Solution::u_last).
#[derive(Debug, Clone, PartialEq)]
pub struct Save {
    pub(crate) start: bool,
    pub(crate) times: Vec<f64>,
    pub(crate) every: Option<u64>,
    pub(crate) dense: bool,
    /// Whether the last of the steps is saved however many there were.
    pub(crate) end: bool,
}

impl Default for Save {
    fn default() -> Self {
        Save { start: false, times: Vec::new(), every: None, dense: false, end: true }
    }
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

    /// Given times as well.
    #[must_use]
    pub fn and_at(mut self, times: impl Into<Vec<f64>>) -> Self {
        self.times.extend(times.into());
        self
    }

    /// Every `n`-th accepted step as well, and the last one.
    #[must_use]
    pub fn and_every(mut self, n: u64) -> Self {
        self.every = Some(n.max(1));
        self
    }

    /// The continuous extension of every step as well.
    #[must_use]
    pub fn and_dense(mut self) -> Self {
        self.dense = true;
        self
    }

    /// Of the steps only those counted: the last one is not saved for being the last.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.end = false;
        self
    }
}
