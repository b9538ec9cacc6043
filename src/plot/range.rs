//! Ranges of data: found, padded, and never empty.

/// A closed interval with `low < high`, apart from the moments when it is
/// being collected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub low: f64,
    pub high: f64,
}

impl Range {
    /// The smallest interval around the values, or none without values.
    pub fn around(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let points = values.into_iter().map(|value| Self { low: value, high: value });
        points.reduce(Self::union)
    }

    pub fn union(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    pub fn span(&self) -> f64 {
        self.high - self.low
    }

    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The same middle with another span.
    pub fn with_span(self, span: f64) -> Self {
        let middle = self.low + self.span() / 2.0;
        Self { low: middle - span / 2.0, high: middle + span / 2.0 }
    }

    /// Widened by a share of its span at both ends. A range too narrow for an axis (one value, or
    /// equal values) is first opened up around its middle.
    pub fn padded(self, share: f64) -> Self {
        let magnitude = self.low.abs().max(self.high.abs());
        let opened = match self.span() {
            _ if magnitude < 1e-90 => self.with_span(1.0),
            span if span <= 1e-9 * magnitude => self.with_span(0.2 * magnitude),
            _ => self,
        };
        opened.with_span(opened.span() * (1.0 + 2.0 * share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_still_makes_an_axis() {
        for value in [0.0, 3.0, -1e-30, 1e80, 1e-95] {
            let range = Range::around([value]).unwrap().padded(0.05);
            assert!(range.low < value && value < range.high, "{value}: {range:?}");
        }
    }
}
