//! Products with Jacobians, held against finite differences and each other.

use std::ops::Range;

use driftfield_problems::predictor::{Predictor, Pullback, Pushforward, Targets, Times};
use driftfield_solvers::{FieldError, VectorField};
use ndarray::{Array2, Axis};

pub type Batch = Array2<f64>;

/// A function of the state with its products.
pub trait Smooth {
    fn value(&self, x: &Batch) -> Result<Batch, FieldError>;
    fn pull(&self, pull: Pullback<'_, Batch>, x: &Batch) -> Result<(), FieldError>;
    fn push(&self, push: Pushforward<'_, Batch>, x: &Batch) -> Result<(), FieldError>;
}

/// A prediction at a target and time.
#[derive(Clone, Copy)]
pub struct At<'a, P>(pub &'a P, pub Targets<'a>, pub Times<'a>);

impl<P: Predictor<Batch>> Smooth for At<'_, P> {
    fn value(&self, x: &Batch) -> Result<Batch, FieldError> {
        let mut out = x.clone();
        self.0.predict(self.1, &mut out, x, self.2)?;
        Ok(out)
    }
    fn pull(&self, pull: Pullback<'_, Batch>, x: &Batch) -> Result<(), FieldError> {
        self.0.pull_back(self.1, pull, x, self.2)
    }
    fn push(&self, push: Pushforward<'_, Batch>, x: &Batch) -> Result<(), FieldError> {
        self.0.push_forward(self.1, push, x, self.2)
    }
}

/// A right-hand side at a time.
#[derive(Clone, Copy)]
pub struct Flow<'a, F>(pub &'a F, pub Times<'a>);

impl<F: VectorField<Batch>> Smooth for Flow<'_, F> {
    fn value(&self, x: &Batch) -> Result<Batch, FieldError> {
        let mut out = x.clone();
        self.0.eval(&mut out, x, self.1)?;
        Ok(out)
    }
    fn pull(&self, pull: Pullback<'_, Batch>, x: &Batch) -> Result<(), FieldError> {
        self.0.pull_back(pull, x, self.1)
    }
    fn push(&self, push: Pushforward<'_, Batch>, x: &Batch) -> Result<(), FieldError> {
        self.0.push_forward(push, x, self.1)
    }
}

/// A cotangent that depends on the lane and on the value.
pub fn cotangent(lanes: Range<usize>, value: &Batch, c: &mut Batch) -> Result<(), FieldError> {
    assert_eq!(lanes.len(), value.nrows());
    for ((row, j), c) in c.indexed_iter_mut() {
        let lane = (lanes.start + row) as f64;
        *c = (1.0 + lane + 2.0 * j as f64).sin() + 0.3 * value[[row, j]];
    }
    Ok(())
}

/// What [`cotangent`] is of a whole batch.
pub fn cotangents(value: &Batch) -> Batch {
    let mut c = value.clone();
    cotangent(0..value.nrows(), value, &mut c).unwrap();
    c
}

/// Value, and the state's share of the cotangent.
pub fn pull(smooth: &impl Smooth, x: &Batch) -> Result<(Batch, Batch), FieldError> {
    let (mut value, mut state) = (x.clone(), x.clone());
    smooth.pull(Pullback::new(&mut value, &cotangent, &mut state), x)?;
    Ok((value, state))
}

/// Value, and its change along `direction` and `time`.
pub fn push(
    smooth: &impl Smooth,
    x: &Batch,
    direction: &Batch,
    time: f64,
) -> Result<(Batch, Batch), FieldError> {
    let (mut value, mut tangent) = (x.clone(), x.clone());
    let time = time.into();
    let push = Pushforward { value: &mut value, direction, time, tangent: &mut tangent };
    smooth.push(push, x)?;
    Ok((value, tangent))
}

/// The derivative of `value(x + s direction)` at 0, central and of fourth order with steps of `h`.
pub fn slope(value: impl Fn(f64) -> Batch, h: f64) -> Batch {
    let wide = value(2.0 * h) - value(-2.0 * h);
    (8.0 * (value(h) - value(-h)) - wide) / (12.0 * h)
}

/// Slopes below this size are not resolved by differences of numbers of order 1.
const RESOLVED: f64 = 1e-3;

/// The largest error, relative to the largest entry of each lane.
pub fn worst(found: &Batch, expected: &Batch) -> f64 {
    let rows = found.rows().into_iter().zip(expected.rows());
    rows.map(|(found, expected)| {
        let size = expected.iter().fold(RESOLVED, |size, value| size.max(value.abs()));
        let gaps = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        gaps.fold(0.0, larger) / size
    })
    .fold(0.0, larger)
}

/// The larger number; NaN, which no bound holds, if there is one.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// `J^T c` by [`slope`], axis by axis.
pub fn gradient(smooth: &impl Smooth, c: &Batch, x: &Batch, h: f64) -> Batch {
    let mut gradient = x.clone();
    for axis in 0..x.ncols() {
        let moved = |s: f64| {
            let mut moved = x.clone();
            moved.column_mut(axis).mapv_inplace(|x| x + s);
            smooth.value(&moved).unwrap()
        };
        gradient.column_mut(axis).assign(&(slope(moved, h) * c).sum_axis(Axis(1)));
    }
    gradient
}

/// A direction that no lane shares with another.
pub fn direction(x: &Batch) -> Batch {
    Batch::from_shape_fn(x.dim(), |(i, j)| (0.7 + 3.0 * i as f64 - 1.3 * j as f64).cos())
}

/// Holds both products against central differences of fourth order with steps of `h`, whose
/// error is `h^4` of a fifth derivative and `eps / h` of rounding: the caller's `bound` is for
/// steps that are small against what the function changes over. Each product is `<c, J v>` from
/// another side, so that the two agree to rounding; the value is the function's own.
pub fn check(what: &str, smooth: &impl Smooth, x: &Batch, h: f64, bound: f64) {
    let value = smooth.value(x).unwrap();
    let (pulled, state) = pull(smooth, x).unwrap();
    let v = direction(x);
    let (pushed, tangent) = push(smooth, x, &v, 0.0).unwrap();
    for with_product in [&pulled, &pushed] {
        assert!(worst(with_product, &value) < 1e-11, "{what}: value off");
    }
    let differences = slope(|s| smooth.value(&(x + &(s * &v))).unwrap(), h);
    let error = worst(&tangent, &differences);
    assert!(error < bound, "{what}: J v off by {error:e}");
    let c = cotangents(&value);
    let error = worst(&state, &gradient(smooth, &c, x, h));
    assert!(error < bound, "{what}: J^T c off by {error:e}");
    for lane in 0..x.nrows() {
        let (left, right) = (&c.row(lane) * &tangent.row(lane), &state.row(lane) * &v.row(lane));
        let size = left.iter().chain(&right).fold(1e-300, |sum: f64, part| sum + part.abs());
        let gap = (left.sum() - right.sum()).abs() / size;
        assert!(gap < 1e-12, "{what}: <c, J v> and <J^T c, v> differ by {gap:e} in lane {lane}");
    }
}
