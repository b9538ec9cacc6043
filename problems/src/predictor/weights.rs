//! Targets that are `a x + b y` of the state and of what a predictor knows: the weights, and how they
//! move.

use driftfield_solvers::field::{Affine, ByLane};
use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, State};

use super::{Prediction, Pullback, Pushforward, Target, Targets, Times};
use crate::process::{GaussianPath, Parameter, SharedPath, check_time, derivative};

/// `(a, b)` by lane.
pub(crate) type Weights<'r> = (ByLane<'r, f64>, ByLane<'r, f64>);

/// `(a, b)` such that the target is `a x_t + b x_0`, with `x_0` data that was changed after it was
/// predicted: the noise is `eps = (x_t - alpha x_0) / sigma`, so that noise, velocity, v, score and
/// every drift agree with each other and with the state.
pub(crate) fn from_data(
    path: &SharedPath,
    target: Target,
    t: f64,
) -> Result<(f64, f64), FieldError> {
    check_time(path, t)?;
    let (alpha, sigma) = (path.alpha(t), path.sigma(t));
    let state = if target.noise == 0.0 { 0.0 } else { target.noise / sigma };
    if state.is_finite() {
        return Ok((state, target.data - state * alpha));
    }
    Err(FieldError::Domain {
        t,
        advice: "there is no noise here that the changed data would determine; end at a \
                 slightly later time"
            .to_owned(),
    })
}

/// What `weights` says of every lane's target and time, worked out once if they share both.
pub(super) fn by_lane<'r>(
    target: Targets<'_>,
    t: Times<'_>,
    (of_state, of_value): &'r mut (Vec<f64>, Vec<f64>),
    weights: impl Fn(Target, f64) -> Result<(f64, f64), FieldError>,
) -> Result<Weights<'r>, FieldError> {
    let lanes = match (target, t) {
        (ByLane::One(target), ByLane::One(t)) => {
            let (a, b) = weights(target, t)?;
            return Ok((ByLane::One(a), ByLane::One(b)));
        }
        (ByLane::Each(targets), _) => targets.len(),
        (_, ByLane::Each(times)) => times.len(),
    };
    of_state.clear();
    of_value.clear();
    for lane in 0..lanes {
        let (a, b) = weights(target.of(lane), t.of(lane))?;
        of_state.push(a);
        of_value.push(b);
    }
    Ok((ByLane::Each(of_state), ByLane::Each(of_value)))
}

/// `(a, b)` such that the target is `a x_t + b n` where the path is at `alpha` and `sigma` and `n` is
/// another target.
pub(crate) fn in_terms_of(n: Target, target: Target, (alpha, sigma): (f64, f64)) -> (f64, f64) {
    let det = alpha * n.noise - sigma * n.data;
    let cross = target.data * n.noise - target.noise * n.data;
    (cross / det, (alpha * target.noise - sigma * target.data) / det)
}

/// [`from_data`] of every lane.
pub(crate) fn weights_from_data<'r>(
    path: &SharedPath,
    target: Targets<'_>,
    t: Times<'_>,
    room: &'r mut (Vec<f64>, Vec<f64>),
) -> Result<Weights<'r>, FieldError> {
    by_lane(target, t, room, |target, t| from_data(path, target, t))
}

/// [`Pullback::through`] of weights of a target and a time on a path, which move with what is asked
/// for while the target is held.
pub(crate) fn pull_through<S: State>(
    path: &SharedPath,
    (target, t): (Targets<'_>, Times<'_>),
    pull: Pullback<'_, S>,
    x: &S,
    weights: impl Fn(&SharedPath, Target, f64) -> Result<(f64, f64), FieldError>,
    inner: impl FnOnce(Pullback<'_, S>) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    let rates = Rates::held(path, (target, t), x.lanes(), Asked::of(path, &pull)?, &weights)?;
    let mut room = Default::default();
    let now = by_lane(target, t, &mut room, |target, t| weights(path, target, t))?;
    pull.through(rates.of(now), x, inner)
}

/// [`Pushforward::through`] likewise.
pub(crate) fn push_through<S: State>(
    path: &SharedPath,
    (target, t): (Targets<'_>, Times<'_>),
    push: Pushforward<'_, S>,
    x: &S,
    weights: impl Fn(&SharedPath, Target, f64) -> Result<(f64, f64), FieldError>,
    inner: impl FnOnce(Pushforward<'_, S>) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    let rates = Rates::held(path, (target, t), x.lanes(), Asked::along(&push), &weights)?;
    let mut room = Default::default();
    let now = by_lane(target, t, &mut room, |target, t| weights(path, target, t))?;
    push.through(rates.of(now), x, inner)
}

/// What a product asks for that moves weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    time: bool,
    process: bool,
}

impl Asked {
    /// By a pull-back. Refuses room for another number of parameters than the path has.
    pub fn of<S>(path: &SharedPath, pull: &Pullback<'_, S>) -> Result<Self, FieldError> {
        check_process(path, pull.inputs.process.as_deref())?;
        Ok(Asked { time: pull.time.is_some(), process: pull.inputs.process.is_some() })
    }

    /// By a push-forward.
    pub fn along<S>(push: &Pushforward<'_, S>) -> Self {
        Asked { time: push.time != Times::One(0.0), process: false }
    }
}

/// How the weights of every lane move with what is asked for.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    time: Vec<[f64; 2]>,
    process: Vec<Vec<[f64; 2]>>,
}

impl Rates {
    /// What is asked for of `lanes` lanes at their times, once for all if they are `alike`.
    fn new(
        path: &SharedPath,
        t: Times<'_>,
        (lanes, alike): (usize, bool),
        asked: Asked,
        in_time: impl Fn(usize) -> [f64; 2],
        in_parameter: impl Fn(&Parameter, usize) -> [f64; 2],
    ) -> Result<Self, FieldError> {
        let each = |of: &dyn Fn(usize) -> [f64; 2]| match alike {
            true => vec![of(0); lanes],
            false => (0..lanes).map(of).collect(),
        };
        let mut rates = Rates::default();
        if asked.time {
            rates.time = each(&in_time);
            check_rates(&rates.time, t)?;
        }
        if asked.process {
            let parameters = Parameter::all(path)?;
            let of = |parameter| each(&|lane| in_parameter(parameter, lane));
            rates.process = parameters.iter().map(of).collect();
        }
        Ok(rates)
    }

    /// The rates of `weights`, the target held.
    fn held(
        path: &SharedPath,
        (target, t): (Targets<'_>, Times<'_>),
        lanes: usize,
        asked: Asked,
        weights: impl Fn(&SharedPath, Target, f64) -> Result<(f64, f64), FieldError>,
    ) -> Result<Self, FieldError> {
        let alike = matches!((target, t), (ByLane::One(_), ByLane::One(_)));
        let number = |path: &SharedPath, lane: usize, t: f64, which: usize| {
            weights(path, target.of(lane), t).map_or(f64::NAN, |(a, b)| [a, b][which])
        };
        let in_time = |lane: usize| {
            let at = |which| move |t| number(path, lane, t, which);
            [0, 1].map(|which| derivative(at(which), path.domain(), t.of(lane)))
        };
        let in_parameter = |parameter: &Parameter, lane: usize| {
            [0, 1].map(|which| parameter.slope(|path| number(path, lane, t.of(lane), which)))
        };
        Self::new(path, t, (lanes, alike), asked, in_time, in_parameter)
    }

    /// How `1 v` moves that is asked for as the velocity's target `(alpha', sigma')`: what the second
    /// derivatives of the path add, in terms of the state and the velocity.
    pub fn of_velocity(
        path: &SharedPath,
        t: Times<'_>,
        lanes: usize,
        asked: Asked,
    ) -> Result<Self, FieldError> {
        let in_terms = |data: f64, noise: f64, t: f64| {
            let velocity = Prediction::Velocity.target(path, t);
            let level = (path.alpha(t), path.sigma(t));
            let (a, b) = in_terms_of(velocity, Target { data, noise }, level);
            [a, b]
        };
        let in_time = |lane: usize| {
            let (domain, t) = (path.domain(), t.of(lane));
            let data = derivative(|t| path.alpha_derivative(t), domain, t);
            in_terms(data, derivative(|t| path.sigma_derivative(t), domain, t), t)
        };
        let in_parameter = |parameter: &Parameter, lane: usize| {
            let t = t.of(lane);
            let data = parameter.slope(|path| path.alpha_derivative(t));
            in_terms(data, parameter.slope(|path| path.sigma_derivative(t)), t)
        };
        let alike = matches!(t, ByLane::One(_));
        Self::new(path, t, (lanes, alike), asked, in_time, in_parameter)
    }

    /// How `1 s` moves that is asked for as the score's target `-1 / sigma`, at one time that is
    /// held: by `-sigma' / sigma`.
    pub fn of_score(
        path: &SharedPath,
        t: f64,
        lanes: usize,
        asked: Asked,
    ) -> Result<Self, FieldError> {
        let in_parameter = |parameter: &Parameter, _| {
            [0.0, -parameter.slope(|path| path.sigma(t)) / path.sigma(t)]
        };
        Self::new(path, t.into(), (lanes, true), asked, |_| [0.0; 2], in_parameter)
    }

    /// Weights that move so.
    pub fn of<'w>(&'w self, weights: Weights<'w>) -> Affine<'w> {
        Affine { weights, time: &self.time, process: &self.process }
    }

    /// A multiple of 1 that moves so.
    pub fn of_one(&self) -> Affine<'_> {
        self.of((ByLane::One(0.0), ByLane::One(1.0)))
    }
}

/// Refuses a time at which a weight has no derivative.
fn check_rates(rates: &[[f64; 2]], t: Times<'_>) -> Result<(), FieldError> {
    let moves = |rates: &[f64; 2]| rates.iter().all(|rate| rate.is_finite());
    match rates.iter().position(|rates| !moves(rates)) {
        None => Ok(()),
        Some(lane) => Err(FieldError::Refused(format!(
            "products in time at t = {}, where what is asked for does not move smoothly; take a \
             time inside the path's domain",
            Number(t.of(lane))
        ))),
    }
}

/// Refuses room for the products of another number of parameters than the path has.
pub(crate) fn check_process(path: &SharedPath, room: Option<&[f64]>) -> Result<(), FieldError> {
    let count = path.parameters().len();
    match room {
        Some(room) if room.len() != count => Err(FieldError::Shape {
            expected: format!("room for the products of {count} parameter(s) of `{}`", path.name()),
            found: room.len().to_string(),
        }),
        _ => Ok(()),
    }
}
