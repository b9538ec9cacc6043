//! The state of a training run and its file.

use std::path::Path;

use driftfield_problems::checksum;
use driftfield_problems::process::GaussianPath;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::unwritten;
use super::{CheckpointError, LossRow, Objective, TrainingConfig, ValidationRow};
use crate::Architecture;
use crate::weights::{Archive, Values, WeightsError, check_kind};

const KIND: &str = "training-checkpoint";
const FORMAT: u64 = 1;

/// All that a run carries from step to step.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct State {
    /// The weights.
    pub(crate) values: Vec<f32>,
    /// Their running average.
    pub(crate) average: Vec<f32>,
    /// AdamW's moments.
    pub(crate) first: Vec<f32>,
    pub(crate) second: Vec<f32>,
    /// One row per step taken.
    pub(crate) history: Vec<LossRow>,
    /// Losses on data not trained on.
    pub(crate) validation: Vec<ValidationRow>,
}

/// What makes two runs the same run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// A [`TrainingConfig`].
    config: Value,
    objective: Objective,
    /// Checksum of the data, in hexadecimal.
    data_checksum: String,
    /// Checksum of the process's coefficients at some times, in hexadecimal.
    process_checksum: String,
    /// What the data that is not trained on is called, if there is any, and its checksum.
    #[serde(default)]
    held_out: Option<String>,
    #[serde(default)]
    held_out_checksum: Option<String>,
}

/// Checksum of rows and their labels, in hexadecimal.
fn sum_of(data: &Array2<f64>, labels: &[u32]) -> String {
    let shape = [data.nrows().to_le_bytes(), data.ncols().to_le_bytes()];
    let values = data.iter().map(|value| value.to_le_bytes());
    let labels = labels.iter().map(|&label| u64::from(label).to_le_bytes());
    format!("{:016x}", checksum::of(shape.into_iter().chain(values).chain(labels)))
}

impl Identity {
    pub(crate) fn new<A: Architecture>(
        config: &TrainingConfig<A>,
        objective: Objective,
        path: &dyn GaussianPath,
        data: &Array2<f64>,
        labels: &[u32],
    ) -> Result<Self, CheckpointError> {
        let probes = 16;
        let coefficients = (0..=probes).flat_map(|i| {
            let place = f64::from(i) / f64::from(probes);
            let t = config.t_min + (config.t_max - config.t_min) * place;
            [path.alpha(t).to_le_bytes(), path.sigma(t).to_le_bytes()]
        });
        let config = serde_json::to_value(config)
            .map_err(|error| WeightsError::Metadata(error.to_string()))?;
        Ok(Identity {
            config,
            objective,
            process_checksum: format!("{:016x}", checksum::of(coefficients)),
            data_checksum: sum_of(data, labels),
            held_out: None,
            held_out_checksum: None,
        })
    }

    /// Validated on this, which is called `name`.
    pub(crate) fn hold_out(&mut self, name: &str, data: &Array2<f64>, labels: &[u32]) {
        self.held_out = Some(name.to_owned());
        self.held_out_checksum = Some(sum_of(data, labels));
    }

    /// The same with every setting written.
    fn spelled_out(&self) -> Identity {
        let mut all = self.clone();
        if let Some(config) = all.config.as_object_mut() {
            for (key, default) in unwritten() {
                config.entry(key).or_insert(default);
            }
        }
        all
    }

    /// What it has in common with runs of other numbers of steps.
    pub(crate) fn of_any_length(&self) -> Identity {
        let mut common = self.clone();
        common.config["steps"] = Value::Null;
        common
    }

    /// Refuses a checkpoint of another run and names the first difference.
    fn check(&self, stored: &Identity) -> Result<(), CheckpointError> {
        let (ours, mut stored) = (self.spelled_out(), stored.spelled_out());
        if ours.held_out_checksum == stored.held_out_checksum {
            // The same data may be called otherwise.
            stored.held_out.clone_from(&ours.held_out);
        }
        if ours == stored {
            return Ok(());
        }
        let what = match (serde_json::to_value(stored), serde_json::to_value(ours)) {
            (Ok(stored), Ok(ours)) => first_difference("", &stored, &ours),
            _ => None,
        };
        Err(CheckpointError::OtherRun { what: what.unwrap_or_else(|| "other settings".into()) })
    }
}

fn first_difference(name: &str, stored: &Value, ours: &Value) -> Option<String> {
    if stored == ours {
        return None;
    }
    match (stored, ours) {
        (Value::Object(stored), Value::Object(ours)) => stored.iter().find_map(|(key, value)| {
            first_difference(key, value, ours.get(key).unwrap_or(&Value::Null))
        }),
        _ => Some(format!("{name} = {}, this run has {}", said(stored), said(ours))),
    }
}

fn said(value: &Value) -> String {
    if value.is_null() { "none".to_owned() } else { value.to_string() }
}

#[derive(Serialize, Deserialize)]
struct Document {
    kind: String,
    format: u64,
    run: Identity,
    step: usize,
    #[serde(default)]
    validations: usize,
}

impl State {
    /// Steps taken.
    pub(crate) fn step(&self) -> usize {
        self.history.len()
    }

    /// Writes the checkpoint, whole or not at all.
    pub(crate) fn save(&self, path: &Path, run: &Identity) -> Result<(), CheckpointError> {
        let mut archive = Archive::new(&Document {
            kind: KIND.into(),
            format: FORMAT,
            run: run.clone(),
            step: self.step(),
            validations: self.validation.len(),
        })?;
        for (name, values) in self.parts() {
            archive.insert(name, &[values.len()], Values::F32(values.clone()));
        }
        let history = self.history.iter().flat_map(|row| [row.loss, row.learning_rate]).collect();
        archive.insert("history", &[self.step(), 2], Values::F64(history));
        let rows = self.validation.iter().flat_map(|row| [row.step as f64, row.loss]).collect();
        archive.insert("validation", &[self.validation.len(), 2], Values::F64(rows));
        Ok(archive.save(path)?)
    }

    /// Reads the checkpoint of `run`, whose network has `weights` weights.
    pub(crate) fn load(
        path: &Path,
        run: &Identity,
        weights: usize,
    ) -> Result<Self, CheckpointError> {
        let archive = Archive::load(path)?;
        check_kind(&archive, KIND, FORMAT..=FORMAT)?;
        let document: Document = archive.document()?;
        run.check(&document.run)?;
        let part = |name: &str| -> Result<Vec<f32>, WeightsError> {
            Ok(archive.f32s(name, &[weights])?.into_owned())
        };
        let history = archive.f64s("history", &[document.step, 2])?;
        let history = history
            .chunks_exact(2)
            .enumerate()
            .map(|(step, row)| LossRow { step, loss: row[0], learning_rate: row[1] })
            .collect();
        let validation = match document.validations {
            0 => Vec::new(),
            count => archive
                .f64s("validation", &[count, 2])?
                .chunks_exact(2)
                .map(|row| ValidationRow { step: row[0] as usize, loss: row[1] })
                .collect(),
        };
        Ok(State {
            validation,
            values: part("weights")?,
            average: part("average")?,
            first: part("first_moment")?,
            second: part("second_moment")?,
            history,
        })
    }

    fn parts(&self) -> [(&'static str, &Vec<f32>); 4] {
        [
            ("weights", &self.values),
            ("average", &self.average),
            ("first_moment", &self.first),
            ("second_moment", &self.second),
        ]
    }
}
