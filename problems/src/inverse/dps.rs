use std::ops::Range;
use std::sync::Arc;

use driftfield_solvers::number::Number;
use driftfield_solvers::observer::{AcceptedStep, Flow, Observer};
use driftfield_solvers::{FieldError, HostState, State};

use super::Observation;
use crate::host::each_lane;
use crate::predictor::{Predictor, Pullback, Target};
use crate::spec::SpecError;

/// Keeps the step finite where a lane explains its measurement.
const SMALLEST_MISFIT: f64 = 1e-3;

/// Diffusion posterior sampling, DPS (Chung et al., *Diffusion posterior sampling for general noisy
/// inverse problems*, ICLR 2023), as an observer of an unconditional solve by any method:
///
/// ```text
/// x <- step(x) - zeta / (|r| + 1e-3) grad_x |r|^2,  r = y - A x_0_hat(x)
/// ```
///
/// with the gradient at the state *before* the step. Every lane has its own `r`. The misfit is in
/// the units of the measurement, the gradient in those of the process.
///
/// `zeta` is a length per step, so that the strength of the guidance grows with the number of
/// steps, and what is sampled is no posterior for any `zeta` (see the tests): use
/// [`PseudoInverse`](super::PseudoInverse) where the law matters.
///
/// The evaluation for the gradient comes on top of the method's own: [`Dps::gradients`] and
/// [`Dps::network_forwards`] count it, the solve's statistics and its budget do not. A state
/// saved at the end of a step is the one before its correction; the solve's last state is
/// corrected. A multistep method keeps its history
/// ([`AcceptedStep::correct`]), unless told to [forget](Dps::forgetting_history) it. A failure stops
/// the solve, with its reason.
///
/// ```
/// use std::sync::Arc;
/// use driftfield_problems::exact::{GaussianMixture, MixturePredictor};
/// use driftfield_problems::flow::probability_flow;
/// use driftfield_problems::inverse::{self, Dps, ImageShape, Observation};
/// use driftfield_problems::{method, process};
/// use driftfield_solvers::{SolveOptions, solve};
/// let path = process::parse("edm").unwrap();
/// let prior = GaussianMixture::isotropic(vec![1.0], vec![vec![0.0; 2]], vec![1.0]).unwrap();
/// let prior = MixturePredictor::new(prior, path.clone());
/// let first = inverse::parse("square:size=1,center=0x0", &ImageShape::grey(1, 2)).unwrap();
/// let observation = Arc::new(Observation::new(first, vec![1.5]).unwrap());
/// let mut dps = Dps::new(prior.clone(), observation, 0.5).unwrap();
/// let problem = probability_flow(prior).problem([10.0, -30.0], (80.0, 0.002));
/// let options = SolveOptions::steps(100).observer(&mut dps);
/// let method = method::parse("ddim").unwrap();
/// let solution = solve(&problem, &method, options).unwrap();
/// assert_eq!((solution.statistics.nfe, dps.gradients()), (100, 100));
/// ```
#[derive(Debug, Clone)]
pub struct Dps<P> {
    predictor: P,
    observation: Arc<Observation>,
    zeta: f64,
    forgets_history: bool,
    gradients: u64,
    network_forwards: u64,
}

impl<P> Dps<P> {
    /// Guides by steps of length `zeta`, finite and not negative. `predictor` is on the path that is
    /// solved; `observation` is in the
    /// process's units ([`Observation::in_units`]).
    pub fn new(predictor: P, observation: Arc<Observation>, zeta: f64) -> Result<Self, SpecError> {
        if !(zeta >= 0.0 && zeta.is_finite()) {
            return Err(SpecError::number("dps", "zeta", zeta, "finite and not negative"));
        }
        Ok(Dps {
            predictor,
            observation,
            zeta,
            forgets_history: false,
            gradients: 0,
            network_forwards: 0,
        })
    }

    /// Has a multistep method start anew after every correction, at its lowest order.
    #[must_use]
    pub fn forgetting_history(mut self) -> Self {
        self.forgets_history = true;
        self
    }

    /// Gradients taken so far, each one evaluation of the predictor and one way back.
    pub fn gradients(&self) -> u64 {
        self.gradients
    }

    /// Network forward passes made for the gradients.
    pub fn network_forwards(&self) -> u64 {
        self.network_forwards
    }

    /// `-zeta / (|r| + 1e-3) grad_x |r|^2 = 2 zeta / (|r| + 1e-3) J^T A^T r`.
    fn correction<S>(&mut self, x: &S, t: f64) -> Result<S, FieldError>
    where
        S: HostState,
        P: Predictor<S>,
    {
        self.observation.check_lanes(x.lane_count(), x.lane_len())?;
        self.gradients += 1;
        self.network_forwards += self.predictor.forwards(t.into());
        let (mut data, mut gradient) = (x.zeros_like(), x.zeros_like());
        let (observation, zeta) = (&self.observation, self.zeta);
        let cotangent = |lanes: Range<usize>, data: &S, c: &mut S| -> Result<(), FieldError> {
            Ok(each_lane(lanes, data, c, 32 * data.lane_len(), |lane, data, c| {
                let residual = observation.residual(lane, data);
                let misfit = residual.iter().map(|r| r * r).sum::<f64>().sqrt();
                observation.measurement().adjoint(c, &residual);
                let factor = 2.0 * zeta / (misfit + SMALLEST_MISFIT);
                c.iter_mut().for_each(|c| *c *= factor);
            })?)
        };
        let pull = Pullback::new(&mut data, &cotangent, &mut gradient);
        self.predictor.pull_back(Target::DATA.into(), pull, x, t.into())?;
        match gradient.first_non_finite_lane()? {
            None => Ok(gradient),
            Some(lane) => Err(FieldError::other(format!(
                "the gradient of lane {lane} is not finite; lower zeta or take more steps"
            ))),
        }
    }
}

impl<S, P> Observer<S> for &mut Dps<P>
where
    S: HostState,
    P: Predictor<S>,
{
    fn observe(&mut self, step: &mut AcceptedStep<'_, S>) -> Flow {
        let t = step.t_previous;
        let corrected = self.correction(step.previous, t).and_then(|correction| {
            let u = if self.forgets_history { step.u_mut() } else { step.correct() };
            Ok(u.linear_combination(1.0, &[(1.0, &correction)])?)
        });
        match corrected {
            Ok(()) => Flow::Continue,
            Err(error) => Flow::Stop(format!("guidance at t = {}: {error}", Number(t))),
        }
    }
}
