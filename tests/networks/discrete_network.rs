//! A network trained as a discrete DDPM, which knows timesteps and no times, under every
//! solver.

use crate::common::{Batch, gap, mixture, path};
use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::PathField;
use driftfield_problems::method::path_methods;
use driftfield_problems::predictor::{
    ModelTime, Network, NetworkPredictor, Prediction, Predictor, Target,
};
use driftfield_solvers::method::Method;
use driftfield_solvers::{FieldError, SolveOptions, Times, solve};
use std::sync::Arc;

/// The exact noise prediction of the discrete model, asked for by timestep, like a network
/// with sinusoidal features of it.
#[derive(Clone)]
struct ByTimestep {
    exact: MixturePredictor,
    timesteps: f64,
}

impl Network<Batch> for ByTimestep {
    fn forward(&self, out: &mut Batch, x: &Batch, timestep: Times<'_>) -> Result<(), FieldError> {
        let timestep = timestep.one()?;
        assert!((-1.0..self.timesteps).contains(&timestep), "no timestep {timestep}");
        self.exact.predict(Target::NOISE.into(), out, x, ((timestep + 1.0) / self.timesteps).into())
    }
}

#[test]
fn every_solver_samples_a_network_of_timesteps() {
    let path = path("ddpm");
    let exact = MixturePredictor::new(mixture(), path.clone());
    let network = ByTimestep { exact: exact.clone(), timesteps: 1000.0 };
    let network = NetworkPredictor::new(network, Prediction::Noise, path.clone())
        .model_time(ModelTime::Timestep);
    let span = path.default_span();
    let initial = Batch::from_shape_fn((6, 2), |(i, j)| ((1 + 2 * i + j) as f64 * 12.9898).sin());
    let end = |predictor: Arc<dyn Predictor<Batch>>, at: usize| {
        let method = path_methods::<Batch>().swap_remove(at);
        let field = PathField::new(predictor, 1.0.into());
        let options = SolveOptions::steps(20).seed(4);
        let solution = solve(&field.problem(initial.clone(), span), &method, options).unwrap();
        assert!(solution.outcome.is_success(), "{}: {}", method.info().name, solution.outcome);
        (method.info().name, solution.u_last)
    };
    for at in 0..path_methods::<Batch>().len() {
        let (name, by_timestep) = end(Arc::new(network.clone()), at);
        let (_, by_time) = end(Arc::new(exact.clone()), at);
        let gap = gap(&by_timestep, &by_time);
        let size = by_time.iter().fold(1.0f64, |size, value| size.max(value.abs()));
        assert!(gap < 1e-9 * size, "{name}: {gap:e}");
    }
}
