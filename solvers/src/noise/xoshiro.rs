use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

/// The generator xoshiro256++ (Blackman & Vigna, *ACM Trans. Math. Softw.* 47, 2021) of every seeded
/// draw here: to the bit `rand_xoshiro::Xoshiro256PlusPlus`, and a generator for `rand`.
///
/// Its state is open within this module, unlike theirs, so that the generators of several lanes can
/// advance together.
#[derive(Debug, Clone, Copy)]
pub struct Xoshiro(pub(super) [u64; 4]);

impl Xoshiro {
    /// Seeded by a list of keys, which pass through SplitMix64 one after the other,
    /// so that neighbouring keys give unrelated streams.
    pub fn chained(seed: u64, keys: &[u64]) -> Self {
        let mix = |mixed, key: &u64| SplitMix64::seed_from_u64(mixed).next_u64() ^ key;
        let mut words = SplitMix64::seed_from_u64(keys.iter().fold(seed, mix));
        // SplitMix64 runs through all words once: at most one of the four is 0.
        Xoshiro(std::array::from_fn(|_| words.next_u64()))
    }

    #[inline(always)]
    pub(super) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.0 = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn words_and_bytes_are_those_of_rand_xoshiro() {
        for seed in [0, 1, u64::MAX, 0x9e37_79b9_7f4a_7c15] {
            let mut theirs = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut ours = Xoshiro::chained(seed, &[]);
            for _ in 0..1000 {
                assert_eq!(ours.next_u64(), theirs.next_u64());
                assert_eq!(ours.next_u32(), theirs.next_u32());
            }
            let (mut own, mut other) = ([0; 19], [0; 19]);
            ours.fill_bytes(&mut own);
            theirs.fill_bytes(&mut other);
            assert_eq!(own, other);
        }
    }
}
