//! Random numbers that are pure functions of (seed, purpose, index).

use driftfield_solvers::noise::Xoshiro;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

/// What a stream is used for: streams of different use never meet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Initial weights; the index counts the tensors.
    Weights,
    /// A training batch; the index is the step.
    Batch,
}

/// The generator of (seed, purpose, index).
///
/// candle's CPU device cannot be seeded, and a generator carried from step to
/// step would have to be saved in every checkpoint: this one is rebuilt from
/// the step counter alone.
#[derive(Debug, Clone)]
pub(crate) struct SeededRng(Xoshiro);

impl SeededRng {
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        // The tags keep these streams apart from the lanes' streams, which use
        // small numbers in this place.
        let tag: u64 = match purpose {
            Purpose::Weights => 0x7765_6967_6874_7300,
            Purpose::Batch => 0x6261_7463_6800_0000,
        };
        SeededRng(Xoshiro::chained(seed, &[index, tag]))
    }

    /// A standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// A uniform number in `[0, 1)`, a multiple of 2^-53.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// A uniform index below `n > 0`, by the high half of a 128-bit product;
    /// its bias is below `n / 2^64`.
    pub(crate) fn index(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_reproducible_and_part_in_every_argument() {
        let first = |seed, purpose, index| SeededRng::new(seed, purpose, index).0.next_u64();
        let base = first(1, Purpose::Batch, 2);
        assert_eq!(base, first(1, Purpose::Batch, 2));
        assert_ne!(base, first(2, Purpose::Batch, 2));
        assert_ne!(base, first(1, Purpose::Batch, 3));
        assert_ne!(base, first(1, Purpose::Weights, 2));
    }

    #[test]
    fn uniform_numbers_and_indices_have_the_right_means() {
        let mut rng = SeededRng::new(0, Purpose::Batch, 0);
        let n = 20_000;
        let mean = (0..n).map(|_| rng.uniform()).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let mut counts = [0usize; 5];
        (0..n).for_each(|_| counts[rng.index(5)] += 1);
        assert!(counts.iter().all(|&count| count.abs_diff(n / 5) < 250), "{counts:?}");
    }
}
