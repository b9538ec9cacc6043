//! What is evolved: real and complex numbers, `[T; N]`, nalgebra vectors, ndarray arrays and
//! candle tensors, with a number more for each lane if wanted. [`solve`](fn@crate::solve) has a
//! table of them.
//!
//! A state is a batch of *lanes* (trajectories). For a scalar, `[T; N]` or
//! nalgebra vector the whole state is one lane; for an ndarray array or a
//! candle tensor the first axis counts the lanes.

mod containers;
mod draw;
mod element;
mod host;
mod host_algebra;
mod lanes;
mod mean_squares;
mod scalar;
mod sums;
#[cfg(feature = "candle")]
mod tensor;
mod tolerance;
#[cfg(feature = "candle")]
mod tracked;
mod with_numbers;

use crate::cause::Cause;

pub use draw::{LaneNumbers, PerLane};
pub use element::Element;
pub use host::HostState;
pub use scalar::Scalar;
pub use tolerance::{Components, Tolerance};
#[cfg(feature = "candle")]
pub use tracked::TrackedTensor;
pub use with_numbers::WithNumbers;

/// Why an operation on states failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Two states that must have one shape differ in lanes or size.
    #[error(
        "states differ in shape: expected {expected_lanes} lane(s) and {expected_len} value(s), \
         found {found_lanes} and {found_len}; a vector field must fill the derivative it is given, not replace it by one of another shape"
    )]
    ShapeMismatch {
        /// Lanes of the state operated on.
        expected_lanes: usize,
        /// Values in the state operated on.
        expected_len: usize,
        /// Lanes of the other state.
        found_lanes: usize,
        /// Values in the other state.
        found_len: usize,
    },
    /// An ndarray state whose memory is not in standard (C) order.
    #[error(
        "the array is not in standard (C) layout; pass `array.as_standard_layout().to_owned()`"
    )]
    NotContiguous,
    /// Per-component tolerances whose number is not the lane's length.
    #[error(
        "{found} per-component tolerance(s) for lanes of {expected} component(s); give one per component or a scalar"
    )]
    ToleranceLength {
        /// Components in a lane.
        expected: usize,
        /// Tolerances given.
        found: usize,
    },
    /// Coefficients or times given lane by lane whose number is not that of the lanes.
    #[error("{found} coefficient(s) for a state of {lanes} lane(s); give one for each lane")]
    LaneCoefficients {
        /// Lanes of the state.
        lanes: usize,
        /// Coefficients given.
        found: usize,
    },
    /// A lane that the state does not have.
    #[error("there is no lane {lane} in a state of {lanes} lane(s)")]
    NoSuchLane {
        /// The lane asked for.
        lane: usize,
        /// Lanes there are.
        lanes: usize,
    },
    /// A container of a fixed number of lanes, or one that does not say how lanes are
    /// taken out of it.
    #[error(
        "the lanes of this container cannot be taken apart; use an ndarray array, whose first axis \
         counts the lanes, or one step for all lanes"
    )]
    LanesInseparable,
    /// The backend of a device container failed.
    #[error("tensor backend: {0}")]
    Backend(#[source] Cause),
}

impl StateError {
    /// An error of the backend, or one in words.
    pub fn backend(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        StateError::Backend(Cause::new(error))
    }
}

/// What the solvers ask of a container: a fused linear combination, a
/// weighted error norm per lane, and little else, so that a tensor on a device
/// can be one.
///
/// Host containers implement the smaller [`HostState`] and get this trait
/// for free.
pub trait State: Clone + Send + Sync + 'static {
    /// Whether all states of this type are so short that the loop over the stages of
    /// a step costs more than the sums in it. Such loops are then unrolled, every
    /// coefficient a constant and every zero left out by the compiler.
    const UNROLLED: bool = false;

    /// Number of lanes (trajectories) in the state.
    fn lanes(&self) -> usize;

    /// Number of components of one lane: what error norms average over, and tolerances may
    /// differ in. A complex number is one.
    fn lane_len(&self) -> usize;

    /// Number of real numbers that [`State::fill_lanes`] fills a lane with: two for a complex
    /// component.
    #[inline(always)]
    fn lane_reals(&self) -> usize {
        self.lane_len()
    }

    /// A state of the same shape (and device) filled with zeros.
    fn zeros_like(&self) -> Self;

    /// `self <- other`, without allocation for host containers.
    fn copy_from(&mut self, other: &Self) -> Result<(), StateError>;

    /// `self <- other`, whose content is arbitrary afterwards: containers that can change
    /// places do.
    fn take_from(&mut self, other: &mut Self) -> Result<(), StateError> {
        self.copy_from(other)
    }

    /// `self <- own * self + sum_i c_i k_i` in one pass over memory, summed in
    /// the order of `terms`.
    ///
    /// With `own == 0` the old content is ignored, even where it is not finite.
    fn linear_combination(&mut self, own: f64, terms: &[(f64, &Self)]) -> Result<(), StateError>;

    /// `self <- base + h sum_i weights_i stages_i`, weights of 0 left out: the
    /// sum of a Runge-Kutta step. Without `base` it starts from zero.
    ///
    /// A linear combination like any other; it is apart because a list of terms
    /// put together for every stage costs more than the sum itself on small
    /// states.
    #[inline]
    fn stage_sum(
        &mut self,
        base: Option<&Self>,
        h: f64,
        weights: &[f64],
        stages: &[Self],
    ) -> Result<(), StateError> {
        let base = base.map(|base| (1.0, base));
        let used = weights.iter().zip(stages).filter(|&(&weight, _)| weight != 0.0);
        let terms: Vec<(f64, &Self)> =
            base.into_iter().chain(used.map(|(&weight, stage)| (h * weight, stage))).collect();
        self.linear_combination(0.0, &terms)
    }

    /// `self <- self + a * b`, real number by real number (diagonal noise).
    fn add_product(&mut self, a: &Self, b: &Self) -> Result<(), StateError>;

    /// `self <- own * self + sum_i c_i k_i + a * b` with `(a, b) = product`: a
    /// [`linear_combination`](State::linear_combination) followed by
    /// [`add_product`](State::add_product), to the bit but for half precision, which is rounded
    /// once.
    ///
    /// Host containers make one pass over memory of the two.
    fn linear_combination_and_product(
        &mut self,
        own: f64,
        terms: &[(f64, &Self)],
        (a, b): (&Self, &Self),
    ) -> Result<(), StateError> {
        self.linear_combination(own, terms)?;
        self.add_product(a, b)
    }

    /// Mean square, lane by lane, of `self` (an error estimate) weighted by
    /// `abstol + reltol * max(|before|, |after|)`.
    ///
    /// `mean_squares` is cleared and filled with one value per lane, NaN where
    /// `self` or `after` is not finite, so that no norm can hide a bad lane, and where the
    /// square of a finite error is too large for a number.
    fn weighted_mean_squares(
        &self,
        before: &Self,
        after: &Self,
        tolerance: &Tolerance,
        mean_squares: &mut Vec<f64>,
    ) -> Result<(), StateError>;

    /// The same for a state known to be one lane, without a list; not finite where
    /// `self` or `after` is not. `None` for any other, and where there is no short cut.
    #[inline(always)]
    fn weighted_mean_square_of_one_lane(
        &self,
        _before: &Self,
        _after: &Self,
        _tolerance: &Tolerance,
    ) -> Result<Option<f64>, StateError> {
        Ok(None)
    }

    /// The lanes `lanes`, in that order. Containers that can be taken apart have this, and
    /// the next two: what lanes need that run at their own pace
    /// ([`ErrorNorm::EachLane`](crate::ErrorNorm::EachLane)), end by themselves or are moved.
    fn select_lanes(&self, _lanes: &[usize]) -> Result<Self, StateError> {
        Err(StateError::LanesInseparable)
    }

    /// Lane `to` of `self` <- lane `from` of `other`, for every `(to, from)` of `pairs`.
    fn assign_lanes(&mut self, _other: &Self, _pairs: &[(usize, usize)]) -> Result<(), StateError> {
        Err(StateError::LanesInseparable)
    }

    /// [`State::linear_combination`] with coefficients of every lane's own:
    /// lane `i` of `self` <- `own[i]` times itself `+ sum_j c_j[i] k_j[i]`.
    fn combine_lanes(
        &mut self,
        _own: &[f64],
        _terms: &[(&[f64], &Self)],
    ) -> Result<(), StateError> {
        Err(StateError::LanesInseparable)
    }

    /// `self . other`, lane by lane: how a direction and a gradient meet. A complex number counts
    /// as the vector of its two parts.
    fn dot_lanes(&self, other: &Self) -> Result<Vec<f64>, StateError>;

    /// The first lane that holds a NaN or an infinity.
    fn first_non_finite_lane(&self) -> Result<Option<usize>, StateError>;

    /// Overwrites the state lane by lane, in order: `fill(lane, block)` is called
    /// for consecutive blocks that together make up each lane, a complex number being
    /// its real and its imaginary part.
    fn fill_lanes(&mut self, fill: impl FnMut(usize, &mut [f64])) -> Result<(), StateError>;

    /// Overwrites every state with numbers of `numbers`, times its own of `scales`:
    /// each lane draws for one state after the other.
    ///
    /// Host containers take the numbers of many lanes at a time.
    fn draw_lanes(
        states: &mut [Self],
        each: PerLane,
        scales: &[f64],
        numbers: &mut impl LaneNumbers,
    ) -> Result<(), StateError> {
        draw::lane_by_lane(states, each, scales, numbers)
    }
}
