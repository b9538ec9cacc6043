//! Reading `name:key=value,key=value`, the form in which processes, solvers
//! and spacings are named.
//!
//! ```
//! use driftfield_problems::spec::Spec;
//! let spec: Spec = "vp:beta_min=0.1,beta_max=20".parse().unwrap();
//! assert_eq!((spec.name(), spec.text("beta_max")), ("vp", Some("20")));
//! assert_eq!(spec.to_string(), "vp:beta_min=0.1,beta_max=20");
//! ```
//!
//! What the keys of a name are, and which values they take, a
//! [`Catalog`](crate::catalog::Catalog) says.

use std::fmt;
use std::str::FromStr;

use crate::echo::echo;
use driftfield_solvers::number::Number;

/// Why a `name:key=value` text could not be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The text is not of the form `name:key=value,key=value`.
    #[error("cannot read `{text}`: {problem}; write `name` or `name:key=value,key=value`")]
    Malformed {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No such thing.
    #[error("unknown {kind} `{name}`{}; known: {known}", instead_of(.name, .nearest, .means))]
    UnknownName {
        /// What was looked for: `process`, `solver`, `spacing`.
        kind: &'static str,
        /// The name given.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
        /// What that is here, if it is another library's name.
        means: Option<Box<str>>,
        /// All known names.
        known: String,
    },
    /// The thing has no such parameter.
    #[error("`{name}` has no parameter `{key}`{}; {}", did_you_mean(.nearest), known_keys(.known))]
    UnknownKey {
        /// The thing.
        name: String,
        /// The key given.
        key: String,
        /// The nearest known key.
        nearest: Option<String>,
        /// All known keys, with their defaults.
        known: String,
    },
    /// One key twice.
    #[error("`{name}` is given `{key}` twice; give it once")]
    DuplicateKey {
        /// The thing.
        name: String,
        /// The key.
        key: String,
    },
    /// A value that the parameter cannot take.
    #[error("`{name}`: `{key}={value}` is refused; {key} must be {expected}")]
    Value {
        /// The thing.
        name: String,
        /// The key.
        key: String,
        /// The value given.
        value: String,
        /// What values the key takes.
        expected: String,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
}

/// No name has a comma: where there is one, several names are given as one.
fn instead_of(name: &str, nearest: &Option<String>, means: &Option<Box<str>>) -> String {
    match (nearest, means) {
        _ if name.contains(',') => " (give each by itself)".to_owned(),
        (Some(nearest), Some(means)) => {
            format!(" (did you mean `{nearest}`, which is `{means}` here?)")
        }
        _ => did_you_mean(nearest),
    }
}

fn known_keys(known: &str) -> String {
    if known.is_empty() { "it takes none".to_owned() } else { format!("it takes: {known}") }
}

impl SpecError {
    /// The refusal of a parameter's value.
    pub fn value(
        name: &str,
        key: &str,
        value: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        SpecError::Value {
            name: echo(name),
            key: echo(key),
            value: echo(&value.to_string()),
            expected: expected.into(),
        }
    }

    /// The refusal of a text that cannot be read.
    pub fn malformed(text: &str, problem: impl Into<String>) -> Self {
        SpecError::Malformed { text: echo(text), problem: problem.into() }
    }

    /// The refusal of a parameter's number.
    pub fn number(name: &str, key: &str, value: f64, expected: impl Into<String>) -> Self {
        Self::value(name, key, Number(value), expected)
    }

    /// The refusal of a name that is none of `known`, nor of one of the other `forms` that are
    /// said beside them.
    pub fn unknown_name<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
        forms: &'a str,
    ) -> Self {
        let mut known: Vec<&str> = known.into_iter().collect();
        let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
        known.extend(Some(forms).filter(|forms| !forms.is_empty()));
        let (name, known) = (echo(name), known.join(", "));
        SpecError::UnknownName { kind, name, nearest, means: None, known }
    }

    /// The refusal of an unknown name with another one that is likely meant, and what that is here.
    pub(crate) fn likely(mut self, likely: Option<(&str, Option<&str>)>) -> Self {
        if let SpecError::UnknownName { nearest, means, .. } = &mut self {
            *nearest = likely.map(|(name, _)| name.to_owned());
            *means = likely.and_then(|(_, means)| means.map(Box::from));
        }
        self
    }

    /// The refusal of a key that is none of `known`, which are said with their defaults.
    pub(crate) fn unknown_key<'a>(
        name: &str,
        key: &str,
        known: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Self {
        let known: Vec<_> = known.into_iter().collect();
        let written = |&(key, default): &(&str, Option<&str>)| match default {
            Some(default) => format!("{key}={default}"),
            None => key.to_owned(),
        };
        SpecError::UnknownKey {
            name: echo(name),
            key: echo(key),
            nearest: nearest(key, known.iter().map(|(key, _)| *key)).map(str::to_owned),
            known: known.iter().map(written).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Longest word for which a likely name is looked for.
const LONGEST_NAME: usize = 100;

/// The candidate most like `word`, if any is alike enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is so long, and likeness takes the product of both lengths.
    if word.len() > LONGEST_NAME {
        return None;
    }
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let likeness = |candidate: &str| strsim::jaro_winkler(word, candidate);
    let edits = |candidate: &str| strsim::osa_distance(word, candidate);
    let most_alike = |among: &dyn Fn(&str) -> bool| {
        let among = candidates.iter().copied().filter(|&candidate| among(candidate));
        among.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
    };
    let letters = word.chars().count();
    // One slip comes first: two letters exchanged are no likeness to Jaro and Winkler, as in `pv`.
    let one_slip = most_alike(&|candidate| edits(candidate) <= 1 && letters > 1);
    let alike = || most_alike(&|candidate| likeness(candidate) > 0.6);
    let edited = || {
        let few = candidates.iter().copied().filter(|&candidate| 2 * edits(candidate) <= letters);
        few.min_by_key(|&candidate| edits(candidate))
    };
    one_slip.or_else(alike).or_else(edited)
}

/// A name and its parameters, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    name: String,
    parameters: Vec<(String, String)>,
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let malformed = |problem: &str| SpecError::malformed(text, problem);
        let (name, list) = match text.split_once(':') {
            Some((name, list)) => (name.trim(), Some(list)),
            None => (text.trim(), None),
        };
        if name.is_empty() {
            return Err(malformed("the name is empty"));
        }
        let mut spec = Spec { name: name.to_owned(), parameters: Vec::new() };
        for item in list.into_iter().flat_map(|list| list.split(',')) {
            let (key, value) = item
                .split_once('=')
                .map(|(key, value)| (key.trim(), value.trim()))
                .ok_or_else(|| malformed(&format!("`{}` has no `=`", echo(item))))?;
            if key.is_empty() || value.is_empty() {
                return Err(malformed(&format!("`{}` lacks its key or its value", echo(item))));
            }
            if spec.text(key).is_some() {
                return Err(SpecError::DuplicateKey { name: echo(name), key: echo(key) });
            }
            spec.parameters.push((key.to_owned(), value.to_owned()));
        }
        Ok(spec)
    }
}

impl Spec {
    /// A name without parameters.
    pub fn of_name(name: &str) -> Self {
        Spec { name: name.to_owned(), parameters: Vec::new() }
    }

    /// What stands before the colon.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keys and values, in the order written.
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The same with the parameters of `other`, which come before those of the same keys.
    pub(crate) fn under(mut self, other: &Spec) -> Self {
        self.parameters.retain(|(key, _)| other.text(key).is_none());
        self.parameters.extend(other.parameters.iter().cloned());
        self
    }

    /// The value of `key` as written.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        for (index, (key, value)) in self.parameters.iter().enumerate() {
            let mark = if index == 0 { ':' } else { ',' };
            write!(f, "{mark}{key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn advice_names_the_nearest() {
        let error = SpecError::unknown_name("process", "pv", ["vp", "edm"], "").to_string();
        assert!(error.contains("did you mean `vp`?); known: vp, edm"), "{error}");
        let error = SpecError::unknown_name("process", "vp,edm", ["vp", "edm"], "").to_string();
        assert!(error.contains("`vp,edm` (give each by itself); known"), "{error}");
        assert_eq!(nearest("xyzzy", ["vp", "edm"]), None);
        assert_eq!(nearest("pv", ["vp", "pvsde"]), Some("vp"));
        assert_eq!(nearest("x", ["n", "m"]), None);
        assert_eq!(nearest("", ["vp", "edm"]), None);
        let known = [("beta_min", Some("0.1")), ("file", None)];
        let error = SpecError::unknown_key("vp", "betamin", known).to_string();
        assert!(
            error.ends_with("(did you mean `beta_min`?); it takes: beta_min=0.1, file"),
            "{error}"
        );
        assert!(SpecError::unknown_key("edm", "x", []).to_string().contains("takes none"));
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in ["", ":", ":a=1", "vp:", "vp:a", "vp:a=", "vp:=1", "vp:a=1,", "vp:a=1,a=2"] {
            assert!(text.parse::<Spec>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Ok(spec) = text.parse::<Spec>() {
                prop_assert!(!spec.name().is_empty());
                prop_assert_eq!(spec.to_string().parse(), Ok(spec));
            }
        }

        #[test]
        fn near_texts_are_read_or_refused(text in "[a-z:=,.0-9-]{0,20}") {
            let _ = text.parse::<Spec>();
        }
    }
}
