//! Weighted sums of slices: what a step costs beside its field.

use num_traits::Zero;
use pulp::{Arch, Simd, WithSimd};

use super::Scalar;

/// Longest state summed component by component, from registers.
pub(super) const SHORT: usize = 16;
/// Values summed at a time in longer ones: few enough to stay in registers
/// while the terms go by.
const CHUNK: usize = 16;
/// Terms summed in one pass over memory, more than any method here has stages.
const TERMS: usize = 16;

/// What the terms are added to.
#[derive(Clone, Copy)]
pub(super) enum Start<'a, T: Scalar> {
    /// Zero; the old content is never read.
    Zero,
    /// Another slice, as long as the sum.
    From(&'a [T]),
    /// The old content, times a factor.
    Scaled(T::Wide),
}

/// `out <- start + sum_j c_j values_j + a b`, summed in that order: every value is read
/// and written once. The coefficients are rounded to the precision of sums, and what is written to
/// that of the values, once for every [`TERMS`] terms; `product` is `a` and `b`, if there are any.
pub(super) fn weighted_sum<'a, T: Scalar>(
    out: &mut [T],
    start: Start<'_, T>,
    terms: impl Iterator<Item = (f64, &'a [T])>,
    product: Option<(&[T], &[T])>,
) {
    let empty: &[T] = &[];
    let mut list = [(T::Wide::zero(), empty); TERMS];
    let (mut used, mut start) = (0, start);
    for (coefficient, values) in terms {
        if used == TERMS {
            add_terms(out, start, &list, None);
            (used, start) = (0, Start::Scaled(T::Wide::from_f64(1.0)));
        }
        list[used] = (T::Wide::from_f64(coefficient), values);
        used += 1;
    }
    add_terms(out, start, &list[..used], product);
}

/// [`weighted_sum`] for at most [`SHORT`] values, without a list of the terms.
#[inline(always)]
pub(super) fn short_sum<'a, T: Scalar>(
    out: &mut [T],
    start: Start<'_, T>,
    terms: impl Iterator<Item = (f64, &'a [T])>,
    product: Option<(&[T], &[T])>,
) {
    let mut sums = [T::Wide::zero(); SHORT];
    let sums = &mut sums[..out.len()];
    match start {
        Start::Zero => {}
        Start::From(values) => widen(sums, values),
        Start::Scaled(factor) => add_multiple(sums, factor, out),
    }
    for (coefficient, values) in terms {
        add_multiple(sums, T::Wide::from_f64(coefficient), values);
    }
    if let Some((a, b)) = product {
        add_products(sums, a, b);
    }
    narrow(out, sums);
}

// One copy for every state of a number type, rather than one for every stage.
#[inline(never)]
fn add_terms<T: Scalar>(
    out: &mut [T],
    start: Start<'_, T>,
    terms: &[(T::Wide, &[T])],
    product: Option<(&[T], &[T])>,
) {
    Arch::new().dispatch(Sum { out, start, terms, product });
}

/// The loop of [`add_terms`], for the instructions of the CPU at hand.
struct Sum<'a, T: Scalar> {
    out: &'a mut [T],
    start: Start<'a, T>,
    terms: &'a [(T::Wide, &'a [T])],
    product: Option<(&'a [T], &'a [T])>,
}

impl<T: Scalar> WithSimd for Sum<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<A: Simd>(self, _: A) {
        let Sum { out, start, terms, product } = self;
        let (chunks, rest) = out.as_chunks_mut::<CHUNK>();
        let at_rest = chunks.len() * CHUNK;
        for (index, chunk) in chunks.iter_mut().enumerate() {
            let at = index * CHUNK;
            let mut sums = [T::Wide::zero(); CHUNK];
            match start {
                Start::Zero => {}
                Start::From(values) => widen(&mut sums, &values[at..at + CHUNK]),
                Start::Scaled(factor) => add_multiple(&mut sums, factor, chunk),
            }
            for &(c, values) in terms {
                add_multiple(&mut sums, c, &values[at..at + CHUNK]);
            }
            if let Some((a, b)) = product {
                add_products(&mut sums, &a[at..at + CHUNK], &b[at..at + CHUNK]);
            }
            narrow(chunk, &sums);
        }
        for (i, out) in rest.iter_mut().enumerate() {
            let mut sum = match start {
                Start::Zero => T::Wide::zero(),
                Start::From(values) => values[at_rest + i].widen(),
                Start::Scaled(factor) => T::Wide::zero() + factor * out.widen(),
            };
            for &(c, values) in terms {
                sum += c * values[at_rest + i].widen();
            }
            if let Some((a, b)) = product {
                sum += a[at_rest + i].widen() * b[at_rest + i].widen();
            }
            *out = T::narrow(sum);
        }
    }
}

/// `sums <- values`.
#[inline(always)]
pub(super) fn widen<T: Scalar>(sums: &mut [T::Wide], values: &[T]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum = value.widen();
    }
}

/// `values <- sums`, rounded.
#[inline(always)]
pub(super) fn narrow<T: Scalar>(values: &mut [T], sums: &[T::Wide]) {
    for (value, &sum) in values.iter_mut().zip(sums) {
        *value = T::narrow(sum);
    }
}

/// `sums <- sums + c values`.
#[inline(always)]
pub(super) fn add_multiple<T: Scalar>(sums: &mut [T::Wide], c: T::Wide, values: &[T]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += c * value.widen();
    }
}

/// `sums <- sums + a b`.
#[inline(always)]
fn add_products<T: Scalar>(sums: &mut [T::Wide], a: &[T], b: &[T]) {
    for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
        *sum += a.widen() * b.widen();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_sum_in_order_for_any_length_and_number_of_terms() {
        for len in [1, 2, 15, 16, 17, 50] {
            for count in [0, 1, 5, 16, 17, 40] {
                let value = |j: usize, i: usize| ((3 * j + i) as f64).sin();
                let terms: Vec<Vec<f64>> =
                    (0..count).map(|j| (0..len).map(|i| value(j, i)).collect()).collect();
                let coefficient = |j: usize| 0.1 + j as f64;
                let base: Vec<f64> = (0..len).map(|i| value(77, i)).collect();
                let old: Vec<f64> = (0..len).map(|i| value(99, i)).collect();
                for kind in 0..3 {
                    let (start, first): (Start<'_, f64>, fn(f64, f64) -> f64) = match kind {
                        0 => (Start::Zero, |_, _| 0.0),
                        1 => (Start::From(&base), |base, _| base),
                        _ => (Start::Scaled(0.3), |_, old| 0.3 * old),
                    };
                    let mut out = old.clone();
                    let listed = terms.iter().enumerate();
                    let listed = listed.map(|(j, k)| (coefficient(j), &k[..]));
                    let product = (len % 2 == 0).then_some((&base[..], &old[..]));
                    weighted_sum(&mut out, start, listed.clone(), product);
                    if len <= SHORT {
                        let mut short = old.clone();
                        short_sum(&mut short, start, listed, product);
                        assert_eq!(short, out);
                    }
                    for i in 0..len {
                        let expected = (0..count).fold(first(base[i], old[i]), |sum, j| {
                            sum + coefficient(j) * value(j, i)
                        });
                        let expected = expected + product.map_or(0.0, |(a, b)| a[i] * b[i]);
                        assert_eq!(out[i], expected, "{len} values, {count} terms, start {kind}");
                    }
                }
            }
        }
    }
}
