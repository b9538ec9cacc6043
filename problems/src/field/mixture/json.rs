use std::path::Path;
use std::str::FromStr;

use super::{GaussianMixture, MixtureError};

/// The file format.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MixtureFile {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    stds: Option<Vec<f64>>,
    covariances: Option<Vec<Vec<Vec<f64>>>>,
}

/// Reads the JSON `{"weights": [..], "means": [[..]], "stds": [..]}`, or with
/// `"covariances": [[[..]]]` in place of `"stds"`.
impl FromStr for GaussianMixture {
    type Err = MixtureError;

    fn from_str(text: &str) -> Result<Self, MixtureError> {
        let file: MixtureFile =
            serde_json::from_str(text).map_err(|error| MixtureError::Json(error.to_string()))?;
        match (file.stds, file.covariances) {
            (Some(stds), None) => GaussianMixture::isotropic(file.weights, file.means, stds),
            (None, Some(covariances)) => {
                GaussianMixture::full(file.weights, file.means, covariances)
            }
            (None, None) => Err(MixtureError::Json("it has no \"stds\"".to_owned())),
            (Some(_), Some(_)) => {
                Err(MixtureError::Json("it has both \"stds\" and \"covariances\"".to_owned()))
            }
        }
    }
}

impl GaussianMixture {
    /// Reads a mixture from a JSON file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MixtureError> {
        let path = path.as_ref();
        std::fs::read_to_string(path)
            .map_err(|error| MixtureError::Read {
                path: path.display().to_string(),
                problem: error.to_string(),
            })?
            .parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_fault_is_named() {
        for (text, part) in [
            ("", "not a mixture"),
            ("[]", "not a mixture"),
            (r#"{"weights": [1], "means": [[0]]}"#, "no \"stds\""),
            (r#"{"weights": [1], "means": [[0]], "stds": [1], "covariances": [[[1]]]}"#, "both"),
            (r#"{"weights": [1], "means": [[0]], "stds": [1], "extra": 1}"#, "unknown field"),
            (r#"{"weights": [], "means": [], "stds": []}"#, "no component"),
            (r#"{"weights": [1], "means": [], "stds": [1]}"#, "means"),
            (r#"{"weights": [1], "means": [[]], "stds": [1]}"#, "dimension 0"),
            (r#"{"weights": [0.5, 0.5], "means": [[0], [1, 2]], "stds": [1, 1]}"#, "dimension 2"),
            (r#"{"weights": [0.5, 0.4], "means": [[0], [1]], "stds": [1, 1]}"#, "sum to 0.9"),
            (r#"{"weights": [1.5, -0.5], "means": [[0], [1]], "stds": [1, 1]}"#, "weight 1"),
            (r#"{"weights": [1, 0], "means": [[0], [1]], "stds": [1, 1]}"#, "weight 1"),
            (r#"{"weights": [1], "means": [[0]], "stds": [0]}"#, "std 0"),
            (r#"{"weights": [1], "means": [[0]], "stds": [-1]}"#, "std 0"),
            (r#"{"weights": [1], "means": [[0]], "stds": [1, 1]}"#, "2 stds"),
            (r#"{"weights": [1], "means": [[1e200]], "stds": [1]}"#, "1e100"),
            (r#"{"weights": [1], "means": [[1e999]], "stds": [1]}"#, "not a mixture"),
            (r#"{"weights": [1], "means": [[0, 0]], "covariances": [[[1]]]}"#, "dimension 1"),
            (
                r#"{"weights": [1], "means": [[0, 0]], "covariances": [[[1, 2], [0, 1]]]}"#,
                "symmetric",
            ),
            (
                r#"{"weights": [1], "means": [[0, 0]], "covariances": [[[1, 2], [2, 1]]]}"#,
                "positive definite",
            ),
        ] {
            let error = text.parse::<GaussianMixture>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(GaussianMixture::read("no such file.json").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            prop_assert!(text.parse::<GaussianMixture>().is_err());
        }

        #[test]
        fn any_lists_are_read_or_refused(
            weights in proptest::collection::vec(-0.5..1.5f64, 0..3),
            means in proptest::collection::vec(
                proptest::collection::vec(any::<f64>(), 0..3), 0..3),
            stds in proptest::collection::vec(any::<f64>(), 0..3),
            covariances in proptest::collection::vec(proptest::collection::vec(
                proptest::collection::vec(any::<f64>(), 0..3), 0..3), 0..3),
        ) {
            let _ = GaussianMixture::isotropic(weights.clone(), means.clone(), stds);
            let _ = GaussianMixture::full(weights, means.clone(), covariances.clone());
            let n = means.len().max(1);
            let even = vec![1.0 / n as f64; n];
            let _ = GaussianMixture::full(even, means, covariances);
        }
    }
}
