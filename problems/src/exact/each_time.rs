use std::collections::BTreeMap;

use driftfield_solvers::field::{ByLane, in_some_lanes};
use driftfield_solvers::{FieldError, State};

use crate::predictor::{Target, Targets, Times};

/// What an exact field prepares for a target and a time, for every lane.
pub(super) struct Prepared<L> {
    each: Vec<L>,
    /// Which of them is a lane's; empty if all share the first.
    of_lane: Vec<usize>,
}

impl<L> Prepared<L> {
    /// Prepares once for lanes that share both.
    pub fn new<S: State>(
        (target, t): (Targets<'_>, Times<'_>),
        x: &S,
        prepare: impl Fn(Target, f64) -> Result<L, FieldError>,
    ) -> Result<Self, FieldError> {
        let (groups, of_lane) = groups(target, t, x)?;
        let each = groups.iter().map(|&(target, t, _)| prepare(target, t));
        Ok(Prepared { each: each.collect::<Result<_, _>>()?, of_lane })
    }

    /// A lane's.
    pub fn of(&self, lane: usize) -> &L {
        &self.each[self.of_lane.get(lane).copied().unwrap_or_default()]
    }
}

/// Has `predict` write the lanes of one target and time together, group after group.
pub(super) fn at_each_time<S: State>(
    (target, t): (Targets<'_>, Times<'_>),
    out: &mut S,
    x: &S,
    predict: impl Fn(Target, f64, &mut S, &S) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    if let (ByLane::One(target), ByLane::One(t)) = (target, t) {
        return predict(target, t, out, x);
    }
    for (target, t, lanes) in groups(target, t, x)?.0 {
        if lanes.len() == x.lanes() {
            return predict(target, t, out, x);
        }
        in_some_lanes(out, x, &lanes, |out, x| predict(target, t, out, x))?;
    }
    Ok(())
}

type Group = (Target, f64, Vec<usize>);

/// The lanes by target and time, and the group of every lane.
fn groups<S: State>(
    target: Targets<'_>,
    t: Times<'_>,
    x: &S,
) -> Result<(Vec<Group>, Vec<usize>), FieldError> {
    if let (ByLane::One(target), ByLane::One(t)) = (target, t) {
        return Ok((vec![(target, t, Vec::new())], Vec::new()));
    }
    target.check(x)?;
    t.check(x)?;
    let (mut groups, mut of_lane): (Vec<Group>, _) = (Vec::new(), Vec::new());
    let mut known = BTreeMap::new();
    for lane in 0..x.lanes() {
        let (target, t) = (target.of(lane), t.of(lane));
        let key = [target.data, target.noise, t].map(f64::to_bits);
        let group = *known.entry(key).or_insert(groups.len());
        if group == groups.len() {
            groups.push((target, t, Vec::new()));
        }
        groups[group].2.push(lane);
        of_lane.push(group);
    }
    Ok((groups, of_lane))
}
