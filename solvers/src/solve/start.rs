//! What is checked and prepared before the first step.

use super::own_steps::{OwnSteps, first_lengths};
use super::steps::Steps;
use super::{SolveError, SolveOptions};
use crate::control::{
    Adaptive, ControlError, ErrorHistory, ErrorNorm, GridTimes, NormScratch, initial_step,
};
use crate::field::{Counted, FieldError};
use crate::method::{Method, MethodInfo, StepError, Stepper};
use crate::noise::{BrownianPath, BrownianTree, NoNoise, Noise, NoiseRequest};
use crate::observer::Save;
use crate::solution::Outcome;
use crate::state::State;

/// The end may be infinite where something else ends the solve.
pub(super) fn check_problem<S: State>(
    initial: &S,
    (t0, t1): (f64, f64),
    may_be_endless: bool,
) -> Result<(), SolveError> {
    let endless = may_be_endless && t1.is_infinite();
    if !(t0.is_finite() && (t1.is_finite() || endless)) {
        return Err(SolveError::Span(t0, t1));
    }
    if let Some(lane) = initial.first_non_finite_lane()? {
        return Err(SolveError::NonFiniteInitial { lane });
    }
    if initial.lanes() == 0 || initial.lane_len() == 0 {
        return Err(SolveError::EmptyState);
    }
    Ok(())
}

/// The part of a history that the method takes over: the newest states.
pub(super) fn check_history<'h, S: State>(
    history: &'h [(f64, S)],
    info: &MethodInfo,
    initial: &S,
    (t0, t1): (f64, f64),
) -> Result<&'h [(f64, S)], SolveError> {
    if history.is_empty() {
        return Ok(history);
    }
    if info.history == 0 {
        return Err(SolveError::NoHistory { method: info.name });
    }
    let direction = (t1 - t0).signum();
    let after = history.iter().skip(1).map(|(t, _)| *t).chain([t0]);
    for (index, ((t, state), next)) in history.iter().zip(after).enumerate() {
        if !((next - t) * direction > 0.0 && t.is_finite()) {
            return Err(SolveError::HistoryTimes { index, value: *t, t0 });
        }
        if let Some(lane) = state.first_non_finite_lane()? {
            return Err(SolveError::NonFiniteInitial { lane });
        }
        initial.zeros_like().copy_from(state)?;
    }
    match history.len().checked_sub(info.history as usize) {
        Some(unused) => Ok(&history[unused..]),
        None => Err(SolveError::ShortHistory {
            method: info.name,
            needed: info.history,
            given: history.len(),
        }),
    }
}

/// Refuses times outside the span.
fn check_save_times(times: &[f64], t0: f64, t1: f64) -> Result<(), SolveError> {
    match times.iter().find(|&&t| !(t >= t0.min(t1) && t <= t0.max(t1))) {
        Some(&t) => Err(SolveError::SaveTime { t, t0, t1 }),
        None => Ok(()),
    }
}

/// `grid` is that of fixed steps. On an empty span the initial state is all there is, and no
/// method has to interpolate.
pub(super) fn check_save(
    save: &Save,
    info: &MethodInfo,
    (t0, t1): (f64, f64),
    grid: Option<&GridTimes>,
) -> Result<(), SolveError> {
    check_save_times(&save.times, t0, t1)?;
    if info.interpolant_order.is_some() || t0 == t1 {
        return Ok(());
    }
    let refuse = |purpose| Err(SolveError::NoInterpolant { method: info.name, purpose });
    if save.dense {
        return refuse("dense output");
    }
    if save.times.is_empty() {
        return Ok(());
    }
    let Some(grid) = grid else {
        return refuse("saving at given times");
    };
    if save.times.iter().all(|&t| grid.position(0, t).is_some()) {
        Ok(())
    } else {
        refuse("saving between the grid's times")
    }
}

pub(super) fn sort_along(times: &mut [f64], t0: f64, t1: f64) {
    times.sort_by(f64::total_cmp);
    if t1 < t0 {
        times.reverse();
    }
}

/// Order of the error estimate, if settings and method allow adaptive steps of lanes of `lane_len`
/// components. For those who want to know before they have a field.
///
/// # Errors
///
/// [`SolveError::Control`] for tolerances and lengths that are none, and for a method that
/// estimates no error.
pub fn check_adaptive(
    control: &Adaptive,
    info: &MethodInfo,
    lane_len: usize,
) -> Result<f64, SolveError> {
    control.check(lane_len)?;
    info.order_of_estimate().ok_or(ControlError::NotAdaptive { method: info.name }.into())
}

/// Refuses what lanes with steps of their own have not in common.
pub(super) fn check_lanes<S: State>(
    info: &MethodInfo,
    initial: &S,
    options: &SolveOptions<'_, S>,
    stops: &[f64],
) -> Result<(), SolveError> {
    let method = info.name;
    if info.order_of_estimate().is_none() {
        return Err(ControlError::NotAdaptive { method }.into());
    }
    if !info.lane_steps {
        return Err(SolveError::OneStepForAll { what: method });
    }
    let what = match () {
        () if options.save.every.is_some() => "saving every so many steps",
        () if options.events.iter().any(|event| !event.per_lane) => "an event of the whole batch",
        () if !options.recorders.is_empty() => "recording at given times",
        () if options.steady.is_some() => "a steady state",
        () if !stops.is_empty() => "a time to land on",
        () if options.forces_dtmin() => "going on at the smallest step",
        () => {
            // Refused here rather than when the first lane is done.
            initial.select_lanes(&[0])?;
            return Ok(());
        }
    };
    Err(SolveError::OneStepForAll { what })
}

/// Adaptive steps, and how the solve already ended if the field cannot even be evaluated at the
/// start.
pub(super) struct Begun {
    pub(super) steps: Steps,
    pub(super) own: Option<Box<OwnSteps>>,
    pub(super) outcome: Option<Outcome>,
}

/// The adaptive steps of a solve over `span`, towards `target` first.
pub(super) fn adaptive_steps<S: State, F, M: Method<S, F>>(
    field: &Counted<&F>,
    method: &M,
    stepper: &mut M::Stepper,
    control: Adaptive,
    initial: &S,
    (t0, t1, target): (f64, f64, f64),
    budget: Option<u64>,
) -> Result<Begun, SolveError> {
    let order = check_adaptive(&control, &method.info(), initial.lane_len())?;
    let span = (t0, t1);
    let failed = |error: StepError| Outcome::Failed { t: t0, error };
    let clocks = (method.clock(field, t0), method.clock(field, target), method.clock(field, t1));
    let (start, end, last, unclocked) = match clocks {
        (Ok(start), Ok(end), Ok(last)) => (start, end, last, None),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => {
            (t0, target, t1, Some(failed(error)))
        }
    };
    let whole = (last - start).abs();
    if let Some(length) = control.initial_step.filter(|&length| length > whole) {
        return Err(ControlError::InitialStep { length, span: whole }.into());
    }
    // Of a method without slope.
    let unknown = if whole.is_finite() { 0.01 * whole } else { 1.0 };
    if control.norm == ErrorNorm::EachLane {
        field.count_by_lane(initial.lanes());
        let all = |length: f64| vec![length; initial.lanes()];
        let (lengths, outcome) = match control.initial_step {
            Some(length) => (all(length), None),
            // The first step reports it.
            None if budget.is_some_and(|budget| budget < 2) => (all(whole), None),
            None => match first_lengths(field, stepper, &control, initial, span, order) {
                Ok(Some(lengths)) => (lengths, None),
                Ok(None) => (all(unknown), None),
                Err(error) => (all(whole), Some(failed(error))),
            },
        };
        let own = OwnSteps::new(Box::new(control), order, (t0, start, last), &lengths, budget);
        let outcome = unclocked.or(outcome);
        return Ok(Begun { steps: Steps::OfLanes, own: Some(Box::new(own)), outcome });
    }
    let slope =
        |du: &mut S, (u, t): (&S, f64), kept: bool| stepper.slope(field, du, (u, t.into()), kept);
    let (length, outcome) = match control.initial_step {
        Some(length) => (length, None),
        None => match initial_step(slope, &control, initial, span, order) {
            Ok(Some(length)) => (length, None),
            Ok(None) => (unknown, None),
            // A budget below two evaluations: the first step reports it.
            Err(StepError::Field(FieldError::BudgetSpent)) => (whole, None),
            Err(error) => (whole, Some(failed(error))),
        },
    };
    let h = length.min(control.dtmax.unwrap_or(f64::INFINITY)).copysign(end - start);
    let (history, scratch) = (ErrorHistory::default(), NormScratch::default());
    let steps = Steps::Adaptive { control: Box::new(control), h, end, order, history, scratch };
    Ok(Begun { steps, own: None, outcome: unclocked.or(outcome) })
}

/// The path of a solve: the one given if it serves the method, else the one of
/// the seed, on the fixed grid itself or, for adaptive steps, on a tree over the
/// span.
pub(super) fn brownian_path<'a, S: State>(
    given: Option<Box<dyn Noise<S> + 'a>>,
    request: Option<NoiseRequest>,
    seed_and_lane: (u64, u64),
    initial: &S,
    steps: &Steps,
    span: (f64, f64),
) -> Result<Box<dyn Noise<S> + 'a>, SolveError> {
    let Some(request) = request.filter(|_| span.0 != span.1) else {
        return Ok(given.unwrap_or_else(|| Box::new(NoNoise)));
    };
    let any_time = !matches!(steps, Steps::Fixed { .. });
    let request = NoiseRequest { any_time, ..request };
    if let Some(noise) = given {
        noise.provides(&request)?;
        return Ok(noise);
    }
    let channels = request.channels;
    Ok(match steps {
        Steps::Fixed { times, .. } if request.inside_steps => {
            let grid = times.clone();
            Box::new(BrownianTree::along(channels, seed_and_lane, initial, grid)?)
        }
        Steps::Fixed { times, .. } => {
            let grid = times.clone();
            let path = BrownianPath::along(channels, seed_and_lane, initial, grid);
            Box::new(if request.areas { path.with_areas() } else { path })
        }
        Steps::Adaptive { .. } | Steps::OfLanes => {
            let grid = vec![span.0, span.1];
            Box::new(BrownianTree::with_channels(channels, seed_and_lane, initial, grid)?)
        }
    })
}
