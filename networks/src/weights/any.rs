//! A trained network of whichever architecture its file says it has.

use std::path::Path;

use driftfield_problems::catalog::Catalog;
use driftfield_problems::standardisation::Standardisation;
use driftfield_solvers::FieldError;
use ndarray::Array2;

use super::archive::Archive;
use super::{TrainedNetwork, WeightsError};
use crate::classifier::largest;
use crate::{Architecture, ArchitectureEntry, Plan, Times, registry};

/// A trained network that is ready to generate, and what its file says of it.
#[derive(Debug, Clone)]
pub struct AnyNetwork {
    /// Name of its architecture.
    pub architecture: &'static str,
    /// The network, without labels until it is given some.
    pub plan: Plan,
    /// The process as `sample --process` takes it: `vp:beta_min=0.1,beta_max=20`.
    pub process: String,
    /// What it predicts: `noise`, `data`, `velocity`, `v` or `score`.
    pub prediction: String,
    /// Units of the data.
    pub standardisation: Standardisation,
    /// Name of the data set.
    pub data: String,
    /// Root of the mean variance of a component of the data, in the units of the process; `None`
    /// in files made before it was measured.
    pub data_std: Option<f64>,
}

impl AnyNetwork {
    /// Reads a network from the bytes of its file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        Self::from_bytes_with(bytes, &registry::catalog())
    }

    /// Reads a network from its file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        Self::load_with(path, &registry::catalog())
    }

    /// The same of a network whose architecture is one of `known`, which may hold your own beside
    /// those of [`catalog`](crate::catalog).
    pub fn from_bytes_with(
        bytes: &[u8],
        known: &Catalog<&'static ArchitectureEntry>,
    ) -> Result<Self, WeightsError> {
        registry::read(&Archive::from_bytes(bytes)?, known)
    }

    /// The same from its file.
    pub fn load_with(
        path: impl AsRef<Path>,
        known: &Catalog<&'static ArchitectureEntry>,
    ) -> Result<Self, WeightsError> {
        registry::read(&Archive::load(path.as_ref())?, known)
    }

    /// `network`, unless it predicts labels.
    pub(crate) fn generating<A: Architecture>(
        network: TrainedNetwork<A>,
    ) -> Result<Self, WeightsError> {
        if network.parameters.config().classes() == 0 {
            return Ok(network.into());
        }
        Err(WeightsError::Kind {
            expected: "a network that generates".to_owned(),
            found: format!("a {}", A::NAME),
        })
    }

    /// The share of the rows of `data`, in its own units, to which a classifier gives their label;
    /// of no label 0.
    ///
    /// # Errors
    /// No rows, and rows of another length than the network takes.
    pub fn accuracy(&self, data: &Array2<f64>, labels: &[u32]) -> Result<f64, FieldError> {
        let mut states = data.as_standard_layout().to_owned();
        let apply = self.standardisation.apply(&mut states);
        apply.map_err(FieldError::other)?;
        let (states, width) = (states.into_raw_vec_and_offset().0, self.plan.outputs());
        let mut logits = vec![0.0; data.nrows() * width];
        self.plan.evaluate(&mut logits, &states, Times::One(0.0))?;
        let found = logits.chunks_exact(width).map(|row| largest(row.iter().copied())).zip(labels);
        let right = found.filter(|(found, label)| *found == **label as usize).count();
        Ok(right as f64 / labels.len().max(1) as f64)
    }
}

impl<A: Architecture> From<TrainedNetwork<A>> for AnyNetwork {
    fn from(network: TrainedNetwork<A>) -> Self {
        AnyNetwork {
            architecture: A::NAME,
            plan: network.plan(),
            process: network.process,
            prediction: network.prediction,
            standardisation: network.standardisation,
            data: network.data,
            data_std: network.data_std,
        }
    }
}
