use driftfield_solvers::noise::Xoshiro;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// Sets data streams apart from the noise streams of the same seed.
const DATA_STREAM: u64 = 0x6461_7461;

/// The generator of one sample: Xoshiro256++ seeded by (seed, index) alone.
#[derive(Debug, Clone)]
pub struct SampleRng(Xoshiro);

impl SampleRng {
    /// The stream of sample `index` under `seed`.
    pub fn new(seed: u64, index: u64) -> Self {
        SampleRng(Xoshiro::chained(seed, &[index, DATA_STREAM]))
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
