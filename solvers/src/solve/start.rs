//! What is checked and prepared before the first step.

use super::SolveError;
use super::integrator::Steps;
use crate::control::{Adaptive, ControlError, ErrorHistory, GridTimes, NormScratch, initial_step};
use crate::field::{Counted, FieldError};
use crate::method::{Method, MethodInfo, StepError, Stepper};
use crate::noise::{BrownianPath, BrownianTree, NoNoise, Noise, NoiseRequest};
use crate::observer::Save;
use crate::solution::Outcome;
use crate::state::State;

pub(crate) fn check_problem<S: State>(initial: &S, t0: f64, t1: f64) -> Result<(), SolveError> {
    if !(t0.is_finite() && t1.is_finite()) {
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
pub(crate) fn check_save_times(times: &[f64], t0: f64, t1: f64) -> Result<(), SolveError> {
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

pub(crate) fn sort_along(times: &mut [f64], t0: f64, t1: f64) {
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

/// The adaptive steps, and how the solve already ended if the field cannot
/// even be evaluated at the start.
pub(super) fn adaptive_steps<S: State, F, M: Method<S, F>>(
    field: &Counted<&F>,
    method: &M,
    stepper: &mut M::Stepper,
    control: Adaptive,
    initial: &S,
    span: (f64, f64),
) -> Result<(Steps, Option<Outcome>), SolveError> {
    let order = check_adaptive(&control, &method.info(), initial.lane_len())?;
    let failed = |error: StepError| Outcome::Failed { t: span.0, reason: error.to_string() };
    let clocks = (method.clock(field, span.0), method.clock(field, span.1));
    let (start, end, unclocked) = match clocks {
        (Ok(start), Ok(end)) => (start, end, None),
        (Err(error), _) | (_, Err(error)) => (span.0, span.1, Some(failed(error))),
    };
    let whole = (end - start).abs();
    let slope = |du: &mut S, at: (&S, f64), kept: bool| stepper.slope(field, du, at, kept);
    let (length, outcome) = match control.initial_step {
        Some(length) => (length, None),
        None => match initial_step(slope, &control, initial, span, order) {
            Ok(Some(length)) => (length, None),
            Ok(None) => (0.01 * whole, None),
            // A budget below two evaluations: the first step reports it.
            Err(StepError::Field(FieldError::BudgetSpent)) => (whole, None),
            Err(error) => (whole, Some(failed(error))),
        },
    };
    let h = length.min(control.dtmax.unwrap_or(f64::INFINITY)).copysign(end - start);
    let (history, scratch) = (ErrorHistory::default(), NormScratch::default());
    let steps = Steps::Adaptive { control: Box::new(control), h, end, order, history, scratch };
    Ok((steps, unclocked.or(outcome)))
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
    let any_time = matches!(steps, Steps::Adaptive { .. });
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
        Steps::Adaptive { .. } => {
            let grid = vec![span.0, span.1];
            Box::new(BrownianTree::with_channels(channels, seed_and_lane, initial, grid)?)
        }
    })
}
