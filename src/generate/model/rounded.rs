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

    fn forwards(&self, t: Times<'_>) -> u64 {
        self.0.forwards(t)
    }
}

#[cfg(test)]
mod tests {
    use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
    use driftfield_problems::process;
    use driftfield_solvers::Target;

    use super::*;

    /// Of numbers that single precision holds, the products are those of the predictor inside,
    /// rounded once.
    #[test]
    fn products_are_those_of_the_predictor_inside() {
        let means = vec![vec![-1.0, 0.5], vec![1.0, 1.5]];
        let mixture = GaussianMixture::isotropic(vec![0.25, 0.75], means, vec![0.5, 0.75]).unwrap();
        let parameters = mixture.parameters().len();
        let path = process::parse("vp").unwrap();
        let processes = path.parameters().len();
        let inside = Arc::new(MixturePredictor::new(mixture, path));
        let rounded = Rounded(inside.clone());
        let x = Double::from_shape_fn(vec![3, 2], |at| 0.5 * (at[0] as f64) - 0.25 * at[1] as f64);
        let v = x.mapv(|x| 1.0 - x);
        let (target, t) = (Targets::from(Target { data: 0.5, noise: -1.0 }), Times::One(0.4));
        let narrow = |wide: &Double| wide.mapv(|value| value as f32);

        let (mut value, mut tangent) = (x.clone(), x.clone());
        let push = Pushforward {
            value: &mut value,
            direction: &v,
            time: Times::One(0.5),
            tangent: &mut tangent,
        };
        inside.push_forward(target, push, &x, t).unwrap();
        let (mut value_f32, mut tangent_f32) = (narrow(&x), narrow(&x));
        let push = Pushforward {
            value: &mut value_f32,
            direction: &narrow(&v),
            time: Times::One(0.5),
            tangent: &mut tangent_f32,
        };
        rounded.push_forward(target, push, &narrow(&x), t).unwrap();
        assert_eq!((value_f32, tangent_f32), (narrow(&value), narrow(&tangent)));

        let along =
            |lanes: Range<usize>| move |at: ndarray::IxDyn| (lanes.start + at[0]) as f64 - 0.5;
        let of_double = |lanes: Range<usize>, _: &Double, c: &mut Double| {
            *c = Double::from_shape_fn(c.raw_dim(), along(lanes));
            Ok(())
        };
        let of_single = |lanes: Range<usize>, _: &Single, c: &mut Single| {
            *c = narrow(&Double::from_shape_fn(c.raw_dim(), along(lanes)));
            Ok(())
        };
        let room = || (vec![f64::NAN; 3], vec![1.0; parameters], vec![1.0; processes]);
        let (mut state, (mut time, mut of_parameters, mut of_process)) = (x.clone(), room());
        let mut pull = Pullback::new(&mut value, &of_double, &mut state);
        pull.time = Some(&mut time);
        pull.inputs.parameters = Some(&mut of_parameters);
        pull.inputs.process = Some(&mut of_process);
        inside.pull_back(target, pull, &x, t).unwrap();
        let (mut value_f32, mut state_f32) = (narrow(&x), narrow(&x));
        let (mut time_f32, mut parameters_f32, mut process_f32) = room();
        let mut pull = Pullback::new(&mut value_f32, &of_single, &mut state_f32);
        pull.time = Some(&mut time_f32);
        pull.inputs.parameters = Some(&mut parameters_f32);
        pull.inputs.process = Some(&mut process_f32);
        rounded.pull_back(target, pull, &narrow(&x), t).unwrap();
        assert_eq!((value_f32, state_f32), (narrow(&value), narrow(&state)));
        assert_eq!((time_f32, parameters_f32, process_f32), (time, of_parameters, of_process));
    }
}
