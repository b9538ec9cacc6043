use std::sync::Arc;

use driftfield_problems::data::{self, Cat, DataSet, FiniteData};
use driftfield_problems::field::GaussianMixture;
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use driftfield_problems::weights::TrainedNetwork;
use ndarray::Array2;

use super::StudyError;
use crate::generate::{Field, GenerateError, shipped};

/// The processes of the standard study.
pub const STUDY_PROCESSES: [&str; 3] = ["rectified-flow", "vp", "brownian-bridge"];

/// Gaussians along the cat's outline in the exact field.
const OUTLINE_GAUSSIANS: usize = 64;

/// Where fresh data comes from.
#[derive(Debug)]
pub enum Reference {
    /// Draws of a mixture.
    Mixture(Arc<GaussianMixture>),
    /// Draws of a data set.
    Data(Box<dyn DataSet>),
}

impl Reference {
    /// `n` points, `[n, d]`.
    pub fn draw(&self, n: usize, seed: u64) -> Array2<f64> {
        match self {
            Reference::Mixture(mixture) => mixture.draw(n, seed),
            Reference::Data(data) => data.sample(n, seed),
        }
    }
}

/// A process with a field and the data it should generate.
#[derive(Debug)]
pub struct Case {
    /// The process as it was asked for.
    pub process: String,
    /// The process.
    pub path: SharedPath,
    /// The field.
    pub field: Field,
    /// `exact` or `trained`.
    pub field_name: &'static str,
    /// The data.
    pub reference: Reference,
}

impl Case {
    /// A case with a field of the user's.
    pub fn new(process: &str, field: Field) -> Result<Self, StudyError> {
        let path = process::parse(process)?;
        // A network of another process is refused before anything is run.
        field.predictor::<Array2<f32>>(&path)?;
        let reference = match &field {
            Field::Mixture(mixture) => Reference::Mixture(mixture.clone()),
            Field::Empirical { data, smoothing } => {
                let data = FiniteData::new((**data).clone())?;
                Reference::Data(Box::new(data.with_smoothing(*smoothing)))
            }
            Field::Trained { network, .. } => Reference::Data(data::by_name(&network.data)?),
        };
        let field_name = if field.is_exact() { "exact" } else { "trained" };
        Ok(Case { process: process.to_owned(), path, field, field_name, reference })
    }

    /// The exact field of a mixture along the cat's outline.
    pub fn exact_cat(process: &str) -> Result<Self, StudyError> {
        let mixture = Cat::default().mixture(OUTLINE_GAUSSIANS);
        let means = mixture.means.rows().into_iter().map(|row| row.to_vec()).collect();
        let mixture =
            GaussianMixture::isotropic(mixture.weights.to_vec(), means, mixture.stds.to_vec())?;
        Case::new(process, Field::Mixture(Arc::new(mixture)))
    }

    /// The shipped network of the process on the cat, if there is one.
    pub fn trained_cat(process: &str) -> Result<Option<Self>, StudyError> {
        let name = format!("cat-{}", process::parse(process)?.name());
        let Some(bytes) = shipped(&name) else { return Ok(None) };
        let network = TrainedNetwork::from_bytes(bytes)
            .map_err(|source| GenerateError::Weights { file: name.clone(), source })?;
        match Case::new(process, Field::trained(network, name)) {
            Ok(case) => Ok(Some(case)),
            // With other parameters than the network's there is none.
            Err(StudyError::Generate(GenerateError::Process { .. })) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Process and field, for progress and headings.
    pub fn label(&self) -> String {
        format!("{}, {} field", self.process, self.field_name)
    }
}

/// For each process the exact and the trained field on the cat.
pub fn standard_cases(processes: &[&str], fields: &[&str]) -> Result<Vec<Case>, StudyError> {
    let mut cases = Vec::new();
    for process in processes {
        if fields.contains(&"exact") {
            cases.push(Case::exact_cat(process)?);
        }
        if fields.contains(&"trained") {
            cases.extend(Case::trained_cat(process)?);
        }
    }
    Ok(cases)
}
