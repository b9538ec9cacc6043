//! Settings of a training run.

use std::str::FromStr;

use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::spec::SpecError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Objective, TrainError};
use crate::{Architecture, ClassifierConfig, MlpConfig, UNetConfig};

/// How the times of a batch are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeSampling {
    /// Uniform, stratified over the batch.
    #[default]
    Uniform,
    /// `t_min + (t_max - t_min) / (1 + e^-z)` with normal `z`: more of the middle, where a
    /// flow is hardest to predict (Esser et al., "Scaling rectified flow transformers for
    /// high-resolution image synthesis", 2024).
    LogitNormal,
}

impl TimeSampling {
    /// All of them by name.
    pub fn catalog() -> Catalog<TimeSampling> {
        let uniform = "as likely at every time, one in each of as many cells as the batch has rows";
        let middle = "more of the middle, the logistic function of a normal (Esser et al., 2024)";
        let entries = [
            Entry::new("uniform", uniform, |_| Ok(TimeSampling::Uniform)),
            Entry::new("logit-normal", middle, |_| Ok(TimeSampling::LogitNormal)),
        ];
        Catalog::new("time sampling", entries)
    }
}

impl FromStr for TimeSampling {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        TimeSampling::catalog().build(text)
    }
}

/// How the learning rate falls after its warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LearningRateSchedule {
    /// Half a cosine.
    #[default]
    Cosine,
    /// Constant to 60 % of the steps, then linear.
    ConstantThenLinear,
}

impl LearningRateSchedule {
    /// All of them by name.
    pub fn catalog() -> Catalog<LearningRateSchedule> {
        let line =
            "the peak for 60 % of the steps, then a line: a longer run repeats only the line";
        let entries = [
            Entry::new("cosine", "half a cosine from the warm-up on", |_| {
                Ok(LearningRateSchedule::Cosine)
            }),
            Entry::new("constant-then-linear", line, |_| {
                Ok(LearningRateSchedule::ConstantThenLinear)
            }),
        ];
        Catalog::new("schedule", entries)
    }
}

impl FromStr for LearningRateSchedule {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        LearningRateSchedule::catalog().build(text)
    }
}

/// Share of the steps at the peak rate in [`LearningRateSchedule::ConstantThenLinear`].
const CONSTANT_SHARE: f64 = 0.6;

/// What a [`TrainingConfig`] does not write where it is the default, with that.
pub(super) fn unwritten() -> [(&'static str, Value); 4] {
    [
        ("times", json!(TimeSampling::default())),
        ("label_dropout", json!(0.0)),
        ("shift", json!(0)),
        ("schedule", json!(LearningRateSchedule::default())),
    ]
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Settings of a training run; [`TrainingConfig::new`] gives the reference ones for rows of a
/// few components, [`TrainingConfig::images`] those for images.
///
/// Stored with the trained weights. Everything that is drawn depends on `seed`
/// and the step alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "A: Architecture")]
pub struct TrainingConfig<A = MlpConfig> {
    /// The process in words, as `sample --process` takes it; stored only.
    pub process: String,
    /// The data set's name; stored only.
    pub data: String,
    /// Architecture. [`super::Objective::Data`] makes it residual.
    pub network: A,
    /// Optimiser steps.
    pub steps: usize,
    /// Rows per step.
    pub batch: usize,
    /// Seed of the initial weights and of all batches.
    pub seed: u64,
    /// Smallest time trained on.
    pub t_min: f64,
    /// Largest time trained on.
    pub t_max: f64,
    /// How times are drawn between the two.
    #[serde(default, skip_serializing_if = "is_default")]
    pub times: TimeSampling,
    /// Share of the rows that are trained without their label.
    #[serde(default, skip_serializing_if = "is_default")]
    pub label_dropout: f64,
    /// Pixels by which images are shifted at random, in either direction along either side.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shift: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up to the peak.
    pub warmup: usize,
    /// How it falls after the warm-up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: LearningRateSchedule,
    /// Learning rate at the end, relative to the peak.
    pub final_rate: f64,
    /// AdamW's decay of the first moment.
    pub beta1: f64,
    /// AdamW's decay of the second moment.
    pub beta2: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
    /// The gradient is scaled down to this Euclidean norm where it is longer.
    pub gradient_clip: f64,
    /// Largest decay of the average of the weights that is the result; at step
    /// `k` it is `min(ema_decay, (1 + k) / (10 + k))`.
    pub ema_decay: f64,
}

impl TrainingConfig {
    /// The reference settings: 8,000 steps of 512 rows on a 128 x 4 network.
    pub fn new(process: impl Into<String>, data: impl Into<String>, dimension: usize) -> Self {
        TrainingConfig {
            steps: 8000,
            batch: 512,
            warmup: 200,
            schedule: LearningRateSchedule::Cosine,
            final_rate: 0.01,
            ..Self::base(process, data, MlpConfig::new(dimension))
        }
    }
}

impl TrainingConfig<UNetConfig> {
    /// The reference settings for digits: times where `objective` needs them, a label in ten
    /// left out, 64 images a step.
    pub fn images(
        process: impl Into<String>,
        data: impl Into<String>,
        network: UNetConfig,
        objective: Objective,
    ) -> Self {
        let times = match objective {
            Objective::Velocity => TimeSampling::LogitNormal,
            _ => TimeSampling::Uniform,
        };
        TrainingConfig { times, label_dropout: 0.1, ..Self::base(process, data, network) }
    }
}

impl TrainingConfig<ClassifierConfig> {
    /// The reference settings for a classifier of digits, which are shifted by a pixel at most.
    pub fn classifier(data: impl Into<String>, network: ClassifierConfig) -> Self {
        TrainingConfig {
            steps: 2500,
            shift: 1,
            weight_decay: 0.02,
            ema_decay: 0.99,
            ..Self::base("none", data, network)
        }
    }
}

impl<A> TrainingConfig<A> {
    /// What the reference settings of all architectures begin with, one's own included: 12,000
    /// steps of 64 rows, no label left out, no shift, no weight decay.
    pub fn base(process: impl Into<String>, data: impl Into<String>, network: A) -> Self {
        TrainingConfig {
            process: process.into(),
            data: data.into(),
            network,
            steps: 12_000,
            batch: 64,
            seed: 0,
            t_min: 1e-3,
            t_max: 1.0,
            times: TimeSampling::Uniform,
            label_dropout: 0.0,
            shift: 0,
            learning_rate: 2e-3,
            warmup: 50,
            schedule: LearningRateSchedule::ConstantThenLinear,
            final_rate: 0.02,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.0,
            gradient_clip: 1.0,
            ema_decay: 0.999,
        }
    }
}

impl<A: Architecture> TrainingConfig<A> {
    /// Refuses settings no run can have.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.network.validate()?;
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let fraction = |value: f64| (0.0..1.0).contains(&value);
        let largest_batch = 1 << 24;
        let checks = [
            ("steps", self.steps as f64, self.steps > 0, "1 or more"),
            (
                "batch",
                self.batch as f64,
                (1..=largest_batch).contains(&self.batch),
                "1 to 16777216 rows",
            ),
            ("t_min", self.t_min, self.t_min >= 0.0 && self.t_min.is_finite(), "0 or more"),
            (
                "t_max",
                self.t_max,
                self.t_max > self.t_min && self.t_max.is_finite(),
                "a time above `t_min`",
            ),
            (
                "label_dropout",
                self.label_dropout,
                (0.0..=1.0).contains(&self.label_dropout),
                "0 to 1",
            ),
            ("learning_rate", self.learning_rate, positive(self.learning_rate), "above 0"),
            ("final_rate", self.final_rate, (0.0..=1.0).contains(&self.final_rate), "0 to 1"),
            ("beta1", self.beta1, fraction(self.beta1), "0 or more, below 1"),
            ("beta2", self.beta2, fraction(self.beta2), "0 or more, below 1"),
            (
                "weight_decay",
                self.weight_decay,
                self.weight_decay >= 0.0 && self.weight_decay.is_finite(),
                "0 or more",
            ),
            ("gradient_clip", self.gradient_clip, self.gradient_clip > 0.0, "above 0"),
            ("ema_decay", self.ema_decay, fraction(self.ema_decay), "0 or more, below 1"),
        ];
        for (field, value, good, expected) in checks {
            if !good {
                return Err(TrainError::Setting { field, value, expected });
            }
        }
        Ok(())
    }

    /// Learning rate of step `step` (counted from 0): linear warm-up, then by the schedule
    /// down to `final_rate` times the peak.
    pub fn learning_rate_at(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.learning_rate * (step + 1) as f64 / (self.warmup + 1) as f64;
        }
        if self.schedule == LearningRateSchedule::ConstantThenLinear {
            let last = self.steps.saturating_sub(1) as f64;
            let start = CONSTANT_SHARE * last;
            let fallen = ((step as f64 - start) / (last - start).max(1.0)).clamp(0.0, 1.0);
            return self.learning_rate * (1.0 + (self.final_rate - 1.0) * fallen);
        }
        let rest = self.steps.saturating_sub(self.warmup + 1).max(1) as f64;
        let done = ((step - self.warmup) as f64 / rest).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        self.learning_rate * (self.final_rate + (1.0 - self.final_rate) * cosine)
    }

    /// The steps that a run begins with whatever its number of steps: those before its learning
    /// rate, which nothing but the schedule ties to that number, begins to fall.
    ///
    /// A longer run goes on from there to the same bits as if it had been begun so (Hägele et al.,
    /// "Scaling laws and compute-optimal training beyond fixed training durations", 2024).
    pub fn shared_steps(&self) -> usize {
        let rising = match self.schedule {
            LearningRateSchedule::Cosine => self.warmup + 1,
            LearningRateSchedule::ConstantThenLinear => {
                let last = self.steps.saturating_sub(1) as f64;
                (CONSTANT_SHARE * last) as usize + 1
            }
        };
        rising.max(self.warmup).min(self.steps)
    }

    /// Decay of the averaged weights at step `step` (counted from 0).
    pub fn ema_decay_at(&self, step: usize) -> f64 {
        self.ema_decay.min((1 + step) as f64 / (10 + step) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_is_known_with_its_default() {
        let keys = |config: &TrainingConfig| {
            let written = serde_json::to_value(config).unwrap();
            written.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        let plain = TrainingConfig::new("vp", "moons", 2);
        let all = TrainingConfig {
            times: TimeSampling::LogitNormal,
            label_dropout: 0.1,
            shift: 1,
            schedule: LearningRateSchedule::ConstantThenLinear,
            ..plain.clone()
        };
        let mut known: Vec<String> = unwritten().map(|(key, _)| key.to_owned()).to_vec();
        known.extend(keys(&plain));
        known.sort();
        let mut every = keys(&all);
        every.sort();
        assert_eq!(known, every);
        let mut written = serde_json::to_value(&plain).unwrap();
        written.as_object_mut().unwrap().extend(unwritten().map(|(k, v)| (k.to_owned(), v)));
        assert_eq!(serde_json::from_value::<TrainingConfig>(written).unwrap(), plain);
    }

    #[test]
    fn the_learning_rate_rises_then_falls_to_its_final_fraction() {
        let config = TrainingConfig { steps: 1000, warmup: 100, ..TrainingConfig::new("", "", 2) };
        let rate = |step| config.learning_rate_at(step) / config.learning_rate;
        assert!((rate(0) - 1.0 / 101.0).abs() < 1e-12);
        assert!((rate(100) - 1.0).abs() < 1e-12);
        assert!((0..100).all(|step| rate(step) < rate(step + 1)));
        assert!((100..999).all(|step| rate(step) > rate(step + 1)));
        assert!((rate(999) - 0.01).abs() < 1e-12);
    }

    #[test]
    fn the_rate_of_images_stays_then_falls_in_a_line() {
        let config = TrainingConfig::images("", "", UNetConfig::default(), Objective::Velocity);
        let config = TrainingConfig { steps: 1001, ..config };
        let rate = |step| config.learning_rate_at(step) / config.learning_rate;
        assert!((rate(0) - 1.0 / 51.0).abs() < 1e-12);
        assert!([50, 300, 600].iter().all(|&step| rate(step) == 1.0));
        assert!((rate(800) - 0.51).abs() < 1e-12);
        assert!((rate(1000) - 0.02).abs() < 1e-12);
    }

    #[test]
    fn longer_runs_begin_alike() {
        for schedule in [LearningRateSchedule::Cosine, LearningRateSchedule::ConstantThenLinear] {
            for (steps, warmup) in [(1, 0), (30, 200), (1000, 200), (1001, 50), (77, 0), (90, 80)] {
                let config =
                    TrainingConfig { steps, warmup, schedule, ..TrainingConfig::new("", "", 2) };
                let shared = config.shared_steps();
                assert!((1..=steps).contains(&shared));
                for more in [1, 7, steps, 10 * steps] {
                    let longer = TrainingConfig { steps: steps + more, ..config.clone() };
                    assert!(longer.shared_steps() >= shared);
                    for step in 0..shared {
                        assert_eq!(config.learning_rate_at(step), longer.learning_rate_at(step));
                    }
                }
            }
        }
    }

    #[test]
    fn bad_settings_are_named() {
        let base = TrainingConfig::new("vp", "cat", 2);
        base.validate().unwrap();
        let bad = [
            ("steps", TrainingConfig { steps: 0, ..base.clone() }),
            ("batch", TrainingConfig { batch: 0, ..base.clone() }),
            ("t_max", TrainingConfig { t_max: f64::NAN, ..base.clone() }),
            ("learning_rate", TrainingConfig { learning_rate: -1.0, ..base.clone() }),
            ("ema_decay", TrainingConfig { ema_decay: 1.0, ..base.clone() }),
        ];
        for (name, config) in bad {
            let Err(TrainError::Setting { field, .. }) = config.validate() else {
                panic!("{name} was accepted")
            };
            assert_eq!(field, name);
        }
    }
}
