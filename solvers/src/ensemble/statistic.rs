/// What is folded over the lanes of an ensemble: a summary of vectors of
/// [`Statistic::width`] numbers, one vector from each lane.
///
/// Pairs and triples of statistics of one width are a statistic.
pub trait Statistic: Send + Sync {
    /// Numbers per lane.
    fn width(&self) -> usize;

    /// A statistic of the same kind and width that has seen nothing.
    fn empty(&self) -> Self;

    /// Takes in one lane's numbers, [`Statistic::width`] of them and none NaN.
    fn push(&mut self, values: &[f64]);

    /// Takes in what `later` has seen, the lanes that come after those of `self`.
    /// Merging with an empty statistic, on either side, changes no bit.
    fn merge(&mut self, later: Self);

    /// The widths of the parts, the first one that differs from
    /// [`Statistic::width`] if they are not the same.
    fn mismatch(&self) -> Option<usize> {
        None
    }
}

macro_rules! tuple_statistic {
    ($($name:ident $index:tt),*) => {
        impl<First: Statistic, $($name: Statistic),*> Statistic for (First, $($name),*) {
            fn width(&self) -> usize {
                self.0.width()
            }
            fn empty(&self) -> Self {
                (self.0.empty(), $(self.$index.empty()),*)
            }
            fn push(&mut self, values: &[f64]) {
                self.0.push(values);
                $(self.$index.push(values);)*
            }
            fn merge(&mut self, later: Self) {
                self.0.merge(later.0);
                $(self.$index.merge(later.$index);)*
            }
            fn mismatch(&self) -> Option<usize> {
                let width = self.width();
                let differs = |found: usize| (found != width).then_some(found);
                None.or(self.0.mismatch())
                    $(.or(self.$index.mismatch()).or(differs(self.$index.width())))*
            }
        }
    };
}
tuple_statistic!(Second 1);
tuple_statistic!(Second 1, Third 2);
