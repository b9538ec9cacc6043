use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

/// Sets data streams apart from the noise streams of the same seed.
const DATA_STREAM: u64 = 0x6461_7461;

/// The generator of one sample: Xoshiro256++ seeded by (seed, index) alone.
#[derive(Debug, Clone)]
pub struct SampleRng(Xoshiro256PlusPlus);

impl SampleRng {
    /// The stream of sample `index` under `seed`.
    ///
    /// The inputs pass through SplitMix64 one after the other, so that
    /// neighbouring seeds and indices give unrelated streams.
    pub fn new(seed: u64, index: u64) -> Self {
        let mixed = SplitMix64::seed_from_u64(seed).next_u64() ^ index;
        let mixed = SplitMix64::seed_from_u64(mixed).next_u64() ^ DATA_STREAM;
        SampleRng(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// A uniform number in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// A uniform whole number in `0..count`; 0 when `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { self.0.random_range(0..count) }
    }

    /// A standard normal number.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }
}
