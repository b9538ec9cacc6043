//! One step of one scheme. A method knows its orders and stages, never the
//! tolerances; step control knows the tolerances, never the stages.

mod boxed;
pub mod exponential;
mod info;
pub mod registry;
pub mod runge_kutta;
mod sequence;
pub mod stochastic;

pub use boxed::BoxedMethod;
pub use info::{Kind, MethodInfo};
pub use runge_kutta::{
    Bs3, Dop853, Dopri5, Euler, Heun, Heun3, Kutta3, Midpoint, Ralston, Ralston3, Rk4, RungeKutta,
    Tsit5,
};
pub use sequence::{Sequence, SequenceStepper};
pub use stochastic::{
    EulerHeun, EulerMaruyama, Milstein, MilsteinDerivativeFree, Shark, Sra1, Srid2, Sriw1,
    StochasticHeun, StochasticInfo, WeakRungeKutta,
};

use std::fmt;
use std::sync::Arc;

use crate::control::GridTimes;
use crate::field::{Counted, FieldError, Times};
use crate::noise::{Noise, NoiseRequest};
use crate::number::Number;
use crate::state::{State, StateError};

/// Why a step could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The field failed.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// An operation on states failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The noise could not be drawn.
    #[error(transparent)]
    Noise(#[from] crate::noise::NoiseError),
    /// The inner nodes of the step are its ends, up to rounding. Adaptive steps end there as
    /// [too small](crate::Outcome::StepTooSmall).
    #[error(
        "the step from {} to {} is too short to be divided; take fewer steps",
        Number(*t),
        Number(*t_next)
    )]
    TooShort {
        /// Start of the step.
        t: f64,
        /// End of the step.
        t_next: f64,
    },
    /// A [rule](crate::method::exponential::Nodes::Rule) places an inner node at an end of the step
    /// or outside it.
    #[error(
        "the rule for inner nodes places one at {} in the step from {} to {}; make it return times strictly between the two",
        Number(*node),
        Number(*t),
        Number(*t_next)
    )]
    Node {
        /// Start of the step.
        t: f64,
        /// End of the step.
        t_next: f64,
        /// Where the rule places the node.
        node: f64,
    },
    /// What the continuous extension of an accepted step is made of is NaN or infinite.
    #[error(
        "the continuous extension of the step from t = {} is NaN or infinite in lane {lane}; check the field there",
        Number(*t)
    )]
    NonFiniteInterpolant {
        /// Start of the step.
        t: f64,
        /// First lane affected.
        lane: usize,
    },
}

/// All that one step is given.
pub struct Step<'a, S, F> {
    /// The counted right-hand side.
    pub field: &'a Counted<&'a F>,
    /// Time at the start of the step.
    pub t: f64,
    /// Time at its end, exact: `t + h` may differ by rounding.
    pub t_next: f64,
    /// Signed length of the step.
    pub h: f64,
    /// State at `t`.
    pub u: &'a S,
    /// Where the state at `t_next` goes.
    pub next: &'a mut S,
    /// The Brownian path, for stochastic methods.
    pub noise: &'a mut dyn Noise<S>,
    /// Which step of a fixed grid this is; `None` for adaptive steps, which alone are
    /// asked for an [error estimate](Stepper::error).
    pub grid: Option<GridPosition<'a>>,
    /// The steps of the lanes, where each has one of its own; only a method that says
    /// [so](MethodInfo::lane_steps) is given them. Then `t`, `t_next` and `h` are 0, 1 and 1: the
    /// clock on which every lane's step has length 1.
    pub lanes: Option<&'a LaneSteps>,
}

/// The steps of lanes that have one each.
#[derive(Debug, Clone, Default)]
pub struct LaneSteps {
    /// The step of every lane of the batch.
    pub steps: Vec<LaneStep>,
    /// The lanes that an interpolant is wanted for; all others are left alone.
    pub interpolated: Vec<usize>,
}

/// The step of one lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneStep {
    /// Where it starts.
    pub t: f64,
    /// Where it ends.
    pub t_next: f64,
    /// Its signed length.
    pub h: f64,
}

impl LaneStep {
    /// The time of a share `theta` of the step.
    pub fn at(&self, theta: f64) -> f64 {
        if theta == 1.0 { self.t_next } else { self.t + theta * self.h }
    }
}

impl LaneSteps {
    /// The times of a share `theta` of the steps.
    pub fn at(&self, theta: f64) -> Vec<f64> {
        self.steps.iter().map(|step| step.at(theta)).collect()
    }

    /// Their lengths.
    pub fn lengths(&self) -> Vec<f64> {
        self.steps.iter().map(|step| step.h).collect()
    }
}

/// Which step of a fixed grid is made. A method may act on it (the published
/// exponential integrators end with lower orders), none has to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridPosition<'a> {
    /// Number of the step, from 0.
    pub index: usize,
    /// Steps that the method makes: those of the grid, unless another makes some of them.
    pub steps: usize,
    /// The times of the whole grid: this step leads from the one of its number to the next.
    pub times: &'a GridTimes,
}

impl GridPosition<'_> {
    /// Steps still to be made, this one included.
    pub fn remaining(&self) -> usize {
        self.steps - self.index
    }
}

/// The local error of a step, as the method estimates it.
#[derive(Debug)]
pub enum ErrorEstimate<'a, S> {
    /// No estimate: the method cannot be used with adaptive steps.
    None,
    /// The difference of two solutions.
    Single(&'a S),
    /// The same, measured against other states than those before and after the step.
    Against {
        /// The difference of two solutions.
        error: &'a S,
        /// What the relative tolerance takes for the state before the step.
        before: &'a S,
        /// What it takes for the one after it.
        after: &'a S,
    },
    /// Two estimates of different order, combined by norm as
    /// `high^2 / sqrt(high^2 + 0.01 low^2)` (Hairer, Norsett & Wanner, *Solving ODEs I*, II.10).
    Stretched {
        /// The estimate of higher order.
        high: &'a S,
        /// The estimate of lower order.
        low: &'a S,
    },
}

impl<'a, S: State> ErrorEstimate<'a, S> {
    /// The first lane in which the estimate, or the state `after` the step, is NaN or infinite.
    /// Not to be told from the norm, which overflows before they do.
    pub(crate) fn first_non_finite_lane(&self, after: &S) -> Result<Option<usize>, StateError> {
        let mut first = after.first_non_finite_lane()?;
        for difference in self.differences() {
            let lane = difference.first_non_finite_lane()?;
            first = first.into_iter().chain(lane).min();
        }
        Ok(first)
    }

    /// Whether the estimate and the state `after` the step are finite in one lane.
    pub(crate) fn is_finite_in_lane(&self, after: &S, lane: usize) -> Result<bool, StateError> {
        for state in self.differences().chain([after]) {
            if state.select_lanes(&[lane])?.first_non_finite_lane()?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn differences<'s>(&'s self) -> impl Iterator<Item = &'s S>
    where
        'a: 's,
    {
        let (one, other) = match *self {
            ErrorEstimate::None => (None, None),
            ErrorEstimate::Single(error) | ErrorEstimate::Against { error, .. } => {
                (Some(error), None)
            }
            ErrorEstimate::Stretched { high, low } => (Some(high), Some(low)),
        };
        one.into_iter().chain(other)
    }
}

/// A continuous extension over the step just accepted, as weights of the states it is made of.
#[derive(Debug)]
pub struct Interpolant<'a, S> {
    /// The states `k_i`.
    pub stages: &'a [S],
    /// Their weights.
    pub weights: InterpolantWeights,
}

/// The weights of an [`Interpolant`] over a step from `t` to `t + h`.
#[derive(Clone)]
pub enum InterpolantWeights {
    /// Of stage derivatives: `u(t + theta h) = u(t) + h sum_i w_i(theta) k_i`.
    Tableau {
        /// `h`.
        h: f64,
        /// Writes `w_i(theta)` for `theta` in `[0, 1]`, one per stage.
        weights: fn(theta: f64, weights: &mut [f64]),
    },
    /// Of states: `u(t + theta h) = sum_i w_i(theta) k_i`, `u(t)` being one of them if it is
    /// needed.
    States(Arc<StateWeights>),
}

/// Writes `w_i(theta)` of a lane for `theta` in `[0, 1]`, one per state. The lane matters where
/// lanes have steps of their own.
pub type StateWeights = dyn Fn(usize, f64, &mut [f64]) + Send + Sync;

impl fmt::Debug for InterpolantWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InterpolantWeights::Tableau { .. } => "Tableau(..)",
            InterpolantWeights::States(_) => "States(..)",
        })
    }
}

impl<S: State> Interpolant<'_, S> {
    /// Writes `u(t + theta h)` into `out`; `u` is the state at the start of the step.
    pub fn at(&self, out: &mut S, u: &S, theta: f64) -> Result<(), StateError> {
        let mut values = vec![0.0; self.stages.len()];
        match &self.weights {
            InterpolantWeights::Tableau { h, weights } => {
                weights(theta, &mut values);
                out.stage_sum(Some(u), *h, &values, self.stages)
            }
            InterpolantWeights::States(weights) => {
                weights(0, theta, &mut values);
                out.stage_sum(None, 1.0, &values, self.stages)
            }
        }
    }

    /// The same at a share of its own for every lane, where lanes have steps of their own;
    /// `lane_of` is the number that a lane of `u` had in the step.
    pub fn at_lanes(
        &self,
        out: &mut S,
        u: &S,
        thetas: &[f64],
        lane_of: impl Fn(usize) -> usize,
    ) -> Result<(), StateError> {
        let count = self.stages.len();
        let mut of_stage = vec![vec![0.0; thetas.len()]; count];
        let mut values = vec![0.0; count];
        for (lane, &theta) in thetas.iter().enumerate() {
            match &self.weights {
                // Stages of steps of length 1.
                InterpolantWeights::Tableau { weights, .. } => weights(theta, &mut values),
                InterpolantWeights::States(weights) => weights(lane_of(lane), theta, &mut values),
            }
            for (of_stage, &value) in of_stage.iter_mut().zip(&values) {
                of_stage[lane] = value;
            }
        }
        let base = match self.weights {
            InterpolantWeights::Tableau { .. } => 1.0,
            InterpolantWeights::States(_) => 0.0,
        };
        let terms: Vec<(&[f64], &S)> =
            of_stage.iter().map(Vec::as_slice).zip(self.stages).collect();
        out.copy_from(u)?;
        out.combine_lanes(&vec![base; thetas.len()], &terms)
    }
}

/// What happened to the solve since the last step, as its stepper is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// The step was accepted.
    Accepted,
    /// The steps of these lanes were accepted, where lanes have steps of their own; those of the
    /// others will be tried again, shorter.
    AcceptedLanes(&'a [usize]),
    /// The state was corrected from outside
    /// ([`AcceptedStep::correct`](crate::observer::AcceptedStep::correct)): what was cached at it
    /// is void, values at earlier times are not.
    Corrected,
    /// The state was replaced from outside: what was cached at it is void, and so is a history.
    Replaced,
    /// The lanes changed places: lane `i` is what lane `from[i]` was. A lane may stay, go, or come
    /// more than once; everything kept of it goes with it.
    Lanes(&'a [usize]),
}

impl Told<'_> {
    /// Moves the lanes of these states if lanes were moved: all that a stepper need do which keeps
    /// nothing from one step to the next but room for them.
    pub fn move_lanes<'s, S: State>(
        self,
        states: impl IntoIterator<Item = &'s mut S>,
    ) -> Result<(), StateError> {
        match self {
            Told::Lanes(from) => move_lanes(states, from),
            _ => Ok(()),
        }
    }
}

/// A scheme for fields of type `F` on states of type `S`: what it is, and how a solve with it
/// begins.
///
/// A Runge-Kutta method asks for `F: VectorField<S>`, a stochastic one for
/// `F: StochasticField<S>`: the compiler says when a method does not apply.
pub trait Method<S: State, F> {
    /// What makes its steps, and keeps what one step leaves to the next.
    type Stepper: Stepper<S, F> + 'static;

    /// Name, orders and costs.
    fn info(&self) -> MethodInfo;

    /// Sense, kinds of noise and orders of a stochastic method.
    fn stochastic(&self) -> Option<StochasticInfo> {
        None
    }

    /// The Brownian path a solve of `field` needs, if the method draws noise.
    fn noise(&self, _field: &F) -> Option<NoiseRequest> {
        self.info().draws_noise.then(NoiseRequest::default)
    }

    /// Begins a solve whose state is shaped like `initial`.
    fn begin(&self, initial: &S) -> Self::Stepper;

    /// What adaptive steps are measured in: time, unless the method says otherwise. Step
    /// lengths, `dtmin` and `dtmax` are differences of it.
    fn clock(&self, _field: &Counted<&F>, t: f64) -> Result<f64, StepError> {
        Ok(t)
    }

    /// The time at which [`Method::clock`] shows `clock`.
    fn time_at_clock(&self, _field: &Counted<&F>, clock: f64) -> Result<f64, StepError> {
        Ok(clock)
    }
}

/// A method in the midst of a solve: its stages, history and scratch.
///
/// All that a solve asks of it can be asked of a `Box<dyn Stepper<S, F>>`, which is one.
pub trait Stepper<S: State, F> {
    /// Computes `step.next` from `step.u`. It may be called again from the
    /// same `(t, u)` with another `h` when step control rejects.
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError>;

    /// Takes note of what happened since.
    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError>;

    /// The error estimate of the last step, unless that was one of a fixed [grid](Step::grid).
    fn error(&self) -> ErrorEstimate<'_, S> {
        ErrorEstimate::None
    }

    /// Writes `f(u, t)` into `du` for the automatic first step, and keeps it for the first
    /// evaluation of the coming step if that is what it is; `false` if the
    /// method's field has no such thing, or its clock is not time.
    fn slope(
        &mut self,
        _field: &Counted<&F>,
        _du: &mut S,
        (_u, _t): (&S, Times<'_>),
        _kept: bool,
    ) -> Result<bool, StepError> {
        Ok(false)
    }

    /// Evaluations of a lane's coming step that are known already, where lanes have steps of
    /// their own.
    fn known(&self, _lane: usize) -> u64 {
        0
    }

    /// Takes over states of the past, oldest first and [`MethodInfo::history`] of them, so that
    /// the first step already has the full order. Called before it, and only for methods that
    /// look back.
    fn look_back(&mut self, _field: &Counted<&F>, _past: &[(f64, S)]) -> Result<(), StepError> {
        Ok(())
    }

    /// Evaluates whatever the interpolant over the accepted step
    /// `[t, t_next]` from `u` to `next` still lacks.
    fn prepare_interpolant(&mut self, _step: Step<'_, S, F>) -> Result<(), StepError> {
        Ok(())
    }

    /// The interpolant over the accepted step, once prepared.
    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        None
    }
}

/// These lanes of `to` become those of `from`.
pub(crate) fn copy_lanes<S: State>(
    to: &mut S,
    from: &S,
    lanes: impl IntoIterator<Item = usize>,
) -> Result<(), StateError> {
    let pairs: Vec<(usize, usize)> = lanes.into_iter().map(|lane| (lane, lane)).collect();
    to.assign_lanes(from, &pairs)
}

/// Every state becomes its lanes `from`, in that order: what [`Told::Lanes`] asks for.
pub fn move_lanes<'s, S: State>(
    states: impl IntoIterator<Item = &'s mut S>,
    from: &[usize],
) -> Result<(), StateError> {
    for state in states {
        *state = state.select_lanes(from)?;
    }
    Ok(())
}
