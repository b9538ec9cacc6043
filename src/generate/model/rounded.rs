use std::sync::Arc;

use driftfield_problems::predictor::{Cotangent, DifferentiablePredictor, Predictor, Target};
use driftfield_problems::process::SharedPath;
use driftfield_solvers::FieldError;
use ndarray::{ArrayD, Zip};

type Single = ArrayD<f32>;
type Double = ArrayD<f64>;

/// A predictor of double precision on states of single precision.
pub(super) struct Rounded<P: ?Sized>(pub(super) Arc<P>);

fn round(out: &mut Single, from: &Double) {
    Zip::from(out).and(from).for_each(|to, &from| *to = from as f32);
}

fn through(
    out: &mut Single,
    x: &Single,
    predict: impl FnOnce(&mut Double, &Double) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    let mut wide = Double::zeros(out.raw_dim());
    predict(&mut wide, &x.mapv(f64::from))?;
    round(out, &wide);
    Ok(())
}

impl<P: Predictor<Double> + ?Sized> Predictor<Single> for Rounded<P> {
    fn path(&self) -> &SharedPath {
        self.0.path()
    }

    fn predict(
        &self,
        target: Target,
        out: &mut Single,
        x: &Single,
        t: f64,
    ) -> Result<(), FieldError> {
        through(out, x, |out, x| self.0.predict(target, out, x, t))
    }

    fn predict_with_score(
        &self,
        data: f64,
        score: f64,
        sigma: f64,
        out: &mut Single,
        x: &Single,
        t: f64,
    ) -> Result<(), FieldError> {
        through(out, x, |out, x| self.0.predict_with_score(data, score, sigma, out, x, t))
    }

    fn predict_lanes(
        &self,
        targets: &[Target],
        out: &mut Single,
        x: &Single,
        t: &[f64],
    ) -> Result<(), FieldError> {
        through(out, x, |out, x| self.0.predict_lanes(targets, out, x, t))
    }

    fn network_forwards(&self) -> u64 {
        self.0.network_forwards()
    }
}

impl<P: DifferentiablePredictor<Double> + ?Sized> DifferentiablePredictor<Single> for Rounded<P> {
    fn predict_data_with_pullback(
        &self,
        data: &mut Single,
        gradient: &mut Single,
        x: &Single,
        t: f64,
        cotangent: &Cotangent<'_>,
    ) -> Result<(), FieldError> {
        let mut wide = Double::zeros(gradient.raw_dim());
        through(data, x, |data, x| {
            self.0.predict_data_with_pullback(data, &mut wide, x, t, cotangent)
        })?;
        round(gradient, &wide);
        Ok(())
    }
}
