//! Samples and trajectories of the plane as pictures have them.

use driftfield_problems::data::DataSet;
use driftfield_solvers::Scalar;
use ndarray::{ArrayD, ArrayViewD};

use crate::plot::{Outline, OutlineForm};

/// Points of the data drawn behind samples.
const BACKGROUND: usize = 3000;
/// The draw of the data is one of its own.
const SEED: u64 = 5;

fn point<T: Scalar>(lane: ArrayViewD<'_, T>) -> [f64; 2] {
    let mut values = lane.into_iter().map(|x| x.into_f64());
    [values.next().unwrap_or(f64::NAN), values.next().unwrap_or(f64::NAN)]
}

/// The lanes of a state, the first `most` of them.
pub(crate) fn points<T: Scalar>(state: &ArrayD<T>, most: usize) -> Vec<[f64; 2]> {
    state.outer_iter().take(most).map(point).collect()
}

/// The first `most` lanes of a trajectory, a line each.
pub(crate) fn lines<T: Scalar>(states: &[ArrayD<T>], most: usize) -> Vec<Vec<[f64; 2]>> {
    let lanes = states.first().map_or(0, |state| state.shape()[0]).min(most);
    let steps: Vec<_> = states.iter().map(|state| points(state, lanes)).collect();
    (0..lanes).map(|lane| steps.iter().map(|state| state[lane]).collect()).collect()
}

/// The data, if there are any, behind what is drawn of them.
pub(crate) fn outline(data: Option<&dyn DataSet>) -> Outline {
    let data = data
        .map_or(Vec::new(), |data| points(&data.sample(BACKGROUND, SEED).into_dyn(), BACKGROUND));
    Outline::new("data", data, OutlineForm::Dots)
}
