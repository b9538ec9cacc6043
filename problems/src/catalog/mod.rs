//! Things chosen by name: what there is, which parameters each takes, and how one is made.
//!
//! A [`Catalog`] holds an [`Entry`] for each thing of a kind: methods, processes, spacings, data
//! sets, measurements, techniques, metrics. An entry declares its [`Key`]s, each with its
//! default, its values and one line; the command line, its help, the error messages and the
//! documentation read what is declared, and nothing else says it again.
//!
//! ```
//! use driftfield_problems::catalog::{Catalog, Entry, Key};
//!
//! let ball = Entry::new("ball", "a ball", |ball| Ok(ball.number("radius")?.powi(3)))
//!     .keys([Key::number("radius", 1.0, "half of its width").within("positive", |r| r > 0.0)]);
//! let cube = Entry::new("cube", "a cube", |_| Ok(1.0));
//! let shapes = Catalog::new("shape", [ball]).with(cube);
//!
//! assert_eq!(shapes.build("ball:radius=2"), Ok(8.0));
//! assert_eq!(shapes.build("ball"), Ok(1.0));
//! let error = shapes.build("bal").unwrap_err().to_string();
//! assert_eq!(error, "unknown shape `bal` (did you mean `ball`?); known: ball, cube");
//! let error = shapes.build("ball:radius=-1").unwrap_err().to_string();
//! assert_eq!(error, "`ball`: `radius=-1` is refused; radius must be positive");
//! let error = shapes.build("cube:radius=1").unwrap_err().to_string();
//! assert_eq!(error, "`cube` has no parameter `radius`; it takes none");
//! ```
//!
//! What other libraries call a thing is an [`Alias`] of it, which may be written wherever its name
//! may.
//!
//! ```
//! use driftfield_problems::{method, process};
//! let path = process::parse("flow").unwrap();
//! assert_eq!(path.name(), "rectified-flow");
//! let error = method::catalog().find("rk54").unwrap_err().to_string();
//! assert!(error.contains("did you mean `RK45`, which is `dopri5` here?"));
//! ```

mod alias;
#[cfg(test)]
mod documented;
mod key;
mod parameters;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use alias::{Alias, Translated};
pub use key::Key;
pub use parameters::Parameters;

use crate::spec::{Spec, SpecError, nearest};
use alias::folded;

type Build<T> = Arc<dyn Fn(&Parameters<'_>) -> Result<T, SpecError> + Send + Sync>;

/// One thing of a catalogue: its name, its parameters, and how it is made of them.
pub struct Entry<T> {
    name: Cow<'static, str>,
    summary: Cow<'static, str>,
    keys: Vec<Key>,
    build: Build<T>,
}

impl<T> Entry<T> {
    /// A thing without parameters, and `summary`, what it is in one line.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        summary: impl Into<Cow<'static, str>>,
        build: impl Fn(&Parameters<'_>) -> Result<T, SpecError> + Send + Sync + 'static,
    ) -> Self {
        Entry {
            name: name.into(),
            summary: summary.into(),
            keys: Vec::new(),
            build: Arc::new(build),
        }
    }

    /// The same with these parameters beside those it has.
    #[must_use]
    pub fn keys(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in one line.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Its parameters.
    pub fn parameters(&self) -> &[Key] {
        &self.keys
    }

    /// Makes it as `spec` says, every key and value of which must be one that is declared.
    pub fn build(&self, spec: &Spec) -> Result<T, SpecError> {
        (self.build)(&Parameters::new(spec, &self.keys)?)
    }

    /// The thing that `both` makes of this and another of the same name and parameters.
    pub(crate) fn zip<U: 'static, V>(
        self,
        other: Entry<U>,
        both: impl Fn(T, U, &Parameters<'_>) -> V + Send + Sync + 'static,
    ) -> Entry<V>
    where
        T: 'static,
    {
        let Entry { name, summary, keys, build } = self;
        let build = Arc::new(move |parameters: &Parameters<'_>| {
            Ok(both(build(parameters)?, (other.build)(parameters)?, parameters))
        });
        Entry { name, summary, keys, build }
    }
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Entry {
            name: self.name.clone(),
            summary: self.summary.clone(),
            keys: self.keys.clone(),
            build: self.build.clone(),
        }
    }
}

impl<T> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("keys", &self.keys).finish()
    }
}

/// All things of one kind, by name.
#[derive(Debug, Clone)]
pub struct Catalog<T> {
    kind: &'static str,
    entries: Vec<Entry<T>>,
    aliases: Vec<Alias>,
    forms: &'static str,
    sort: fn(&str) -> bool,
}

impl<T> Catalog<T> {
    /// The things of a `kind`, which messages name: "unknown process `...`".
    pub fn new(kind: &'static str, entries: impl IntoIterator<Item = Entry<T>>) -> Self {
        let none =
            Catalog { kind, entries: Vec::new(), aliases: Vec::new(), forms: "", sort: |_| true };
        none.with_all(entries)
    }

    /// The same with names of other libraries' beside those it has.
    #[must_use]
    pub fn aliases(mut self, aliases: impl IntoIterator<Item = Alias>) -> Self {
        self.aliases.extend(aliases);
        self
    }

    /// The same of two sorts, which `sort` tells apart by the name: an unknown name is taken for
    /// one of its own sort alone.
    #[must_use]
    pub fn of_two_sorts(mut self, sort: fn(&str) -> bool) -> Self {
        self.sort = sort;
        self
    }

    /// The same with what may be written beside a name, such as a file, for messages.
    #[must_use]
    pub fn forms(mut self, forms: &'static str) -> Self {
        self.forms = forms;
        self
    }

    /// The same with one thing more, which takes the place of one of its name.
    #[must_use]
    pub fn with(mut self, entry: Entry<T>) -> Self {
        match self.entries.iter_mut().find(|other| other.name == entry.name) {
            Some(other) => *other = entry,
            None => self.entries.push(entry),
        }
        self
    }

    pub(crate) fn with_all(self, entries: impl IntoIterator<Item = Entry<T>>) -> Self {
        entries.into_iter().fold(self, Catalog::with)
    }

    /// What the things are.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// What may be written beside the names.
    pub fn other_forms(&self) -> &'static str {
        self.forms
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(Entry::name)
    }

    /// Names of other libraries' for them.
    pub fn other_names(&self) -> &[Alias] {
        &self.aliases
    }

    /// Those that are names of one of them, with whatever parameters.
    pub fn other_names_of<'a>(&'a self, entry: &'a Entry<T>) -> impl Iterator<Item = &'a Alias> {
        let is_of = |alias: &&Alias| alias.ours().split(':').next() == Some(entry.name());
        self.aliases.iter().filter(is_of)
    }

    /// The thing of that name, or of that name of another library's.
    pub fn find(&self, name: &str) -> Result<&Entry<T>, SpecError> {
        let of = |name: &str| self.entries.iter().find(|entry| entry.name == name);
        let spec = || self.in_our_names(&Spec::of_name(name));
        of(name).or_else(|| of(spec()?.1.name())).ok_or_else(|| self.unknown(name))
    }

    /// The thing written `name` or `name:key=value,key=value`.
    pub fn build(&self, text: &str) -> Result<T, SpecError> {
        let spec: Spec = text.parse()?;
        let spec = self.in_our_names(&spec).map_or(spec, |(_, ours)| ours);
        self.find(spec.name())?.build(&spec)
    }

    /// `text` in names of ours, if it has another library's.
    pub fn translated(&self, text: &str) -> Option<Translated> {
        let spec: Spec = text.parse().ok()?;
        let (alias, ours) = self.in_our_names(&spec)?;
        let (text, alias) = (ours.to_string(), alias.clone());
        Some(Translated { kind: self.kind, given: spec, text, alias })
    }

    /// What has another library's name, in ours; nothing of what has one of ours, or none.
    fn in_our_names(&self, spec: &Spec) -> Option<(&Alias, Spec)> {
        if self.names().any(|name| name == spec.name()) {
            return None;
        }
        let name = folded(spec.name());
        let exactly = self.aliases.iter().find(|alias| alias.name() == spec.name());
        let alias =
            exactly.or_else(|| self.aliases.iter().find(|alias| folded(alias.name()) == name))?;
        Some((alias, alias.put(spec)?))
    }

    /// The refusal of a name, with the one of its sort that is likely meant.
    fn unknown(&self, name: &str) -> SpecError {
        let error = SpecError::unknown_name(self.kind, name, self.names(), self.forms);
        let (word, sort) = (folded(name), (self.sort)(name));
        let ours = self.names().map(|known| (known, None));
        let others = self.aliases.iter().map(|alias| (alias.name(), Some(alias.ours())));
        let mut candidates: Vec<(String, &str, Option<&str>)> = Vec::new();
        for (known, means) in ours.chain(others).filter(|(known, _)| (self.sort)(known) == sort) {
            let word = folded(known);
            // An alias that reads like a name says nothing beside it.
            if !candidates.iter().any(|(before, ..)| *before == word) {
                candidates.push((word, known, means));
            }
        }
        let found = nearest(&word, candidates.iter().map(|(word, ..)| word.as_str()));
        let found = candidates.iter().find(|(word, ..)| Some(word.as_str()) == found);
        error.likely(found.map(|(_, known, means)| (*known, *means)))
    }

    /// Every thing with its defaults; those that have a parameter without one are left out.
    pub fn defaults(&self) -> impl Iterator<Item = T> {
        self.entries.iter().filter_map(|entry| entry.build(&Spec::of_name(entry.name())).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_same_name_takes_the_place() {
        let entry = |value: u32| Entry::new("a", "", move |_| Ok(value));
        let catalog = Catalog::new("number", [entry(1), Entry::new("b", "", |_| Ok(2))]);
        let catalog = catalog.with(entry(3));
        assert_eq!(catalog.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(catalog.build("a"), Ok(3));
        assert_eq!(catalog.defaults().collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn forms_are_named_with_the_names() {
        let catalog = Catalog::new("number", [Entry::new("a", "", |_| Ok(1))]).forms("FILE.npy");
        let error = catalog.build("x").unwrap_err().to_string();
        assert_eq!(error, "unknown number `x`; known: a, FILE.npy");
    }
}
