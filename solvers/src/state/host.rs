use num_traits::Float;
use pulp::{Arch, Simd, WithSimd};

use super::{LaneNumbers, PerLane, Scalar, State, StateError, Tolerance, draw};

/// A container in host memory whose values are one contiguous slice, lanes one
/// after the other. Every `HostState` is a [`State`].
///
/// ```
/// use driftfield_solvers::State;
/// let mut u = [1.0, 2.0];
/// u.linear_combination(1.0, &[(0.5, &[2.0, 4.0]), (0.25, &[4.0, 0.0])]).unwrap();
/// assert_eq!(u, [3.0, 4.0]);
/// ```
pub trait HostState: Clone + 'static {
    /// `f32` or `f64`.
    type Scalar: Scalar;

    /// Number of lanes.
    fn lane_count(&self) -> usize;

    /// The values, or `None` if they are not contiguous in standard order.
    fn values(&self) -> Option<&[Self::Scalar]>;

    /// The values for writing, or `None` as in [`HostState::values`].
    fn values_mut(&mut self) -> Option<&mut [Self::Scalar]>;

    /// Same shape, all zeros.
    fn zeros(&self) -> Self;

    /// Exchanges two containers laid out alike, without touching their values; `false`,
    /// and nothing done, if that cannot be.
    fn exchange(&mut self, _other: &mut Self) -> bool {
        false
    }
}

/// Longest slice for which the plain loop beats the blocked one.
const SHORT: usize = 16;
/// Values per block: a few cache lines of accumulators.
const BLOCK: usize = 64;

#[inline(always)]
fn read<H: HostState>(state: &H) -> Result<&[H::Scalar], StateError> {
    state.values().ok_or(StateError::NotContiguous)
}

/// The values of `other`, refused unless shaped like a state of `lanes` lanes
/// and `len` values.
#[inline(always)]
pub(super) fn read_like<H: HostState>(
    lanes: usize,
    len: usize,
    other: &H,
) -> Result<&[H::Scalar], StateError> {
    let values = read(other)?;
    if other.lane_count() != lanes || values.len() != len {
        return Err(StateError::ShapeMismatch {
            expected_lanes: lanes,
            expected_len: len,
            found_lanes: other.lane_count(),
            found_len: values.len(),
        });
    }
    Ok(values)
}

/// `sums <- sums + c values`, in the precision of the state.
#[inline(always)]
fn accumulate<T: Scalar>(sums: &mut [T], c: f64, values: &[T]) {
    let c = T::from_f64(c);
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += c * value;
    }
}

/// Runs `sum(start, sums)` over the blocks of `out`, `sums` starting from zero,
/// and stores them: every value is read and written once, and a block of sums
/// stays in registers or the first-level cache. Short states are one block.
#[inline(always)]
fn in_blocks<T: Scalar>(out: &mut [T], mut sum: impl FnMut(usize, &[T], &mut [T])) {
    if out.len() <= SHORT {
        let mut sums = [T::default(); SHORT];
        let sums = &mut sums[..out.len()];
        sum(0, out, sums);
        out.copy_from_slice(sums);
        return;
    }
    Arch::new().dispatch(Blocks { out, sum });
}

/// The blocks of a long state, for the instructions of the CPU at hand.
struct Blocks<'a, T, F> {
    out: &'a mut [T],
    sum: F,
}

impl<T: Scalar, F: FnMut(usize, &[T], &mut [T])> WithSimd for Blocks<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<A: Simd>(mut self, _: A) {
        let mut sums = [T::default(); BLOCK];
        for (block, out) in self.out.chunks_mut(BLOCK).enumerate() {
            let sums = &mut sums[..out.len()];
            sums.fill(T::default());
            (self.sum)(block * BLOCK, out, sums);
            out.copy_from_slice(sums);
        }
    }
}

/// `out <- out + a * b`.
struct AddProduct<'a, T> {
    out: &'a mut [T],
    a: &'a [T],
    b: &'a [T],
}

impl<T: Scalar> WithSimd for AddProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<A: Simd>(self, _: A) {
        for ((out, &a), &b) in self.out.iter_mut().zip(self.a).zip(self.b) {
            *out += a * b;
        }
    }
}

impl<H: HostState> State for H {
    #[inline(always)]
    fn lanes(&self) -> usize {
        self.lane_count()
    }

    fn lane_len(&self) -> usize {
        let len = self.values().map_or(0, <[H::Scalar]>::len);
        len.checked_div(self.lane_count()).unwrap_or(0)
    }

    fn zeros_like(&self) -> Self {
        self.zeros()
    }

    #[inline]
    fn copy_from(&mut self, other: &Self) -> Result<(), StateError> {
        let lanes = self.lane_count();
        let out = self.values_mut().ok_or(StateError::NotContiguous)?;
        out.copy_from_slice(read_like(lanes, out.len(), other)?);
        Ok(())
    }

    #[inline]
    fn take_from(&mut self, other: &mut Self) -> Result<(), StateError> {
        if self.exchange(other) { Ok(()) } else { self.copy_from(other) }
    }

    #[inline]
    fn linear_combination(&mut self, own: f64, terms: &[(f64, &Self)]) -> Result<(), StateError> {
        let lanes = self.lane_count();
        let out = self.values_mut().ok_or(StateError::NotContiguous)?;
        for &(_, k) in terms {
            read_like(lanes, out.len(), k)?;
        }
        in_blocks(
            out,
            #[inline(always)]
            |start, old, sums| {
                if own != 0.0 {
                    accumulate(sums, own, old);
                }
                for &(c, k) in terms {
                    // Checked above to have values.
                    accumulate(sums, c, &k.values().unwrap_or_default()[start..]);
                }
            },
        );
        Ok(())
    }

    #[inline(always)]
    fn stage_sum(
        &mut self,
        base: Option<&Self>,
        h: f64,
        weights: &[f64],
        stages: &[Self],
    ) -> Result<(), StateError> {
        let lanes = self.lane_count();
        let out = self.values_mut().ok_or(StateError::NotContiguous)?;
        for state in base.into_iter().chain(&stages[..weights.len()]) {
            read_like(lanes, out.len(), state)?;
        }
        in_blocks(
            out,
            #[inline(always)]
            |start, _, sums| {
                if let Some(base) = base {
                    let values = &base.values().unwrap_or_default()[start..];
                    for (sum, &value) in sums.iter_mut().zip(values) {
                        *sum = value;
                    }
                }
                for (&weight, stage) in weights.iter().zip(stages) {
                    if weight != 0.0 {
                        let values = stage.values().unwrap_or_default();
                        accumulate(sums, h * weight, &values[start..]);
                    }
                }
            },
        );
        Ok(())
    }

    #[inline]
    fn add_product(&mut self, a: &Self, b: &Self) -> Result<(), StateError> {
        let lanes = self.lane_count();
        let out = self.values_mut().ok_or(StateError::NotContiguous)?;
        let (a, b) = (read_like(lanes, out.len(), a)?, read_like(lanes, out.len(), b)?);
        let product = AddProduct { out, a, b };
        if product.out.len() <= SHORT {
            product.with_simd(pulp::Scalar);
        } else {
            Arch::new().dispatch(product);
        }
        Ok(())
    }

    #[inline]
    fn weighted_mean_squares(
        &self,
        before: &Self,
        after: &Self,
        tolerance: &Tolerance,
        mean_squares: &mut Vec<f64>,
    ) -> Result<(), StateError> {
        let error = read(self)?;
        let lanes = self.lane_count();
        let before = read_like(lanes, error.len(), before)?;
        let after = read_like(lanes, error.len(), after)?;
        let lane_len = self.lane_len();
        tolerance.abstol.check_len(lane_len)?;
        tolerance.reltol.check_len(lane_len)?;
        mean_squares.clear();
        for lane in 0..lanes {
            let mut sum = 0.0;
            for i in 0..lane_len {
                let at = lane * lane_len + i;
                let (old, new) = (before[at].into_f64(), after[at].into_f64());
                let scale = tolerance.scale(i, old.abs().max(new.abs()));
                let error = error[at].into_f64();
                // No error at all is within any tolerance, one of 0 included.
                let weighted = if error == 0.0 { 0.0 } else { error / scale };
                // `0 * new` is 0 for finite values, NaN otherwise: an infinite
                // new value would else weigh its own error to 0.
                let ratio = weighted + 0.0 * new;
                sum += ratio * ratio;
            }
            let mean = sum / lane_len as f64;
            mean_squares.push(if mean.is_finite() { mean } else { f64::NAN });
        }
        Ok(())
    }

    #[inline]
    fn first_non_finite_lane(&self) -> Result<Option<usize>, StateError> {
        let values = read(self)?;
        let lane_len = self.lane_len().max(1);
        // Block by block without a way out in between, which can be vectorised.
        let finite = |block: &&[H::Scalar]| block.iter().fold(true, |all, x| all & x.is_finite());
        let blocks = values.chunks(BLOCK).take_while(finite).count();
        let rest = &values[values.len().min(blocks * BLOCK)..];
        let first = rest.iter().position(|value| !value.is_finite());
        Ok(first.map(|at| (blocks * BLOCK + at) / lane_len))
    }

    fn fill_lanes(&mut self, mut fill: impl FnMut(usize, &mut [f64])) -> Result<(), StateError> {
        let lane_len = self.lane_len().max(1);
        let values = self.values_mut().ok_or(StateError::NotContiguous)?;
        let mut block = [0.0; BLOCK];
        for (lane, values) in values.chunks_mut(lane_len).enumerate() {
            for values in values.chunks_mut(BLOCK) {
                let block = &mut block[..values.len()];
                fill(lane, block);
                for (value, &drawn) in values.iter_mut().zip(block.iter()) {
                    *value = H::Scalar::from_f64(drawn);
                }
            }
        }
        Ok(())
    }

    fn draw_lanes(
        states: &mut [Self],
        each: PerLane,
        scales: &[f64],
        numbers: &mut impl LaneNumbers,
    ) -> Result<(), StateError> {
        draw::in_tiles(states, each, scales, numbers)
    }
}
