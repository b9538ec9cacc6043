use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use driftfield_networks::weights::AnyNetwork;
use driftfield_problems::data::{self, Cat, DataSet, FiniteData, Mnist};
use driftfield_problems::echo::echo_path;
use driftfield_problems::field::GaussianMixture;
use driftfield_problems::process::{self, GaussianPath, SharedPath};
use ndarray::Array2;

use super::{Judge, StudyError};
use crate::generate::{Condition, Field, GenerateError, TrainedField, shipped};

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
    /// There is none at hand.
    Unknown,
}

impl Reference {
    /// `n` points, `[n, d]`, if there is data.
    pub fn draw(&self, n: usize, seed: u64) -> Option<Array2<f64>> {
        match self {
            Reference::Mixture(mixture) => Some(mixture.draw(n, seed)),
            Reference::Data(data) => Some(data.sample(n, seed)),
            Reference::Unknown => None,
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
    /// What the network is told of labels.
    pub condition: Condition,
    /// Who judges images; points are judged by distances alone.
    pub judge: Option<Judge>,
    /// Start and end of the integration, where they are not the process's own.
    pub span: (Option<f64>, Option<f64>),
    /// Set from elsewhere, it ends the solve that is being made of the case, and there is no other.
    pub stop: Arc<AtomicBool>,
}

impl Case {
    /// A case with a field of the user's.
    ///
    /// A network's data is looked for where it was trained and beside its file; see
    /// [`Case::with_data`] for data from elsewhere.
    pub fn new(process: &str, field: Field) -> Result<Self, StudyError> {
        Self::compared_with(process, field, None)
    }

    /// A case with a field of the user's, compared with the data set of this name.
    pub fn with_data(process: &str, field: Field, data: &str) -> Result<Self, StudyError> {
        if is_image(&field) {
            return Err(StudyError::NoDigits { data: data.to_owned() });
        }
        let data = data::by_name(data)?;
        Self::compared_with(process, field, Some(Reference::Data(data)))
    }

    fn compared_with(
        process: &str,
        field: Field,
        data: Option<Reference>,
    ) -> Result<Self, StudyError> {
        let path = process::parse(process)?;
        // A network of another process is refused before anything is run.
        field.predictor::<Array2<f32>>(&path, &Condition::default())?;
        let reference = match (data, &field) {
            (Some(data), _) => data,
            (None, Field::Mixture(mixture)) => Reference::Mixture(mixture.clone()),
            (None, Field::Empirical(data)) => {
                let mut points = (*data.points).clone();
                field.to_data_units(&mut points)?;
                let points = FiniteData::new(points)?;
                Reference::Data(Box::new(points.with_smoothing(data.smoothing)))
            }
            // Images are compared by their features, with those of a directory that is given.
            (None, Field::Trained(_)) if is_image(&field) => Reference::Unknown,
            (None, Field::Trained(network)) => Reference::Data(data_of(network)?),
        };
        if let Reference::Data(data) = &reference {
            let (expected, found) = (field.dimension(), data.dimension());
            if expected != found {
                return Err(StudyError::DataDimension { expected, found });
            }
        }
        let field_name = if field.is_exact() { "exact" } else { "trained" };
        let judge = if is_image(&field) { Some(Judge::of_labels()?) } else { None };
        let condition = Condition::default();
        let process = process.to_owned();
        let (span, stop) = ((None, None), Arc::default());
        Ok(Case { process, path, field, field_name, reference, condition, judge, span, stop })
    }

    /// Of lanes with these labels.
    pub fn with_condition(self, condition: Condition) -> Result<Self, StudyError> {
        self.field.predictor::<Array2<f32>>(&self.path, &condition)?;
        Ok(Case { condition, ..self })
    }

    /// Beside real digits, for samples of `lanes` images.
    pub fn with_digits(self, digits: &Mnist, lanes: usize) -> Result<Self, StudyError> {
        if !self.is_image() {
            return Err(StudyError::NoImages { case: self.label() });
        }
        let judge = Some(Judge::new(digits, lanes)?);
        let unseen = FiniteData::new(digits.second_half().pixels)?;
        Ok(Case { judge, reference: Reference::Data(Box::new(unseen)), ..self })
    }

    /// Whether its lanes are square grey images.
    pub fn is_image(&self) -> bool {
        is_image(&self.field)
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
        let network = AnyNetwork::from_bytes(bytes)
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

/// The data that a network was trained on: of the registry, or in a file that is beside the
/// weights, where it was in training, or where an absolute name says.
fn data_of(network: &TrainedField) -> Result<Box<dyn DataSet>, StudyError> {
    let Some((before, name)) = data::file_of(&network.data) else {
        return Ok(data::by_name(&network.data)?);
    };
    let folder = Path::new(&network.file).parent().unwrap_or(Path::new(""));
    let beside = |name: &Path| folder.join(name);
    let recorded = Path::new(name);
    let mut places = vec![beside(recorded), recorded.to_path_buf()];
    // A folder that was moved whole: the data lies in it under its own name.
    places.extend(recorded.file_name().map(|file| beside(Path::new(file))));
    let Some(place) = places.iter().find(|place| place.exists()) else {
        let mut looked: Vec<String> = Vec::new();
        for place in places.iter().map(|place| echo_path(place)) {
            if !looked.contains(&place) {
                looked.push(place);
            }
        }
        let (weights, data) = (network.file.clone(), network.data.clone());
        return Err(StudyError::NoData { weights, data, looked: looked.join(", ") });
    };
    data::by_name(&format!("{before}{}", place.display())).map_err(|source| {
        let (weights, data) = (network.file.clone(), network.data.clone());
        StudyError::NetworkData { weights, data, source: Box::new(source) }
    })
}

/// Of the size that the shipped classifier knows.
fn is_image(field: &Field) -> bool {
    field.row_shape() == [1, Mnist::SIDE, Mnist::SIDE]
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
