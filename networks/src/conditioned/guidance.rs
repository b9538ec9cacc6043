//! Guidance of any network that can be told something else.

use candle_core::{Result, Tensor};
use driftfield_solvers::FieldError;
use driftfield_solvers::number::Number;

use super::vector;
use crate::modules::{Conditions, TensorNetwork};

/// Classifier-free guidance (J. Ho & T. Salimans, "Classifier-free diffusion guidance", 2022): with
/// the network's output `c` under its conditions and `n` under those it is to be kept away from,
///
/// ```text
/// g = n + W (c - n)
/// ```
///
/// What it is kept away from is whatever the network knows as "no condition", its null label, say,
/// or a negative condition. `W = 1` is `c`. What the network predicts does not matter as long as it
/// is affine in the data at equal weights, as noise, data, velocity, v and score are.
#[derive(Debug, Clone)]
pub struct Guidance {
    weight: f64,
    away_from: Conditions,
    interval: Option<[f64; 2]>,
    rescale: f64,
}

/// Why there is no such guidance.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GuidanceError {
    /// The weight is no number.
    #[error("a guidance of {} is no number to multiply with; 1 is none, 1.25 to 7.5 are usual", Number(*.0))]
    Weight(f64),
    /// The interval is empty or not a number.
    #[error("guidance between the times {} and {} is never; give two times, the earlier first", Number(*.0), Number(*.1))]
    Interval(f64, f64),
    /// The share of rescaling is none.
    #[error("a rescaling of {} is no share; give 0 (none) to 1, 0.7 is usual", Number(*.0))]
    Rescale(f64),
}

impl Guidance {
    /// Guidance of weight `W` away from what the network says under other conditions.
    ///
    /// # Errors
    ///
    /// A weight that is not finite.
    pub fn new(weight: f64, away_from: Conditions) -> std::result::Result<Self, GuidanceError> {
        match weight.is_finite() {
            true => Ok(Guidance { weight, away_from, interval: None, rescale: 0.0 }),
            false => Err(GuidanceError::Weight(weight)),
        }
    }

    /// The same at the network's times from `first` to `last` alone, the conditional network at
    /// others: T. Kynkäänniemi et al., "Applying guidance in a limited interval improves sample and
    /// distribution quality in diffusion models", 2024.
    ///
    /// # Errors
    ///
    /// An interval without a time.
    pub fn between(self, first: f64, last: f64) -> std::result::Result<Self, GuidanceError> {
        match first <= last {
            true => Ok(Guidance { interval: Some([first, last]), ..self }),
            false => Err(GuidanceError::Interval(first, last)),
        }
    }

    /// The same with a share `phi` of what the guided output's size exceeds the conditional one's
    /// taken back, lane by lane: `phi g std(c) / std(g) + (1 - phi) g` with the standard deviation
    /// over a lane's values. S. Lin et al., "Common diffusion noise schedules and sample steps are
    /// flawed", 2024, equations 15 and 16.
    ///
    /// # Errors
    ///
    /// A share that is not from 0 to 1.
    pub fn rescaled(self, phi: f64) -> std::result::Result<Self, GuidanceError> {
        match (0.0..=1.0).contains(&phi) {
            true => Ok(Guidance { rescale: phi, ..self }),
            false => Err(GuidanceError::Rescale(phi)),
        }
    }

    /// Whether there is any at a time.
    pub(super) fn acts(&self, t: f64) -> bool {
        self.weight != 1.0 && self.interval.is_none_or(|[first, last]| first <= t && t <= last)
    }

    /// `g` of `c` and `n`.
    fn mix(&self, with: &Tensor, without: &Tensor) -> Result<Tensor> {
        let guided = (without + ((with - without)? * self.weight)?)?;
        if self.rescale == 0.0 {
            return Ok(guided);
        }
        let deviation = |rows: &Tensor| rows.flatten_from(1)?.var_keepdim(1)?.sqrt();
        let factor = deviation(with)?.broadcast_div(&deviation(&guided)?)?;
        let factor = ((factor * self.rescale)? + (1.0 - self.rescale))?;
        guided.flatten_from(1)?.broadcast_mul(&factor)?.reshape(guided.shape())
    }
}

/// What a network is told, and under guidance what it is kept away from.
#[derive(Debug, Clone)]
pub(super) struct Sides {
    with: Conditions,
    guidance: Option<Guidance>,
}

impl Sides {
    pub(super) fn new(with: Conditions, network: &dyn TensorNetwork) -> Result<Self> {
        Ok(Sides { with: with.like(network)?, guidance: None })
    }

    pub(super) fn guided(self, guidance: Guidance, network: &dyn TensorNetwork) -> Result<Self> {
        let away_from = guidance.away_from.like(network)?;
        Ok(Sides { guidance: Some(Guidance { away_from, ..guidance }), ..self })
    }

    /// Refuses conditions of another number of lanes.
    pub(super) fn check_lanes(&self, lanes: usize) -> std::result::Result<(), FieldError> {
        self.with.check_lanes(lanes)?;
        self.guidance.as_ref().map_or(Ok(()), |guidance| guidance.away_from.check_lanes(lanes))
    }

    /// Passes of a network that an evaluation at a time counts as.
    pub(super) fn passes(&self, t: f64) -> u64 {
        if self.guidance.as_ref().is_some_and(|guidance| guidance.acts(t)) { 2 } else { 1 }
    }

    /// The output of lanes at times, one for all or one for each: one call of the network.
    pub(super) fn evaluate(
        &self,
        network: &dyn TensorNetwork,
        x: &Tensor,
        times: &[f64],
    ) -> Result<Tensor> {
        let lanes = x.dim(0)?;
        let time_of = |lane: usize| times[if times.len() == 1 { 0 } else { lane }];
        let acts = |guidance: &&Guidance| (0..lanes).any(|lane| guidance.acts(time_of(lane)));
        let Some(guidance) = self.guidance.as_ref().filter(acts) else {
            return network.forward(x, &vector(times, network)?, &self.with);
        };
        let guided: Vec<usize> = (0..lanes).filter(|&lane| guidance.acts(time_of(lane))).collect();
        let index: Vec<u32> = guided.iter().map(|&lane| lane as u32).collect();
        let (x, index) = (&x.contiguous()?, Tensor::from_vec(index, guided.len(), x.device())?);
        let rows: Vec<f64> = (0..lanes).chain(guided.iter().copied()).map(time_of).collect();
        let told = self.with.followed_by(&guidance.away_from, lanes, &index)?;
        let both = Tensor::cat(&[x, &x.index_select(&index, 0)?], 0)?;
        let both = network.forward(&both, &vector(&rows, network)?, &told)?.contiguous()?;
        let (with, without) = (both.narrow(0, 0, lanes)?, both.narrow(0, lanes, guided.len())?);
        let mixed = guidance.mix(&with.index_select(&index, 0)?, &without)?;
        if guided.len() == lanes {
            return Ok(mixed);
        }
        // A choice of rows, not a sum: no lane's numbers depend on whether another is guided.
        let mut choice: Vec<u32> = (0..lanes as u32).collect();
        guided.iter().zip(lanes as u32..).for_each(|(&lane, row)| choice[lane] = row);
        let choice = Tensor::from_vec(choice, lanes, x.device())?;
        Tensor::cat(&[with, mixed], 0)?.index_select(&choice, 0)
    }
}
