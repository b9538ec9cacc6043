use std::collections::BTreeMap;

use driftfield_solvers::lanes::in_some_lanes;
use driftfield_solvers::{FieldError, State};

use super::{Predictor, Target};

/// Lanes of one target and time together, group after group.
pub(super) fn one_time_after_the_other<S: State, P: Predictor<S> + ?Sized>(
    predictor: &P,
    targets: &[Target],
    out: &mut S,
    x: &S,
    t: &[f64],
) -> Result<(), FieldError> {
    if predictor.network_forwards() > 0 {
        // Several passes for what is counted as one.
        return Err(FieldError::Other(
            "this predictor evaluates its network at one time for all lanes; implement \
             `Predictor::predict_lanes`, or take one step for all lanes"
                .to_owned(),
        ));
    }
    let mut groups: BTreeMap<[u64; 3], Vec<usize>> = BTreeMap::new();
    for (lane, (target, t)) in targets.iter().zip(t).enumerate() {
        let key = [target.data, target.noise, *t].map(f64::to_bits);
        groups.entry(key).or_default().push(lane);
    }
    for lanes in groups.into_values() {
        let (target, t) = (targets[lanes[0]], t[lanes[0]]);
        if lanes.len() == targets.len() {
            return predictor.predict(target, out, x, t);
        }
        in_some_lanes(out, x, &lanes, |out, x| predictor.predict(target, out, x, t))?;
    }
    Ok(())
}
