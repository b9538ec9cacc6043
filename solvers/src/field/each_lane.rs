use super::{ByLane, FieldError, Times, VectorField};
use crate::state::{HostState, State, StateError};

/// `evaluate(du, u)` for these lanes of `u` alone; the other lanes of `du` stay as they are.
///
/// ```
/// use driftfield_solvers::field::in_some_lanes;
/// use ndarray::{Array2, array};
/// let u = array![[1.0], [2.0], [3.0]];
/// let mut du = Array2::zeros((3, 1));
/// let tenfold = |du: &mut Array2<f64>, u: &Array2<f64>| {
///     du.assign(&u.mapv(|u| 10.0 * u));
///     Ok(())
/// };
/// in_some_lanes(&mut du, &u, &[0, 2], tenfold).unwrap();
/// assert_eq!(du, array![[10.0], [0.0], [30.0]]);
/// ```
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

/// A field given for one lane at a time, by a closure `|du: &mut [T], u: &[T], t|`. Of
/// complex lanes it is given the real and imaginary parts in turn.
///
/// ```
/// use driftfield_solvers::field::EachLane;
/// use driftfield_solvers::VectorField;
/// use ndarray::array;
/// let rotation = EachLane(|du: &mut [f64], u: &[f64], _t| (du[0], du[1]) = (-u[1], u[0]));
/// let mut du = array![[0.0, 0.0], [0.0, 0.0]];
/// rotation.eval(&mut du, &array![[1.0, 0.0], [0.0, 2.0]], 0.0.into()).unwrap();
/// assert_eq!(du, array![[0.0, 1.0], [-2.0, 0.0]]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct EachLane<C>(pub C);

impl<H: HostState, C: Fn(&mut [H::Scalar], &[H::Scalar], f64)> VectorField<H> for EachLane<C> {
    fn eval(&self, du: &mut H, u: &H, t: Times<'_>) -> Result<(), FieldError> {
        t.check(u)?;
        let len = u.lane_reals().max(1);
        let shapes = [(u.lane_count(), len), (du.lane_count(), du.lane_reals().max(1))];
        if shapes[0] != shapes[1] {
            return Err(FieldError::Shape {
                expected: format!("{} lane(s) of {len} number(s)", shapes[0].0),
                found: format!("{} of {}", shapes[1].0, shapes[1].1),
            });
        }
        let from = u.values().ok_or(StateError::NotContiguous)?.chunks_exact(len);
        let to = du.values_mut().ok_or(StateError::NotContiguous)?.chunks_exact_mut(len);
        for (lane, (du, u)) in to.zip(from).enumerate() {
            (self.0)(du, u, t.of(lane));
        }
        Ok(())
    }
}

/// A field given for all lanes and their times, by a closure `|du: &mut S, u: &S, t: &[f64]|`.
///
/// ```
/// use driftfield_solvers::field::{LaneTimes, Times};
/// use driftfield_solvers::{FieldError, VectorField};
/// use ndarray::{Array2, array};
/// let growth = LaneTimes(|du: &mut Array2<f64>, u: &Array2<f64>, t: &[f64]| {
///     for (lane, &t) in t.iter().enumerate() {
///         du[[lane, 0]] = t * u[[lane, 0]];
///     }
///     Ok::<(), FieldError>(())
/// });
/// let mut du = array![[0.0], [0.0]];
/// growth.eval(&mut du, &array![[1.0], [1.0]], Times::Each(&[0.5, 2.0])).unwrap();
/// assert_eq!(du, array![[0.5], [2.0]]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct LaneTimes<C>(pub C);

impl<S: State, C: Fn(&mut S, &S, &[f64]) -> Result<(), FieldError>> VectorField<S>
    for LaneTimes<C>
{
    fn eval(&self, du: &mut S, u: &S, t: Times<'_>) -> Result<(), FieldError> {
        match t {
            ByLane::One(t) => (self.0)(du, u, &vec![t; u.lanes()]),
            ByLane::Each(times) => {
                t.check(u)?;
                (self.0)(du, u, times)
            }
        }
    }
}
