use std::fmt;
use std::str::FromStr;

use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, HostState, Scalar, State, StateError};

use super::from_data::{target_from_data, targets_from_data};
use super::{Predictor, Target};
use crate::catalog::{Catalog, Entry, Key};
use crate::process::SharedPath;
use crate::spec::SpecError;
use crate::weights::Standardisation;

/// How the predicted data is kept within the range of the data, `[-max, max]`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Threshold {
    /// Every component is clipped to `[-max, max]` (the `clip_denoised` of Ho et al. 2020).
    Static {
        /// Bound.
        max: f64,
    },
    /// Lane by lane: with `q` the quantile of `|x_0|` over the lane's components, the data is
    /// clipped to `[-q, q]` and multiplied by `max / q` if `q > max`, else clipped to
    /// `[-max, max]` (Saharia et al., *Imagen*, 2022, section 2.3, where `max = 1`).
    ///
    /// The published codes differ where the data's range is not 1. DPM-Solver's divides by
    /// `max(q, max)`, the diffusers library by `q` kept between 1 and its `sample_max_value`: both
    /// map the range to `[-1, 1]`, so that data within its own range is shrunk or left too large. Here
    /// data within the range is left as it is, whatever the range; with `max = 1` all agree, as far as
    /// `sample_max_value` (1 by default: a static clip) is not reached.
    Dynamic {
        /// Share of the components that count as within the range.
        quantile: f64,
        /// Bound.
        max: f64,
    },
}

const STATIC: &str = "static";
const DYNAMIC: &str = "dynamic";

impl Threshold {
    /// Both kinds by name.
    pub fn catalog() -> Catalog<Threshold> {
        let max = || Key::number("max", 1.0, "bound of the data, in its units").positive();
        let quantile = Key::number("quantile", 0.995, "share of the components within the range")
            .within("above 0 and at most 1", |share| share > 0.0 && share <= 1.0);
        let entries = [
            Entry::new(STATIC, "every component is clipped", |given| {
                Threshold::Static { max: given.number("max")? }.validate()
            })
            .keys([max()]),
            Entry::new(DYNAMIC, "every lane is clipped to its quantile, and scaled", |given| {
                let (quantile, max) = (given.number("quantile")?, given.number("max")?);
                Threshold::Dynamic { quantile, max }.validate()
            })
            .keys([quantile, max()]),
        ];
        Catalog::new("threshold", entries)
    }

    /// Refuses bounds that are not positive and quantiles outside `(0, 1]`.
    pub fn validate(self) -> Result<Self, SpecError> {
        let (name, quantile, max) = match self {
            Threshold::Static { max } => (STATIC, 1.0, max),
            Threshold::Dynamic { quantile, max } => (DYNAMIC, quantile, max),
        };
        if !(max > 0.0 && max.is_finite()) {
            return Err(SpecError::number(name, "max", max, "positive and finite"));
        }
        if !(quantile > 0.0 && quantile <= 1.0) {
            return Err(SpecError::number(name, "quantile", quantile, "above 0 and at most 1"));
        }
        Ok(self)
    }

    /// Bound and factor of a lane.
    fn of_lane<T: Scalar>(self, lane: &[T], sizes: &mut Vec<f64>) -> (f64, f64) {
        match self {
            Threshold::Static { max } => (max, 1.0),
            Threshold::Dynamic { quantile, max } => {
                sizes.clear();
                sizes.extend(lane.iter().map(|value| value.into_f64().abs()));
                let bound = linear_quantile(sizes, quantile).max(max);
                (bound, max / bound)
            }
        }
    }
}

/// The quantile by linear interpolation between order statistics (type 7 of Hyndman & Fan
/// 1996, the default of numpy and torch). Sorts in place.
fn linear_quantile(values: &mut [f64], quantile: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let position = quantile * last as f64;
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    values[below] + (position - below as f64) * (values[above] - values[below])
}

impl FromStr for Threshold {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Threshold::catalog().build(text)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Static { max } => write!(f, "static:max={}", Number(*max)),
            Threshold::Dynamic { quantile, max } => {
                write!(f, "dynamic:quantile={},max={}", Number(*quantile), Number(*max))
            }
        }
    }
}

/// A predictor whose predicted data is kept within the data's range.
///
/// The noise follows the changed data, `eps = (x_t - alpha x_0) / sigma`, so that every target
/// `c` is `(c_d - c_n alpha / sigma) x_0 + c_n / sigma x_t`: noise, velocity, v, score and every
/// drift agree with each other and with the state. Targets with noise do not exist where
/// `sigma = 0`.
///
/// ```
/// use driftfield_problems::field::{GaussianMixture, MixturePredictor};
/// use driftfield_problems::predictor::{Predictor, Target, Threshold, Thresholded};
/// use driftfield_problems::process;
/// let path = process::parse("vp").unwrap();
/// let mixture = GaussianMixture::isotropic(vec![1.0], vec![vec![2.0, 0.5]], vec![0.1]).unwrap();
/// let exact = MixturePredictor::new(mixture, path);
/// let clipped = Thresholded::new(exact, "static:max=1".parse().unwrap());
/// let mut data = [0.0_f64, 0.0];
/// clipped.predict(Target::DATA, &mut data, &[0.3, 0.4], 0.9).unwrap();
/// assert_eq!(data[0], 1.0);
/// assert!((data[1] - 0.5).abs() < 0.01);
/// ```
#[derive(Debug, Clone)]
pub struct Thresholded<P> {
    predictor: P,
    threshold: Threshold,
    units: Option<Standardisation>,
}

impl<P> Thresholded<P> {
    /// `predictor`, its data kept within `threshold`.
    pub fn new(predictor: P, threshold: Threshold) -> Self {
        Thresholded { predictor, threshold, units: None }
    }

    /// The range is that of data in its own units, of which the process runs on the
    /// standardised values.
    #[must_use]
    pub fn in_units(mut self, units: Standardisation) -> Self {
        self.units = Some(units);
        self
    }

    fn restrict<S: HostState>(&self, data: &mut S) -> Result<(), FieldError> {
        let units =
            |error: crate::weights::StandardisationError| FieldError::Other(error.to_string());
        if let Some(standardisation) = &self.units {
            standardisation.undo(data).map_err(units)?;
        }
        let lanes = data.lane_count();
        let values = data.values_mut().ok_or(StateError::NotContiguous)?;
        let mut sizes = Vec::new();
        for lane in values.chunks_exact_mut((values.len() / lanes.max(1)).max(1)) {
            let (bound, factor) = self.threshold.of_lane(lane, &mut sizes);
            for value in lane {
                let x = value.into_f64();
                // NaN and infinity stay, for the solver to report.
                if x.is_finite() {
                    *value = S::Scalar::from_f64(factor * x.clamp(-bound, bound));
                }
            }
        }
        if let Some(standardisation) = &self.units {
            standardisation.apply(data).map_err(units)?;
        }
        Ok(())
    }
}

impl<S: HostState + State, P: Predictor<S>> Predictor<S> for Thresholded<P> {
    fn path(&self) -> &SharedPath {
        self.predictor.path()
    }

    fn predict(&self, target: Target, out: &mut S, x: &S, t: f64) -> Result<(), FieldError> {
        target_from_data(self.predictor.path(), target, out, (x, t), |data| {
            self.predictor.predict(Target::DATA, data, x, t)?;
            self.restrict(data)
        })
    }

    fn predict_lanes(
        &self,
        targets: &[Target],
        out: &mut S,
        x: &S,
        t: &[f64],
    ) -> Result<(), FieldError> {
        targets_from_data(self.predictor.path(), targets, out, (x, t), |data| {
            self.predictor.predict_lanes(&vec![Target::DATA; t.len()], data, x, t)?;
            self.restrict(data)
        })
    }

    fn network_forwards(&self) -> u64 {
        self.predictor.network_forwards()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::process::{self, GaussianPath};

    /// Predicts the same data always.
    struct Fixed(Array2<f64>, SharedPath);

    impl Predictor<Array2<f64>> for Fixed {
        fn path(&self) -> &SharedPath {
            &self.1
        }
        fn predict(
            &self,
            target: Target,
            out: &mut Array2<f64>,
            _x: &Array2<f64>,
            _t: f64,
        ) -> Result<(), FieldError> {
            assert_eq!(target, Target::DATA);
            out.assign(&self.0);
            Ok(())
        }
    }

    fn restricted(threshold: &str, data: Array2<f64>) -> Array2<f64> {
        let path = process::parse("vp").unwrap();
        let mut out = data.clone();
        let fixed = Thresholded::new(Fixed(data, path), threshold.parse().unwrap());
        let x = out.clone();
        fixed.predict(Target::DATA, &mut out, &x, 0.4).unwrap();
        out
    }

    #[test]
    fn each_lane_has_its_own_bound() {
        let data = array![[0.5, -0.25, 1.5, -3.0, 0.0], [0.5, -0.2, 0.1, 0.9, -1.0]];
        let found = restricted("static:max=2", data.clone());
        assert_eq!(found, array![[0.5, -0.25, 1.5, -2.0, 0.0], [0.5, -0.2, 0.1, 0.9, -1.0]]);
        // Sizes 0, 0.25, 0.5, 1.5, 3: the quantile 0.75 is 1.5.
        let found = restricted("dynamic:quantile=0.75,max=1", data.clone());
        let scaled = [0.5, -0.25, 1.5, -1.5, 0.0].map(|x: f64| x / 1.5);
        assert!(found.row(0).iter().zip(scaled).all(|(a, b)| (a - b).abs() < 1e-15));
        assert_eq!(found.row(1), data.row(1), "within the range nothing changes");
        // Another range: the same in its units, and data within it still unchanged.
        let found = restricted("dynamic:quantile=0.75,max=2", 2.0 * &data);
        assert!(found.row(0).iter().zip(scaled).all(|(a, b)| (a - 2.0 * b).abs() < 1e-15));
        assert_eq!(found.row(1), (2.0 * &data).row(1));
    }

    #[test]
    fn a_prediction_that_is_not_finite_is_not_hidden() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for threshold in ["static:max=1", "dynamic:quantile=0.5,max=1", "dynamic:quantile=1"] {
                let found = restricted(threshold, array![[0.5, bad, 1.0], [0.25, -0.5, 0.75]]);
                assert!(!found[[0, 1]].is_finite(), "{threshold} {bad}: {found}");
                assert_eq!(found.row(1), array![0.25, -0.5, 0.75], "{threshold} {bad}");
            }
        }
    }

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([3, 1, 2, 10], q).
        for (q, expected) in [(1.0, 10.0), (0.5, 2.5), (0.9, 7.9), (0.25, 1.75), (1e-9, 1.0)] {
            let found = linear_quantile(&mut [3.0, 1.0, 2.0, 10.0], q);
            assert!((found - expected).abs() < 1e-8, "{q}: {found}");
        }
        assert_eq!(linear_quantile(&mut [], 0.5), 0.0);
    }

    #[test]
    fn every_prediction_follows_the_changed_data() {
        let x = array![[0.3, -0.8]];
        for path in process::catalog().defaults() {
            let t = 0.5 * (path.default_span().1 + path.start_with_finite_log_snr());
            let fixed = Fixed(array![[4.0, -0.5]], path.clone());
            let clipped = Thresholded::new(fixed, Threshold::Static { max: 1.0 });
            let (alpha, sigma) = (path.alpha(t), path.sigma(t));
            let data = [1.0, -0.5];
            for (c_d, c_n) in [(0.0, 1.0), (1.0, 0.0), (-0.7, 0.4)] {
                let mut out = x.clone();
                clipped.predict(Target { data: c_d, noise: c_n }, &mut out, &x, t).unwrap();
                for i in 0..2 {
                    let noise = (x[[0, i]] - alpha * data[i]) / sigma;
                    let expected = c_d * data[i] + c_n * noise;
                    let gap = (out[[0, i]] - expected).abs();
                    assert!(gap < 1e-12 * expected.abs().max(1.0), "{}", path.name());
                }
            }
        }
    }

    #[test]
    fn the_range_may_be_in_the_units_of_the_data() {
        let path = process::parse("vp").unwrap();
        let units = Standardisation { mean: vec![1.0, -1.0], std: vec![2.0, 2.0] };
        // Standardised 1 and -0.25 are 3 and -1.5 in the data's units.
        let clipped =
            Thresholded::new(Fixed(array![[1.0, -0.25]], path), Threshold::Static { max: 2.0 })
                .in_units(units);
        let mut out = array![[0.0, 0.0]];
        clipped.predict(Target::DATA, &mut out, &array![[0.0, 0.0]], 0.5).unwrap();
        assert_eq!(out, array![[0.5, -0.25]]);
    }

    #[test]
    fn texts_are_read_or_refused() {
        for text in ["static:max=1", "dynamic:quantile=0.995,max=1"] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), text);
            assert_eq!(text.split(':').next().unwrap().parse::<Threshold>(), text.parse());
        }
        for text in [
            "static:max=0",
            "static:quantile=1",
            "dynamic:quantile=0",
            "dynamic:quantile=2",
            "clip",
        ] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
        // No noise, no noise prediction.
        let path = process::parse("vp").unwrap();
        let clipped = Thresholded::new(Fixed(array![[1.0]], path), Threshold::Static { max: 2.0 });
        let mut out = array![[0.0]];
        assert!(clipped.predict(Target::NOISE, &mut out, &array![[0.0]], 0.0).is_err());
        assert!(clipped.predict(Target::DATA, &mut out, &array![[0.0]], 0.0).is_ok());
    }
}
