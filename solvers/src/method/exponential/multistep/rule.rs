use std::sync::Arc;

use super::UniC;
use crate::field::FieldError;
use crate::method::GridPosition;
use crate::method::exponential::singlestep::Singlestep;
use crate::method::exponential::step::{Knot, Transition};
use crate::semilinear::NonlinearPart;

/// Most values that a [`MultistepRule`] may combine.
pub const MAX_VALUES: usize = 8;

/// A multistep method, as the weights it gives to the last values of the nonlinear part:
///
/// `x_next = scale x + sum_j w_j N_j`, `N_0` at the start of the step, `N_1` one step
/// back, and so on. [`Multistep`](super::Multistep) does everything else.
///
/// A rule may combine past states too, `x_next = sum_j v_j x_j + sum_j w_j N_j`, which gives it the
/// noise and the data at once, whichever its [part](Self::part) is: `x_j = alpha_j D_j + sigma_j E_j`.
pub trait MultistepRule {
    /// Name as on the command line.
    fn name(&self) -> &'static str;

    /// Which nonlinear part is combined.
    fn part(&self) -> NonlinearPart;

    /// How many values a step of full order combines, 1 to [`MAX_VALUES`].
    fn values(&self) -> usize;

    /// Order of convergence.
    fn order(&self) -> u32 {
        self.values() as u32
    }

    /// The weights of the newest `weights.len()` values, which are fewer than
    /// [`MultistepRule::values`] where a step has a lower order.
    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError>;

    /// How many states a step combines, that at its start among them, 1 to [`MAX_VALUES`].
    fn states(&self) -> usize {
        1
    }

    /// The weights of the newest `weights.len()` states, `x_0` at the start of the step; fewer than
    /// [`MultistepRule::states`] where no more are known yet.
    fn state_weights(
        &self,
        step: &MultistepStep<'_>,
        weights: &mut [f64],
    ) -> Result<(), FieldError> {
        weights.fill(0.0);
        weights[0] = step.whole.scale;
        Ok(())
    }

    /// What the last steps of a fixed grid do, if nothing else is asked for.
    fn final_orders(&self) -> FinalOrders {
        FinalOrders::Full
    }

    /// What corrects its steps, if nothing else is asked for.
    fn corrector(&self) -> Option<UniC> {
        None
    }

    /// Whether the weights are finite where there is no noise, at an end of the step or where a
    /// value was taken, although the clock there is infinite. Other rules lower their order there.
    fn finite_at_data(&self) -> bool {
        false
    }

    /// Makes the parts of the first step under [`Start::Matching`](super::Start::Matching).
    fn starter(&self) -> Singlestep {
        Singlestep::of_order(self.values().min(3), self.part())
    }
}

impl<R: MultistepRule + ?Sized> MultistepRule for Arc<R> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn part(&self) -> NonlinearPart {
        (**self).part()
    }
    fn values(&self) -> usize {
        (**self).values()
    }
    fn order(&self) -> u32 {
        (**self).order()
    }
    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        (**self).weights(step, weights)
    }
    fn states(&self) -> usize {
        (**self).states()
    }
    fn state_weights(
        &self,
        step: &MultistepStep<'_>,
        weights: &mut [f64],
    ) -> Result<(), FieldError> {
        (**self).state_weights(step, weights)
    }
    fn final_orders(&self) -> FinalOrders {
        (**self).final_orders()
    }
    fn corrector(&self) -> Option<UniC> {
        (**self).corrector()
    }
    fn finite_at_data(&self) -> bool {
        (**self).finite_at_data()
    }
    fn starter(&self) -> Singlestep {
        (**self).starter()
    }
}

/// The orders of the last steps of a fixed grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalOrders {
    /// The method's own.
    Full,
    /// No step has an order above the number of steps left, itself included.
    Lowered,
    /// The same on grids of fewer steps than this; the method's own on others.
    LoweredBelow(usize),
}

impl FinalOrders {
    /// How many of `values` the step at `grid` combines, if lowered orders come down to
    /// `last_order`.
    pub fn limit(self, values: usize, last_order: usize, grid: Option<GridPosition<'_>>) -> usize {
        let lowered =
            |grid: GridPosition<'_>| values.min(grid.remaining().saturating_add(last_order - 1));
        match (self, grid) {
            (FinalOrders::Lowered, Some(grid)) => lowered(grid),
            (FinalOrders::LoweredBelow(few), Some(grid)) if grid.steps < few => lowered(grid),
            _ => values,
        }
    }
}

/// What the weights of a step may depend on.
pub struct MultistepStep<'a> {
    /// The step without its nonlinear part.
    pub whole: Transition,
    /// Where it ends.
    pub end: Knot,
    /// Where the values and states were taken, newest first; the first is the start of the step.
    pub knots: &'a [Knot],
    /// Which step of a fixed grid it is, for coefficients of every step's own.
    pub grid: Option<GridPosition<'a>>,
    /// The time at which the clock shows a value.
    pub time_at_log_snr: &'a dyn Fn(f64) -> Result<f64, FieldError>,
}

impl MultistepStep<'_> {
    /// Clock of the value `age` steps back, from the start and in units of the step: 0, then
    /// negative numbers.
    pub fn distance(&self, age: usize) -> f64 {
        (self.knots[age].log_snr() - self.knots[0].log_snr()) / self.whole.h
    }
}
