//! Targets that are `a x + b y` of the state and of what a predictor knows: the weights, and how they
//! move.

use driftfield_solvers::FieldError;
use driftfield_solvers::field::{Affine, ByLane};
use driftfield_solvers::number::Number;

use super::{Prediction, Target, Targets, Times};
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

/// How the weights of every lane move with what is asked for, the target held.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    time: Vec<[f64; 2]>,
    process: Vec<Vec<[f64; 2]>>,
}

impl Rates {
    /// The rates of `weights`, which are those of a target and a time on a path.
    pub fn new(
        path: &SharedPath,
        (target, t): (Targets<'_>, Times<'_>),
        lanes: usize,
        (in_time, in_process): (bool, bool),
        weights: impl Fn(&SharedPath, Target, f64) -> Result<(f64, f64), FieldError>,
    ) -> Result<Self, FieldError> {
        let number = |path: &SharedPath, target: Target, t: f64, which: usize| {
            weights(path, target, t).map_or(f64::NAN, |(a, b)| [a, b][which])
        };
        let each = |of: &dyn Fn(Target, f64) -> [f64; 2]| -> Vec<[f64; 2]> {
            match (target, t) {
                (ByLane::One(target), ByLane::One(t)) => vec![of(target, t); lanes],
                _ => (0..lanes).map(|lane| of(target.of(lane), t.of(lane))).collect(),
            }
        };
        let mut rates = Rates::default();
        if in_time {
            rates.time = each(&|target, t| {
                [0, 1].map(|i| derivative(|t| number(path, target, t, i), path.domain(), t))
            });
            check_rates(&rates.time, t)?;
        }
        if in_process {
            let of = |parameter: &Parameter| {
                each(&|target, t| {
                    [0, 1].map(|i| parameter.slope(|path| number(path, target, t, i)))
                })
            };
            rates.process = Parameter::all(path)?.iter().map(of).collect();
        }
        Ok(rates)
    }

    /// How `1 v` moves that is asked for as the velocity's target `(alpha', sigma')`: what the second
    /// derivatives of the path add, in terms of the state and the velocity.
    pub fn of_velocity(
        path: &SharedPath,
        t: Times<'_>,
        lanes: usize,
        (in_time, in_process): (bool, bool),
    ) -> Result<Self, FieldError> {
        let velocity = |path: &SharedPath, t: f64| Prediction::Velocity.target(path, t);
        let in_terms = |rate: Target, t: f64| {
            let (a, b) = in_terms_of(velocity(path, t), rate, (path.alpha(t), path.sigma(t)));
            [a, b]
        };
        let each = |of: &dyn Fn(f64) -> [f64; 2]| match t {
            ByLane::One(t) => vec![of(t); lanes],
            ByLane::Each(times) => times.iter().map(|&t| of(t)).collect(),
        };
        let mut rates = Rates::default();
        if in_time {
            let rate = |of: &dyn Fn(f64) -> f64, t: f64| derivative(of, path.domain(), t);
            rates.time = each(&|t| {
                let data = rate(&|t| path.alpha_derivative(t), t);
                in_terms(Target { data, noise: rate(&|t| path.sigma_derivative(t), t) }, t)
            });
            check_rates(&rates.time, t)?;
        }
        if in_process {
            let of = |parameter: &Parameter| {
                each(&|t| {
                    let data = parameter.slope(|path| path.alpha_derivative(t));
                    let noise = parameter.slope(|path| path.sigma_derivative(t));
                    in_terms(Target { data, noise }, t)
                })
            };
            rates.process = Parameter::all(path)?.iter().map(of).collect();
        }
        Ok(rates)
    }

    /// Weights that move so.
    pub fn of<'w>(&'w self, weights: Weights<'w>) -> Affine<'w> {
        Affine { weights, time: &self.time, process: &self.process }
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
