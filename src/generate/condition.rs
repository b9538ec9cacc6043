use std::str::FromStr;

use driftfield_networks::GuidanceError;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_problems::spec::SpecError;

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
    /// Labels that guidance keeps away from, lane by lane as [`Condition::labels`]; by default none
    /// at all, the network without its labels.
    pub negative: Vec<u32>,
    /// Where guidance acts; by default everywhere.
    pub interval: Option<Interval>,
    /// The share, 0 to 1, of what guidance adds to an output's size that is taken back (Lin et al.
    /// 2024).
    pub rescale: f64,
}

/// From where to where guidance acts (Kynkäänniemi et al. 2024).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interval {
    /// Between two times of the process.
    Times(f64, f64),
    /// Between two noise levels, `sigma / alpha`.
    Levels(f64, f64),
}

impl Interval {
    /// The times, the earlier first.
    pub fn times(self, path: &SharedPath) -> (f64, f64) {
        let (first, last) = match self {
            Interval::Times(first, last) => (first, last),
            Interval::Levels(first, last) => {
                // An end that the path does not reach is its end.
                let domain = path.domain();
                let at = |level: f64| match path.time_at_log_snr(-level.ln()) {
                    t if t.is_finite() => t,
                    _ if level <= 1.0 => domain.data.t,
                    _ => domain.noise.t,
                };
                (at(first), at(last))
            }
        };
        (first.min(last), first.max(last))
    }
}

/// `A,B` in times, `sigma:A,B` in noise levels.
impl FromStr for Interval {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        const EXPECTED: &str = "two times A,B, or two noise levels sigma:A,B";
        let refused = || SpecError::value("guidance", "interval", text, EXPECTED);
        let (levels, ends) = match text.strip_prefix("sigma:") {
            Some(ends) => (true, ends),
            None => (false, text),
        };
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|end| end.is_finite());
        let (first, last) = ends.split_once(',').ok_or_else(refused)?;
        match (number(first), number(last), levels) {
            (Some(first), Some(last), false) if first <= last => Ok(Interval::Times(first, last)),
            (Some(first), Some(last), true) if 0.0 <= first && first <= last => {
                Ok(Interval::Levels(first, last))
            }
            _ => Err(refused()),
        }
    }
}

impl Condition {
    /// Lanes of these labels.
    pub fn labels(labels: impl Into<Vec<u32>>) -> Self {
        Condition { labels: labels.into(), ..Condition::default() }
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
        let of_lanes = |labels: &[u32]| -> Vec<u32> {
            if labels.len() < 2 {
                return labels.to_vec();
            }
            let first = (first % labels.len() as u64) as usize;
            labels.iter().copied().cycle().skip(first).take(lanes).collect()
        };
        let (labels, negative) = (of_lanes(&self.labels), of_lanes(&self.negative));
        Condition { labels, negative, ..self.clone() }
    }

    /// Whether guidance is more than a weight.
    pub(super) fn refines_guidance(&self) -> bool {
        self.interval.is_some() || self.rescale != 0.0 || !self.negative.is_empty()
    }

    /// Refuses what no network can be told. `avoids` is whether guidance has something to keep away
    /// from without labels.
    pub(super) fn check(
        &self,
        known: Option<usize>,
        avoids: bool,
        model: &str,
    ) -> Result<(), GenerateError> {
        match self.guidance {
            Some(weight) if !weight.is_finite() => return Err(GenerateError::Guidance(weight)),
            None if self.refines_guidance() => return Err(GenerateError::NoGuidanceToRefine),
            Some(_) if self.labels.is_empty() && !avoids => {
                return Err(GenerateError::GuidanceWithoutLabel);
            }
            _ => {}
        }
        if !(0.0..=1.0).contains(&self.rescale) {
            return Err(GuidanceError::Rescale(self.rescale).into());
        }
        if self.labels.is_empty() && self.negative.is_empty() {
            return Ok(());
        }
        let Some(known) = known else {
            return Err(GenerateError::NoLabels { model: model.to_owned() });
        };
        let mut labels = self.labels.iter().chain(&self.negative);
        match labels.find(|&&label| label as usize >= known) {
            Some(&label) => Err(GenerateError::Label { label, largest: known.saturating_sub(1) }),
            None => Ok(()),
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
        let other = Condition { negative: vec![0, 1], ..Condition::labels([7]).guided(2.0) };
        assert_eq!(other.of_lanes(1, 3).negative, [1, 0, 1]);
    }

    #[test]
    fn an_interval_is_of_times_or_of_noise_levels() {
        let path = driftfield_problems::process::parse("vp").unwrap();
        assert_eq!("0.2,0.5".parse(), Ok(Interval::Times(0.2, 0.5)));
        let levels: Interval = "sigma:0.5,3".parse().unwrap();
        let (first, last) = levels.times(&path);
        for (t, level) in [(first, 0.5), (last, 3.0)] {
            assert!((path.sigma(t) / path.alpha(t) - level).abs() < 1e-9, "{t}");
        }
        let (first, _) = Interval::Levels(0.0, 1.0).times(&path);
        assert_eq!(first, path.domain().data.t);
        for text in ["", "1", "2,1", "sigma:-1,2", "a,b", "nan,1"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }

    #[test]
    fn guidance_needs_something_to_keep_away_from_and_refinements_need_guidance() {
        let bare = Condition::default().guided(2.0);
        assert!(matches!(bare.check(Some(3), false, ""), Err(GenerateError::GuidanceWithoutLabel)));
        assert!(bare.check(None, true, "").is_ok());
        let refined = Condition { rescale: 0.5, ..Condition::labels([1]) };
        assert!(matches!(
            refined.check(Some(3), false, ""),
            Err(GenerateError::NoGuidanceToRefine)
        ));
        let refined = refined.guided(2.0);
        assert!(refined.check(Some(3), false, "").is_ok());
        let beyond = Condition { rescale: 2.0, ..refined.clone() };
        assert!(beyond.check(Some(3), false, "").is_err());
        let unknown = Condition { negative: vec![3], ..refined };
        assert!(matches!(unknown.check(Some(3), false, ""), Err(GenerateError::Label { .. })));
    }
}
