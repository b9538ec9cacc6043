use std::sync::Arc;

use crate::method::{Interpolant, InterpolantWeights, LaneStep};
use crate::number::Number;
use crate::state::{State, StateError};

/// Why a solution cannot be interpolated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InterpolationError {
    /// The interpolants were not kept.
    #[error("the solution kept no interpolants; solve with `Save::dense()`")]
    NotDense,
    /// A time outside the solution.
    #[error(
        "t = {t} lies outside the solution's span from {t0} to {t1}",
        t = Number(*t), t0 = Number(*t0), t1 = Number(*t1)
    )]
    Outside {
        /// Time asked for.
        t: f64,
        /// Start of the solution.
        t0: f64,
        /// End of the solution.
        t1: f64,
    },
    /// The derivative of a solution over an empty span.
    #[error("the solution is one point, at t = {t}, which has no derivative", t = Number(*t))]
    Point {
        /// Time asked for.
        t: f64,
    },
    /// An operation on states failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    /// The state.
    State,
    /// Its derivative in time.
    Slope,
}

/// The continuous extension over one step ([`Interpolant`]), or over the steps of lanes that have
/// one each.
#[derive(Debug, Clone)]
pub struct DenseSegment<S> {
    /// Start of the step; of the first to start, if there are several.
    pub t: f64,
    /// End of the step; of the last to end, if there are several.
    pub t_next: f64,
    /// The method's step, of which `[t, t_next]` may be a part (an event ended it).
    h: f64,
    u: S,
    /// None of an empty span.
    stages: Vec<S>,
    weights: Option<InterpolantWeights>,
    /// The lanes of `u`, unless they are those of the whole batch and share the step.
    lanes: Option<Vec<DenseLane>>,
    /// Whether the lanes have a step each.
    own_steps: bool,
}

/// A lane of a segment.
#[derive(Debug, Clone, Copy)]
struct DenseLane {
    /// Its number in the whole batch, and the place it had in the step.
    number: usize,
    slot: usize,
    step: LaneStep,
    /// Where the lane itself ends, within the step.
    end: f64,
}

impl DenseLane {
    fn contains(&self, t: f64) -> bool {
        (self.step.t.min(self.end)..=self.step.t.max(self.end)).contains(&t)
    }
}

impl<S: State> DenseSegment<S> {
    pub(crate) fn new(
        t: f64,
        t_next: f64,
        h: f64,
        u: &S,
        interpolant: &Interpolant<'_, S>,
    ) -> Self {
        let weights = Some(interpolant.weights.clone());
        let (u, stages) = (u.clone(), interpolant.stages.to_vec());
        DenseSegment { t, t_next, h, u, stages, weights, lanes: None, own_steps: false }
    }

    /// Of lanes with these numbers in the whole batch, which share the step.
    pub(crate) fn of_lanes(&mut self, numbers: Option<Vec<usize>>) {
        let step = LaneStep { t: self.t, t_next: self.t_next, h: self.h };
        let lane = |(slot, number)| DenseLane { number, slot, step, end: self.t_next };
        self.lanes = numbers.map(|numbers| numbers.into_iter().enumerate().map(lane).collect());
    }

    /// The lane at a place ends before the others.
    pub(crate) fn ends(&mut self, slot: usize, t: f64) {
        if self.lanes.is_none() {
            self.of_lanes(Some((0..self.u.lanes()).collect()));
        }
        if let Some(lanes) = &mut self.lanes {
            lanes[slot].end = t;
        }
    }

    /// Of lanes that have a step each: place, number, step and end.
    pub(crate) fn of_own_steps(
        u: &S,
        interpolant: &Interpolant<'_, S>,
        lanes: Vec<(usize, usize, LaneStep, f64)>,
    ) -> Result<Self, StateError> {
        let slots: Vec<usize> = lanes.iter().map(|lane| lane.0).collect();
        let forwards = lanes.first().is_none_or(|lane| lane.2.h > 0.0);
        let fold = |values: &mut dyn Iterator<Item = f64>, first: bool| {
            let bound = if first { f64::INFINITY } else { f64::NEG_INFINITY };
            values.fold(bound, if first { f64::min } else { f64::max })
        };
        let t = fold(&mut lanes.iter().map(|lane| lane.2.t), forwards);
        let t_next = fold(&mut lanes.iter().map(|lane| lane.3), !forwards);
        let lane = |(slot, number, step, end)| DenseLane { number, slot, step, end };
        Ok(DenseSegment {
            t,
            t_next,
            h: 1.0,
            u: u.select_lanes(&slots)?,
            stages: interpolant
                .stages
                .iter()
                .map(|stage| stage.select_lanes(&slots))
                .collect::<Result<_, _>>()?,
            weights: Some(interpolant.weights.clone()),
            lanes: Some(lanes.into_iter().map(lane).collect()),
            own_steps: true,
        })
    }

    /// All there is of an empty span.
    pub(crate) fn point(t: f64, u: S) -> Self {
        let (stages, weights, lanes) = (Vec::new(), None, None);
        DenseSegment { t, t_next: t, h: 0.0, u, stages, weights, lanes, own_steps: false }
    }

    /// Whether its lanes are those of the whole batch, and share the step.
    pub(super) fn is_shared(&self) -> bool {
        self.lanes.is_none()
    }

    pub(crate) fn contains(&self, t: f64) -> bool {
        (self.t.min(self.t_next)..=self.t.max(self.t_next)).contains(&t)
    }

    pub(super) fn look(&self, t: f64, quantity: Quantity) -> Result<S, InterpolationError> {
        let Some(weights) = self.weights(quantity).filter(|_| self.t != self.t_next) else {
            return match quantity {
                Quantity::State => Ok(self.u.clone()),
                Quantity::Slope => Err(InterpolationError::Point { t }),
            };
        };
        let mut out = self.u.zeros_like();
        self.write(t, (weights, quantity), &mut out)?;
        Ok(out)
    }

    fn weights(&self, quantity: Quantity) -> Option<InterpolantWeights> {
        let weights = self.weights.as_ref()?;
        Some(match quantity {
            Quantity::State => weights.clone(),
            Quantity::Slope => slopes(weights.clone()),
        })
    }

    /// Of lanes that share the step.
    fn write(
        &self,
        t: f64,
        (weights, quantity): (InterpolantWeights, Quantity),
        out: &mut S,
    ) -> Result<(), StateError> {
        let interpolant = Interpolant { stages: &self.stages, weights };
        interpolant.at(out, &self.u, (t - self.t) / self.h)?;
        match quantity {
            Quantity::State => Ok(()),
            Quantity::Slope => out.linear_combination(1.0 / self.h, &[]),
        }
    }

    /// Writes the lanes whose steps contain `t` into their places in the whole batch, and notes
    /// which they are.
    pub(super) fn write_lanes(
        &self,
        (t, quantity): (f64, Quantity),
        out: &mut S,
        written: &mut [bool],
    ) -> Result<(), InterpolationError> {
        if !self.contains(t) {
            return Ok(());
        }
        let Some(lanes) = &self.lanes else {
            written.fill(true);
            return Ok(out.copy_from(&self.look(t, quantity)?)?);
        };
        let Some(weights) = self.weights(quantity) else { return Ok(()) };
        let mut state = self.u.zeros_like();
        if self.own_steps {
            let theta = |lane: &DenseLane| (t - lane.step.t) / lane.step.h;
            let thetas: Vec<f64> =
                lanes.iter().map(|lane| if lane.contains(t) { theta(lane) } else { 0.0 }).collect();
            let interpolant = Interpolant { stages: &self.stages, weights };
            interpolant.at_lanes(&mut state, &self.u, &thetas, |at| lanes[at].slot)?;
            if quantity == Quantity::Slope {
                let rates: Vec<f64> = lanes.iter().map(|lane| 1.0 / lane.step.h).collect();
                state.combine_lanes(&rates, &[])?;
            }
        } else {
            self.write(t, (weights, quantity), &mut state)?;
        }
        let pairs = (0..lanes.len()).filter(|&at| lanes[at].contains(t));
        let pairs: Vec<(usize, usize)> = pairs.map(|at| (lanes[at].number, at)).collect();
        for &(number, _) in &pairs {
            written[number] = true;
        }
        Ok(out.assign_lanes(&state, &pairs)?)
    }
}

/// The weights of the derivative in the share of the step, without the state at its start.
fn slopes(weights: InterpolantWeights) -> InterpolantWeights {
    InterpolantWeights::States(Arc::new(move |lane, theta, out: &mut [f64]| {
        let (nodes, of_nodes) = derivative_weights(2.0 * theta - 1.0);
        let mut values = vec![0.0; out.len()];
        out.fill(0.0);
        for (node, of_node) in nodes.iter().zip(of_nodes) {
            let share = 0.5 + 0.5 * node;
            let length = match &weights {
                InterpolantWeights::Tableau { h, weights } => {
                    weights(share, &mut values);
                    *h
                }
                InterpolantWeights::States(weights) => {
                    weights(lane, share, &mut values);
                    1.0
                }
            };
            let factor = 2.0 * length * of_node;
            out.iter_mut().zip(&values).for_each(|(out, value)| *out += factor * value);
        }
    }))
}

/// Chebyshev points of the second kind in `[-1, 1]`, and the weights of values there in the
/// derivative at `x` of the polynomial through them (Berrut & Trefethen, *Barycentric Lagrange
/// interpolation*, SIAM Review 46, 2004, sections 5 and 9.3).
fn derivative_weights(x: f64) -> ([f64; NODES], [f64; NODES]) {
    let nodes: [f64; NODES] =
        std::array::from_fn(|i| -(std::f64::consts::PI * i as f64 / (NODES - 1) as f64).cos());
    // As differences of products, so that nothing is divided by `x - x_i`.
    let weight = |j: usize| {
        let others = || (0..NODES).filter(move |&k| k != j);
        let scale: f64 = others().map(|k| nodes[j] - nodes[k]).product();
        let without =
            |i: usize| -> f64 { others().filter(|&k| k != i).map(|k| x - nodes[k]).product() };
        others().map(without).sum::<f64>() / scale
    };
    (nodes, std::array::from_fn(weight))
}

const NODES: usize = 17;
