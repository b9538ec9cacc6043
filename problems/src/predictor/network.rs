use std::sync::Arc;

use driftfield_solvers::FieldError;
use driftfield_solvers::field::FieldOutcome;

use super::{Pullback, Pushforward, Times};

/// A function of state and time, trained to be some prediction. Every closure
/// `|out: &mut S, x: &S, t: f64|` is one, at one time for all lanes.
pub trait Network<S>: Send + Sync {
    /// Writes the network's raw output at `(x, t)` into `out`: one pass, also for times of the
    /// lanes' own.
    fn forward(&self, out: &mut S, x: &S, t: Times<'_>) -> Result<(), FieldError>;

    /// Evaluates, and multiplies the Jacobian from the left.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] unless the network says how.
    fn pull_back(&self, _pull: Pullback<'_, S>, _x: &S, _t: Times<'_>) -> Result<(), FieldError> {
        Err(FieldError::Refused(
            "products with the Jacobian of its network from the left; implement \
             `Network::pull_back`"
                .to_owned(),
        ))
    }

    /// Evaluates, and multiplies the Jacobian from the right.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] unless the network says how.
    fn push_forward(
        &self,
        _push: Pushforward<'_, S>,
        _x: &S,
        _t: Times<'_>,
    ) -> Result<(), FieldError> {
        Err(FieldError::Refused(
            "products with the Jacobian of its network from the right; implement \
             `Network::push_forward`"
                .to_owned(),
        ))
    }

    /// Forward passes that one evaluation at `t` counts as: two where classifier-free guidance acts.
    fn forwards(&self, _t: Times<'_>) -> u64 {
        1
    }
}

impl<S, R, C> Network<S> for C
where
    C: Fn(&mut S, &S, f64) -> R + Send + Sync,
    R: FieldOutcome,
{
    fn forward(&self, out: &mut S, x: &S, t: Times<'_>) -> Result<(), FieldError> {
        self(out, x, t.one()?).into_result()
    }
}

impl<S, N: Network<S> + ?Sized> Network<S> for Arc<N> {
    fn forward(&self, out: &mut S, x: &S, t: Times<'_>) -> Result<(), FieldError> {
        (**self).forward(out, x, t)
    }
    fn pull_back(&self, pull: Pullback<'_, S>, x: &S, t: Times<'_>) -> Result<(), FieldError> {
        (**self).pull_back(pull, x, t)
    }
    fn push_forward(
        &self,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        (**self).push_forward(push, x, t)
    }
    fn forwards(&self, t: Times<'_>) -> u64 {
        (**self).forwards(t)
    }
}
