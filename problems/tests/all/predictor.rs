//! Every prediction turned into every other, on every path, ends included.

use std::sync::Arc;

use crate::common::{all_paths, gap, interior, mixture, points};
use driftfield_problems::exact::{EmpiricalPredictor, MixturePredictor};
use driftfield_problems::flow::{
    BridgeDiffusion, NoiseLevel, PathField, probability_flow, reverse_sde,
};
use driftfield_problems::inverse::{self, Conditioned, ImageShape, Observation};
use driftfield_problems::predictor::{
    ModelTime, Network, NetworkPredictor, Prediction, Predictor, Target, Threshold, Thresholded,
};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_solvers::{FieldError, Times, VectorField};
use ndarray::Array2;

/// A perfectly trained network: the mixture's own prediction.
struct Perfect {
    exact: MixturePredictor,
    prediction: Prediction,
}

impl Network<Array2<f64>> for Perfect {
    fn forward(
        &self,
        out: &mut Array2<f64>,
        x: &Array2<f64>,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        let target = self.prediction.target(self.exact.path(), t.one()?);
        self.exact.predict(target.into(), out, x, t)
    }
}

fn perfect(path: &SharedPath, prediction: Prediction) -> NetworkPredictor<Perfect> {
    let exact = MixturePredictor::new(mixture(), path.clone());
    NetworkPredictor::new(Perfect { exact, prediction }, prediction, path.clone())
}

#[test]
fn every_pair_inside_every_path() {
    for path in all_paths() {
        let exact = MixturePredictor::new(mixture(), path.clone());
        for t in interior(&path) {
            let x = points(16, 2) * path.sigma(t).max(1.0);
            // A conversion multiplies rounding errors by the signal-to-noise
            // ratio at most (and by the rate in front of a velocity).
            let ratio = path.alpha(t) / path.sigma(t);
            for from in Prediction::ALL {
                let network = perfect(&path, from);
                for to in Prediction::ALL {
                    let target = to.target(&path, t);
                    let (mut found, mut expected) = (x.clone(), x.clone());
                    network.predict(target.into(), &mut found, &x, t.into()).unwrap();
                    exact.predict(target.into(), &mut expected, &x, t.into()).unwrap();
                    let size = target.data.abs().max(target.noise.abs()).max(1.0);
                    let worst = ratio.max(1.0 / ratio).max(1.0);
                    let error = gap(&found, &expected);
                    assert!(
                        error < 4e-15 * worst * size,
                        "{}: {from:?} -> {to:?} at {t}: {error:e}",
                        path.spec()
                    );
                }
            }
        }
    }
}

#[test]
fn every_pair_at_the_ends_is_right_or_refused() {
    for path in all_paths() {
        let exact = MixturePredictor::new(mixture(), path.clone());
        let x = points(16, 2);
        for t in [0.0, path.default_span().0] {
            for from in Prediction::ALL {
                let network = perfect(&path, from);
                for to in Prediction::ALL {
                    let target = to.target(&path, t);
                    let (mut found, mut expected) = (x.clone(), x.clone());
                    match network.predict(target.into(), &mut found, &x, t.into()) {
                        Ok(()) => {
                            exact.predict(target.into(), &mut expected, &x, t.into()).unwrap();
                            let size = target.data.abs().max(target.noise.abs()).max(1.0);
                            let ratio = path.alpha(t) / path.sigma(t);
                            let worst = if ratio > 0.0 && ratio.is_finite() {
                                ratio.max(1.0 / ratio)
                            } else {
                                1.0
                            };
                            let error = gap(&found, &expected);
                            assert!(
                                error < 4e-15 * worst * size,
                                "{}: {from:?} -> {to:?} at {t}: {error:e}",
                                path.spec()
                            );
                        }
                        Err(FieldError::Domain { advice, .. }) => assert!(!advice.is_empty()),
                        Err(other) => panic!("{other}"),
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_known_at_the_ends() {
    let x = points(4, 2);
    let known = |spec: &str, from: Prediction, to: Prediction, t: f64| {
        let path = process::parse(spec).unwrap();
        let mut out = x.clone();
        perfect(&path, from).predict((to.target(&path, t)).into(), &mut out, &x, t.into()).is_ok()
    };
    use Prediction::*;
    // At pure noise the state says nothing of the data: velocity and v do.
    assert!(known("rectified-flow", Velocity, Data, 1.0));
    assert!(known("rectified-flow", Velocity, Noise, 1.0));
    assert!(known("rectified-flow", Data, Velocity, 1.0));
    assert!(known("brownian-bridge", V, Velocity, 1.0));
    assert!(known("vp-cosine", V, Data, 1.0));
    assert!(!known("rectified-flow", Noise, Velocity, 1.0));
    assert!(known("rectified-flow", Noise, Score, 1.0));
    // At no noise it says nothing of the noise.
    assert!(known("rectified-flow", Noise, Velocity, 0.0));
    assert!(known("rectified-flow", Noise, Data, 0.0));
    assert!(!known("rectified-flow", Data, Noise, 0.0));
    assert!(!known("rectified-flow", Velocity, Score, 0.0));
    // The score, unlike the velocity, is finite there for an exact field.
    let path = process::parse("vp").unwrap();
    let exact = MixturePredictor::new(mixture(), path.clone());
    let mut score = x.clone();
    exact.predict_with_score(0.0, 1.0, &mut score, &x, 0.0).unwrap();
    for (x, score) in x.rows().into_iter().zip(score.rows()) {
        let direct = mixture().score(x.as_slice().unwrap()).unwrap();
        assert!((direct[0] - score[0]).abs() < 1e-12 * (1.0 + score[0].abs()));
    }
    let mut out = x.clone();
    assert!(perfect(&path, Noise).predict_with_score(0.0, 1.0, &mut out, &x, 0.0).is_err());
}

#[test]
fn pointers_are_predictors_and_names_are_read_back() {
    let path = process::parse("vp").unwrap();
    let shared: Arc<dyn Predictor<Array2<f64>>> = Arc::new(perfect(&path, Prediction::Noise));
    assert_eq!(shared.forwards(0.5.into()), 1);
    let x = points(4, 2);
    let (mut a, mut b) = (x.clone(), x.clone());
    shared.predict(Target::DATA.into(), &mut a, &x, 0.5.into()).unwrap();
    Predictor::predict(&&shared, Target::DATA.into(), &mut b, &x, 0.5.into()).unwrap();
    assert_eq!(a, b);
    for prediction in Prediction::ALL {
        assert_eq!(prediction.name().parse(), Ok(prediction));
        let json = serde_json::to_string(&prediction).unwrap();
        assert_eq!(json, format!("\"{}\"", prediction.name()));
    }
    assert_eq!("epsilon".parse(), Ok(Prediction::Noise));
    assert!("epsilom".parse::<Prediction>().is_err());
}

type Boxed = Box<dyn Predictor<Array2<f64>>>;

/// Every kind of predictor there is, on `path`; all of them know the data to be the mixture, but
/// the data set, which has one point.
fn every_kind(path: &SharedPath) -> Vec<Boxed> {
    let exact = MixturePredictor::new(mixture(), path.clone());
    let shape = ImageShape::grey(1, 2);
    let unseen = inverse::parse("random:keep=0.5,std=1e8", &shape).unwrap();
    let observation = Arc::new(Observation::new(unseen, vec![0.0]).unwrap());
    let pigdm = Conditioned::pseudo_inverse(exact.clone(), observation.clone()).unwrap();
    let replaced = Conditioned::replacement(exact.clone(), observation).unwrap();
    let point = ndarray::array![[0.5, -0.5]];
    let closure = {
        let exact = exact.clone();
        move |out: &mut Array2<f64>, x: &Array2<f64>, t: f64| {
            exact.predict(Target::DATA.into(), out, x, t.into())
        }
    };
    vec![
        Box::new(exact.clone()),
        Box::new(Arc::new(exact.clone())),
        Box::new(Box::new(exact.clone()) as Boxed),
        Box::new(NetworkPredictor::new(closure, Prediction::Data, path.clone())),
        Box::new(perfect(path, Prediction::Velocity)),
        Box::new(Thresholded::new(exact, Threshold::Static { max: 1e9 })),
        Box::new(pigdm),
        Box::new(replaced),
        Box::new(EmpiricalPredictor::new(Arc::new(point), 0.3, path.clone()).unwrap()),
    ]
}

/// There is nowhere to say another path than the predictor's: the flow is on it whatever the
/// predictor is made of, and its velocity is that of the path.
#[test]
fn what_is_made_of_a_predictor_is_on_its_path() {
    for path in all_paths() {
        let t = 0.5 * (path.start_with_finite_log_snr() + path.default_span().1);
        let x = points(8, 2) * path.sigma(t).max(1.0);
        let target = Prediction::Velocity.target(&path, t);
        for (predictor, again) in every_kind(&path).into_iter().zip(every_kind(&path)) {
            let mut expected = x.clone();
            predictor.predict(target.into(), &mut expected, &x, t.into()).unwrap();
            let flows: [PathField<Array2<f64>>; 3] = [
                reverse_sde(again, 1.0),
                PathField::new(Arc::new(predictor), NoiseLevel::Constant(0.0)),
                probability_flow(MixturePredictor::new(mixture(), path.clone())),
            ];
            for flow in &flows {
                assert_eq!(flow.path().spec(), path.spec());
            }
            for flow in &flows[..2] {
                let mut velocity = x.clone();
                flow.eval(&mut velocity, &x, t.into()).unwrap();
                assert_eq!(velocity, expected, "{}", path.spec());
            }
        }
    }
}

/// The bridge's own diffusion is the one thing that only one path has.
#[test]
fn the_diffusion_of_bridges_refuses_predictors_on_other_paths() {
    for path in all_paths() {
        for predictor in every_kind(&path) {
            let made = BridgeDiffusion::new(Arc::new(predictor));
            if path.name() == "brownian-bridge" {
                assert!(made.is_ok());
            } else {
                let error = made.unwrap_err().to_string();
                assert!(error.contains(&path.spec()) && error.contains("reverse_sde"), "{error}");
            }
        }
    }
}

/// A network that answers with its time.
struct Clock;

impl Network<f64> for Clock {
    fn forward(&self, out: &mut f64, _x: &f64, t: Times<'_>) -> Result<(), FieldError> {
        *out = t.one()?;
        Ok(())
    }
}

#[test]
fn networks_of_discrete_time_models_are_given_timesteps() {
    let path = process::parse("ddpm").unwrap();
    let given = |path: &SharedPath, time: ModelTime, t: f64| {
        let network = NetworkPredictor::new(Clock, Prediction::Noise, path.clone());
        let mut out = 0.0;
        network
            .model_time(time)
            .predict(Target::NOISE.into(), &mut out, &0.3, t.into())
            .map(|()| out)
    };
    for timesteps in [7usize, 49, 1000] {
        let path = process::parse(&format!("ddpm:timesteps={timesteps}")).unwrap();
        for timestep in 0..timesteps {
            let t = (timestep + 1) as f64 / timesteps as f64;
            // Whole, to the bit: a table of embeddings may be looked up.
            assert_eq!(given(&path, ModelTime::Timestep, t), Ok(timestep as f64));
            assert_eq!(given(&path, ModelTime::NearestTimestep, t), Ok(timestep as f64));
        }
    }
    assert_eq!(given(&path, ModelTime::Path, 0.25), Ok(0.25));
    let between = given(&path, ModelTime::Timestep, 0.25075).unwrap();
    assert!((between - 249.75).abs() < 1e-10, "{between}");
    assert_eq!(given(&path, ModelTime::NearestTimestep, 0.25075), Ok(250.0));
    assert_eq!(given(&path, ModelTime::NearestTimestep, 1e-5), Ok(0.0));
    assert_eq!(given(&path, ModelTime::function(|t| 1000.0 * t), 0.25), Ok(250.0));
    let flow = process::parse("rectified-flow").unwrap();
    let error = given(&flow, ModelTime::Timestep, 0.25).unwrap_err().to_string();
    assert!(error.contains("no timesteps"), "{error}");
}

/// Where there is nothing but noise, a network that predicts v or the data says what the data is,
/// and one that predicts the noise does not.
#[test]
fn v_and_data_know_the_data_where_there_is_only_noise() {
    for name in ["rectified-flow", "vp-cosine", "ddpm:zero_terminal_snr=true"] {
        let path = process::parse(name).unwrap();
        let (data, noise) = ([0.7, -1.2], [0.3, 0.9]);
        let x = noise.map(|value| path.sigma(1.0) * value);
        for prediction in [Prediction::V, Prediction::Data, Prediction::Noise] {
            let own = prediction.target(&path, 1.0);
            let network = move |out: &mut [f64; 2], _x: &[f64; 2], _t: f64| {
                for i in 0..2 {
                    out[i] = own.data * data[i] + own.noise * noise[i];
                }
            };
            let predictor = NetworkPredictor::new(network, prediction, path.clone());
            let mut out = [0.0; 2];
            let found = predictor.predict(Target::DATA.into(), &mut out, &x, 1.0.into());
            if prediction == Prediction::Noise {
                assert!(found.is_err(), "{name}: {out:?}");
                continue;
            }
            found.unwrap();
            let gap = (0..2).fold(0.0, |gap: f64, i| gap.max((out[i] - data[i]).abs()));
            assert!(gap < 1e-14, "{prediction:?} on {name}: {out:?}");
            predictor.predict(Target::NOISE.into(), &mut out, &x, 1.0.into()).unwrap();
            assert!((out[0] - noise[0]).abs() + (out[1] - noise[1]).abs() < 1e-14, "{out:?}");
        }
    }
}
