use driftfield_solvers::number::Number;

use super::Key;
use crate::spec::{Spec, SpecError};

/// The values of an entry's keys: those that were given, and the defaults of the others.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    spec: &'a Spec,
    keys: &'a [Key],
}

impl<'a> Parameters<'a> {
    /// Refuses a key that is none of `keys`, and a value that its key does not take.
    pub(super) fn new(spec: &'a Spec, keys: &'a [Key]) -> Result<Self, SpecError> {
        let parameters = Parameters { spec, keys };
        for (key, value) in spec.parameters() {
            parameters.key(key)?.check(spec.name(), value)?;
        }
        Ok(parameters)
    }

    /// What they are the parameters of.
    pub fn name(&self) -> &'a str {
        self.spec.name()
    }

    /// Name and parameters as they were written.
    pub fn label(&self) -> String {
        self.spec.to_string()
    }

    /// Name and all parameters that have a value, in the order of the keys: what was asked for,
    /// the same however it was written.
    pub fn complete(&self) -> String {
        let value = |key: &Key| {
            let text = self.spec.text(key.name()).or(key.default())?;
            let number = key.number_in(self.name(), text).ok().filter(|_| key.is_number());
            let value = number.map_or_else(|| text.to_owned(), |number| Number(number).to_string());
            Some(format!("{}={value}", key.name()))
        };
        let values: Vec<String> = self.keys.iter().filter_map(value).collect();
        let colon = if values.is_empty() { "" } else { ":" };
        format!("{}{colon}{}", self.name(), values.join(","))
    }

    fn key(&self, name: &str) -> Result<&'a Key, SpecError> {
        let found = self.keys.iter().find(|key| key.name() == name);
        found.ok_or_else(|| self.unknown(name, |_| true))
    }

    /// The refusal of a key that is none of those that are `known`.
    fn unknown(&self, key: &str, known: impl Fn(&Key) -> bool) -> SpecError {
        let known = self.keys.iter().filter(|key| known(key));
        SpecError::unknown_key(self.name(), key, known.map(|key| (key.name(), key.default())))
    }

    /// Whether the value was given.
    pub fn given(&self, key: &str) -> bool {
        self.spec.text(key).is_some()
    }

    /// Refuses what was given beside `keys`, for a thing that knows others only if told so.
    pub fn only(&self, keys: &[&str]) -> Result<(), SpecError> {
        let other = self.spec.parameters().iter().find(|(key, _)| !keys.contains(&key.as_str()));
        other
            .map_or(Ok(()), |(key, _)| Err(self.unknown(key, |known| keys.contains(&known.name()))))
    }

    /// The value as text, if there is one.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, SpecError> {
        let declared = self.key(key)?;
        Ok(self.spec.text(key).or(declared.default()))
    }

    /// The same, which has to be given if there is no default.
    pub fn word(&self, key: &str) -> Result<&'a str, SpecError> {
        self.text(key)?.ok_or_else(|| match self.key(key) {
            Ok(key) => {
                let expected = format!("given: {}={}", key.name(), key.values());
                SpecError::value(self.name(), key.name(), "", expected)
            }
            Err(unknown) => unknown,
        })
    }

    /// The value as a finite number.
    pub fn number(&self, key: &str) -> Result<f64, SpecError> {
        self.key(key)?.number_in(self.name(), self.word(key)?)
    }

    /// The same, `None` if it was not given and there is no default.
    pub fn optional_number(&self, key: &str) -> Result<Option<f64>, SpecError> {
        self.text(key)?.map(|_| self.number(key)).transpose()
    }

    /// The value as a whole number.
    pub fn integer(&self, key: &str) -> Result<usize, SpecError> {
        // Not by way of `f64`, which has no room for every one of them.
        let text = self.word(key)?;
        let whole = text.parse();
        whole.map_err(|_| SpecError::value(self.name(), key, text, "a whole number"))
    }

    /// The value as `true` or `false`.
    pub fn flag(&self, key: &str) -> Result<bool, SpecError> {
        let text = self.word(key)?;
        text.parse().map_err(|_| SpecError::value(self.name(), key, text, "`true` or `false`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> [Key; 6] {
        [
            Key::number("x", 1.5, "a number"),
            Key::integer("n", 3, "how many").within("1 to 9", |n| (1.0..=9.0).contains(&n)),
            Key::flag("whole", true, "whether"),
            Key::choice("kind", &["a", "c"], "which"),
            Key::text("file", "A.npy", "where"),
            Key::number("std", 0.0, "the data's own unless given").without_default(),
        ]
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        let (spec, keys) = (Spec::of_name("m"), keys());
        let parameters = Parameters::new(&spec, &keys).unwrap();
        assert_eq!(parameters.number("x"), Ok(1.5));
        assert_eq!(parameters.integer("n"), Ok(3));
        assert_eq!(parameters.flag("whole"), Ok(true));
        assert_eq!(parameters.word("kind"), Ok("a"));
        assert_eq!(parameters.optional_number("std"), Ok(None));
        let error = parameters.word("file").unwrap_err().to_string();
        assert!(error.ends_with("file must be given: file=A.npy"), "{error}");
        assert!(matches!(parameters.number("y"), Err(SpecError::UnknownKey { .. })));
        assert!(parameters.number("kind").is_err() && parameters.integer("x").is_err());
    }

    #[test]
    fn values_are_held_to_their_declaration() {
        let keys = keys();
        for (given, expected) in [
            ("x=inf", "a finite number"),
            ("x=1e999", "a finite number"),
            ("x=one", "a finite number"),
            ("n=-1", "a whole number"),
            ("n=1.5", "a whole number"),
            ("n=10", "1 to 9"),
            ("whole=yes", "`true` or `false`"),
            ("kind=b", "one of a, c"),
            ("kin=a", "did you mean `kind`"),
        ] {
            let spec: Spec = format!("m:{given}").parse().unwrap();
            let error = Parameters::new(&spec, &keys).unwrap_err().to_string();
            assert!(error.contains(expected), "{given}: {error}");
        }
        let spec: Spec = "m:x=-2,n=9,whole=false,kind=c,file=b,std=0".parse().unwrap();
        let parameters = Parameters::new(&spec, &keys).unwrap();
        assert_eq!((parameters.number("x"), parameters.integer("n")), (Ok(-2.0), Ok(9)));
        assert_eq!((parameters.flag("whole"), parameters.word("kind")), (Ok(false), Ok("c")));
        assert_eq!(parameters.label(), spec.to_string());
        let spec: Spec = "m:n=4,x=1e1".parse().unwrap();
        let parameters = Parameters::new(&spec, &keys).unwrap();
        assert_eq!(parameters.complete(), "m:x=10,n=4,whole=true,kind=a");
        assert!(parameters.only(&["x"]).is_err() && parameters.only(&["x", "n"]).is_ok());
    }
}
