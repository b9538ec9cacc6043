//! The normals of a group of lanes with the instructions of AVX2, half a group to a
//! vector. The compiler does not find this by itself: what keeps the states in
//! registers, and takes both numbers of a layer in one load, is written out.

use pulp::x86::V3;
use pulp::{NullaryFnOnce, cast, f64x4, m64x4, u64x4};

use super::group::{GROUP, Group};
use super::xoshiro::Xoshiro;
use super::ziggurat::{Layers, TWO, Unfinished, Words, finish};

/// The next normals of the lanes of `groups`, side by side at every `stride`-th place
/// of `values`; `false`, and nothing drawn, on a CPU without AVX2.
pub(super) fn draw(
    groups: &mut [Group],
    layers: &Layers,
    values: &mut [f64],
    stride: usize,
) -> bool {
    let Some(simd) = V3::try_new() else { return false };
    simd.vectorize(Draw { simd, groups, layers, values, stride });
    true
}

struct Draw<'a> {
    simd: V3,
    groups: &'a mut [Group],
    layers: &'a Layers,
    values: &'a mut [f64],
    stride: usize,
}

impl NullaryFnOnce for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Draw { simd, groups, layers, values, stride } = self;
        for (number, group) in groups.iter_mut().enumerate() {
            // One half after the other: both together have no room in the registers.
            for half in 0..GROUP / LANES {
                let first = GROUP * number + LANES * half;
                let Some(values) = values.get_mut(first..) else { return };
                let mut one = OneLane { simd, half: Half::load(group, half), lane: 0 };
                for values in values.chunks_mut(stride) {
                    let Some(values) = values.first_chunk_mut::<LANES>() else { break };
                    let words = one.half.next(simd);
                    let (x, mut out) = normals(simd, layers, words);
                    *values = cast(x);
                    while out != 0 {
                        one.lane = out.trailing_zeros() as usize % LANES;
                        out &= out - 1;
                        redraw(&mut one, layers, words, values);
                    }
                }
                one.half.store(group, half);
            }
        }
    }
}

/// Lanes whose words make a vector.
const LANES: usize = 4;

/// Finishes the word of one lane.
#[inline(always)]
fn redraw(one: &mut OneLane, layers: &Layers, words: u64x4, values: &mut [f64; 4]) {
    let each: [u64; 4] = cast(words);
    values[one.lane] = match finish(layers, each[one.lane], one) {
        Ok(number) => number,
        Err(unfinished) => {
            let (half, number) = resample(one.half, one.lane, unfinished);
            one.half = half;
            number
        }
    };
}

// The generators by value: a reference to them would keep them in memory, all the time.
#[cold]
#[inline(never)]
fn resample(mut half: Half, lane: usize, unfinished: Unfinished) -> (Half, f64) {
    let mut rng = half.get(lane);
    let number = unfinished.finish(&mut rng);
    half.set(lane, rng);
    (half, number)
}

/// The generators of half a group.
#[derive(Clone, Copy)]
struct Half([u64x4; 4]);

impl Half {
    // No iterator or `map` here: a call of theirs that is not inlined is compiled for the
    // oldest CPU and takes the words through memory.
    #[inline(always)]
    fn load(group: &Group, half: usize) -> Self {
        let [a, b, c, d] = &group.0;
        Half([words(a, half), words(b, half), words(c, half), words(d, half)])
    }

    #[inline(always)]
    fn store(&self, group: &mut Group, half: usize) {
        for k in 0..4 {
            let own: [u64; 4] = cast(self.0[k]);
            group.0[k][4 * half..4 * half + 4].copy_from_slice(&own);
        }
    }

    /// As [`Xoshiro::next`](super::xoshiro::Xoshiro::next).
    #[inline(always)]
    fn next(&mut self, simd: V3) -> u64x4 {
        let [a, b, c, d] = self.0;
        let sum = simd.wrapping_add_u64x4(a, d);
        let rotated = simd
            .or_u64x4(simd.shl_const_u64x4::<23>(sum), simd.shr_const_u64x4::<{ 64 - 23 }>(sum));
        let shifted = simd.shl_const_u64x4::<17>(b);
        let (c, d) = (simd.xor_u64x4(c, a), simd.xor_u64x4(d, b));
        self.0 = [
            simd.xor_u64x4(a, d),
            simd.xor_u64x4(b, c),
            simd.xor_u64x4(c, shifted),
            simd.or_u64x4(simd.shl_const_u64x4::<45>(d), simd.shr_const_u64x4::<{ 64 - 45 }>(d)),
        ];
        simd.wrapping_add_u64x4(rotated, a)
    }

    fn get(&self, lane: usize) -> Xoshiro {
        Xoshiro(self.0.map(|words| cast::<_, [u64; 4]>(words)[lane]))
    }

    fn set(&mut self, lane: usize, rng: Xoshiro) {
        for (words, word) in self.0.iter_mut().zip(rng.0) {
            let mut each: [u64; 4] = cast(*words);
            each[lane] = word;
            *words = cast(each);
        }
    }
}

/// One lane of half a group.
struct OneLane {
    simd: V3,
    half: Half,
    lane: usize,
}

impl Words for OneLane {
    /// The other lanes stay as they are. The words do not leave the vectors: what is
    /// written to memory number by number cannot be read back as a vector without waiting.
    #[inline(always)]
    fn next(&mut self) -> u64 {
        let OneLane { simd, half, lane } = self;
        let mut advanced = *half;
        let words: [u64; 4] = cast(advanced.next(*simd));
        let own: m64x4 = cast(OWN[*lane]);
        let [a, b, c, d] = half.0;
        let [next_a, next_b, next_c, next_d] = advanced.0;
        half.0 = [
            simd.select_u64x4(own, next_a, a),
            simd.select_u64x4(own, next_b, b),
            simd.select_u64x4(own, next_c, c),
            simd.select_u64x4(own, next_d, d),
        ];
        words[*lane]
    }
}

/// For every lane of a half, all bits of its own.
const OWN: [[u64; LANES]; LANES] =
    [[u64::MAX, 0, 0, 0], [0, u64::MAX, 0, 0], [0, 0, u64::MAX, 0], [0, 0, 0, u64::MAX]];

#[inline(always)]
fn words(group: &[u64; GROUP], half: usize) -> u64x4 {
    let at = 4 * half;
    u64x4(group[at], group[at + 1], group[at + 2], group[at + 3])
}

/// As [`normal`](super::ziggurat::normal), and a bit for every word that does not end
/// there.
#[inline(always)]
fn normals(simd: V3, layers: &Layers, words: u64x4) -> (f64x4, u32) {
    let each: [u64; 4] = cast(words);
    let layer = |lane: usize| cast(layers.ends[(each[lane] & 0xff) as usize]);
    let even = simd.avx._mm256_setr_m128d(layer(0), layer(2));
    let odd = simd.avx._mm256_setr_m128d(layer(1), layer(3));
    let own: f64x4 = cast(simd.avx._mm256_unpacklo_pd(even, odd));
    let next: f64x4 = cast(simd.avx._mm256_unpackhi_pd(even, odd));
    let shifted = simd.shr_const_u64x4::<12>(words);
    let from_two: f64x4 = cast(simd.or_u64x4(shifted, simd.splat_u64x4(TWO)));
    let x = simd.mul_f64x4(simd.sub_f64x4(from_two, simd.splat_f64x4(3.0)), own);
    let out = simd.cmp_not_lt_f64x4(simd.abs_f64x4(x), next);
    (x, simd.avx._mm256_movemask_pd(cast(out)) as u32)
}
