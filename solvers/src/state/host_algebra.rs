//! The algebra of states on the values of a container in host memory.

use num_traits::{Float, Zero};
use pulp::{Arch, Simd, WithSimd};

use super::host::{HostState, checked_values, read, read_like, wide};
use super::mean_squares::Errors;
use super::sums::{SHORT, Start, add_multiple, narrow, short_sum, weighted_sum, widen};
use super::{LaneNumbers, PerLane, Scalar, State, StateError, Tolerance, draw, lanes};

/// Values filled or looked through at a time.
const BLOCK: usize = 64;

/// `out <- own * out + sum_i c_i k_i + a * b`, the product `(a, b)` if there is one.
#[inline(always)]
fn sum<H: HostState>(
    out: &mut H,
    own: f64,
    terms: &[(f64, &H)],
    product: Option<(&H, &H)>,
) -> Result<(), StateError> {
    let lanes = out.lane_count();
    let out = out.values_mut().ok_or(StateError::NotContiguous)?;
    let factors = product.into_iter().flat_map(|(a, b)| [a, b]);
    for state in terms.iter().map(|&(_, state)| state).chain(factors) {
        read_like(lanes, out.len(), state)?;
    }
    let start = if own == 0.0 { Start::Zero } else { Start::Scaled(wide::<H>(own)) };
    let terms = terms.iter().map(|&(c, k)| (c, checked_values(k)));
    let product = product.map(|(a, b)| (checked_values(a), checked_values(b)));
    if H::UNROLLED {
        short_sum(out, start, terms, product);
    } else {
        weighted_sum(out, start, terms, product);
    }
    Ok(())
}

/// What the mean squares of `error` are made of, once shapes and tolerances fit.
#[inline(always)]
fn errors<'a, H: HostState>(
    error: &'a H,
    before: &'a H,
    after: &'a H,
    tolerance: &Tolerance,
) -> Result<Errors<'a, H>, StateError> {
    let lanes = error.lane_count();
    let lane_len = error.lane_len();
    let error = read(error)?;
    let before = read_like(lanes, error.len(), before)?;
    let after = read_like(lanes, error.len(), after)?;
    tolerance.abstol.check_len(lane_len)?;
    tolerance.reltol.check_len(lane_len)?;
    Ok(Errors { error, before, after })
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
            *out = T::narrow(out.widen() + a.widen() * b.widen());
        }
    }
}

impl<H: HostState> State for H {
    const UNROLLED: bool = match H::LEN {
        Some(len) => len <= SHORT,
        None => false,
    };

    #[inline(always)]
    fn lanes(&self) -> usize {
        self.lane_count()
    }

    #[inline(always)]
    fn lane_len(&self) -> usize {
        let len = self.values().map_or(0, <[H::Scalar]>::len);
        len.checked_div(H::PARTS * self.lane_count()).unwrap_or(0)
    }

    #[inline(always)]
    fn lane_reals(&self) -> usize {
        H::PARTS * self.lane_len()
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
        sum(self, own, terms, None)
    }

    #[inline]
    fn linear_combination_and_product(
        &mut self,
        own: f64,
        terms: &[(f64, &Self)],
        product: (&Self, &Self),
    ) -> Result<(), StateError> {
        sum(self, own, terms, Some(product))
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
        let stages = &stages[..weights.len()];
        for state in base.into_iter().chain(stages) {
            read_like(lanes, out.len(), state)?;
        }
        let base = base.map(checked_values);
        if Self::UNROLLED {
            let mut sums = [<H::Scalar as Scalar>::Wide::zero(); SHORT];
            let sums = &mut sums[..out.len()];
            if let Some(base) = base {
                widen(sums, base);
            }
            for (&weight, stage) in weights.iter().zip(stages) {
                if weight != 0.0 {
                    add_multiple(sums, wide::<H>(h * weight), checked_values(stage));
                }
            }
            narrow(out, sums);
            return Ok(());
        }
        let used = weights.iter().zip(stages).filter(|&(&weight, _)| weight != 0.0);
        let terms = used.map(|(&weight, stage)| (h * weight, checked_values(stage)));
        weighted_sum(out, base.map_or(Start::Zero, Start::From), terms, None);
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
        let errors = errors(self, before, after, tolerance)?;
        mean_squares.clear();
        mean_squares.resize(self.lane_count(), 0.0);
        errors.mean_squares(tolerance, mean_squares);
        for mean in mean_squares {
            if !mean.is_finite() {
                *mean = f64::NAN;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn weighted_mean_square_of_one_lane(
        &self,
        before: &Self,
        after: &Self,
        tolerance: &Tolerance,
    ) -> Result<Option<f64>, StateError> {
        if self.lane_count() != 1 {
            return Ok(None);
        }
        Ok(Some(errors(self, before, after, tolerance)?.mean_square(tolerance)))
    }

    fn select_lanes(&self, lanes: &[usize]) -> Result<Self, StateError> {
        lanes::select(self, lanes)
    }

    fn assign_lanes(&mut self, other: &Self, pairs: &[(usize, usize)]) -> Result<(), StateError> {
        lanes::assign(self, other, pairs.iter().copied())
    }

    fn combine_lanes(&mut self, own: &[f64], terms: &[(&[f64], &Self)]) -> Result<(), StateError> {
        lanes::combine(self, own, terms)
    }

    fn dot_lanes(&self, other: &Self) -> Result<Vec<f64>, StateError> {
        lanes::dot(self, other)
    }

    #[inline]
    fn first_non_finite_lane(&self) -> Result<Option<usize>, StateError> {
        let values = read(self)?;
        let lane_reals = self.lane_reals().max(1);
        // Block by block without a way out in between, which can be vectorised.
        let finite = |block: &&[H::Scalar]| block.iter().fold(true, |all, x| all & x.is_finite());
        let blocks = values.chunks(BLOCK).take_while(finite).count();
        let rest = &values[values.len().min(blocks * BLOCK)..];
        let first = rest.iter().position(|value| !value.is_finite());
        Ok(first.map(|at| (blocks * BLOCK + at) / lane_reals))
    }

    fn fill_lanes(&mut self, mut fill: impl FnMut(usize, &mut [f64])) -> Result<(), StateError> {
        let lane_reals = self.lane_reals().max(1);
        let values = self.values_mut().ok_or(StateError::NotContiguous)?;
        let mut block = [0.0; BLOCK];
        for (lane, values) in values.chunks_mut(lane_reals).enumerate() {
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
