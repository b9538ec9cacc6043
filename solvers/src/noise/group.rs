use super::xoshiro::Xoshiro;
use super::ziggurat::{Layers, normal};

/// Lanes whose generators advance together.
pub(super) const GROUP: usize = 8;

/// The generators of [`GROUP`] lanes, word by word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(pub(super) [[u64; GROUP]; 4]);

impl Group {
    #[inline(always)]
    pub(super) fn get(&self, lane: usize) -> Xoshiro {
        Xoshiro(std::array::from_fn(|k| self.0[k][lane]))
    }

    #[inline(always)]
    pub(super) fn set(&mut self, lane: usize, rng: Xoshiro) {
        for (words, word) in self.0.iter_mut().zip(rng.0) {
            words[lane] = word;
        }
    }

    /// The next normals of one lane, at every `stride`-th place of `values`.
    pub(super) fn one_lane(
        &mut self,
        layers: &Layers,
        lane: usize,
        values: &mut [f64],
        stride: usize,
    ) {
        let mut rng = self.get(lane);
        for value in values.iter_mut().step_by(stride) {
            *value = normal(layers, &mut rng);
        }
        self.set(lane, rng);
    }
}
