//! An architecture of one's own, from the published items alone: it is trained, written, read and
//! evaluated like those of the registry, and has its products. The recipe of CONTRIBUTING.md.

use driftfield_networks::train::{
    LearningRateSchedule, Objective, TrainError, Trainer, TrainingConfig,
};
use driftfield_networks::weights::TrainedNetwork;
use driftfield_networks::{
    Architecture, ConfigError, Direction, Entries, Gradients, Layers, PassInputs, Plan, Pulled,
    Pushed, Times,
};
use driftfield_problems::process::RectifiedFlow;
use driftfield_problems::standardisation::{Standardisation, StandardisationError};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// `f(x, t) = x W + b + t u`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Affine {
    dimension: usize,
}

impl Architecture for Affine {
    const NAME: &'static str = "affine";
    const SUMMARY: &'static str = "an affine map of state and time";
    const KEYS: &'static [(&'static str, &'static str)] = &[];

    type Layers = AffineLayers;

    fn reference(dimension: usize) -> Self {
        Affine { dimension }
    }

    fn settings(self, process: String, data: String, _: Objective) -> TrainingConfig<Self> {
        TrainingConfig {
            steps: 400,
            learning_rate: 1e-2,
            warmup: 10,
            schedule: LearningRateSchedule::Cosine,
            final_rate: 0.01,
            ema_decay: 0.99,
            ..TrainingConfig::base(process, data, self)
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let (field, value) = ("dimension", self.dimension.to_string());
        let refused = ConfigError { field, value, expected: "1 or more" };
        if self.dimension > 0 { Ok(()) } else { Err(refused) }
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn parameters(&self) -> Entries {
        let mut entries = Entries::default();
        let d = self.dimension;
        entries.tensor("weight", &[d, d], 1.0 / (d as f64).sqrt());
        entries.tensor("bias", &[d], 0.0);
        entries.tensor("velocity", &[d], 0.0);
        entries
    }

    fn layers(&self) -> AffineLayers {
        let d = self.dimension;
        AffineLayers { dimension: d, values: vec![0.0; d * (d + 2)] }
    }

    fn units(&self, data: &Array2<f64>) -> Result<Standardisation, StandardisationError> {
        Standardisation::fit(data)
    }
}

#[derive(Debug)]
struct AffineLayers {
    dimension: usize,
    values: Vec<f32>,
}

impl AffineLayers {
    fn parts(&self) -> [&[f32]; 3] {
        let (weight, rest) = self.values.split_at(self.dimension * self.dimension);
        let (bias, velocity) = rest.split_at(self.dimension);
        [weight, bias, velocity]
    }

    /// `out <- x W + bias + t u`, row by row.
    fn map(&self, x: &[f32], bias: f32, t: impl Fn(usize) -> f32, out: &mut [f32]) {
        let (d, [weight, b, u]) = (self.dimension, self.parts());
        for (row, (out, x)) in out.chunks_exact_mut(d).zip(x.chunks_exact(d)).enumerate() {
            for (j, out) in out.iter_mut().enumerate() {
                let sum: f32 = x.iter().enumerate().map(|(i, x)| x * weight[i * d + j]).sum();
                *out = sum + bias * b[j] + t(row) * u[j];
            }
        }
    }
}

impl Layers for AffineLayers {
    // It is linear: its products need nothing of the pass.
    type Tape = ();

    const TILE: usize = 64;
    const CHUNK: usize = 64;

    fn fill(&mut self, values: &[f32]) {
        self.values.copy_from_slice(values);
    }

    fn count(&self) -> usize {
        self.values.len()
    }

    fn sizes(&self) -> [usize; 2] {
        [self.dimension; 2]
    }

    fn tape(&self, _: usize) {}

    fn fits(&self, (): &(), _: usize) -> bool {
        true
    }

    fn forward(&self, (): &mut (), inputs: PassInputs<'_>, out: &mut [f32]) {
        self.map(inputs.states, 1.0, |row| inputs.times.of(row) as f32, out);
    }

    fn backward(&self, (): &mut (), inputs: PassInputs<'_>, c: &[f32], gradients: Gradients<'_>) {
        let (d, [weight, _, velocity]) = (self.dimension, self.parts());
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        if let Some(states) = gradients.states {
            for (to, c) in states.chunks_exact_mut(d).zip(c.chunks_exact(d)) {
                to.iter_mut().zip(weight.chunks_exact(d)).for_each(|(to, row)| *to = dot(row, c));
            }
        }
        if let Some(times) = gradients.times {
            for (to, c) in times.iter_mut().zip(c.chunks_exact(d)) {
                *to = f64::from(dot(velocity, c));
            }
        }
        if let Some(parameters) = gradients.parameters {
            let rows = inputs.states.chunks_exact(d).zip(c.chunks_exact(d)).enumerate();
            for (row, (x, c)) in rows {
                let t = inputs.times.of(row) as f32;
                // The rows of the weight, then bias and velocity.
                for (to, x) in parameters.chunks_exact_mut(d).zip(x.iter().chain(&[1.0, t])) {
                    to.iter_mut().zip(c).for_each(|(to, c)| *to += x * c);
                }
            }
        }
    }

    fn along(&self, (): &mut (), _: PassInputs<'_>, direction: Direction<'_>, out: &mut [f32]) {
        self.map(direction.states, 0.0, |row| direction.times[row] as f32, out);
    }
}

#[test]
fn it_is_trained_written_read_and_differentiated() -> Result<(), Box<dyn std::error::Error>> {
    let data = Array2::from_shape_fn((400, 2), |(i, j)| ((3 * i + 7 * j) as f64).sin() + j as f64);
    let settings = |network: Affine| {
        network.settings("rectified-flow".into(), "waves".into(), Objective::Velocity)
    };
    let mut trainer =
        Trainer::new(settings(Affine::reference(2)), Objective::Velocity, &RectifiedFlow, &data)?;
    let trained = trainer.run(|_| ())?;
    let history = trainer.history();
    assert!(history[399].loss < 0.8 * history[0].loss, "{:?}", history[399]);
    let read = TrainedNetwork::<Affine>::from_bytes(&trained.to_bytes()?)?;
    assert_eq!(read, trained);

    let plan = read.plan();
    let (x, c, v) = ([0.3, -1.0, 2.0, 0.5], [1.0, 0.2, -0.4, 0.7], [0.5, 1.0, -1.0, 0.1]);
    let (mut output, mut states) = ([0.0f64; 4], [0.0; 4]);
    let mut times = [0.0; 2];
    let results = Pulled {
        output: &mut output,
        states: Some(&mut states),
        times: Some(&mut times),
        parameters: None,
    };
    let given = |rows: std::ops::Range<usize>, _: &[f64], to: &mut [f64]| {
        to.copy_from_slice(&c[2 * rows.start..2 * rows.end]);
        Ok(())
    };
    plan.pull_back(results, &x, Times::Each(&[0.2, 0.9]), &given)?;
    let (mut same, mut product) = ([0.0; 4], [0.0; 4]);
    let results = Pushed { output: &mut same, product: &mut product };
    plan.push_forward(results, (&x, &v), (Times::Each(&[0.2, 0.9]), &[2.0, -1.0]))?;
    assert_eq!(output, same);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let gap = dot(&product, &c) - dot(&states, &v) - dot(&times, &[2.0, -1.0]);
    assert!(gap.abs() < 1e-5, "{gap}");

    let none =
        Trainer::new(settings(Affine { dimension: 0 }), Objective::Velocity, &RectifiedFlow, &data);
    assert!(matches!(none, Err(TrainError::Architecture(_))));
    assert_eq!(Plan::new(&read.parameters).weights(), 8);
    Ok(())
}
