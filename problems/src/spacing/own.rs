use std::fmt;

/// A rule of your own ([`Spacing::own`](super::Spacing::own)): where the time lies that comes
/// after a share of the steps.
pub struct OwnRule {
    label: String,
    clock: Clock,
    place: Box<dyn Fn(f64, f64, f64) -> f64 + Send + Sync>,
}

/// What an [`OwnRule`] counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Time itself.
    Time,
    /// `ln(alpha / sigma)`, which must be finite at both ends.
    LogSnr,
}

impl OwnRule {
    pub(super) fn new(
        label: impl Into<String>,
        clock: Clock,
        place: impl Fn(f64, f64, f64) -> f64 + Send + Sync + 'static,
    ) -> Self {
        OwnRule { label: label.into(), clock, place: Box::new(place) }
    }

    /// What it is called.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What it counts in.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What the clock shows after a share of the steps between its two ends.
    pub(super) fn place(&self, share: f64, start: f64, end: f64) -> f64 {
        (self.place)(share, start, end)
    }
}

impl fmt::Debug for OwnRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnRule").field("label", &self.label).field("clock", &self.clock).finish()
    }
}

/// The same rule, not one that happens to place the same times.
impl PartialEq for OwnRule {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}
