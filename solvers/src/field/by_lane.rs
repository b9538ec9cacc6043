use super::FieldError;
use crate::semilinear::Target;
use crate::state::{State, StateError};

/// One value for the whole batch, or one for each lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ByLane<'l, T> {
    /// The same for all lanes.
    One(T),
    /// Lane by lane.
    Each(&'l [T]),
}

/// When a right-hand side is evaluated.
///
/// What is written for a lane must not depend on the other lanes of the batch, nor on how many
/// there are: only then do lanes that run at their own pace, and leave the batch when they are
/// done, each solve their own equation.
pub type Times<'t> = ByLane<'t, f64>;

/// What a predictor is asked for.
pub type Targets<'t> = ByLane<'t, Target>;

impl<T> From<T> for ByLane<'_, T> {
    fn from(value: T) -> Self {
        ByLane::One(value)
    }
}

impl<'l, T: Copy> ByLane<'l, T> {
    /// The value of a lane.
    ///
    /// # Panics
    ///
    /// If there are values for fewer lanes; see [`ByLane::check`].
    #[inline(always)]
    pub fn of(self, lane: usize) -> T {
        match self {
            ByLane::One(value) => value,
            ByLane::Each(values) => values[lane],
        }
    }

    /// Refuses a number of values that is not that of the lanes of `u`.
    pub fn check<S: State>(self, u: &S) -> Result<(), StateError> {
        match self {
            ByLane::Each(values) if values.len() != u.lanes() => {
                Err(StateError::LaneCoefficients { lanes: u.lanes(), found: values.len() })
            }
            _ => Ok(()),
        }
    }

    /// The values of `count` lanes from the `first` on.
    ///
    /// # Panics
    ///
    /// If there are values for fewer lanes; see [`ByLane::check`].
    pub fn part(self, first: usize, count: usize) -> Self {
        match self {
            ByLane::One(value) => ByLane::One(value),
            ByLane::Each(values) => ByLane::Each(&values[first..first + count]),
        }
    }

    /// The values of these lanes, one each.
    pub fn select(self, lanes: &[usize]) -> Vec<T> {
        lanes.iter().map(|&lane| self.of(lane)).collect()
    }

    /// The same of every value, in `room` where there are several.
    pub fn map<'r, U>(
        self,
        room: &'r mut Vec<U>,
        mut of: impl FnMut(T) -> Result<U, FieldError>,
    ) -> Result<ByLane<'r, U>, FieldError> {
        match self {
            ByLane::One(value) => of(value).map(ByLane::One),
            ByLane::Each(values) => {
                room.clear();
                for &value in values {
                    room.push(of(value)?);
                }
                Ok(ByLane::Each(room))
            }
        }
    }
}

impl<T: Copy> ByLane<'_, T> {
    /// The one value of all lanes: a time, say.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] for values of the lanes' own: for fields that take one for all.
    #[inline(always)]
    pub fn one(self) -> Result<T, FieldError> {
        match self {
            ByLane::One(value) | ByLane::Each(&[value]) => Ok(value),
            ByLane::Each(_) => Err(one_time_only()),
        }
    }
}

#[cold]
fn one_time_only() -> FieldError {
    FieldError::Refused(
        "times of the lanes' own: it takes one time for all; take one step for all lanes, or write \
         it with `EachLane`, `LaneTimes` or an `eval` that reads `Times::Each`"
            .to_owned(),
    )
}

/// `out <- a u + b out`. Where `a` is 0 not even a state that is not finite leaks into the result.
pub fn affine<S: State>(
    out: &mut S,
    (a, b): (ByLane<'_, f64>, ByLane<'_, f64>),
    u: &S,
) -> Result<(), StateError> {
    match (a, b) {
        (ByLane::One(0.0), ByLane::One(1.0)) => Ok(()),
        (ByLane::One(0.0), b) => combine(out, b, &[]),
        (a, b) => combine(out, b, &[(a, u)]),
    }
}

/// `out <- own out + sum_j c_j k_j`, each coefficient one number or one for each lane.
pub fn combine<S: State, const N: usize>(
    out: &mut S,
    own: ByLane<'_, f64>,
    terms: &[(ByLane<'_, f64>, &S); N],
) -> Result<(), StateError> {
    let for_all = |coefficient: &ByLane<'_, f64>| matches!(coefficient, ByLane::One(_));
    if for_all(&own) && terms.iter().all(|(coefficient, _)| for_all(coefficient)) {
        let terms = terms.map(|(coefficient, state)| (coefficient.of(0), state));
        return out.linear_combination(own.of(0), &terms);
    }
    let lanes = out.lanes();
    let column = |c: ByLane<'_, f64>| -> Vec<f64> { (0..lanes).map(|lane| c.of(lane)).collect() };
    let own = column(own);
    let columns: Vec<Vec<f64>> = terms.iter().map(|&(c, _)| column(c)).collect();
    let terms: Vec<(&[f64], &S)> =
        columns.iter().map(Vec::as_slice).zip(terms.iter().map(|(_, state)| *state)).collect();
    out.combine_lanes(&own, &terms)
}
