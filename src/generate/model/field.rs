use std::sync::Arc;

use driftfield_problems::catalog::{Catalog, Entry};
use driftfield_problems::data::Cat;
use driftfield_problems::exact::GaussianMixture;
use driftfield_problems::process;

use super::foreign::{self, HUB};
use super::{MixtureModel, Model, TrainedModel, parse};
use crate::generate::{GenerateError, shipped};

/// The field of the cat, as `--field` names it.
pub(super) const EXACT: &str = "exact";
/// The shipped network of the cat on the process at hand.
const TRAINED: &str = "trained";
/// What the names of files of mixtures and of points stand behind.
pub(super) const MIXTURE: &str = "exact:";
pub(super) const POINTS: &str = "empirical:";
/// Gaussians along the cat's outline in the exact field.
const OUTLINE_GAUSSIANS: usize = 64;

/// A field, as every `--field` takes it: [`parse`](super::parse) with `trained` beside, which is
/// another network on every process.
#[derive(Debug, Clone)]
pub enum Field {
    /// The shipped network of the cat on the process that it is asked for.
    Trained,
    /// A model, whatever the process.
    Model(Arc<dyn Model>),
}

impl Field {
    /// The field of that text.
    pub fn parse(text: &str) -> Result<Self, GenerateError> {
        if text == TRAINED { Ok(Field::Trained) } else { parse(text).map(Field::Model) }
    }

    /// The forms in which a field is written.
    pub fn forms() -> Catalog<()> {
        let entry =
            |written: String, summary: &'static str| Entry::new(written, summary, |_| Ok(()));
        let entries = [
            entry(EXACT.to_owned(), "the exact field of the cat, on any process"),
            entry(TRAINED.to_owned(), "the shipped network of the cat on the process"),
            entry(format!("{MIXTURE}FILE.json"), "the exact field of a Gaussian mixture"),
            entry(
                format!("{POINTS}FILE.npy[:SMOOTHING]"),
                "the exact field of points, each a Gaussian of that standard deviation",
            ),
            entry(format!("{POINTS}mnist:DIR[:SMOOTHING]"), "the same of digits"),
            entry("FILE.safetensors".to_owned(), "a network, on its own process"),
            entry(
                "FILE.pt|msgpack|npz|onnx[:KEY=VALUE,..]".to_owned(),
                "a network of PyTorch, flax, NumPy or ONNX (`list field-keys`)",
            ),
            entry("DIR[:KEY=VALUE,..]".to_owned(), "a network that diffusers saved"),
            entry(format!("{HUB}ORG/NAME/FILE[@REVISION]"), "a file of the hub, in its cache"),
        ];
        Catalog::new("field", entries).forms("a network of `list weights`")
    }

    /// Whether a text names a file of a network, or a folder of one.
    pub fn is_file(text: &str) -> bool {
        foreign::is_file(text)
    }

    /// Whether a text that names a file has keys after it.
    pub fn has_keys(text: &str) -> bool {
        foreign::has_keys(text)
    }

    /// What may be said of a file of someone else's network, key by key.
    pub fn keys() -> Catalog<()> {
        let keys = driftfield_networks::imported::keys();
        let entry = Entry::new("FILE", "a file of someone else's network", |_| Ok(()));
        Catalog::new("field", [entry.keys(keys)])
    }

    /// Whether a text is one of the standard fields, `exact` and `trained`, which are those of the cat.
    pub fn is_standard(text: &str) -> bool {
        text == EXACT || text == TRAINED
    }

    /// The model on a process, as `--process` takes it.
    pub fn model(&self, process: &str) -> Result<Arc<dyn Model>, GenerateError> {
        match self {
            Field::Trained => trained_cat(process),
            Field::Model(model) => Ok(model.clone()),
        }
    }
}

/// The exact field of a mixture along the cat's outline.
pub(super) fn exact_cat() -> Result<Arc<dyn Model>, GenerateError> {
    let mixture = Cat::default().mixture(OUTLINE_GAUSSIANS);
    let means = mixture.means.rows().into_iter().map(|row| row.to_vec()).collect();
    let mixture =
        GaussianMixture::isotropic(mixture.weights.to_vec(), means, mixture.stds.to_vec());
    let refused = |source| GenerateError::Mixture { file: EXACT.to_owned(), source };
    Ok(Arc::new(MixtureModel::new(mixture.map_err(refused)?)))
}

/// The shipped network of the process, which has the network's own parameters.
fn trained_cat(process: &str) -> Result<Arc<dyn Model>, GenerateError> {
    let path = process::parse(process)?;
    let name = format!("cat-{}", path.name());
    let none = || GenerateError::NotShipped { process: process.to_owned() };
    // A file of that name in the working directory is somebody's own.
    let network = TrainedModel::from_bytes(shipped(&name).ok_or_else(none)?, name)?;
    match network.check_process(&path) {
        Ok(()) => Ok(Arc::new(network)),
        Err(_) => Err(none()),
    }
}
