use super::{Noise, NoiseError, NoiseRequest};
use crate::state::State;

/// A path whose lanes have changed places: lane `i` has the increments of lane `from[i]` of the
/// path. Those of all its lanes are drawn, so that a lane's noise stays its own whoever has left.
pub(crate) struct Renumbered<'a, S> {
    path: Box<dyn Noise<S> + 'a>,
    from: Vec<usize>,
    /// A state of the path's lanes.
    like: S,
    increments: Vec<S>,
    areas: Vec<S>,
}

impl<'a, S: State> Renumbered<'a, S> {
    pub(crate) fn new(path: Box<dyn Noise<S> + 'a>, from: &[usize], like: S) -> Self {
        let (increments, areas) = (Vec::new(), Vec::new());
        Renumbered { path, from: from.to_vec(), like, increments, areas }
    }

    fn write(&self, from: &[S], to: &mut [S]) -> Result<(), NoiseError> {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from.select_lanes(&self.from)?;
        }
        Ok(())
    }
}

impl<S: State> Noise<S> for Renumbered<'_, S> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.increments.resize_with(dw.len(), || self.like.zeros_like());
        self.path.increments(a, b, &mut self.increments)?;
        self.write(&self.increments, dw)
    }

    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [S],
        areas: &mut [S],
    ) -> Result<(), NoiseError> {
        self.increments.resize_with(dw.len(), || self.like.zeros_like());
        self.areas.resize_with(areas.len(), || self.like.zeros_like());
        self.path.increments_and_areas(a, b, &mut self.increments, &mut self.areas)?;
        self.write(&self.increments, dw)?;
        self.write(&self.areas, areas)
    }

    fn renumber(&mut self, from: &[usize]) -> bool {
        self.from = from.iter().map(|&lane| self.from[lane]).collect();
        true
    }

    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        self.path.provides(request)
    }
}
