use std::ops::Range;

use driftfield_solvers::field::affine;
use driftfield_solvers::{FieldError, HostState, Scalar, State, StateError};

use super::restriction::Restriction;
use super::weights::{from_data, pull_through, push_through, weights_from_data};
use super::{Predictor, Pullback, Pushforward, Target, Targets, Threshold, Times};
use crate::host::each_lane;
use crate::process::SharedPath;
use crate::standardisation::Standardisation;

/// A predictor whose predicted data is kept within the data's range.
///
/// The noise follows the changed data, `eps = (x_t - alpha x_0) / sigma`, so that every target
/// `c` is `(c_d - c_n alpha / sigma) x_0 + c_n / sigma x_t`: noise, velocity, v, score and every
/// drift agree with each other and with the state. Targets with noise do not exist where
/// `sigma = 0`.
///
/// What is clipped does not move with the state: its products with the Jacobian are those of the
/// predictor inside with the derivative of the clip, which exists almost everywhere; a dynamic
/// bound moves with the components that it lies between.
///
/// ```
/// use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
/// use driftfield_problems::predictor::{Predictor, Target, Threshold, Thresholded};
/// use driftfield_problems::process;
/// let path = process::parse("vp").unwrap();
/// let mixture = GaussianMixture::isotropic(vec![1.0], vec![vec![2.0, 0.5]], vec![0.1]).unwrap();
/// let exact = MixturePredictor::new(mixture, path);
/// let clipped = Thresholded::new(exact, "static:max=1".parse().unwrap());
/// let mut data = [0.0_f64, 0.0];
/// clipped.predict(Target::DATA.into(), &mut data, &[0.3, 0.4], 0.9.into()).unwrap();
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
        if let Some(units) = &self.units {
            units.undo(data).map_err(FieldError::other)?;
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
        if let Some(units) = &self.units {
            units.apply(data).map_err(FieldError::other)?;
        }
        Ok(())
    }

    /// `vector <- J vector` of the restriction at the predicted `data`, or `J^T vector`, lane by
    /// lane, where `product` says which.
    fn multiply<S: HostState>(
        &self,
        data: &S,
        vector: &mut S,
        product: impl Fn(&Restriction, &mut [f64]) + Sync,
    ) -> Result<(), FieldError> {
        let (lanes, threshold, units) = (data.lane_count(), self.threshold, &self.units);
        if let Some(units) = units {
            units.validate(data.lane_len()).map_err(FieldError::other)?;
        }
        each_lane(0..lanes, data, vector, 8 * data.lane_len(), |_, data, vector| {
            let data: Vec<f64> = match units {
                Some(Standardisation { mean, std }) => {
                    let axes = data.iter().zip(mean).zip(std);
                    axes.map(|((z, mean), std)| z * std + mean).collect()
                }
                None => data.to_vec(),
            };
            product(&threshold.at(data), vector);
        })?;
        Ok(())
    }

    /// The scale of every component in the data's units.
    fn scales(&self) -> Option<&[f64]> {
        self.units.as_ref().map(|units| &units.std[..])
    }
}

impl<S, P> Predictor<S> for Thresholded<P>
where
    S: HostState,
    P: Predictor<S>,
{
    fn path(&self) -> &SharedPath {
        self.predictor.path()
    }

    fn predict(
        &self,
        target: Targets<'_>,
        out: &mut S,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let mut room = Default::default();
        let weights = weights_from_data(self.path(), target, t, &mut room)?;
        self.predictor.predict(Target::DATA.into(), out, x, t)?;
        self.restrict(out)?;
        Ok(affine(out, weights, x)?)
    }

    fn pull_back(
        &self,
        target: Targets<'_>,
        pull: Pullback<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        pull_through(self.path(), (target, t), pull, x, from_data, |inner| {
            let Pullback { value, cotangent, state, time, inputs } = inner;
            let of_prediction = |lanes: Range<usize>, data: &S, c: &mut S| {
                let mut restricted = data.clone();
                self.restrict(&mut restricted)?;
                cotangent(lanes, &restricted, c)?;
                self.multiply(data, c, |at, c| at.transposed(c, self.scales()))
            };
            let inner =
                Pullback { value: &mut *value, cotangent: &of_prediction, state, time, inputs };
            self.predictor.pull_back(Target::DATA.into(), inner, x, t)?;
            self.restrict(value)
        })
    }

    fn push_forward(
        &self,
        target: Targets<'_>,
        push: Pushforward<'_, S>,
        x: &S,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        push_through(self.path(), (target, t), push, x, from_data, |inner| {
            let Pushforward { value, direction, time, tangent } = inner;
            let inner = Pushforward { value: &mut *value, direction, time, tangent: &mut *tangent };
            self.predictor.push_forward(Target::DATA.into(), inner, x, t)?;
            self.multiply(value, tangent, |at, v| at.times(v, self.scales()))?;
            self.restrict(value)
        })
    }

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.predictor.forwards(t)
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
            target: Targets<'_>,
            out: &mut Array2<f64>,
            _x: &Array2<f64>,
            _t: Times<'_>,
        ) -> Result<(), FieldError> {
            assert_eq!(target, Target::DATA.into());
            out.assign(&self.0);
            Ok(())
        }
    }

    fn restricted(threshold: &str, data: Array2<f64>) -> Array2<f64> {
        let path = process::parse("vp").unwrap();
        let mut out = data.clone();
        let fixed = Thresholded::new(Fixed(data, path), threshold.parse().unwrap());
        let x = out.clone();
        fixed.predict(Target::DATA.into(), &mut out, &x, 0.4.into()).unwrap();
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
                clipped
                    .predict(Target { data: c_d, noise: c_n }.into(), &mut out, &x, t.into())
                    .unwrap();
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
        clipped.predict(Target::DATA.into(), &mut out, &array![[0.0, 0.0]], 0.5.into()).unwrap();
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
        assert!(
            clipped.predict(Target::NOISE.into(), &mut out, &array![[0.0]], 0.0.into()).is_err()
        );
        assert!(clipped.predict(Target::DATA.into(), &mut out, &array![[0.0]], 0.0.into()).is_ok());
    }
}
