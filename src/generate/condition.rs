use super::GenerateError;

/// What a network that knows labels is told of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Condition {
    /// Labels of the lanes, from the first on and again from the start when they are used up;
    /// none: the network is not told any.
    pub labels: Vec<u32>,
    /// Weight `W` of classifier-free guidance, `v_without + W (v_with - v_without)`; by default 1,
    /// the network with its labels.
    pub guidance: Option<f64>,
}

impl Condition {
    /// Lanes of these labels.
    pub fn labels(labels: impl Into<Vec<u32>>) -> Self {
        Condition { labels: labels.into(), guidance: None }
    }

    /// With guidance of weight `W`.
    #[must_use]
    pub fn guided(mut self, weight: f64) -> Self {
        self.guidance = Some(weight);
        self
    }

    /// That of `lanes` lanes from number `first` on: one label for all, or one for each.
    #[must_use]
    pub fn of_lanes(&self, first: u64, lanes: usize) -> Self {
        let count = self.labels.len();
        if count < 2 {
            return self.clone();
        }
        let first = (first % count as u64) as usize;
        let labels = self.labels.iter().copied().cycle().skip(first).take(lanes).collect();
        Condition { labels, guidance: self.guidance }
    }

    /// Refuses what no network can be told.
    pub(super) fn check(&self, known: Option<usize>, model: &str) -> Result<(), GenerateError> {
        if self.labels.is_empty() {
            return match self.guidance {
                Some(_) => Err(GenerateError::GuidanceWithoutLabel),
                None => Ok(()),
            };
        }
        let Some(known) = known else {
            return Err(GenerateError::NoLabels { model: model.to_owned() });
        };
        if let Some(&label) = self.labels.iter().find(|&&label| label as usize >= known) {
            return Err(GenerateError::Label { label, largest: known.saturating_sub(1) });
        }
        match self.guidance {
            Some(weight) if !weight.is_finite() => Err(GenerateError::Guidance(weight)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_has_the_labels_of_its_lanes() {
        let all = Condition::labels([3, 1, 4]).guided(1.5);
        assert_eq!(all.of_lanes(0, 7).labels, [3, 1, 4, 3, 1, 4, 3]);
        assert_eq!(all.of_lanes(5, 3).labels, [4, 3, 1]);
        assert_eq!(all.of_lanes(5, 3).guidance, Some(1.5));
        let one = Condition::labels([7]);
        assert_eq!(one.of_lanes(9, 100), one);
    }
}
