use std::ops::Range;
use std::sync::Arc;

use driftfield_problems::predictor::{Inputs, Predictor, Pullback, Pushforward, Targets, Times};
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
        target: Targets<'_>,
        out: &mut Single,
        x: &Single,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        through(out, x, |out, x| self.0.predict(target, out, x, t))
    }

    fn predict_with_score(
        &self,
        data: f64,
        score: f64,
        out: &mut Single,
        x: &Single,
        t: f64,
    ) -> Result<(), FieldError> {
        through(out, x, |out, x| self.0.predict_with_score(data, score, out, x, t))
    }

    fn pull_back(
        &self,
        target: Targets<'_>,
        pull: Pullback<'_, Single>,
        x: &Single,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let Pullback { value, cotangent, state, time, mut inputs } = pull;
        let conditioning = inputs.conditioning.take();
        let mut wide_conditioning = conditioning.as_deref().map(|to| to.mapv(f64::from));
        let of_wide = |lanes: Range<usize>, value: &Double, c: &mut Double| {
            let mut narrow = Single::zeros(c.raw_dim());
            cotangent(lanes, &value.mapv(|value| value as f32), &mut narrow)?;
            Zip::from(c).and(&narrow).for_each(|to, &from| *to = f64::from(from));
            Ok(())
        };
        let (mut wide_value, mut wide_state) =
            (Double::zeros(value.raw_dim()), Double::zeros(state.raw_dim()));
        let wide = Pullback {
            value: &mut wide_value,
            cotangent: &of_wide,
            state: &mut wide_state,
            time,
            inputs: Inputs {
                parameters: inputs.parameters,
                conditioning: wide_conditioning.as_mut(),
                process: inputs.process,
            },
        };
        self.0.pull_back(target, wide, &x.mapv(f64::from), t)?;
        round(value, &wide_value);
        round(state, &wide_state);
        if let (Some(to), Some(wide)) = (conditioning, &wide_conditioning) {
            round(to, wide);
        }
        Ok(())
    }

    fn push_forward(
        &self,
        target: Targets<'_>,
        push: Pushforward<'_, Single>,
        x: &Single,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let Pushforward { value, direction, time, tangent } = push;
        let (mut wide_value, mut wide_tangent) =
            (Double::zeros(value.raw_dim()), Double::zeros(tangent.raw_dim()));
        let direction = &direction.mapv(f64::from);
        let (value_out, tangent_out) = (&mut wide_value, &mut wide_tangent);
        let wide = Pushforward { value: value_out, direction, time, tangent: tangent_out };
        self.0.push_forward(target, wide, &x.mapv(f64::from), t)?;
        round(value, &wide_value);
        round(tangent, &wide_tangent);
        Ok(())
    }

    fn forwards(&self) -> u64 {
        self.0.forwards()
    }
}
