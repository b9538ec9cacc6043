//! Other names and layouts, by rules that are data.

use candle_core::Tensor;
use driftfield_problems::echo::echo;
use driftfield_problems::spec;
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::{Layout, NamedTensors, TensorsError};

/// What becomes of the tensors whose name a pattern matches.
///
/// In a pattern `*` stands for some characters of one segment and `**` for some characters, dots
/// included; in `to` the same wildcards, in the same order, are what they stood for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The pattern: `net.*.weight`.
    pub from: String,
    /// The new name: `layers.*.weight`; none keeps the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Another order of the axes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Whether the tensors are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Rule {
    /// New names.
    pub fn rename(from: impl Into<String>, to: impl Into<String>) -> Self {
        Rule { to: Some(to.into()), ..Rule::keep(from) }
    }

    /// Another order of the axes.
    pub fn layout(from: impl Into<String>, layout: Layout) -> Self {
        Rule { layout: Some(layout), ..Rule::keep(from) }
    }

    /// Tensors that are left out.
    pub fn drop(from: impl Into<String>) -> Self {
        Rule { drop: true, ..Rule::keep(from) }
    }

    fn keep(from: impl Into<String>) -> Self {
        Rule { from: from.into(), to: None, layout: None, drop: false }
    }

    /// The same with another order of the axes.
    pub fn with_layout(mut self, layout: Layout) -> Self {
        self.layout = Some(layout);
        self
    }
}

/// Rules, followed one after the other, each on what the ones before it left. A rule that matches
/// no tensor is an error: it was written for another file.
///
/// ```
/// use driftfield_networks::candle_core::{DType, Device, Tensor};
/// use driftfield_networks::tensors::{NamedTensors, Renaming};
///
/// let rules = r#"[
///     {"from": "module.**", "to": "**"},
///     {"from": "net.*.kernel", "to": "layers.*.weight", "layout": "transpose"},
///     {"from": "**.num_batches_tracked", "drop": true}
/// ]"#;
/// let mut tensors = NamedTensors::new();
/// let zeros = |shape: (usize, usize)| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
/// tensors.insert("module.net.0.kernel", zeros((2, 3))).unwrap();
/// tensors.insert("module.norm.num_batches_tracked", zeros((1, 1))).unwrap();
/// let renamed = tensors.rename(&Renaming::from_json(rules).unwrap()).unwrap();
/// assert_eq!(renamed.names().collect::<Vec<_>>(), ["layers.0.weight"]);
/// assert_eq!(renamed.get("layers.0.weight").unwrap().dims(), [3, 2]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Renaming {
    /// The rules, in the order in which they are followed.
    pub rules: Vec<Rule>,
}

impl From<Vec<Rule>> for Renaming {
    fn from(rules: Vec<Rule>) -> Self {
        Renaming { rules }
    }
}

impl Renaming {
    /// Reads rules from a JSON list.
    pub fn from_json(text: &str) -> Result<Self, TensorsError> {
        serde_json::from_str(text).map_err(|error| TensorsError::Rules(echo(&error.to_string())))
    }
}

impl NamedTensors {
    /// The tensors under other names and in other layouts.
    pub fn rename(&self, renaming: &Renaming) -> Result<NamedTensors, TensorsError> {
        let mut tensors = self.clone();
        for (index, rule) in renaming.rules.iter().enumerate() {
            tensors = Compiled::new(index + 1, rule)?.follow(&tensors)?;
        }
        Ok(tensors)
    }
}

/// A rule with its patterns read.
struct Compiled<'r> {
    number: usize,
    rule: &'r Rule,
    from: Pattern,
    to: Option<Pattern>,
}

impl<'r> Compiled<'r> {
    fn new(number: usize, rule: &'r Rule) -> Result<Self, TensorsError> {
        let wrong = |reason| refusal(number, rule, reason);
        let from = Pattern::parse(&rule.from).map_err(wrong)?;
        let to = rule.to.as_deref().map(Pattern::parse).transpose().map_err(wrong)?;
        let compiled = Compiled { number, rule, from, to };
        match &compiled.to {
            Some(_) if rule.drop => {
                Err(wrong("it drops what it renames; take `drop` or `to`".to_owned()))
            }
            Some(to) if !to.same_wildcards(&compiled.from) => Err(wrong(format!(
                "the wildcards of `{}` are not those of its pattern, in the same order",
                echo(rule.to.as_deref().unwrap_or_default())
            ))),
            _ => Ok(compiled),
        }
    }

    fn follow(&self, tensors: &NamedTensors) -> Result<NamedTensors, TensorsError> {
        let mut result = NamedTensors::new();
        let mut matched = false;
        for (name, tensor) in tensors.iter() {
            let Some(values) = self.from.matches(name) else {
                result.insert(name, tensor.clone())?;
                continue;
            };
            matched = true;
            if !self.rule.drop {
                let renamed = self.to.as_ref().map(|to| to.filled(&values));
                let tensor = self.laid_out(name, tensor)?;
                result.insert(renamed.unwrap_or_else(|| name.to_owned()), tensor)?;
            }
        }
        if matched { Ok(result) } else { Err(self.unmatched(tensors)) }
    }

    fn laid_out(&self, name: &str, tensor: &Tensor) -> Result<Tensor, TensorsError> {
        let Some(layout) = self.rule.layout else { return Ok(tensor.clone()) };
        layout.apply(tensor)?.ok_or_else(|| TensorsError::Shape {
            name: echo(name),
            expected: format!("{} for rule {}", layout.takes(), self.number),
            found: tensor.dims().to_vec(),
        })
    }

    fn unmatched(&self, tensors: &NamedTensors) -> TensorsError {
        let nearest = spec::nearest(&self.rule.from, tensors.names());
        let nearest = nearest.or_else(|| tensors.names().next());
        let reason = match nearest {
            Some(name) => {
                format!("it matches no tensor, the nearest is `{}`; mend its pattern", echo(name))
            }
            None => "there are no tensors left for it".to_owned(),
        };
        refusal(self.number, self.rule, reason)
    }
}

fn refusal(number: usize, rule: &Rule, reason: String) -> TensorsError {
    TensorsError::Rule { number, from: echo(&rule.from), reason }
}
