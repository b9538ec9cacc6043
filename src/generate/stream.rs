//! Generation of many lanes in constant memory: chunk after chunk.

use std::mem::discriminant;

use driftfield_problems::process::SharedPath;
use driftfield_solvers::{Outcome, Scalar, Statistics};
use ndarray::{ArrayD, Axis};

use super::{
    Budget, GenerateError, Generated, Initial, LaneEvaluations, Model, Note, Precision, Saved,
    Settings, Span, check_request, generate_lanes,
};

/// Numbers in the state of a chunk: enough to keep all threads busy, few enough
/// for the states of a step to stay near the processor.
const CHUNK_NUMBERS: usize = 1 << 17;

/// What a generation in chunks returned besides the chunks themselves.
#[derive(Debug, Clone)]
#[must_use = "a generation may have ended early: `outcome` says how it ended"]
pub struct Streamed {
    /// Lanes handed over, those of a chunk that failed included.
    pub lanes: usize,
    /// Shape of a lane.
    pub lane_shape: Vec<usize>,
    /// Counts of a chunk, which are those of the whole batch in one: on a fixed
    /// grid they do not depend on the lanes. Where lanes have steps of their own, the
    /// counts of all chunks.
    pub statistics: Statistics,
    /// How the last chunk ended; a chunk that fails is the last. Where lanes have steps of their
    /// own, success if all arrived, or how the first ended that did not.
    pub outcome: Outcome,
    /// Wall time of all solves.
    pub seconds: f64,
    /// Start and end of the integration.
    pub span: Span,
    /// Steps of a fixed grid; `None` for adaptive steps.
    pub steps: Option<usize>,
    /// What the lanes cost, where the steps were their own.
    pub lane_evaluations: Option<LaneEvaluations>,
    /// What may not be as it was meant, each kind as it was met first.
    pub notes: Vec<Note>,
}

/// As [`generate`](super::generate), handing over the lanes in chunks, in their order.
///
/// On a fixed grid no lane depends on another, so that the lanes are
/// bit-identical to those of one batch, and memory is bounded by a chunk; the same holds
/// for steps of every lane's own. Other adaptive steps are shared by all lanes, as are those of methods that couple
/// lanes, and a trajectory is kept step by step: these take one chunk of everything.
pub fn generate_in_chunks<T: Precision, E: From<GenerateError>>(
    path: &SharedPath,
    model: &dyn Model,
    initial: Initial<T>,
    settings: &Settings,
    mut receive: impl FnMut(Generated<T>) -> Result<(), E>,
) -> Result<Streamed, E> {
    let lanes = initial.lanes();
    check_request::<T>(model, &settings.condition, lanes)?;
    let coupled = settings.solver.info().couples_lanes;
    let adaptive = matches!(settings.budget, Budget::Adaptive { .. });
    let shared = adaptive && !settings.per_lane;
    let chunk = if settings.saved != Saved::Last || shared || coupled {
        lanes
    } else {
        (CHUNK_NUMBERS / model.dimension().max(1)).max(1)
    };
    let mut streamed: Option<Streamed> = None;
    for first in (0..lanes.max(1)).step_by(chunk.max(1)) {
        let count = chunk.min(lanes - first);
        let part = part(&initial, first, count);
        let first_lane = settings.first_lane + first as u64;
        let watch = settings.watch.as_ref().map(|watch| watch.after(first, lanes));
        let settings = Settings { first_lane, watch, ..settings.clone() };
        let mut generated = generate_lanes(path, model, part, &settings)?;
        generated.outcome = generated.outcome.from_lane(first);
        let before = streamed.as_ref();
        let seconds = before.map_or(0.0, |before| before.seconds);
        let mut notes = before.map_or(Vec::new(), |before| before.notes.clone());
        for note in &generated.notes {
            let known = |other: &Note| discriminant(other) == discriminant(note);
            if !notes.iter().any(known) {
                notes.push(note.clone());
            }
        }
        let mut statistics = generated.statistics;
        let mut lane_evaluations = generated.lane_evaluations;
        if let (Some(before), Some(evaluations)) = (before, &mut lane_evaluations) {
            statistics += before.statistics;
            *evaluations =
                before.lane_evaluations.map_or(*evaluations, |all| all.with(*evaluations));
        }
        let ended = Streamed {
            lanes: first + count,
            lane_shape: generated.samples.shape()[1..].to_vec(),
            statistics,
            outcome: match before {
                Some(before) if !before.outcome.is_success() => before.outcome.clone(),
                _ => generated.outcome.clone(),
            },
            seconds: seconds + generated.seconds,
            span: generated.span,
            steps: generated.steps,
            lane_evaluations,
            notes,
        };
        receive(generated)?;
        let failed = !ended.outcome.is_success();
        streamed = Some(ended);
        // A lane at its own pace that does not arrive keeps no other from it.
        if failed && !settings.per_lane {
            break;
        }
    }
    streamed.ok_or_else(|| GenerateError::NoLanes.into())
}

fn part<T: Scalar>(initial: &Initial<T>, first: usize, lanes: usize) -> Initial<T> {
    match initial {
        Initial::State(state) => Initial::State(rows(state, first, lanes)),
        Initial::ProcessState(state) => Initial::ProcessState(rows(state, first, lanes)),
        Initial::Data(data) => Initial::Data(rows(data, first, lanes)),
        Initial::Noise { .. } => Initial::Noise { lanes },
    }
}

fn rows<T: Scalar>(state: &ArrayD<T>, first: usize, lanes: usize) -> ArrayD<T> {
    if state.ndim() == 0 {
        return state.clone();
    }
    let lanes = state.slice_axis(Axis(0), (first..first + lanes).into());
    lanes.as_standard_layout().into_owned()
}
