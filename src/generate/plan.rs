use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use driftfield_problems::flow::start_for;
use driftfield_problems::method::{ChosenMethod, IntendedGrid, Solver};
use driftfield_problems::predictor::Threshold;
use driftfield_problems::process::{
    PathError, SharedPath, check_diffusion, check_log_snr, check_time,
};
use driftfield_problems::spacing::Spacing;
use driftfield_solvers::control::ControlError;
use driftfield_solvers::method::{Kind, Method, MethodInfo};
use driftfield_solvers::{ErrorNorm, SolveOptions, State};

use super::{Condition, GenerateError, Saved, Watch, memory, to_data};

/// What a generation may spend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// That many steps, whatever each costs.
    Steps(usize),
    /// The largest number of steps within so many evaluations.
    Evaluations(u64),
    /// Adaptive steps.
    Adaptive {
        /// Absolute tolerance.
        abstol: f64,
        /// Relative tolerance.
        reltol: f64,
        /// Most evaluations.
        max_nfe: Option<u64>,
    },
}

impl Budget {
    /// The number of evaluations given, if one was.
    pub(super) fn most(self) -> Option<u64> {
        match self {
            Budget::Steps(_) => None,
            Budget::Evaluations(nfe) => Some(nfe),
            Budget::Adaptive { max_nfe, .. } => max_nfe,
        }
    }
}

/// How to generate.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The solver.
    pub solver: Solver,
    /// What it may spend.
    pub budget: Budget,
    /// Where the times of a fixed grid lie; by default what the process says.
    pub spacing: Option<Spacing>,
    /// Start, by default the process's own.
    pub t_start: Option<f64>,
    /// End, by default the process's own.
    pub t_end: Option<f64>,
    /// Share of the steps that is made from [data](super::Initial::Data), the last ones of those
    /// between the two ends; the first ones are left out, and generation starts where they would have
    /// ended. Of `n` steps, with the denoising as one more, `strength n` rounded down are made. Of
    /// adaptive steps the start is at the time after the rest of the way, which the path's default
    /// spacing places. By default all are made.
    pub strength: Option<f64>,
    /// Noise level of a stochastic solver, 1 by default.
    pub noise_level: Option<f64>,
    /// Whether, and how, the predicted data is kept within a range, which is in the units of the
    /// model's data.
    pub threshold: Option<Threshold>,
    /// Whether the last state is replaced by the predicted data.
    pub denoise_final: bool,
    /// Seed of the initial noise and of the Brownian path.
    pub seed: u64,
    /// Number of the first lane, whose noise and label are those of that lane of the seed: a large
    /// sample made in parts is the sample made at once, to the bit where lanes share no step.
    pub first_lane: u64,
    /// Which states are kept.
    pub saved: Saved,
    /// Whether adaptive steps are every lane's own.
    pub per_lane: bool,
    /// What the network is told of labels.
    pub condition: Condition,
    /// Set from elsewhere, it ends the solve with [`GenerateError::Stopped`].
    pub stop: Arc<AtomicBool>,
    /// Who is told how far it is.
    pub watch: Option<Watch>,
}

impl Settings {
    /// `solver` with `budget` and the defaults for everything else.
    pub fn new(solver: Solver, budget: Budget) -> Self {
        Settings {
            solver,
            budget,
            spacing: None,
            t_start: None,
            t_end: None,
            strength: None,
            noise_level: None,
            threshold: None,
            denoise_final: false,
            seed: 0,
            first_lane: 0,
            saved: Saved::Last,
            per_lane: false,
            condition: Condition::default(),
            stop: Arc::default(),
            watch: None,
        }
    }

    /// The grid asked for, adaptive steps leaving it unused.
    pub(super) fn grid(&self, path: &SharedPath) -> IntendedGrid {
        let spacing = self.spacing.clone().unwrap_or_else(|| path.default_spacing());
        let of_no_order =
            u64::from(self.denoise_final) + u64::from(self.orders_end_before_data(path, &spacing));
        let evaluations = match self.budget {
            // More than memory holds is refused once the steps are known.
            Budget::Evaluations(nfe) if memory::check_steps(nfe).is_ok() => {
                Some(nfe.saturating_sub(of_no_order) as usize)
            }
            _ => None,
        };
        IntendedGrid { path: path.clone(), spacing, evaluations }
    }
}

/// Start and end of an integration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Where it starts.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

/// The steps of a plan.
pub(super) enum Steps {
    /// That many, their times not yet placed.
    Fixed(usize),
    /// At these times.
    Grid(Vec<f64>),
    /// As the error asks for, the solver's evaluations bounded by the budget.
    Adaptive { abstol: f64, reltol: f64, budget: Option<u64> },
}

/// A request with all defaults filled in and every value checked.
pub(super) struct Plan {
    pub(super) span: Span,
    pub(super) noise_level: f64,
    pub(super) steps: Steps,
}

impl Plan {
    /// Number of fixed steps; `None` for adaptive ones.
    pub(super) fn steps(&self) -> Option<usize> {
        match &self.steps {
            Steps::Fixed(steps) => Some(*steps),
            Steps::Grid(times) => Some(times.len() - 1),
            Steps::Adaptive { .. } => None,
        }
    }

    pub(super) fn options<'a, S>(&self, settings: &Settings) -> SolveOptions<'a, S> {
        let times = match &self.steps {
            Steps::Grid(times) => Some(times.as_slice()),
            Steps::Fixed(_) | Steps::Adaptive { .. } => None,
        };
        let options = match &self.steps {
            Steps::Fixed(steps) => SolveOptions::steps(*steps),
            Steps::Grid(times) => SolveOptions::times(times.clone()),
            Steps::Adaptive { abstol, reltol, budget } => {
                let options = SolveOptions::adaptive(*abstol, *reltol);
                let options = match settings.per_lane {
                    true => options.norm(ErrorNorm::EachLane),
                    false => options,
                };
                match budget {
                    Some(nfe) => options.nfe_budget(*nfe),
                    None => options,
                }
            }
        };
        settings.saved.on(options.seed(settings.seed).first_lane(settings.first_lane), times)
    }

    /// States that will be kept, as far as that is known.
    pub(super) fn saved(&self, saved: &Saved) -> u64 {
        saved.states(self.steps())
    }
}

pub(super) fn resolve<S: State>(
    grid: &IntendedGrid,
    chosen: &ChosenMethod<S>,
    settings: &Settings,
    has_state: bool,
) -> Result<Plan, GenerateError> {
    let info = chosen.method.info();
    let (path, spacing) = (&grid.path, &grid.spacing);
    let adaptive = matches!(settings.budget, Budget::Adaptive { .. });
    if adaptive && settings.spacing.is_some() {
        return Err(GenerateError::SpacingOfAdaptive);
    }
    let noise_level = noise_level(&info, settings)?;
    let spacing = Some(spacing).filter(|_| !adaptive);
    let to_data = to_data(grid, &info, settings)?;
    let orders = chosen.orders.as_deref();
    let steps = steps(&info, settings, grid, orders, to_data)?;
    let own_ends = own_ends(grid, &steps, orders)?;
    let mut span = span(path, &info, settings, spacing, noise_level, own_ends)?;
    if span.start < span.end {
        if info.draws_noise {
            return Err(GenerateError::StochasticEncoding(info.name));
        }
        if settings.denoise_final {
            return Err(GenerateError::DenoisedEncoding);
        }
        if !has_state {
            return Err(GenerateError::NothingToEncode { start: span.start, end: span.end });
        }
    }
    let steps = match steps {
        // Nothing to be laid out: the initial state is the result.
        Steps::Fixed(steps) if steps == 0 || span.start == span.end => {
            span.end = span.start;
            Steps::Grid(vec![span.start])
        }
        Steps::Fixed(steps) => {
            let times = to_data::times(grid, orders, settings, span, steps);
            Steps::Grid(times.map_err(|error| error.of_default(settings, path))?)
        }
        chosen => chosen,
    };
    Plan { span, steps, noise_level }.of_strength(settings, chosen, path)
}

/// What the last step costs if it ends where there is no noise and the method can step there.
fn to_data(
    grid: &IntendedGrid,
    info: &MethodInfo,
    settings: &Settings,
) -> Result<Option<u64>, GenerateError> {
    let fixed = !matches!(settings.budget, Budget::Adaptive { .. });
    let own_end = if fixed { grid.spacing.own_end(&grid.path)? } else { None };
    let end = settings.t_end.or(own_end).unwrap_or(grid.path.default_span().1);
    Ok(info.evaluations_to_data.filter(|_| end == grid.path.domain().data.t))
}

/// Ends of a spacing that has its own.
fn own_ends(
    grid: &IntendedGrid,
    steps: &Steps,
    orders: Option<&[usize]>,
) -> Result<Option<(f64, f64)>, GenerateError> {
    // The denoising alone is no grid of the spacing's: it starts where the path does.
    let Steps::Fixed(steps @ 1..) = steps else { return Ok(None) };
    memory::check_steps(*steps as u64)?;
    let steps = orders.map_or(*steps, |orders| orders.iter().sum());
    let times = grid.spacing.own_times(&grid.path, steps)?;
    Ok(times.map(|times| (times[0], times[steps])))
}

fn noise_level(info: &MethodInfo, settings: &Settings) -> Result<f64, GenerateError> {
    match settings.noise_level {
        None => Ok(1.0),
        Some(_) if info.kind == Kind::Exponential && info.draws_noise => {
            Err(GenerateError::OwnNoise(info.name))
        }
        Some(_) if info.kind != Kind::Stochastic => Err(GenerateError::NoiseLevelOfOde(info.name)),
        Some(level) if level.is_finite() && level >= 0.0 => Ok(level),
        Some(level) => Err(GenerateError::NoiseLevel(level)),
    }
}

/// The default start gives way to one where the method or the spacing finds
/// what it needs; an explicit end is refused instead. An end at the data, and a start at pure
/// noise, needs no finite log-SNR if the method can step to or from it and the spacing does not
/// need one, or [leaves it out](to_data::lays_no_data). A spacing with ends of its own has the
/// first word.
fn span(
    path: &SharedPath,
    info: &MethodInfo,
    settings: &Settings,
    spacing: Option<&Spacing>,
    noise_level: f64,
    own_ends: Option<(f64, f64)>,
) -> Result<Span, GenerateError> {
    let spacing = spacing.filter(|spacing| spacing.needs_log_snr());
    let needs_log_snr = info.kind.needs_log_snr() || spacing.is_some();
    let needs_diffusion = info.kind == Kind::Stochastic && noise_level > 0.0;
    let domain = path.domain();
    let own =
        MethodInfo { starts_from_noise: info.starts_from_noise && spacing.is_none(), ..*info };
    let default_start = start_for(path, &own, needs_log_snr, needs_diffusion);
    let default_end = path.default_span().1;
    let (default_start, default_end) = own_ends.unwrap_or((default_start, default_end));
    let span = Span {
        start: settings.t_start.unwrap_or(default_start),
        end: settings.t_end.unwrap_or(default_end),
    };
    if span.start == span.end {
        check_time(path, span.start)?;
        return Ok(span);
    }
    // A step whose formula is finite is made, from the data, to them, and from pure noise.
    let leaves_data = span.start == domain.data.t && info.starts_from_data;
    let leaves_noise = span.start == domain.noise.t && info.starts_from_noise;
    let reaches_data = span.end == domain.data.t && info.evaluations_to_data.is_some();
    for (t, finite) in [(span.start, leaves_data || leaves_noise), (span.end, reaches_data)] {
        check_spacing(path, spacing, settings, t)?;
        let needed = info.kind.needs_log_snr() && !finite;
        if needed { check_log_snr(path, t) } else { check_time(path, t) }?;
    }
    if needs_diffusion {
        check_diffusion(path, span.start)?;
    }
    Ok(span)
}

/// Refuses an end that the spacing cannot have.
fn check_spacing(
    path: &SharedPath,
    spacing: Option<&Spacing>,
    settings: &Settings,
    t: f64,
) -> Result<(), GenerateError> {
    let Some(spacing) = spacing else { return Ok(()) };
    if to_data::lays_no_data(path) && t == path.domain().data.t {
        return Ok(());
    }
    check_log_snr(path, t).map_err(|error| match error {
        PathError::NoLogSnr { process, t, nearest } => {
            let (spacing, default) = (spacing.clone(), settings.spacing.is_none());
            GenerateError::SpacingEnd { spacing, default, process, t, nearest }
        }
        other => other.into(),
    })
}

/// The steps that the budget allows. A list of orders uses up any number of
/// evaluations, from one. A last step to the data costs what the method says. A list of times
/// has its own number of steps, which the budget pays for or not. One evaluation for the
/// denoising leaves no step.
fn steps(
    info: &MethodInfo,
    settings: &Settings,
    grid: &IntendedGrid,
    orders: Option<&[usize]>,
    to_data: Option<u64>,
) -> Result<Steps, GenerateError> {
    let denoising = u64::from(settings.denoise_final);
    let listed = grid.spacing.own_steps().filter(|_| orders.is_none());
    let one_step = match (listed, to_data) {
        (Some(steps), None) => info.evaluations(steps as u64),
        (Some(steps), Some(last)) => info.evaluations(steps as u64 - 1) + last,
        (None, to_data) => to_data.unwrap_or(info.evaluations(1)),
    };
    let least = orders.map_or(one_step, |_| 1) + denoising;
    let solver = info.name;
    match settings.budget {
        Budget::Steps(0) => {
            Err(driftfield_solvers::SolveError::Control(ControlError::NoSteps).into())
        }
        Budget::Steps(steps) => Ok(Steps::Fixed(steps)),
        Budget::Evaluations(nfe) => {
            let spent_last = denoising + to_data.unwrap_or(0);
            let within = match nfe.checked_sub(spent_last) {
                Some(rest) => info.steps_within(rest) + u64::from(to_data.is_some()),
                None => 0,
            };
            let within = match listed {
                Some(steps) if steps as u64 <= within => steps as u64,
                Some(steps) => {
                    return Err(GenerateError::TimesTooMany { nfe, solver, steps, least });
                }
                None => within,
            };
            let to_data = usize::from(settings.orders_end_before_data(&grid.path, &grid.spacing));
            let affordable = nfe >= denoising + to_data as u64;
            let of_orders = |orders: &[usize]| if affordable { orders.len() + to_data } else { 0 };
            match orders.map_or(within as usize, of_orders) {
                0 if (nfe, denoising) == (1, 1) => Ok(Steps::Fixed(0)),
                0 => Err(GenerateError::BudgetTooSmall { nfe, solver, least, denoising }),
                steps => Ok(Steps::Fixed(steps)),
            }
        }
        // However small, a bound is no mistake: the outcome says it was met.
        Budget::Adaptive { abstol, reltol, max_nfe } => {
            let budget = max_nfe.map(|nfe| nfe.saturating_sub(denoising));
            Ok(Steps::Adaptive { abstol, reltol, budget })
        }
    }
}
