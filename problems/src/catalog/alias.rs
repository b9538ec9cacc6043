use std::borrow::Cow;
use std::fmt;

use crate::echo::echo;
use crate::spec::Spec;

/// Another name of a thing: a word of another library's, and what is the same here.
///
/// It is matched exactly first, then with capitals and small letters alike, and `-`, `_` and the
/// space alike. An alias that reads like a name of ours is one of that very thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    name: Cow<'static, str>,
    ours: &'static str,
    whose: &'static str,
    spacing: Option<&'static str>,
    only: Option<&'static str>,
}

impl Alias {
    /// `name`, a word of `whose`, for `ours`, written `name` or `name:key=value`.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        ours: &'static str,
        whose: &'static str,
    ) -> Self {
        Alias { name: name.into(), ours, whose, spacing: None, only: None }
    }

    /// The same, whose name says a spacing as well, as `Karras` in `DPM++ 2M Karras`.
    #[must_use]
    pub fn spacing(mut self, spacing: &'static str) -> Self {
        self.spacing = Some(spacing);
        self
    }

    /// The same, which holds `only` with what it says, as "with skip_prk_steps=True".
    #[must_use]
    pub fn only(mut self, only: &'static str) -> Self {
        self.only = Some(only);
        self
    }

    /// The other name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is here.
    pub fn ours(&self) -> &'static str {
        self.ours
    }

    /// Whose name it is.
    pub fn whose(&self) -> &'static str {
        self.whose
    }

    /// The spacing that it says beside.
    pub fn said_spacing(&self) -> Option<&'static str> {
        self.spacing
    }

    /// What it holds with only.
    pub fn said_only(&self) -> Option<&'static str> {
        self.only
    }

    /// `spec`, which has the other name, in ours: what it gives itself comes before what the name
    /// stands for.
    pub(super) fn put(&self, spec: &Spec) -> Option<Spec> {
        self.ours.parse::<Spec>().ok().map(|ours| ours.under(spec))
    }
}

/// A text that has another library's name, in ours.
///
/// ```
/// use driftfield_problems::method;
/// let told = method::catalog().translated("dpmpp_2m:start=heun").unwrap();
/// assert_eq!(told.text(), "dpm-solver++2m:lower_order_final=false,start=heun");
/// let said = "solver `dpmpp_2m` is `dpm-solver++2m:lower_order_final=false` here";
/// assert_eq!(told.to_string(), said);
/// assert!(method::catalog().translated("heun").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    pub(super) kind: &'static str,
    pub(super) given: Spec,
    pub(super) text: String,
    pub(super) alias: Alias,
}

impl Translated {
    /// The text that was given, its parameters included.
    pub fn given(&self) -> String {
        self.given.to_string()
    }

    /// The text with the name and the parameters of ours.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The other name.
    pub fn alias(&self) -> &Alias {
        &self.alias
    }
}

impl fmt::Display for Translated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` is `{}` here", self.kind, echo(self.given.name()), self.alias.ours)?;
        self.alias.only.map_or(Ok(()), |only| write!(f, " ({only})"))
    }
}

/// A name as names are compared when they are not equal.
pub(super) fn folded(name: &str) -> String {
    let letter = |letter: char| if matches!(letter, '_' | ' ') { '-' } else { letter };
    name.trim().to_lowercase().chars().map(letter).collect()
}
