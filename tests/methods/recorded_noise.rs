//! Stochastic solves on a recorded Brownian path, and Euler-Maruyama against
//! jcopo/diffuse with the normals it drew.

use crate::common::published::{Ours, Published, Verdict, numbers, one_draw_a_step, points};
use crate::common::{Batch, mixture, path, same_bits};
use driftfield_problems::exact::MixturePredictor;
use driftfield_problems::flow::{PathField, reverse_sde};
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::field::{Additive, Diagonal};
use driftfield_solvers::method::EulerMaruyama;
use driftfield_solvers::noise::{BrownianPath, Noise, NoiseError, RecordedPath};
use driftfield_solvers::{
    FieldError, Outcome, Save, SdeProblem, SolveOptions, StochasticField, solve,
};
use serde_json::Value;

/// Anderson's reversal of VP as jcopo/diffuse computes it from a predicted
/// noise: its score is `-eps / (clip(sigma, 0.001, 0.9999) + 1e-8)`, ours
/// `-eps / sigma`. Its drift, `g^2 (x / 2 + score)` over increasing time, is that
/// of VP alone.
struct ClippedReversal {
    exact: PathField<Batch>,
    path: SharedPath,
}

impl StochasticField<Batch> for ClippedReversal {
    type Interpretation = Additive;
    type Noise = Diagonal;
    fn drift(&self, out: &mut Batch, u: &Batch, t: f64) -> Result<(), FieldError> {
        self.exact.drift(out, u, t)?;
        let linear = self.path.drift_rate(t);
        let sigma = self.path.sigma(t);
        let factor = sigma / (sigma.clamp(0.001, 0.9999) + 1e-8);
        out.zip_mut_with(u, |out, u| *out = linear * u + factor * (*out - linear * u));
        Ok(())
    }
    fn diffusion(
        &self,
        channel: usize,
        out: &mut Batch,
        u: &Batch,
        t: f64,
    ) -> Result<(), FieldError> {
        self.exact.diffusion(channel, out, u, t)
    }
}

/// Euler-Maruyama over the times of a run, with its normals.
fn euler_maruyama(
    field: impl StochasticField<Batch, Interpretation = Additive, Noise = Diagonal>,
    initial: Batch,
    run: &Value,
) -> Ours {
    let times = numbers(&run["times"]);
    let noise = one_draw_a_step(&times, run["noise"].as_array().unwrap().iter().map(points));
    let span = (times[0], times[times.len() - 1]);
    let options = SolveOptions::times(times).noise(noise).save(Save::all());
    let problem = SdeProblem::from_field(field, initial, span);
    let solution = solve(&problem, &EulerMaruyama::new(), options).unwrap();
    assert_eq!(solution.outcome, Outcome::Success);
    Ours { states: solution.u, nfe: solution.statistics.nfe }
}

#[test]
fn euler_maruyama_agrees_with_diffuse() {
    let file = Published::read("diffuse/vp_euler_maruyama_given_noise");
    let vp = path("vp");
    let exact = reverse_sde(MixturePredictor::new(mixture(), vp.clone()), 1.0);
    file.tally(1e-10, |run| {
        // The true score differs by a relative 1e-4 near t = 1.
        let ours = euler_maruyama(exact.clone(), file.initial(), run);
        let Verdict::Compared { gap, .. } = ours.compare(run) else { panic!("not compared") };
        assert!(gap < 1e-3, "{gap:e}");
        let clipped = ClippedReversal { exact: exact.clone(), path: vp.clone() };
        euler_maruyama(clipped, file.initial(), run).compare(run)
    });
}

#[test]
fn a_recorded_path_repeats_the_path_it_was_recorded_from() {
    let grid = vec![1.0, 0.7, 0.4, 0.1];
    let state = Batch::zeros((3, 2));
    let mut drawn = BrownianPath::new(4, 0, &state, grid.clone());
    let increments = grid.windows(2).map(|ends| {
        let mut dw = state.clone();
        drawn.increment(ends[0], ends[1], &mut dw).unwrap();
        dw
    });
    let mut recorded = RecordedPath::new(grid.clone(), increments.collect()).unwrap();
    let (mut from_seed, mut from_record) = (state.clone(), state.clone());
    // Over several intervals it is their sum, in the same order.
    BrownianPath::new(4, 0, &state, grid).increment(1.0, 0.1, &mut from_seed).unwrap();
    recorded.increment(1.0, 0.1, &mut from_record).unwrap();
    assert!(same_bits(&from_seed, &from_record));
    for (a, b) in [(0.1, 1.0), (1.0, 1.0), (1.0, 0.5), (0.9, 0.1)] {
        let refused = recorded.increment(a, b, &mut from_record);
        assert_eq!(refused, Err(NoiseError::OffGrid { a, b }));
    }
    let mut other_shape = Batch::zeros((4, 2));
    let refused = recorded.increment(1.0, 0.7, &mut other_shape);
    assert!(matches!(refused, Err(NoiseError::State(_))));
    let short = RecordedPath::new(vec![0.0, 1.0], Vec::<Batch>::new());
    assert!(matches!(short, Err(NoiseError::RecordLength { times: 2, increments: 0 })));
}
