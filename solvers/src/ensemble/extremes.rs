use super::Statistic;

/// The smallest and the largest of each number, and how many lanes were seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Extremes {
    count: u64,
    min: Vec<f64>,
    max: Vec<f64>,
}

impl Extremes {
    /// Of `width` numbers per lane.
    pub fn new(width: usize) -> Self {
        Extremes { count: 0, min: vec![f64::INFINITY; width], max: vec![f64::NEG_INFINITY; width] }
    }

    /// Lanes seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest of each number; infinity if no lane was seen.
    pub fn min(&self) -> &[f64] {
        &self.min
    }

    /// The largest of each number; minus infinity if no lane was seen.
    pub fn max(&self) -> &[f64] {
        &self.max
    }

    fn widen(&mut self, min: &[f64], max: &[f64]) {
        for (own, other) in self.min.iter_mut().zip(min) {
            *own = own.min(*other);
        }
        for (own, other) in self.max.iter_mut().zip(max) {
            *own = own.max(*other);
        }
    }
}

impl Statistic for Extremes {
    fn width(&self) -> usize {
        self.min.len()
    }

    fn empty(&self) -> Self {
        Extremes::new(self.width())
    }

    fn push(&mut self, values: &[f64]) {
        self.count += 1;
        self.widen(values, values);
    }

    fn merge(&mut self, later: Self) {
        self.count += later.count;
        self.widen(&later.min, &later.max);
    }
}
