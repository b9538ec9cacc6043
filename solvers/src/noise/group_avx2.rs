//! The normals of a group of lanes with the instructions of AVX2, half a group to a
//! vector. The compiler does not find this by itself: what keeps the states in
//! registers, and takes both numbers of a layer in one load, is written out.

use pulp::x86::V3;
use pulp::{NullaryFnOnce, cast, f64x4, u64x4};

use super::lane_rngs::{GROUP, Group};
use super::ziggurat::{Layers, TWO};

/// The next normals of the lanes of `group`, side by side at every `stride`-th place
/// of `values`; `false`, and nothing drawn, on a CPU without AVX2.
pub(super) fn draw(group: &mut Group, layers: &Layers, values: &mut [f64], stride: usize) -> bool {
    let Some(simd) = V3::try_new() else { return false };
    simd.vectorize(Draw { simd, group, layers, values, stride });
    true
}

struct Draw<'a> {
    simd: V3,
    group: &'a mut Group,
    layers: &'a Layers,
    values: &'a mut [f64],
    stride: usize,
}

impl NullaryFnOnce for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Draw { simd, group, layers, values, stride } = self;
        let mut halves = [Half::load(group, 0), Half::load(group, 1)];
        for values in values.chunks_mut(stride) {
            let (low, high) = (halves[0].next(simd), halves[1].next(simd));
            let (low_x, low_out) = normals(simd, layers, low);
            let (high_x, high_out) = normals(simd, layers, high);
            let Some((low_values, rest)) = values.split_first_chunk_mut::<4>() else { break };
            let Some((high_values, _)) = rest.split_first_chunk_mut::<4>() else { break };
            *low_values = cast(low_x);
            *high_values = cast(high_x);
            if low_out | high_out != 0 {
                halves[0].store(group, 0);
                halves[1].store(group, 1);
                redraw(group, [cast(low), cast(high)], low_out | high_out << 4, values);
                halves = [Half::load(group, 0), Half::load(group, 1)];
            }
        }
        halves[0].store(group, 0);
        halves[1].store(group, 1);
    }
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
}

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
    let layer = |lane: usize| cast(layers[(each[lane] & 0xff) as usize]);
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

/// Finishes, lane by lane, the words marked in `out`.
#[cold]
#[inline(never)]
fn redraw(group: &mut Group, words: [[u64; 4]; 2], mut out: u32, values: &mut [f64]) {
    let words: [u64; GROUP] = cast(words);
    while out != 0 {
        let lane = out.trailing_zeros() as usize;
        values[lane] = group.outside(lane, words[lane]);
        out &= out - 1;
    }
}
