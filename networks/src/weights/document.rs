//! The document in the header of a file of weights, of any version.

use std::ops::RangeInclusive;

use driftfield_problems::echo::echo;
use driftfield_problems::standardisation::Standardisation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::WeightsError;
use super::archive::Archive;
use crate::{Architecture, registry};

/// The version written. Files of version 1 have the configuration where they should name the
/// architecture.
pub(super) const FORMAT: u64 = 2;
/// What the document calls itself.
pub(super) const KIND: &str = "trained-network";

/// Read first, so that a later version is named and not misread.
#[derive(Deserialize)]
struct Preamble {
    kind: String,
    format: u64,
}

/// All of a trained network but its weights.
#[derive(Serialize, Deserialize)]
#[serde(bound = "A: Architecture")]
pub(super) struct Document<A> {
    pub(super) kind: String,
    pub(super) format: u64,
    pub(super) process: String,
    pub(super) prediction: String,
    pub(super) architecture: String,
    pub(super) configuration: A,
    pub(super) standardisation: Standardisation,
    pub(super) training: Value,
    pub(super) data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data_std: Option<f64>,
}

impl<A: Architecture> Document<A> {
    /// That of a file, which must be a network of this architecture.
    pub(super) fn of(archive: &Archive) -> Result<Self, WeightsError> {
        let format = check_kind(archive, KIND, 1..=FORMAT)?;
        let mut document: Value = archive.document()?;
        let name = registry::name_in(&document).to_owned();
        if name != A::NAME {
            return Err(WeightsError::Kind {
                expected: format!("a network of the architecture `{}`", A::NAME),
                found: format!("one of the architecture `{}`", echo(&name)),
            });
        }
        if format == 1 {
            document["configuration"] = document["architecture"].take();
            document["architecture"] = name.into();
        }
        serde_json::from_value(document).map_err(|error| WeightsError::Metadata(error.to_string()))
    }
}

/// Refuses a document of another kind or of a version that is none of `formats`, and says which it
/// is.
pub(crate) fn check_kind(
    archive: &Archive,
    kind: &str,
    formats: RangeInclusive<u64>,
) -> Result<u64, WeightsError> {
    let found: Preamble = archive.document()?;
    if found.kind == kind && formats.contains(&found.format) {
        return Ok(found.format);
    }
    Err(WeightsError::Kind {
        expected: format!("a {kind} of format {}", formats.end()),
        found: format!("a {} of format {}", echo(&found.kind), found.format),
    })
}
