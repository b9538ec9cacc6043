use crate::field::{FieldError, VectorField};
use crate::state::{HostState, State, StateError};

/// A right-hand side that takes a time per lane: what [`solve_lanes`](super::solve_lanes)
/// evaluates, once for all lanes that are still on their way.
///
/// What is written for a lane must not depend on the other lanes of `u`, nor on how many
/// there are: only then do lanes that run at their own pace, and leave the batch when they
/// are done, each solve their own equation.
///
/// [`EachLane`] and [`LaneTimes`] make one of a closure.
pub trait LaneField<S>: VectorField<S> {
    /// Writes `f(u_i, t_i)` into lane `i` of `du`, whose old content is arbitrary, for every
    /// lane; `t` has as many times as `u` has lanes.
    fn eval_lanes(&self, du: &mut S, u: &S, t: &[f64]) -> Result<(), FieldError>;
}

/// `evaluate(du, u)` for these lanes of `u` alone; the other lanes of `du` stay as they are.
pub fn in_some_lanes<S: State>(
    du: &mut S,
    u: &S,
    lanes: &[usize],
    evaluate: impl FnOnce(&mut S, &S) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    let some = u.select_lanes(lanes)?;
    let mut evaluated = some.zeros_like();
    evaluate(&mut evaluated, &some)?;
    let pairs: Vec<(usize, usize)> =
        lanes.iter().enumerate().map(|(from, &to)| (to, from)).collect();
    Ok(du.assign_lanes(&evaluated, &pairs)?)
}

/// A field given for one lane at a time, by a closure `|du: &mut [T], u: &[T], t|`.
///
/// ```
/// use driftfield_solvers::lanes::EachLane;
/// use driftfield_solvers::VectorField;
/// use ndarray::array;
/// let rotation = EachLane(|du: &mut [f64], u: &[f64], _t| (du[0], du[1]) = (-u[1], u[0]));
/// let mut du = array![[0.0, 0.0], [0.0, 0.0]];
/// rotation.eval(&mut du, &array![[1.0, 0.0], [0.0, 2.0]], 0.0).unwrap();
/// assert_eq!(du, array![[0.0, 1.0], [-2.0, 0.0]]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct EachLane<C>(pub C);

impl<C> EachLane<C> {
    fn write<H: HostState>(
        &self,
        du: &mut H,
        u: &H,
        mut time_of_lane: impl FnMut(usize) -> f64,
    ) -> Result<(), FieldError>
    where
        C: Fn(&mut [H::Scalar], &[H::Scalar], f64),
    {
        let len = u.lane_len().max(1);
        let from = u.values().ok_or(StateError::NotContiguous)?.chunks_exact(len);
        let to = du.values_mut().ok_or(StateError::NotContiguous)?.chunks_exact_mut(len);
        for (lane, (du, u)) in to.zip(from).enumerate() {
            (self.0)(du, u, time_of_lane(lane));
        }
        Ok(())
    }
}

impl<H: HostState, C: Fn(&mut [H::Scalar], &[H::Scalar], f64)> VectorField<H> for EachLane<C> {
    fn eval(&self, du: &mut H, u: &H, t: f64) -> Result<(), FieldError> {
        self.write(du, u, |_| t)
    }
}

impl<H: HostState, C: Fn(&mut [H::Scalar], &[H::Scalar], f64)> LaneField<H> for EachLane<C> {
    fn eval_lanes(&self, du: &mut H, u: &H, t: &[f64]) -> Result<(), FieldError> {
        self.write(du, u, |lane| t[lane])
    }
}

/// A field given for all lanes and their times, by a closure `|du: &mut S, u: &S, t: &[f64]|`.
#[derive(Debug, Clone, Copy)]
pub struct LaneTimes<C>(pub C);

impl<S: State, C: Fn(&mut S, &S, &[f64]) -> Result<(), FieldError>> VectorField<S>
    for LaneTimes<C>
{
    fn eval(&self, du: &mut S, u: &S, t: f64) -> Result<(), FieldError> {
        (self.0)(du, u, &vec![t; u.lanes()])
    }
}

impl<S: State, C: Fn(&mut S, &S, &[f64]) -> Result<(), FieldError>> LaneField<S> for LaneTimes<C> {
    fn eval_lanes(&self, du: &mut S, u: &S, t: &[f64]) -> Result<(), FieldError> {
        (self.0)(du, u, t)
    }
}
