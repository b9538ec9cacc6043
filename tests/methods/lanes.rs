//! Lanes at their own pace on the probability flow of every process.

use std::sync::Arc;

use crate::common::{Batch, all_paths, exact_flow, gap, mixture};
use driftfield::generate::{Condition, TrainedModel, shipped};
use driftfield_networks::MlpConfig;
use driftfield_networks::weights::TrainedNetwork;
use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::{PathField, probability_flow};
use driftfield_problems::predictor::{Predictor, Targets, Threshold, Thresholded, Times};
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_solvers::method::{Dop853, Tsit5};
use driftfield_solvers::noise::fill_initial_normals;
use driftfield_solvers::{
    ErrorNorm, FieldError, OdeProblem, Problem, SolveOptions, VectorField, solve,
};
use ndarray::{Array2, Axis};

fn noise(path: &SharedPath, lanes: usize) -> Batch {
    let mut noise = Array2::zeros((lanes, 2));
    fill_initial_normals(&mut noise, path.sigma(path.default_span().0), 4, 0).unwrap();
    noise
}

#[test]
fn on_every_process_each_lane_follows_the_flow() {
    for path in all_paths() {
        let field = exact_flow(mixture(), &path);
        let problem = field.problem(noise(&path, 40), path.default_span());
        let own = solve(
            &problem,
            &Tsit5::new(),
            SolveOptions::adaptive(1e-7, 1e-7).norm(ErrorNorm::EachLane),
        )
        .unwrap();
        let truth = solve(&problem, &Dop853::new(), SolveOptions::adaptive(1e-11, 1e-11)).unwrap();
        assert!(own.outcome.is_success(), "{}: {}", path.name(), own.outcome);
        assert!(
            gap(&own.u_last, &truth.u_last) < 1e-4,
            "{}: {}",
            path.name(),
            gap(&own.u_last, &truth.u_last)
        );
        let loose = solve(
            &problem,
            &Tsit5::new(),
            SolveOptions::adaptive(1e-3, 1e-3).norm(ErrorNorm::EachLane),
        )
        .unwrap();
        assert!(loose.lane_evaluations() < own.lane_evaluations());
    }
}

/// A time per lane is what one time after the other gives.
fn check_times<F: VectorField<Batch>>(field: &F, times: &[f64], off: f64) {
    let x = Array2::from_shape_fn((times.len(), 2), |(i, j)| ((3 * i + j) as f64).sin());
    let mut each = Batch::from_elem(x.raw_dim(), f64::NAN);
    field.eval(&mut each, &x, Times::Each(times)).unwrap();
    for (lane, &t) in times.iter().enumerate() {
        let alone = x.select(Axis(0), &[lane]);
        let mut expected = alone.clone();
        field.eval(&mut expected, &alone, t.into()).unwrap();
        let gap = gap(&expected, &each.select(Axis(0), &[lane]));
        let scale = expected.iter().fold(1.0, |scale: f64, value| scale.max(value.abs()));
        assert!(gap <= off * scale, "lane {lane} at {t}: {gap}");
    }
}

#[test]
fn fields_take_a_time_per_lane() {
    let vp = process::parse("vp").unwrap();
    // The data end, where sigma' is infinite, among other times.
    check_times(&exact_flow(mixture(), &vp), &[0.5, 0.0, 0.25, 0.0, 1.0, 0.25], 0.0);
    check_times(&exact_flow(mixture(), &vp), &[0.0, 0.0], 0.0);
    let threshold = Threshold::Dynamic { quantile: 0.9, max: 0.7 };
    let exact = MixturePredictor::new(mixture(), vp.clone());
    let clipped = Thresholded::new(exact, threshold);
    check_times(&probability_flow(clipped), &[0.4, 0.9, 0.1], 1e-14);
    for name in ["cat-vp", "cat-rectified-flow", "cat-brownian-bridge"] {
        let network = TrainedNetwork::<MlpConfig>::from_bytes(shipped(name).unwrap()).unwrap();
        let path = process::parse(&network.process).unwrap();
        let predictor = TrainedModel::new(network, name)
            .predictor::<Batch>(&path, &Condition::default())
            .unwrap();
        let field = PathField::new(predictor, 0.0.into());
        check_times(&field, &[0.9, 0.3, 0.31, 0.05, 0.3], 2e-5);
    }
}

/// A network that knows one time only is not silently called several times.
struct OneTime(SharedPath);

impl Predictor<Batch> for OneTime {
    fn path(&self) -> &SharedPath {
        &self.0
    }
    fn predict(
        &self,
        _: Targets<'_>,
        out: &mut Batch,
        _: &Batch,
        t: Times<'_>,
    ) -> Result<(), FieldError> {
        t.one()?;
        out.fill(0.0);
        Ok(())
    }
    fn forwards(&self, _t: Times<'_>) -> u64 {
        1
    }
}

#[test]
fn a_predictor_of_one_time_is_refused() {
    let path = process::parse("rectified-flow").unwrap();
    let field = PathField::new(Arc::new(OneTime(path.clone())), 0.0.into());
    let problem = OdeProblem::new(field, noise(&path, 3), path.default_span());
    assert_eq!(problem.span(), path.default_span());
    let own = SolveOptions::adaptive(1e-3, 1e-3).norm(ErrorNorm::EachLane);
    let none = solve(&problem, &Tsit5::new(), own).unwrap_err();
    assert!(none.to_string().contains("one time for all"), "{none}");
}
