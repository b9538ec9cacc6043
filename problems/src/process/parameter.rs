use driftfield_solvers::FieldError;

use super::slope::{CENTRAL, INWARDS, extrapolated};
use super::{GaussianPath, SharedPath};

/// Widest step of a difference, as a share of the parameter.
const REACH: f64 = 1.0 / 16.0;

/// A parameter of a path, and the paths beside it that derivatives in it are taken with.
pub(crate) struct Parameter {
    widest: f64,
    /// Paths at `widest`, half of it, a quarter of it, ... below and above.
    beside: Vec<[Option<SharedPath>; 2]>,
    path: SharedPath,
}

impl Parameter {
    /// All parameters of `path`.
    ///
    /// # Errors
    ///
    /// [`FieldError::Refused`] for a path that does not say what it is with others.
    pub fn all(path: &SharedPath) -> Result<Vec<Parameter>, FieldError> {
        let values: Vec<f64> = path.parameters().into_iter().map(|(_, value)| value).collect();
        if !values.is_empty() && path.with_parameters(&values).is_none() {
            return Err(FieldError::Refused(format!(
                "products in the parameters of `{}`; implement `GaussianPath::with_parameters`",
                path.name()
            )));
        }
        Ok((0..values.len()).map(|index| Parameter::new(path, &values, index)).collect())
    }

    fn new(path: &SharedPath, values: &[f64], index: usize) -> Self {
        let value = values[index];
        let widest = if value == 0.0 { REACH } else { REACH * value.abs() };
        let at = |step: f64| {
            let mut values = values.to_vec();
            values[index] += step;
            path.with_parameters(&values)
        };
        let steps = (0..INWARDS).map(|k| widest * 0.5f64.powi(k as i32));
        let beside = steps.map(|step| [at(-step), at(step)]).collect();
        Parameter { widest, beside, path: path.clone() }
    }

    /// The derivative of a function of the path, to nearly all digits that its values have; at a
    /// bound of the parameter from the side that there is, and NaN for one that is a count.
    pub fn slope(&self, function: impl Fn(&SharedPath) -> f64) -> f64 {
        let step = |h: f64| ((self.widest / h).log2().round() as usize).min(self.beside.len() - 1);
        let value = |side: usize, h: f64| self.beside[step(h)][side].as_ref().map(&function);
        let between = |h: f64| Some((value(1, h)? - value(0, h)?) / (2.0 * h));
        let here = function(&self.path);
        let above = |h: f64| value(1, h).map(|value| (value - here) / h);
        let below = |h: f64| value(0, h).map(|value| (here - value) / h);
        let or_nan = |slope: Option<f64>| slope.unwrap_or(f64::NAN);
        match &self.beside[0] {
            [Some(_), Some(_)] => extrapolated(|h| or_nan(between(h)), self.widest, CENTRAL, 4.0).0,
            [None, Some(_)] => extrapolated(|h| or_nan(above(h)), self.widest, INWARDS, 2.0).0,
            [Some(_), None] => extrapolated(|h| or_nan(below(h)), self.widest, INWARDS, 2.0).0,
            [None, None] => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Vp, VpCosine, catalog};
    use super::*;

    #[test]
    fn parameters_of_every_path_move_it() {
        for path in catalog().defaults() {
            let parameters = Parameter::all(&path).unwrap();
            assert_eq!(parameters.len(), path.parameters().len(), "{}", path.name());
            let t = path.time_at_log_snr(0.3);
            for (parameter, (key, _)) in parameters.iter().zip(path.parameters()) {
                let moves =
                    [parameter.slope(|path| path.alpha(t)), parameter.slope(|path| path.sigma(t))];
                let moved = moves.iter().any(|slope| slope.abs() > 1e-6);
                let is_count = key == "timesteps";
                assert_eq!(moved, !is_count, "{} {key}: {moves:?}", path.name());
                assert_eq!(moves[0].is_nan(), is_count);
            }
        }
    }

    #[test]
    fn slopes_are_those_of_the_formulas() {
        // ln alpha = -t^2 (beta_max - beta_min) / 4 - t beta_min / 2.
        for (min, max) in [(0.1, 20.0), (0.0, 1.0)] {
            let path: SharedPath = Arc::new(Vp::new(min, max).unwrap());
            for t in [0.0, 0.2, 0.9] {
                let all = Parameter::all(&path).unwrap();
                let expected = [t * t / 4.0 - t / 2.0, -t * t / 4.0].map(|x| x * path.alpha(t));
                for (parameter, expected) in all.iter().zip(expected) {
                    let found = parameter.slope(|path| path.alpha(t));
                    assert!((found - expected).abs() < 1e-11, "{t}: {found} {expected}");
                }
            }
        }
        let bound: SharedPath = Arc::new(VpCosine::new(0.0).unwrap());
        let found = Parameter::all(&bound).unwrap()[0].slope(|path| path.alpha(0.5));
        let h = 1e-4;
        let at = |s: f64| VpCosine::new(s).unwrap().alpha(0.5);
        let expected = (4.0 * at(h) - at(2.0 * h) - 3.0 * at(0.0)) / (2.0 * h);
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}
