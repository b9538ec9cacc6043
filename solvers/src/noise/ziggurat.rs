//! Standard normals by the ziggurat (Marsaglia & Tsang, *J. Stat. Softw.* 5,
//! 2000) in the variant ZIGNOR (Doornik, *An Improved Ziggurat Method to Generate
//! Normal Random Samples*, 2005): to the bit those of `rand_distr`.
//!
//! A word gives the number `i` of one of 256 layers and a uniform `u` on
//! `[-1, 1)`; `u x_i` is returned if it lies within the next layer, below
//! `x_(i+1)`, which it does 98.8 times of 100. That is all there is here, since it
//! can be done for several lanes at once; the other words go back to `rand_distr`.

use std::convert::Infallible;
use std::sync::LazyLock;

use rand::TryRng;
use rand_distr::{Distribution, StandardNormal};

use super::xoshiro::Xoshiro;

/// The layers of the ziggurat.
pub(super) struct Layers {
    /// `(x_i, x_(i+1))` for every layer.
    pub(super) ends: [[f64; 2]; 256],
    /// The density at `x_(i+1)` in units of that at `x_i`.
    rises: [f64; 256],
}

/// The bits of 2, to which the upper 52 of a word are added as fraction: uniform
/// on `[2, 4)`.
pub(super) const TWO: u64 = 0x4000_0000_0000_0000;

/// The layers, as `rand_distr` has them: it returns `u x_i` for a word made of `i`
/// and a power of two for `u`, small enough to lie within every next layer. It has
/// none above the last, and takes so small a number under the density's top.
static LAYERS: LazyLock<Layers> = LazyLock::new(|| {
    const SMALL: f64 = 1.0 / (1u64 << 40) as f64;
    let uniform = ((3.0 + SMALL).to_bits() ^ TWO) << 12;
    let x = |layer: u64| {
        let number: f64 = StandardNormal.sample(&mut Constant(uniform | layer));
        number / SMALL
    };
    let ends = std::array::from_fn(|layer| match layer as u64 {
        255 => [x(255), 0.0],
        layer => [x(layer), x(layer + 1)],
    });
    let rise = |[own, next]: [f64; 2]| (0.5 * (own - next) * (own + next)).exp();
    Layers { ends, rises: ends.map(rise) }
});

/// The layers of the ziggurat.
pub(super) fn layers() -> &'static Layers {
    &LAYERS
}

/// The number that `word` gives in its layer.
#[inline(always)]
fn in_layer(word: u64, own: f64) -> f64 {
    (f64::from_bits(word >> 12 | TWO) - 3.0) * own
}

/// The next normal of `rng`.
#[inline(always)]
pub(super) fn normal(layers: &Layers, rng: &mut Xoshiro) -> f64 {
    let word = rng.next();
    let [own, next] = layers.ends[(word & 0xff) as usize];
    let x = in_layer(word, own);
    if x.abs() < next { x } else { outside(layers, word, rng) }
}

#[cold]
#[inline(never)]
fn outside(layers: &Layers, word: u64, rng: &mut Xoshiro) -> f64 {
    finish(layers, word, rng).unwrap_or_else(|unfinished| unfinished.finish(rng))
}

/// Where words come from. A trait and not a closure, whose call might not be inlined,
/// and would then be compiled for the oldest CPU.
pub(super) trait Words {
    /// The next one.
    fn next(&mut self) -> u64;
}

impl Words for Xoshiro {
    #[inline(always)]
    fn next(&mut self) -> u64 {
        Xoshiro::next(self)
    }
}

/// The normal that starts with `word`, the last of `words`, unless it takes a
/// function that is left to `rand_distr`.
#[inline(always)]
pub(super) fn finish(
    layers: &Layers,
    mut word: u64,
    words: &mut impl Words,
) -> Result<f64, Unfinished> {
    loop {
        let layer = (word & 0xff) as usize;
        let [own, inner] = layers.ends[layer];
        let x = in_layer(word, own);
        if x.abs() < inner {
            return Ok(x);
        }
        if layer == 0 {
            return Err(Unfinished { taken: [Some(word), None] });
        }
        let height = words.next();
        let gap = gap_to_density(layers, layer, x, height);
        if gap.abs() <= CLOSE {
            return Err(Unfinished { taken: [Some(word), Some(height)] });
        }
        if gap > 0.0 {
            return Ok(x);
        }
        word = words.next();
    }
}

/// A [gap](gap_to_density) so small that rounding might have given it its sign.
const CLOSE: f64 = 1e-6;

/// How far the density is above a point at `x` beyond the next layer, which is as high
/// between the edges of its layer as the bits of `height` say, counted from above. The
/// density at the lower edge is the unit.
///
/// In that unit it is `exp(z)`, `z = (x_i^2 - x^2) / 2`, which is at most 0.73: there the
/// series is off by 1e-8.
#[inline(always)]
fn gap_to_density(layers: &Layers, layer: usize, x: f64, height: u64) -> f64 {
    let own = layers.ends[layer][0];
    let z = 0.5 * (own - x.abs()) * (own + x.abs());
    let upper = layers.rises[layer];
    let uniform = (height >> 11) as i64 as f64 * (1.0 / (1u64 << 53) as f64);
    exponential_series(z) - (upper - (upper - 1.0) * uniform)
}

/// `exp(z)` to the ninth power of `z`, in an order with few operations one after the other.
#[inline(always)]
fn exponential_series(z: f64) -> f64 {
    let z2 = z * z;
    let z4 = z2 * z2;
    let low = (1.0 + z) + (1.0 / 2.0 + z * (1.0 / 6.0)) * z2;
    let middle = (1.0 / 24.0 + z * (1.0 / 120.0)) + (1.0 / 720.0 + z * (1.0 / 5040.0)) * z2;
    low + z4 * (middle + z4 * (1.0 / 40_320.0 + z * (1.0 / 362_880.0)))
}

/// A number that was begun and is for `rand_distr` to finish: it lies in the tail, or
/// too close to the density.
pub(super) struct Unfinished {
    taken: [Option<u64>; 2],
}

impl Unfinished {
    /// The number; `rng` goes on after the words that were taken.
    #[cold]
    #[inline(never)]
    pub(super) fn finish(self, rng: &mut Xoshiro) -> f64 {
        StandardNormal.sample(&mut Returned { taken: self.taken, rng })
    }
}

/// A generator that was given words back.
struct Returned<'a> {
    taken: [Option<u64>; 2],
    rng: &'a mut Xoshiro,
}

/// A generator of one word only.
struct Constant(u64);

/// The words of a generator; `StandardNormal` asks for nothing else.
macro_rules! words {
    ($generator:ty, |$self:ident| $word:expr) => {
        impl TryRng for $generator {
            type Error = Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Infallible> {
                self.try_next_u64().map(|word| (word >> 32) as u32)
            }
            fn try_next_u64(&mut $self) -> Result<u64, Infallible> {
                Ok($word)
            }
            fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
                for chunk in bytes.chunks_mut(8) {
                    let word = self.try_next_u64()?.to_le_bytes();
                    chunk.copy_from_slice(&word[..chunk.len()]);
                }
                Ok(())
            }
        }
    };
}
words!(Returned<'_>, |self| {
    let [first, second] = &mut self.taken;
    first.take().or_else(|| second.take()).unwrap_or_else(|| self.rng.next())
});
words!(Constant, |self| self.0);
words!(Xoshiro, |self| self.next());

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn layers_are_those_of_a_ziggurat_of_256_equal_areas() {
        // x_1 and the area of a layer, in Doornik's Table 1; rounding grows from layer to layer.
        let (tail, area) = (3.654_152_885_361_009, 0.004_928_673_233_99);
        let density = |x: f64| (-0.5 * x * x).exp();
        let layers = layers().ends;
        assert_eq!(layers[1][0], tail);
        assert!((layers[0][0] - area / density(tail)).abs() < 1e-11);
        for pair in layers.windows(2) {
            assert_eq!(pair[0][1], pair[1][0]);
        }
        for [x, next] in &layers[1..255] {
            assert!((x * (density(*next) - density(*x)) - area).abs() < 1e-11, "{x}");
        }
        assert!((layers[255][0] * (1.0 - density(layers[255][0])) - area).abs() < 1e-11);
        assert_eq!(layers[255][1], 0.0);
    }

    #[test]
    fn numbers_are_those_of_rand_distr_in_wedges_and_tails_too() {
        let mut theirs = Xoshiro256PlusPlus::seed_from_u64(5);
        let mut ours = Xoshiro::chained(5, &[]);
        let mut in_tail = 0;
        for _ in 0..5_000_000 {
            let expected: f64 = StandardNormal.sample(&mut theirs);
            let number = normal(layers(), &mut ours);
            assert_eq!(number.to_bits(), expected.to_bits());
            in_tail += usize::from(number.abs() > layers().ends[1][0]);
        }
        // The probability of the tail is 2.6e-4.
        assert!((1100..1500).contains(&in_tail), "{in_tail}");
    }

    #[test]
    fn the_series_is_far_closer_than_what_counts_as_close() {
        for z in (0..=730).map(|k| 1e-3 * f64::from(k)) {
            assert!((exponential_series(z) - z.exp()).abs() < 0.02 * CLOSE, "{z}");
        }
        let highest = layers().rises[1..].iter().copied().fold(0.0, f64::max);
        assert!(highest < 0.73_f64.exp(), "{highest}");
    }

    #[test]
    fn what_is_given_back_is_finished_to_the_same_number() {
        let mut rng = Xoshiro::chained(9, &[]);
        let mut tried = 0;
        while tried < 10_000 {
            let word = rng.next();
            let layer = (word & 0xff) as usize;
            let [own, inner] = layers().ends[layer];
            if layer == 0 || in_layer(word, own).abs() < inner {
                continue;
            }
            let mut given_back = rng;
            let Ok(number) = finish(layers(), word, &mut rng) else { continue };
            let taken = [Some(word), Some(given_back.next())];
            let same = Unfinished { taken }.finish(&mut given_back);
            assert_eq!((number.to_bits(), rng.0), (same.to_bits(), given_back.0));
            tried += 1;
        }
    }
}
