use super::{Noise, NoiseError, NoiseRequest};

/// A path under steps that land on given times and ask the field a moment before and after them:
/// the numbers next to such a time are the time itself.
pub(crate) struct Landing<N: ?Sized> {
    /// Ascending.
    stops: Vec<f64>,
    path: Box<N>,
}

impl<N: ?Sized> Landing<N> {
    pub(crate) fn new(path: Box<N>, mut stops: Vec<f64>) -> Self {
        stops.sort_by(f64::total_cmp);
        Landing { stops, path }
    }

    /// The time of the path that is meant by `t`.
    fn meant(&self, t: f64) -> f64 {
        let after = self.stops.partition_point(|&stop| stop < t);
        let near = |stop: &&f64| **stop == t || **stop == t.next_up() || **stop == t.next_down();
        let next = self.stops.get(after).filter(near);
        let last = || self.stops[..after].last().filter(near);
        *next.or_else(last).unwrap_or(&t)
    }
}

impl<S, N: Noise<S> + ?Sized> Noise<S> for Landing<N> {
    fn increments(&mut self, a: f64, b: f64, dw: &mut [S]) -> Result<(), NoiseError> {
        self.path.increments(self.meant(a), self.meant(b), dw)
    }

    fn increment(&mut self, a: f64, b: f64, dw: &mut S) -> Result<(), NoiseError> {
        self.path.increment(self.meant(a), self.meant(b), dw)
    }

    fn increments_and_areas(
        &mut self,
        a: f64,
        b: f64,
        dw: &mut [S],
        areas: &mut [S],
    ) -> Result<(), NoiseError> {
        self.path.increments_and_areas(self.meant(a), self.meant(b), dw, areas)
    }

    fn renumber(&mut self, from: &[usize]) -> bool {
        self.path.renumber(from)
    }

    fn provides(&self, request: &NoiseRequest) -> Result<(), NoiseError> {
        self.path.provides(request)
    }
}
