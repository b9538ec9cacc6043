//! Generation: a process, a model, a solver and a budget become one solve.
//!
//! What the command line's `sample` and the study share. Everything that can be
//! wrong with a request is found before the first evaluation.

mod condition;
mod error;
mod generated;
mod lanes;
mod memory;
pub mod model;
mod note;
mod plan;
mod progress;
mod saved;
mod shipped;
mod steered;
mod stop;
mod stream;
mod strength;
mod to_data;

pub use condition::{Condition, Interval};
pub use error::GenerateError;
pub use generated::{Generated, Incomplete};
pub use lanes::LaneEvaluations;
pub use model::{
    Around, EmpiricalModel, MixtureModel, Model, NetworkModel, Precision, SharedPredictor,
    TensorModel, TrainedModel,
};
pub use note::Note;
pub use plan::{Budget, Settings, Span};
pub use progress::{Progress, Watch};
pub use saved::Saved;
pub use shipped::{CHECKED_OUT, SHIPPED, shipped, shipped_catalog, shipped_classifier};
pub(crate) use steered::attempt_steered;
pub use steered::{Steered, generate_steered};
pub use stream::{Streamed, generate_in_chunks};

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use driftfield_problems::flow::PathField;
use driftfield_problems::method::PathMethod;
use driftfield_problems::predictor::{Predictor, Target, Threshold, Thresholded};
use driftfield_problems::process::{GaussianPath, Noising, SharedPath};
use driftfield_solvers::method::{Kind, Method, MethodInfo};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::observer::{AcceptedStep, Observer};
use driftfield_solvers::solve::{MAX_ADAPTIVE_STEPS, check_adaptive};
use driftfield_solvers::{
    Adaptive, FieldError, HostState, OdeProblem, Outcome, Scalar, Solution, State, Status,
    Tolerance, VectorField, init,
};
use ndarray::{ArrayD, IxDyn};

use plan::Plan;
use stop::Stoppable;

/// The state generation starts from.
#[derive(Debug, Clone)]
pub enum Initial<T> {
    /// A given state at the start time, in the units of the model's data: those of samples and
    /// trajectories. It is never scaled.
    State(ArrayD<T>),
    /// The same in the units the process runs in, where noise is of size `sigma`. They are
    /// those of the data but for models that have [units](Model::units).
    ProcessState(ArrayD<T>),
    /// Data, in the units of the model's data, to which the noise of the start is added, lane by lane:
    /// `alpha(t_start) x + sigma(t_start) eps`, `eps` as [`Initial::Noise`] has it. With
    /// [`Settings::strength`] generation starts late, and what it makes stays near the data.
    Data(ArrayD<T>),
    /// `sigma(t_start) N(0, I)`, lane by lane, drawn with [`Settings::seed`].
    Noise {
        /// Number of lanes.
        lanes: usize,
    },
}

impl<T> Initial<T> {
    pub(crate) fn lanes(&self) -> usize {
        match self {
            Initial::State(state) | Initial::ProcessState(state) | Initial::Data(state) => {
                state.shape().first().copied().unwrap_or(0)
            }
            Initial::Noise { lanes } => *lanes,
        }
    }
}

/// Generates from `initial` with `path` and `model` as `settings` say.
///
/// # Errors
///
/// What is wrong with the request, and an error before the first step was made, as
/// [`solve`](driftfield_solvers::solve()) has it. A solve that fails later has its
/// [outcome](Generated::outcome).
pub fn generate<T: Precision>(
    path: &SharedPath,
    model: &dyn Model,
    initial: Initial<T>,
    settings: &Settings,
) -> Result<Generated<T>, GenerateError> {
    attempt(path, model, initial, settings)?.unless_nothing_was_made()
}

/// The same, however it ended: for rows and summaries, in which an outcome is an entry.
pub(crate) fn attempt<T: Precision>(
    path: &SharedPath,
    model: &dyn Model,
    initial: Initial<T>,
    settings: &Settings,
) -> Result<Generated<T>, GenerateError> {
    check_request::<T>(model, &settings.condition, initial.lanes())?;
    generate_lanes(path, model, initial, settings)
}

/// Refuses labels that the model does not know, those of lanes to come included, and more lanes
/// of `T` than memory holds: before anything is made for the lanes.
pub(crate) fn check_request<T>(
    model: &dyn Model,
    condition: &Condition,
    lanes: usize,
) -> Result<(), GenerateError> {
    model.check_condition(condition)?;
    Ok(memory::check_samples(lanes, model.dimension().saturating_mul(size_of::<T>()))?)
}

/// Refuses a solver, steps, a span and the like that do not go together, with any model; `has_state`
/// is whether the initial state is given, not drawn. For those who want to know before they read
/// a model.
pub fn check_settings(
    path: &SharedPath,
    settings: &Settings,
    has_state: bool,
) -> Result<(), GenerateError> {
    // Guidance and labels as of a network that knows them all.
    settings.condition.check(Some(usize::MAX), true, "")?;
    let (method, _) = planned::<f32>(path, settings, has_state, false)?;
    if let (false, Budget::Adaptive { abstol, reltol, .. }) = (settings.per_lane, settings.budget) {
        // One component stands for all: every one has these tolerances.
        check_adaptive(&Adaptive::new(Tolerance::new(abstol, reltol)), &method.info(), 1)?;
    }
    if let Some(threshold) = settings.threshold {
        threshold.validate()?;
    }
    Ok(())
}

/// The method, and all that is settled before a model is looked at; `observed` is whether an
/// observer looks at the steps.
fn planned<T: Precision>(
    path: &SharedPath,
    settings: &Settings,
    has_state: bool,
    observed: bool,
) -> Result<(PathMethod<ArrayD<T>>, Plan), GenerateError> {
    if settings.per_lane {
        check_per_lane(settings, observed)?;
    }
    if let Budget::Evaluations(nfe) = settings.budget {
        memory::check_steps(nfe)?;
    }
    let grid = settings.grid(path);
    let chosen = settings.solver.make::<T>(Some(&grid));
    let chosen = to_data::reaching_data(chosen, &grid, settings);
    let plan = plan::resolve(&grid, &chosen, settings, has_state)?;
    if settings.per_lane {
        lanes::check(&chosen.method.info(), &plan)?;
    }
    Ok((chosen.method, plan))
}

/// The lanes of a request that is checked.
fn generate_lanes<T: Precision>(
    path: &SharedPath,
    model: &dyn Model,
    initial: Initial<T>,
    settings: &Settings,
) -> Result<Generated<T>, GenerateError> {
    let condition = settings.condition.of_lanes(settings.first_lane, initial.lanes());
    let predictor = model.predictor::<T>(path, &condition)?;
    solve_steered(model, initial, settings, Steered::along(predictor))
}

/// The same along a predictor that is given.
fn solve_steered<T: Precision>(
    model: &dyn Model,
    initial: Initial<T>,
    settings: &Settings,
    steered: Steered<'_, T>,
) -> Result<Generated<T>, GenerateError> {
    let made = solve_unless_stopped(model, initial, settings, steered);
    let whole = made.as_ref().is_ok_and(|generated| generated.outcome.is_success());
    // What failed once it was to stop, failed for that.
    if !whole && settings.stop.load(Ordering::Relaxed) {
        return Err(GenerateError::Stopped);
    }
    made
}

/// The same, which fails in any of several ways once it is to stop.
fn solve_unless_stopped<T: Precision>(
    model: &dyn Model,
    initial: Initial<T>,
    settings: &Settings,
    steered: Steered<'_, T>,
) -> Result<Generated<T>, GenerateError> {
    let path = &steered.predictor.path().clone();
    let drawn = matches!(initial, Initial::Noise { .. } | Initial::Data(_));
    let converted = matches!(initial, Initial::State(_)) && model.units().is_some();
    if settings.strength.is_some() && !matches!(initial, Initial::Data(_)) {
        return Err(GenerateError::StrengthWithoutData);
    }
    let (method, plan) = planned::<T>(path, settings, !drawn, steered.observer.is_some())?;
    let lanes = initial.lanes();
    let lane_bytes = model.dimension().saturating_mul(size_of::<T>());
    memory::check_lanes(lanes, lane_bytes, &method.info(), plan.saved(&settings.saved))?;
    let initial = start(initial, path, model, plan.span, settings)?;
    let predictor = thresholded(steered.predictor, model, settings.threshold)?;
    let watched = settings.watch.as_ref().map(|watch| plan.watched(watch.clone(), lanes));
    let predictor = Arc::new(Stoppable::new(predictor, settings.stop.clone(), watched));
    let info = method.info();
    let given = (!drawn).then_some((&initial, converted));
    let draws_noise = info.draws_noise && plan.steps() != Some(0);
    let notes = note::of_run(path, model, settings, plan.span, given, draws_noise);
    let path_field = PathField::new(predictor, plan.noise_level.into());
    check_ends(&path_field, &initial, plan.span, &info)?;
    let problem = OdeProblem::new(path_field, initial, (plan.span.start, plan.span.end));
    let clock = Instant::now();
    let (mut solution, mut lane_evaluations) =
        solved(&problem, &method, settings, &plan, steered.observer)?;
    if settings.denoise_final && solution.outcome.is_success() {
        denoise(&problem.field, &mut solution);
        if let Some(evaluations) = &mut lane_evaluations {
            evaluations.one_more_each(lanes);
        }
    }
    let seconds = clock.elapsed().as_secs_f64();
    let (times, mut trajectory) = match &settings.saved {
        frames @ Saved::Frames(_) => frames.of(&solution.t, &solution.u),
        Saved::Last | Saved::At(_) | Saved::All => (solution.t, solution.u),
    };
    let arrived = solution.statistics.accepted > 0 && times.last() == Some(&solution.t_last);
    if let Some(last) = trajectory.last_mut().filter(|_| arrived) {
        // The state of the last step may have been denoised since.
        last.clone_from(&solution.u_last);
    }
    let mut samples = solution.u_last;
    for state in trajectory.iter_mut().chain([&mut samples]) {
        model.to_data_units(state)?;
    }
    Ok(Generated {
        samples,
        trajectory,
        times,
        statistics: solution.statistics,
        outcome: solution.outcome,
        seconds,
        span: plan.span,
        steps: plan.steps(),
        lane_evaluations,
        notes,
    })
}

/// The solve that is planned, denoising left out.
fn solved<'a, T: Scalar>(
    problem: &OdeProblem<ArrayD<T>, PathField<ArrayD<T>>>,
    method: &PathMethod<ArrayD<T>>,
    settings: &Settings,
    plan: &Plan,
    observer: Option<Box<dyn Observer<ArrayD<T>> + 'a>>,
) -> Result<(Solution<ArrayD<T>>, Option<LaneEvaluations>), GenerateError> {
    let info = method.info();
    let options = plan.options::<ArrayD<T>>(settings);
    let options = match observer {
        Some(mut observer) => {
            options.observer(move |step: &mut AcceptedStep<'_, _>| observer.observe(step))
        }
        None => options,
    };
    let fit = states_that_fit(problem, settings, plan, &info);
    let options = match fit {
        Some(fit) => options.max_steps(fit),
        None => options,
    };
    // By hand: what ends a solve before its first step is an outcome like any other here.
    let mut integrator = init(problem, method, options)?;
    while integrator.step() == Status::Stepped {}
    let mut solution = integrator.finish();
    if let (Some(fit), Outcome::MaxSteps { .. }) = (fit, &solution.outcome) {
        let error = driftfield_solvers::method::StepError::from(FieldError::other(full(fit)));
        solution.outcome = Outcome::Failed { t: solution.t_last, error };
    }
    let lane_evaluations = settings.per_lane.then(|| LaneEvaluations::of(&solution.lanes));
    if let (Outcome::BudgetSpent { budget, .. }, Some(given)) =
        (&mut solution.outcome, settings.budget.most())
    {
        // The solver's is what the denoising leaves of it.
        *budget = given;
    }
    Ok((solution, lane_evaluations))
}

/// The steps of an adaptive solve whose states memory holds, if all are kept and that is fewer
/// than the steps it may make.
fn states_that_fit<T: Scalar>(
    problem: &OdeProblem<ArrayD<T>, PathField<ArrayD<T>>>,
    settings: &Settings,
    plan: &Plan,
    info: &MethodInfo,
) -> Option<u64> {
    let counted = matches!(settings.saved, Saved::Last | Saved::At(_));
    if counted || plan.steps().is_some() {
        return None;
    }
    let (lanes, components) = (problem.initial.lanes(), problem.initial.lane_len());
    let fit = memory::states_that_fit(lanes, components * size_of::<T>(), info);
    Some(fit).filter(|&fit| fit < MAX_ADAPTIVE_STEPS)
}

/// Why an adaptive solve whose states are all kept cannot go on.
fn full(steps: u64) -> String {
    format!(
        "memory holds the states of {steps} steps and no more; ask for fewer samples or looser \
         tolerances, or for the last states only"
    )
}

/// Refuses what lanes at their own pace have not in common.
fn check_per_lane(settings: &Settings, observed: bool) -> Result<(), GenerateError> {
    if settings.saved != Saved::Last {
        return Err(GenerateError::PerLaneTrajectory);
    }
    if observed {
        return Err(GenerateError::PerLaneCorrection);
    }
    match settings.condition.labels.len() {
        0 | 1 => Ok(()),
        count => Err(GenerateError::PerLaneLabels(count)),
    }
}

/// The predictor with its data kept within a range, if so asked.
fn thresholded<S: HostState>(
    predictor: Arc<dyn Predictor<S>>,
    model: &dyn Model,
    threshold: Option<Threshold>,
) -> Result<Arc<dyn Predictor<S>>, GenerateError> {
    let Some(threshold) = threshold else { return Ok(predictor) };
    let thresholded = Thresholded::new(predictor, threshold.validate()?);
    Ok(match model.units() {
        Some(units) => Arc::new(thresholded.in_units(units.clone())),
        None => Arc::new(thresholded),
    })
}

/// The initial state in the units the process runs in.
fn start<T: Scalar>(
    initial: Initial<T>,
    path: &SharedPath,
    model: &dyn Model,
    span: Span,
    settings: &Settings,
) -> Result<ArrayD<T>, GenerateError> {
    match initial {
        Initial::State(mut state) => {
            check_shape(&state, model)?;
            model.to_process_units(&mut state)?;
            Ok(state)
        }
        Initial::ProcessState(state) => {
            check_shape(&state, model)?;
            Ok(state)
        }
        Initial::Data(mut data) => {
            check_shape(&data, model)?;
            model.to_process_units(&mut data)?;
            let (seed, first_lane) = (settings.seed, settings.first_lane);
            Ok(path.noised_lanes(&data, span.start, seed, first_lane)?)
        }
        Initial::Noise { lanes: 0 } => Err(GenerateError::NoLanes),
        Initial::Noise { lanes } => {
            let shape = [&[lanes], model.row_shape().as_slice()].concat();
            let mut state = ArrayD::zeros(IxDyn(&shape));
            let (seed, first_lane) = (settings.seed, settings.first_lane);
            fill_initial_normals(&mut state, path.sigma(span.start), seed, first_lane)
                .map_err(driftfield_solvers::SolveError::from)?;
            Ok(state)
        }
    }
}

fn check_shape<T>(state: &ArrayD<T>, model: &dyn Model) -> Result<(), GenerateError> {
    let found = state.shape().to_vec();
    let (components, expected): (usize, _) = (found.iter().skip(1).product(), model.dimension());
    if components == expected {
        return Ok(());
    }
    Err(GenerateError::Dimension { found, expected })
}

/// Refuses an end at the data where what the method asks the field for is not finite, tried on
/// lanes of zeros and not counted. Ancestral steps ask for the predicted data alone, and methods
/// that can step to the data evaluate nothing there; from the data they take the predicted noise.
fn check_ends<T: Scalar>(
    field: &PathField<ArrayD<T>>,
    initial: &ArrayD<T>,
    span: Span,
    info: &MethodInfo,
) -> Result<(), GenerateError> {
    let data_end = field.path().domain().data.t;
    let leaves = span.start == data_end;
    if span.start == span.end || !(leaves || span.end == data_end) {
        return Ok(());
    }
    let takes_noise = leaves && info.starts_from_data;
    if !takes_noise && (info.kind == Kind::Ancestral || info.evaluations_to_data.is_some()) {
        return Ok(());
    }
    let state: ArrayD<T> = ArrayD::zeros(initial.raw_dim());
    let mut slope = state.clone();
    let evaluated = match takes_noise {
        true => {
            field.predictor().predict(Target::NOISE.into(), &mut slope, &state, data_end.into())
        }
        false => field.eval(&mut slope, &state, data_end.into()),
    };
    let reason = match evaluated {
        Err(error) => error.to_string(),
        Ok(()) if slope.first_non_finite_lane() == Ok(None) => return Ok(()),
        Ok(()) => "it is not finite there".to_owned(),
    };
    Err(GenerateError::FieldEnd { t: data_end, reason, nearest: field.path().default_span().1 })
}

/// Replaces the last state by the predicted data: one more evaluation.
fn denoise<T: Scalar>(field: &PathField<ArrayD<T>>, solution: &mut Solution<ArrayD<T>>) {
    let mut data = ArrayD::zeros(solution.u_last.raw_dim());
    let t = solution.t_last;
    let predicted =
        field.predictor().predict(Target::DATA.into(), &mut data, &solution.u_last, t.into());
    solution.statistics.nfe += 1;
    solution.statistics.network_forwards += VectorField::forwards(field, t.into());
    match predicted {
        Ok(()) if data.first_non_finite_lane() == Ok(None) => solution.u_last = data,
        Ok(()) => {
            let lane = data.first_non_finite_lane().ok().flatten().unwrap_or(0);
            solution.outcome = Outcome::NonFinite { t, lane };
        }
        Err(error) => solution.outcome = Outcome::Failed { t, error: error.into() },
    }
}
