//! Reading `name:key=value,key=value`, the form in which processes, solvers
//! and spacings are named.
//!
//! ```
//! use driftfield_problems::spec::Spec;
//! let spec: Spec = "vp:beta_min=0.1,beta_max=20".parse().unwrap();
//! assert_eq!(spec.name(), "vp");
//! spec.only(&["beta_min", "beta_max"]).unwrap();
//! assert_eq!(spec.number("beta_max", 1.0).unwrap(), 20.0);
//! assert!(spec.only(&["beta_min"]).is_err());
//! ```

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
    #[error("unknown {kind} `{name}`{}; known: {known}", did_you_mean(.nearest))]
    UnknownName {
        /// What was looked for: `process`, `solver`, `spacing`.
        kind: &'static str,
        /// The name given.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
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
        /// All known keys.
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

    /// The refusal of a name that is none of `known`.
    pub fn unknown_name<'a>(
        kind: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        SpecError::UnknownName {
            kind,
            name: echo(name),
            nearest: nearest(name, known.iter().copied()).map(str::to_owned),
            known: known.join(", "),
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
    let alike = candidates
        .iter()
        .map(|&candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    // Two letters exchanged are no likeness to Jaro and Winkler: `pv`.
    let edited = || {
        candidates
            .iter()
            .map(|&candidate| (strsim::osa_distance(word, candidate), candidate))
            .filter(|(edits, _)| 2 * edits <= word.chars().count())
            .min_by_key(|(edits, _)| *edits)
    };
    alike.map(|(_, candidate)| candidate).or_else(|| edited().map(|(_, candidate)| candidate))
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
    /// What stands before the colon.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keys and values, in the order written.
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// Refuses every key that is none of `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), SpecError> {
        match self.parameters.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some((key, _)) => Err(SpecError::UnknownKey {
                name: echo(&self.name),
                key: echo(key),
                nearest: nearest(key, known.iter().copied()).map(str::to_owned),
                known: known.join(", "),
            }),
        }
    }

    /// The value of `key` as written.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// The value of `key` as a finite number.
    pub fn number(&self, key: &str, default: f64) -> Result<f64, SpecError> {
        self.parsed(key, default, "a finite number", |text| {
            text.parse().ok().filter(|value: &f64| value.is_finite())
        })
    }

    /// The value of `key` as a non-negative whole number.
    pub fn integer(&self, key: &str, default: usize) -> Result<usize, SpecError> {
        self.parsed(key, default, "a whole number", |text| text.parse().ok())
    }

    /// The value of `key` as `true` or `false`.
    pub fn boolean(&self, key: &str, default: bool) -> Result<bool, SpecError> {
        self.parsed(key, default, "`true` or `false`", |text| text.parse().ok())
    }

    /// The value of `key` as one of `choices`.
    pub fn choice<'a>(
        &self,
        key: &str,
        choices: &[&'a str],
        default: &'a str,
    ) -> Result<&'a str, SpecError> {
        self.parsed(key, default, &format!("one of {}", choices.join(", ")), |text| {
            choices.iter().copied().find(|choice| *choice == text)
        })
    }

    fn parsed<T>(
        &self,
        key: &str,
        default: T,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SpecError> {
        match self.text(key) {
            None => Ok(default),
            Some(text) => {
                parse(text).ok_or_else(|| SpecError::value(&self.name, key, text, expected))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn advice_names_the_nearest() {
        let error = SpecError::unknown_name("process", "pv", ["vp", "edm"]).to_string();
        assert!(error.contains("did you mean `vp`?); known: vp, edm"), "{error}");
        assert_eq!(nearest("xyzzy", ["vp", "edm"]), None);
        assert_eq!(nearest("", ["vp", "edm"]), None);
        let spec: Spec = "vp:betamin=1".parse().unwrap();
        let error = spec.only(&["beta_min", "beta_max"]).unwrap_err().to_string();
        assert!(error.contains("did you mean `beta_min`"), "{error}");
        let spec: Spec = "edm:x=1".parse().unwrap();
        assert!(spec.only(&[]).unwrap_err().to_string().contains("takes none"));
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in ["", ":", ":a=1", "vp:", "vp:a", "vp:a=", "vp:=1", "vp:a=1,", "vp:a=1,a=2"] {
            assert!(text.parse::<Spec>().is_err(), "{text}");
        }
        let spec: Spec = "m:order=-1,flag=yes,x=inf,kind=b".parse().unwrap();
        assert!(spec.integer("order", 1).is_err());
        assert!(spec.boolean("flag", true).is_err());
        assert!(spec.number("x", 1.0).is_err());
        assert!(spec.choice("kind", &["a", "c"], "a").is_err());
        assert_eq!(spec.choice("other", &["a", "c"], "c"), Ok("c"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            if let Ok(spec) = text.parse::<Spec>() {
                let _ = spec.number("a", 0.0);
                let _ = spec.only(&["a", "b"]);
                prop_assert!(!spec.name().is_empty());
            }
        }

        #[test]
        fn near_texts_are_read_or_refused(text in "[a-z:=,.0-9-]{0,20}") {
            let _ = text.parse::<Spec>();
        }
    }
}
