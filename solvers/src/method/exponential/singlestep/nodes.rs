use std::fmt;
use std::sync::Arc;

use crate::field::FieldError;
use crate::method::StepError;
use crate::semilinear::{Level, Schedule};

/// Where a singlestep method places its inner nodes.
#[derive(Clone, Default)]
pub enum Nodes {
    /// At equal shares of the step on the clock: 1/2, or 1/3 and 2/3 (the papers).
    #[default]
    LogSnr,
    /// By a rule `(t, t_next, i, n)` for the time of the `i`-th of `n` parts, strictly between
    /// `t` and `t_next`: the published code lets them follow the spacing of the whole grid.
    Rule(Arc<NodeRule>),
}

/// The time of the `i`-th of `n` parts of the step from `t` to `t_next`.
pub type NodeRule = dyn Fn(f64, f64, usize, usize) -> Result<f64, FieldError> + Send + Sync;

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Nodes::LogSnr => "LogSnr",
            Nodes::Rule(_) => "Rule(..)",
        })
    }
}

/// An inner node of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub t: f64,
    pub level: Level,
    /// Share of the step on the clock, strictly between 0 and 1.
    pub share: f64,
}

/// A step to be divided.
pub(crate) struct Division<'a> {
    pub t: f64,
    pub t_next: f64,
    pub start: &'a Level,
    pub end: &'a Level,
}

impl Division<'_> {
    /// Refuses a node of a rule that is not strictly inside the step. In a step of a few units of
    /// rounding that is no fault of the rule.
    fn check(&self, node: f64) -> Result<f64, StepError> {
        let &Division { t, t_next, .. } = self;
        if node > t.min(t_next) && node < t.max(t_next) {
            return Ok(node);
        }
        let rounding = 16.0 * f64::EPSILON * t.abs().max(t_next.abs());
        match (t_next - t).abs() > rounding {
            true => Err(StepError::Node { t, t_next, node }),
            false => Err(StepError::TooShort { t, t_next }),
        }
    }
}

impl Nodes {
    /// The `i`-th of `n` parts.
    pub(crate) fn place(
        &self,
        schedule: &dyn Schedule,
        step: &Division<'_>,
        i: usize,
        n: usize,
    ) -> Result<Node, StepError> {
        let h = step.end.log_snr - step.start.log_snr;
        let t = match self {
            Nodes::LogSnr => {
                schedule.time_at_log_snr(step.start.log_snr + i as f64 / n as f64 * h)?
            }
            Nodes::Rule(rule) => step.check(rule(step.t, step.t_next, i, n)?)?,
        };
        let level = schedule.at(t)?;
        let share = (level.log_snr - step.start.log_snr) / h;
        if share > 0.0 && share < 1.0 {
            return Ok(Node { t, level, share });
        }
        Err(StepError::TooShort { t: step.t, t_next: step.t_next })
    }
}
