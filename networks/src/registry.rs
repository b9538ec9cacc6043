//! The architectures that a file may hold and that `train` makes.

use driftfield_problems::catalog::{Catalog, Entry, Key};
use driftfield_problems::echo::echo;
use driftfield_problems::spec::{Spec, SpecError};
use serde_json::Value;

use crate::train::{Request, Run, TrainError, start};
use crate::weights::{AnyNetwork, Archive, TrainedNetwork, WeightsError};
use crate::{Architecture, ClassifierConfig, MlpConfig, UNetConfig};

/// One architecture: what it is called, and how it is read, made and trained.
#[derive(Debug)]
pub struct ArchitectureEntry {
    /// What files and the command line call it.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    keys: fn() -> Vec<Key>,
    row_rank: fn() -> usize,
    classes: fn() -> usize,
    read: fn(&Archive) -> Result<AnyNetwork, WeightsError>,
    check: fn(&Spec, &Request<'_>, usize) -> Result<(), TrainError>,
    start: Start,
}

/// Starts the run of a request.
type Start = for<'a> fn(&Spec, &Request<'a>) -> Result<Box<dyn Run + 'a>, TrainError>;

/// All architectures.
pub const ARCHITECTURES: &[ArchitectureEntry] = &[
    ArchitectureEntry::of::<MlpConfig>(),
    ArchitectureEntry::of::<UNetConfig>(),
    ArchitectureEntry::of::<ClassifierConfig>(),
];

/// Values of a row for which defaults are shown; they depend on none.
const ANY_DIMENSION: usize = 28 * 28;

/// All architectures by name, each with what a user may set of it. One of your own is added by
/// `with(ArchitectureEntry::entry::<Own>())`, and the sum is what
/// [`AnyNetwork::load_with`] reads with.
pub fn catalog() -> Catalog<&'static ArchitectureEntry> {
    Catalog::new("network", ARCHITECTURES.iter().map(listed))
}

fn listed(architecture: &'static ArchitectureEntry) -> Entry<&'static ArchitectureEntry> {
    Entry::new(architecture.name, architecture.summary, move |_| Ok(architecture))
        .keys(architecture.keys())
}

impl ArchitectureEntry {
    /// How networks of the architecture `A` are read, made and trained.
    pub const fn of<A: Architecture>() -> Self {
        ArchitectureEntry {
            name: A::NAME,
            summary: A::SUMMARY,
            keys: keys::<A>,
            row_rank: || A::reference(ANY_DIMENSION).row_shape().len(),
            classes: || A::reference(ANY_DIMENSION).classes(),
            read: |archive| AnyNetwork::generating(TrainedNetwork::<A>::from_archive(archive)?),
            check: |spec, request, dimension| {
                request.config(configuration::<A>(spec, dimension)?).validate()
            },
            start: |spec, request| {
                start(request, configuration::<A>(spec, request.values.ncols())?)
            },
        }
    }

    /// The same as an entry of a [`catalog`].
    pub fn entry<A: Architecture>() -> Entry<&'static ArchitectureEntry> {
        listed(const { &Self::of::<A>() })
    }

    /// The architecture of this name.
    pub fn named(name: &str) -> Result<&'static ArchitectureEntry, SpecError> {
        match ARCHITECTURES.iter().find(|entry| entry.name == name) {
            Some(entry) => Ok(entry),
            // The catalogue knows what to say.
            None => catalog().find(name)?.build(&Spec::of_name(name)),
        }
    }

    /// What a user may set, with the defaults.
    pub fn keys(&self) -> Vec<Key> {
        (self.keys)()
    }

    /// Whether its rows are images.
    pub fn images(&self) -> bool {
        (self.row_rank)() > 1
    }

    /// Whether it predicts labels instead of what generates.
    pub fn classifies(&self) -> bool {
        (self.classes)() > 0
    }

    /// Refuses keys and settings that no data of rows of `dimension` values could make good.
    pub fn check(
        &self,
        spec: &Spec,
        request: &Request<'_>,
        dimension: usize,
    ) -> Result<(), TrainError> {
        (self.check)(spec, request, dimension)
    }

    /// A training run at its beginning, or where its checkpoint left it.
    pub fn start<'a>(
        &self,
        spec: &Spec,
        request: &Request<'a>,
    ) -> Result<Box<dyn Run + 'a>, TrainError> {
        (self.start)(spec, request)
    }
}

fn keys<A: Architecture>() -> Vec<Key> {
    // What is written to files can be written.
    keys_of(&serde_json::to_value(A::reference(ANY_DIMENSION)).unwrap_or_default(), A::KEYS)
}

/// The keys of these names and lines, their defaults and kinds those of a configuration's values.
pub(crate) fn keys_of(defaults: &Value, keys: &'static [(&'static str, &'static str)]) -> Vec<Key> {
    let key = |&(name, about): &(&'static str, &'static str)| {
        let default = written(&defaults[name]);
        let key = match &defaults[name] {
            Value::Array(_) => Key::text(name, LIST, about),
            Value::Bool(_) => Key::flag(name, false, about),
            Value::Number(number) if number.is_u64() => Key::integer(name, 0, about),
            _ => Key::number(name, 0.0, about),
        };
        key.or(default)
    };
    keys.iter().map(key).collect()
}

/// The architecture that `spec` describes, for rows of `dimension` values.
///
/// # Errors
/// Keys it does not have, and values that are not of the kind of the default.
pub fn configuration<A: Architecture>(spec: &Spec, dimension: usize) -> Result<A, SpecError> {
    ArchitectureEntry::entry::<A>().build(spec)?;
    let refused = |error: serde_json::Error| SpecError::malformed(spec.name(), error.to_string());
    let value = serde_json::to_value(A::reference(dimension)).map_err(refused)?;
    serde_json::from_value(overlaid(value, spec)?).map_err(refused)
}

/// The configuration `value` with what `spec` sets of it.
pub(crate) fn overlaid(mut value: Value, spec: &Spec) -> Result<Value, SpecError> {
    for (key, text) in spec.parameters() {
        let read = like(&value[key], text);
        // Flags and numbers have been held to their keys.
        value[key] = read.ok_or_else(|| SpecError::value(spec.name(), key, text, LIST))?;
    }
    Ok(value)
}

/// How lists are written.
const LIST: &str = "whole numbers with `/` between them";

/// A value of a configuration as [`configuration`] reads it.
fn written(value: &Value) -> String {
    match value {
        Value::Array(values) => values.iter().map(written).collect::<Vec<_>>().join("/"),
        other => other.to_string(),
    }
}

/// `text` as a value of the kind of `default`, if it is one.
fn like(default: &Value, text: &str) -> Option<Value> {
    match default {
        Value::Array(_) => {
            let values = text.split('/').map(|part| part.trim().parse::<u64>().ok());
            values.collect::<Option<Vec<_>>>().map(Value::from)
        }
        Value::Bool(_) => text.parse::<bool>().ok().map(Value::from),
        Value::Number(number) if number.is_u64() => text.parse::<u64>().ok().map(Value::from),
        _ => text.parse::<f64>().ok().map(Value::from),
    }
}

/// The architecture, one of `known`, of a file with this document.
pub(crate) fn of_document(
    document: &Value,
    known: &Catalog<&'static ArchitectureEntry>,
) -> Result<&'static ArchitectureEntry, WeightsError> {
    let name = name_in(document);
    let found = known.find(name).and_then(|entry| entry.build(&Spec::of_name(name)));
    found.map_err(|_| WeightsError::Kind {
        expected: format!("one of {}", known.names().collect::<Vec<_>>().join(", ")),
        found: format!("a network of the architecture `{}`", echo(name)),
    })
}

/// The name of the architecture of a file with this document.
pub(crate) fn name_in(document: &Value) -> &str {
    document["architecture"].as_str().unwrap_or_else(|| guessed(document))
}

/// The architecture that a file does not name, as those made before they did: each has a key that
/// no other had.
fn guessed(document: &Value) -> &'static str {
    let has = |key: &str| document["architecture"].get(key).is_some();
    if has("classes") {
        ClassifierConfig::NAME
    } else if has("side") {
        UNetConfig::NAME
    } else {
        MlpConfig::NAME
    }
}

/// The network of a file, whichever architecture of `known` it is of.
pub(crate) fn read(
    archive: &Archive,
    known: &Catalog<&'static ArchitectureEntry>,
) -> Result<AnyNetwork, WeightsError> {
    (of_document(&archive.document()?, known)?.read)(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_it_is_written_and_refused_otherwise() {
        for entry in ARCHITECTURES {
            let keys = entry.keys();
            assert!(
                !keys.is_empty() && keys.iter().all(|key| key.default() != Some("null")),
                "{keys:?}"
            );
        }
        let spec: Spec = "unet:channels=16/32/48,heads=3,frequency_max=50".parse().unwrap();
        let config: UNetConfig = configuration(&spec, 64 * 64).unwrap();
        assert_eq!((config.channels, config.heads, config.side), (vec![16, 32, 48], 3, 64));
        assert_eq!(config.frequency_max, 50.0);
        let defaults: Vec<String> = keys::<MlpConfig>()
            .iter()
            .map(|key| format!("{}={}", key.name(), key.default().unwrap()))
            .collect();
        let spec: Spec = format!("mlp:{}", defaults.join(",")).parse().unwrap();
        assert_eq!(configuration::<MlpConfig>(&spec, 5).unwrap(), MlpConfig::new(5));
        for (text, word) in [
            ("mlp:width=-1", "whole number"),
            ("mlp:frequency_max=nan", "finite number"),
            ("mlp:widht=4", "width"),
            ("mlp:dimension=4", "it takes"),
        ] {
            let error = configuration::<MlpConfig>(&text.parse().unwrap(), 2).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
        let spec: Spec = "unet:channels=16+32".parse().unwrap();
        let error = configuration::<UNetConfig>(&spec, 784).unwrap_err();
        assert!(error.to_string().contains('/'), "{error}");
        let unknown = ArchitectureEntry::named("unit").unwrap_err().to_string();
        assert!(unknown.contains("did you mean `unet`"), "{unknown}");
    }
}
