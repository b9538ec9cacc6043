use super::{DataSet, SampleRng};
use crate::exact::GaussianMixture;

/// A mixture is a data set too: draws of its points.
impl DataSet for GaussianMixture {
    fn dimension(&self) -> usize {
        GaussianMixture::dimension(self)
    }

    fn draw(&self, rng: &mut SampleRng, point: &mut [f64]) {
        let uniform = rng.uniform();
        let normals: Vec<f64> = (0..point.len()).map(|_| rng.normal()).collect();
        point.copy_from_slice(&self.point_from(uniform, &normals));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_the_mixture_s_moments() {
        let text = r#"{"weights": [0.3, 0.7], "means": [[-2, 1], [1, 0]], "stds": [0.2, 0.5]}"#;
        let mixture: GaussianMixture = text.parse().unwrap();
        let n = 100_000;
        let sample = DataSet::sample(&mixture, n, 4);
        let (mean, covariance) = (mixture.mean(), mixture.covariance());
        for axis in 0..2 {
            let values = sample.column(axis);
            let average = values.sum() / n as f64;
            // Six standard errors: false alarms below 1e-8 an axis.
            let error = (covariance[(axis, axis)] / n as f64).sqrt();
            assert!((average - mean[axis]).abs() < 6.0 * error);
            let variance = values.mapv(|x| (x - average).powi(2)).sum() / n as f64;
            assert!((variance / covariance[(axis, axis)] - 1.0).abs() < 0.03);
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("two.json");
        std::fs::write(&file, text).unwrap();
        let named = crate::data::by_name(file.to_str().unwrap()).unwrap();
        assert_eq!(named.sample(7, 4), sample.slice(ndarray::s![..7, ..]));
    }
}
