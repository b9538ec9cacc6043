use std::path::Path;
use std::str::FromStr;

use super::{GaussianMixture, MixtureError};
use crate::echo::{echo, echo_path};
use crate::user_file;

/// Largest file read: ten covariances of digits are half of it.
const LARGEST: u64 = 1 << 28;

/// The file format.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MixtureFile {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    stds: Option<Vec<f64>>,
    covariances: Option<Vec<Vec<Vec<f64>>>>,
}

/// What some editors begin a text with, which says nothing of its content.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads the JSON `{"weights": [..], "means": [[..]], "stds": [..]}`, or with
/// `"covariances": [[[..]]]` in place of `"stds"`.
impl FromStr for GaussianMixture {
    type Err = MixtureError;

    fn from_str(text: &str) -> Result<Self, MixtureError> {
        let file: MixtureFile =
            serde_json::from_str(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
                .map_err(|error| MixtureError::Json(echo(&error.to_string())))?;
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
        let refused = |problem: String| MixtureError::Read { path: echo_path(path), problem };
        let bytes = user_file::read(path, LARGEST).map_err(|error| refused(error.to_string()))?;
        let text = std::str::from_utf8(&bytes);
        text.map_err(|_| refused("it is no text in UTF-8".to_owned()))?.parse()
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

    #[test]
    fn a_byte_order_mark_is_no_fault_and_what_is_no_text_is_named() {
        let text = r#"{"weights": [1], "means": [[0]], "stds": [1]}"#;
        assert!(format!("\u{feff}{text}").parse::<GaussianMixture>().is_ok());
        assert!(format!("\u{feff}\u{feff}{text}").parse::<GaussianMixture>().is_err());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.json");
        std::fs::write(&path, format!("\u{feff}{text}")).unwrap();
        assert!(GaussianMixture::read(&path).is_ok());
        let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        std::fs::write(&path, [&[0xfe, 0xff], utf_16.as_slice()].concat()).unwrap();
        let error = GaussianMixture::read(&path).unwrap_err().to_string();
        assert!(error.contains("UTF-8") && error.contains("m.json"), "{error}");
        let error = GaussianMixture::read("/dev/zero").unwrap_err().to_string();
        assert!(error.contains("256 MiB"), "{error}");
        let key = "\u{1b}".repeat(100_000);
        let error = format!("{{\"{}\": 1}}", key.replace('\u{1b}', "\\u001b"));
        let error = error.parse::<GaussianMixture>().unwrap_err().to_string();
        assert!(error.len() < 2_000 && !error.contains('\u{1b}'), "{error}");
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
