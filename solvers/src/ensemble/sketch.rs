/// A summary of many numbers from which their quantiles can be read within a
/// bound that the sketch itself knows.
///
/// Levels of buffers, in which a value at level `l` stands for `2^l` of those
/// pushed. A buffer of `k` values or more is *compacted*: sorted, every second
/// value kept and passed to the next level. One compaction at level `l` moves the
/// rank of any number by at most `2^l`, upwards if the first of each pair is
/// kept, downwards if the second. This is the deterministic scheme of Manku,
/// Rajagopalan & Lindsay (*SIGMOD* 1998) as in Karnin, Lang & Liberty (*FOCS*
/// 2016), the choice within a pair made here to balance the two sides, so that
/// the result is a function of the values and the order of merging alone.
///
/// With `n` values the rank error is certainly at most
/// `n (1 + log2(n / (k - 1))) / (k - 1)`, none below `k` values, in practice
/// about half; [`QuantileSketch::rank_error`] is what it came to. Memory is `k`
/// numbers for each doubling of `n` beyond `k`.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileSketch {
    capacity: usize,
    count: u64,
    levels: Vec<Vec<f64>>,
    /// Most by which a rank may be overrated and underrated.
    over: u64,
    under: u64,
    min: f64,
    max: f64,
}

impl QuantileSketch {
    /// Buffers of `capacity` values, at least 8.
    pub fn new(capacity: usize) -> Self {
        QuantileSketch {
            capacity: capacity.max(8),
            count: 0,
            levels: vec![Vec::new()],
            over: 0,
            under: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    /// A sketch of the same capacity that has seen nothing.
    pub fn empty(&self) -> Self {
        QuantileSketch::new(self.capacity)
    }

    /// Values seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Numbers kept.
    pub fn stored(&self) -> usize {
        self.levels.iter().map(Vec::len).sum()
    }

    /// Most by which the rank of a quantile, among the values seen in order, may
    /// differ from the rank asked for: `p` is met within `rank_error / count`.
    pub fn rank_error(&self) -> u64 {
        self.over.max(self.under)
    }

    /// Takes in a value, which is not NaN.
    pub fn push(&mut self, value: f64) {
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.levels[0].push(value);
        if self.levels[0].len() >= self.capacity {
            self.compact_full_levels();
        }
    }

    /// Takes in what `other` has seen; its capacity should be the same.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.over += other.over;
        self.under += other.under;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        while self.levels.len() < other.levels.len() {
            self.levels.push(Vec::new());
        }
        for (own, other) in self.levels.iter_mut().zip(other.levels) {
            own.extend(other);
        }
        self.compact_full_levels();
    }

    fn compact_full_levels(&mut self) {
        let mut level = 0;
        while level < self.levels.len() {
            if self.levels[level].len() >= self.capacity {
                self.compact(level);
            }
            level += 1;
        }
    }

    fn compact(&mut self, level: usize) {
        if level + 1 == self.levels.len() {
            self.levels.push(Vec::new());
        }
        let (full, next) = self.levels.split_at_mut(level + 1);
        let (full, next) = (&mut full[level], &mut next[0]);
        full.sort_unstable_by(f64::total_cmp);
        let keep_second = self.over > self.under;
        let moved = if keep_second { &mut self.under } else { &mut self.over };
        *moved += 1 << level;
        let pairs = full.chunks_exact(2);
        let unpaired = pairs.remainder().first().copied();
        next.extend(pairs.map(|pair| pair[usize::from(keep_second)]));
        full.clear();
        full.extend(unpaired);
    }

    /// The `p`-quantile: the smallest value with at least `p n` of the `n` values
    /// seen at or below it, up to [`QuantileSketch::rank_error`]; exact at the
    /// smallest and the largest. `None` for a `p` outside `[0, 1]` and an empty
    /// sketch.
    pub fn quantile(&self, p: f64) -> Option<f64> {
        if self.count == 0 || !(0.0..=1.0).contains(&p) {
            return None;
        }
        let rank = ((p * self.count as f64).ceil() as u64).clamp(1, self.count);
        if rank == 1 {
            return Some(self.min);
        }
        let mut weighted: Vec<(f64, u64)> = Vec::with_capacity(self.stored());
        for (level, values) in self.levels.iter().enumerate() {
            weighted.extend(values.iter().map(|&value| (value, 1 << level)));
        }
        weighted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut below = 0;
        let reached = weighted.iter().find(|(_, weight)| {
            below += weight;
            below >= rank
        });
        if rank == self.count { Some(self.max) } else { reached.map(|(value, _)| *value) }
    }
}
