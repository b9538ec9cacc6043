use super::paced::LaneStep;
use crate::method::{Interpolant, InterpolantWeights};
use crate::state::{State, StateError};

/// States of all lanes at given times, each filled in as the lanes pass.
pub(super) struct Saving<S> {
    times: Vec<f64>,
    states: Vec<S>,
    /// Of every lane of the whole batch: its next time.
    next: Vec<usize>,
    forwards: bool,
}

/// A lane of the batch: where it stands in it, and in the whole.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) here: usize,
    pub(super) lane: usize,
}

impl<S: State> Saving<S> {
    /// `times` in the order of integration.
    pub(super) fn new(
        times: Vec<f64>,
        initial: &S,
        (t0, t1): (f64, f64),
    ) -> Result<Self, StateError> {
        let mut unknown = initial.zeros_like();
        unknown.fill_lanes(|_, block| block.fill(f64::NAN))?;
        let mut states = vec![unknown; times.len()];
        let mut at_start = 0;
        if times.first() == Some(&t0) {
            states[0].copy_from(initial)?;
            at_start = 1;
        }
        let next = vec![at_start; initial.lanes()];
        Ok(Saving { times, states, next, forwards: t1 > t0 })
    }

    /// Whether a lane has been saved at all times.
    pub(super) fn is_done(&self, lane: usize) -> bool {
        self.next[lane] == self.times.len()
    }

    /// The next time of a lane, if its step passes it.
    fn passed(&self, lane: usize, step: &LaneStep) -> Option<f64> {
        let t = *self.times.get(self.next[lane])?;
        let passed = if self.forwards { t <= step.t_next } else { t >= step.t_next };
        passed.then_some(t)
    }

    /// Those of the lanes for which the step must be interpolated.
    pub(super) fn between(&self, places: &[Place], steps: &[LaneStep]) -> Vec<usize> {
        let inside = |place: &&Place| {
            let step = &steps[place.here];
            self.passed(place.lane, step).is_some_and(|t| t != step.t_next)
        };
        places.iter().filter(inside).map(|place| place.here).collect()
    }

    /// Saves the lanes at `places`, whose steps from `u` to `next` were accepted.
    /// `interpolant` is that of the steps, if [`Saving::between`] named any. Returns the lanes
    /// for which it is NaN or infinite.
    pub(super) fn save(
        &mut self,
        places: &[Place],
        steps: &[LaneStep],
        (u, next): (&S, &S),
        interpolant: Option<&Interpolant<'_, S>>,
    ) -> Result<Vec<Place>, StateError> {
        let mut non_finite = Vec::new();
        loop {
            // Each lane's next time within its step, if there is one.
            let due: Vec<(Place, f64)> = places
                .iter()
                .filter_map(|&place| Some((place, self.passed(place.lane, &steps[place.here])?)))
                .collect();
            if due.is_empty() {
                return Ok(non_finite);
            }
            let interpolated = match interpolant {
                Some(interpolant) => Some(interpolate(interpolant, u, &due, steps)?),
                None => None,
            };
            let suspect = match &interpolated {
                Some(interpolated) => interpolated.first_non_finite_lane()?.is_some(),
                None => false,
            };
            for (place, t) in due {
                let at_end = t == steps[place.here].t_next;
                let from = interpolated.as_ref().filter(|_| !at_end).unwrap_or(next);
                let bad =
                    || Ok(from.select_lanes(&[place.here])?.first_non_finite_lane()?.is_some());
                if suspect && bad()? {
                    non_finite.push(place);
                }
                let index = self.next[place.lane];
                self.states[index].assign_lanes(from, &[(place.lane, place.here)])?;
                self.next[place.lane] += 1;
            }
        }
    }

    pub(super) fn finish(self) -> (Vec<f64>, Vec<S>) {
        (self.times, self.states)
    }
}

/// `u_i + sum_j w_j(theta_i) k_j,i`, the stages being derivatives with respect to `theta`.
fn interpolate<S: State>(
    interpolant: &Interpolant<'_, S>,
    u: &S,
    due: &[(Place, f64)],
    steps: &[LaneStep],
) -> Result<S, StateError> {
    let stages = interpolant.stages.len();
    // In lanes that are not due every weight stays 0.
    let mut of_stage = vec![vec![0.0; u.lanes()]; stages];
    let mut weights = vec![0.0; stages];
    for (place, t) in due {
        let step = &steps[place.here];
        let theta = (t - step.t) / step.h;
        match &interpolant.weights {
            InterpolantWeights::Tableau { weights: of, .. } => of(theta, &mut weights),
            InterpolantWeights::States(of) => of(theta, &mut weights),
        }
        for (of_stage, &weight) in of_stage.iter_mut().zip(&weights) {
            of_stage[place.here] = weight;
        }
    }
    let terms: Vec<(&[f64], &S)> =
        of_stage.iter().map(Vec::as_slice).zip(interpolant.stages).collect();
    let mut out = u.clone();
    out.combine_lanes(&vec![1.0; u.lanes()], &terms)?;
    Ok(out)
}
