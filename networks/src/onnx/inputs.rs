//! Which input of a graph is what.

use rten::{DataType, Dimension, Model, NodeId, ValueType};

use super::OnnxError;

/// Names of a graph's inputs and output, each where the usual ones are not meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputNames {
    /// The state: `x`, `sample`, `noisy`, ..., or the only input of two axes or more.
    pub state: Option<String>,
    /// Time, or the noise level: `t`, `timestep`, `sigma`, ..., or the only input of numbers beside
    /// the state that has no more than one axis.
    pub time: Option<String>,
    /// Labels: `labels`, `class_labels`, `y`, ...
    pub labels: Option<String>,
    /// The output: the first.
    pub output: Option<String>,
}

const STATES: &[&str] = &[
    "x",
    "xt",
    "x_t",
    "sample",
    "noisy",
    "noisy_sample",
    "state",
    "latent",
    "latents",
    "input",
    "z",
];
const TIMES: &[&str] = &["t", "time", "times", "timestep", "timesteps", "temb_time"];
const LEVELS: &[&str] = &["sigma", "sigmas", "noise_level", "noise_levels"];
const LABELS: &[&str] =
    &["labels", "label", "class_labels", "class_label", "classes", "class", "y"];

/// An input of a graph.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub id: NodeId,
    pub name: String,
    /// `None` where the size is known when it is run.
    pub shape: Option<Vec<Option<usize>>>,
    pub whole: bool,
}

impl Input {
    fn axes(&self) -> Option<usize> {
        self.shape.as_ref().map(Vec::len)
    }

    /// Whether it takes one number for each lane, as far as the graph says.
    pub fn by_lane(&self) -> bool {
        !matches!(self.shape.as_deref(), Some([] | [Some(1)]))
    }
}

/// All inputs, with what each is.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    pub state: Input,
    pub time: Option<Input>,
    pub labels: Option<Input>,
    /// Conditions by their names.
    pub others: Vec<Input>,
}

impl Inputs {
    /// Finds out.
    pub fn of(model: &Model, names: &InputNames) -> Result<Self, OnnxError> {
        let mut rest: Vec<Input> = model.input_ids().iter().map(|&id| input(model, id)).collect();
        let all = written(&rest);
        let mut find = |role: Role| find(&mut rest, role, role.given(names), &all);
        let state = find(Role::State)?;
        let (time, labels) = (find(Role::Time)?, find(Role::Labels)?);
        let missing = || OnnxError::Input { role: "state", inputs: all.clone() };
        Ok(Inputs { state: state.ok_or_else(missing)?, time, labels, others: rest })
    }

    /// Whether what it calls its time is the noise's size.
    pub fn time_is_level(&self) -> bool {
        self.time.as_ref().is_some_and(|time| is_one_of(&time.name, LEVELS))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    State,
    Time,
    Labels,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::State => "state",
            Role::Time => "time",
            Role::Labels => "labels",
        }
    }

    fn given(self, names: &InputNames) -> Option<&str> {
        match self {
            Role::State => names.state.as_deref(),
            Role::Time => names.time.as_deref(),
            Role::Labels => names.labels.as_deref(),
        }
    }

    fn usual(self, name: &str) -> bool {
        match self {
            Role::State => is_one_of(name, STATES),
            Role::Time => is_one_of(name, TIMES) || is_one_of(name, LEVELS),
            Role::Labels => is_one_of(name, LABELS),
        }
    }

    /// Whether an input can be it.
    fn suits(self, input: &Input) -> bool {
        match self {
            Role::State => !input.whole && input.axes().is_none_or(|axes| axes >= 2),
            Role::Time => input.axes().is_none_or(|axes| axes <= 2),
            Role::Labels => input.whole,
        }
    }

    fn unsuited(self) -> &'static str {
        match self {
            Role::State => "it has to hold numbers with a fraction, a row for each lane",
            Role::Time => "it has to hold one number for each lane, or one",
            Role::Labels => "it has to hold whole numbers",
        }
    }
}

fn is_one_of(name: &str, usual: &[&str]) -> bool {
    usual.iter().any(|usual| name.eq_ignore_ascii_case(usual))
}

/// Takes the input that was named, or has a usual name, or is the only one that it can be.
fn find(
    rest: &mut Vec<Input>,
    role: Role,
    given: Option<&str>,
    all: &str,
) -> Result<Option<Input>, OnnxError> {
    if let Some(name) = given {
        let refused = |reason| OnnxError::Named {
            role: role.name(),
            name: name.to_owned(),
            reason,
            inputs: all.to_owned(),
        };
        let at = rest.iter().position(|input| input.name == name);
        let at = at.ok_or_else(|| refused("there is no such input"))?;
        return match role.suits(&rest[at]) {
            true => Ok(Some(rest.remove(at))),
            false => Err(refused(role.unsuited())),
        };
    }
    let suited = |input: &Input| role.suits(input);
    let named: Vec<usize> =
        (0..rest.len()).filter(|&at| suited(&rest[at]) && role.usual(&rest[at].name)).collect();
    let only: Vec<usize> = (0..rest.len())
        .filter(|&at| suited(&rest[at]) && (role == Role::State || !rest[at].whole))
        .filter(|&at| role != Role::Time || rest[at].axes().is_some_and(|axes| axes <= 1))
        .collect();
    match (&named[..], &only[..]) {
        (&[at], _) => Ok(Some(rest.remove(at))),
        // Labels have no look of their own.
        ([], &[at]) if role != Role::Labels => Ok(Some(rest.remove(at))),
        ([], []) | ([], _) if role != Role::State => Ok(None),
        _ => Err(OnnxError::Input { role: role.name(), inputs: all.to_owned() }),
    }
}

fn input(model: &Model, id: NodeId) -> Input {
    let info = model.node_info(id);
    let size = |dimension: Dimension| match dimension {
        Dimension::Fixed(size) => Some(size),
        Dimension::Symbolic(_) => None,
    };
    let shape = info.as_ref().and_then(|info| info.shape());
    let kind = info.as_ref().and_then(|info| info.dtype());
    Input {
        id,
        name: info.as_ref().and_then(|info| info.name()).unwrap_or_default().to_owned(),
        shape: shape.map(|shape| shape.into_iter().map(size).collect()),
        whole: matches!(kind, Some(ValueType::Tensor(kind)) if kind != DataType::Float),
    }
}

/// `x [?, 3, 32, 32], t [?]`.
fn written(inputs: &[Input]) -> String {
    let size = |size: &Option<usize>| size.map_or("?".to_owned(), |size| size.to_string());
    let one = |input: &Input| {
        let name = driftfield_problems::echo::echo(&input.name);
        match &input.shape {
            Some(shape) => {
                format!("`{name}` [{}]", shape.iter().map(size).collect::<Vec<_>>().join(", "))
            }
            None => format!("`{name}`"),
        }
    };
    inputs.iter().map(one).collect::<Vec<_>>().join(", ")
}
