use std::fmt::Display;

use driftfield_solvers::number::Number;

use crate::spec::SpecError;

/// A parameter of an [`Entry`](super::Entry): its name, its default, its values, and what it does.
#[derive(Debug, Clone)]
pub struct Key {
    name: &'static str,
    default: Option<String>,
    values: Values,
    range: Option<Range>,
    about: &'static str,
}

/// What may be written for a value.
#[derive(Debug, Clone, Copy)]
enum Values {
    Number,
    Integer,
    Flag,
    Choice(&'static [&'static str]),
    Text(&'static str),
}

/// What a number must be, in words and in deed.
#[derive(Debug, Clone, Copy)]
struct Range {
    words: &'static str,
    holds: fn(f64) -> bool,
}

/// Keys of all five sorts, each with its default.
impl Key {
    /// A finite number.
    pub fn number(name: &'static str, default: f64, about: &'static str) -> Self {
        Key::new(name, Some(Number(default).to_string()), Values::Number, about)
    }

    /// A whole number, 0 or more.
    pub fn integer(name: &'static str, default: usize, about: &'static str) -> Self {
        Key::new(name, Some(default.to_string()), Values::Integer, about)
    }

    /// `true` or `false`.
    pub fn flag(name: &'static str, default: bool, about: &'static str) -> Self {
        Key::new(name, Some(default.to_string()), Values::Flag, about)
    }

    /// One of `choices`, the first of which is the default.
    pub fn choice(
        name: &'static str,
        choices: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        let default = choices.first().map(|&choice| choice.to_owned());
        Key::new(name, default, Values::Choice(choices), about)
    }

    /// Any text, of which `values` says what it may be, such as `FILE.npy`. There is no default
    /// until [one is given](Key::or).
    pub fn text(name: &'static str, values: &'static str, about: &'static str) -> Self {
        Key::new(name, None, Values::Text(values), about)
    }

    fn new(
        name: &'static str,
        default: Option<String>,
        values: Values,
        about: &'static str,
    ) -> Self {
        Key { name, default, values, range: None, about }
    }

    /// The same with another default.
    #[must_use]
    pub fn or(mut self, default: impl Display) -> Self {
        self.default = Some(default.to_string());
        self
    }

    /// The same without a default: what is done without it, `about` says.
    #[must_use]
    pub fn without_default(mut self) -> Self {
        self.default = None;
        self
    }

    /// The same with its number held to a range: `words` as in "must be `words`".
    #[must_use]
    pub fn within(mut self, words: &'static str, holds: fn(f64) -> bool) -> Self {
        self.range = Some(Range { words, holds });
        self
    }

    /// The same, and positive.
    #[must_use]
    pub fn positive(self) -> Self {
        self.within("positive", |value| value > 0.0)
    }

    /// The same, and at least 0.
    #[must_use]
    pub fn not_negative(self) -> Self {
        self.within("at least 0", |value| value >= 0.0)
    }

    /// Name, before the `=`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What is taken if it is left out; `None` if it has to be given, or if that is said in
    /// [`Key::about`].
    pub fn default(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// What it does.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// The words it takes, if these are few.
    pub fn choices(&self) -> &'static [&'static str] {
        match self.values {
            Values::Choice(choices) => choices,
            Values::Flag => &["true", "false"],
            _ => &[],
        }
    }

    /// What a value must be, as in "must be ...".
    pub fn values(&self) -> String {
        if let Some(range) = self.range {
            return range.words.to_owned();
        }
        match self.values {
            Values::Number => "a finite number".to_owned(),
            Values::Integer => "a whole number".to_owned(),
            Values::Flag => "`true` or `false`".to_owned(),
            Values::Choice(choices) => format!("one of {}", choices.join(", ")),
            Values::Text(values) => values.to_owned(),
        }
    }

    /// Whether it takes a number that is not counted.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.values, Values::Number)
    }

    /// `value` as a number, for keys that take one; what is no number is refused as the value of
    /// `entry`'s parameter.
    pub(super) fn number_in(&self, entry: &str, value: &str) -> Result<f64, SpecError> {
        let read = match self.values {
            Values::Integer => value.parse::<usize>().ok().map(|whole| whole as f64),
            _ => value.parse::<f64>().ok().filter(|number| number.is_finite()),
        };
        let sort = || Key { range: None, ..self.clone() }.values();
        let number = read.ok_or_else(|| SpecError::value(entry, self.name, value, sort()))?;
        match self.range {
            Some(range) if !(range.holds)(number) => {
                Err(SpecError::value(entry, self.name, value, range.words))
            }
            _ => Ok(number),
        }
    }

    /// Refuses a value that the key does not take.
    pub(super) fn check(&self, entry: &str, value: &str) -> Result<(), SpecError> {
        match self.values {
            Values::Number | Values::Integer => self.number_in(entry, value).map(drop),
            Values::Flag | Values::Choice(_) if !self.choices().contains(&value) => {
                Err(SpecError::value(entry, self.name, value, self.values()))
            }
            _ => Ok(()),
        }
    }
}
