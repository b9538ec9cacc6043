use driftfield_networks::GuidanceError;
use driftfield_networks::imported::ImportError;
use driftfield_networks::weights::WeightsError;
use driftfield_problems::data::{DataError, MnistError};
use driftfield_problems::echo::echo;
use driftfield_problems::exact::{EmpiricalError, MixtureError};
use driftfield_problems::memory::MemoryError;
use driftfield_problems::npy::NpyError;
use driftfield_problems::process::{GaussianPath, PathError, SharedPath};
use driftfield_problems::spacing::{Spacing, SpacingError};
use driftfield_problems::spec::SpecError;
use driftfield_problems::standardisation::StandardisationError;
use driftfield_solvers::number::Number;
use driftfield_solvers::{FieldError, SolveError};

use super::model::Field;
use super::{Settings, shipped_catalog};

/// `FILE: `, unless the message names the file already.
fn named(file: &str, already: bool) -> String {
    if already { String::new() } else { format!("{}: ", echo(file)) }
}

fn forms_of_fields() -> String {
    let forms = Field::forms();
    let quoted = |standard: bool| {
        let forms = forms.names().filter(|form| Field::is_standard(form) == standard);
        forms.map(|form| format!("`{form}`")).collect::<Vec<_>>()
    };
    format!("{} (of the cat), {}", quoted(true).join(" or "), quoted(false).join(", "))
}

fn shipped_names() -> String {
    shipped_catalog().names().collect::<Vec<_>>().join(", ")
}

fn with_denoising(denoising: u64) -> &'static str {
    if denoising == 0 { "" } else { ", and for the denoising, which takes 1" }
}

fn denoising_alone(denoising: u64) -> &'static str {
    if denoising == 0 { "" } else { ", or 1 for the denoising alone" }
}

impl GenerateError {
    /// What candle refuses.
    pub(super) fn backend(error: driftfield_networks::candle_core::Error) -> Self {
        FieldError::State(driftfield_solvers::StateError::backend(error)).into()
    }

    /// The same, saying that the spacing is the path's own, if it is and the fault lies in it.
    pub(super) fn of_default(self, settings: &Settings, path: &SharedPath) -> Self {
        match self {
            GenerateError::Spacing(source @ SpacingError::TooFine { .. })
                if settings.spacing.is_none() =>
            {
                let (spacing, process) = (path.default_spacing(), path.name());
                GenerateError::DefaultSpacing { spacing, process, source }
            }
            other => other,
        }
    }
}

/// Why a generation cannot be attempted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// A name or parameter is not known.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The model's text is of no known form.
    #[error(
        "cannot read the field `{}`; write {forms}, or shipped weights: {names}", echo(_0), forms = forms_of_fields(), names = shipped_names()
    )]
    ModelForm(String),
    /// A network that does not come with the program.
    #[error(
        "no shipped network belongs to process `{}`; take `--field exact`, or train one and give `--field FILE.safetensors`",
        echo(process)
    )]
    NotShipped {
        /// The process.
        process: String,
    },
    /// A network that comes with a checkout only is not to be found.
    #[error(
        "the network `{name}` is too large to come with the program and is not there (looked for: {looked}); take it from the directory `weights` of the repository, {repository}, and say where it is in DRIFTFIELD_WEIGHTS",
        repository = env!("CARGO_PKG_REPOSITORY")
    )]
    NotCheckedOut {
        /// Its name.
        name: String,
        /// The files looked for.
        looked: String,
    },
    /// A mixture file is refused.
    #[error("{}{source}", named(.file, matches!(.source, MixtureError::Read { .. })))]
    Mixture {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: MixtureError,
    },
    /// A data file is refused.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A directory of digits is refused.
    #[error(transparent)]
    Mnist(#[from] MnistError),
    /// A data set cannot be a field.
    #[error(transparent)]
    Empirical(#[from] EmpiricalError),
    /// A weights file is refused.
    #[error("{}{source}", named(.file, matches!(.source, WeightsError::Io { .. })))]
    Weights {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: WeightsError,
    },
    /// The network's own process is not the one asked for.
    #[error(
        "the network of `{}` was trained on `{}`, not on `{asked}`; give `--process {}`",
        echo(file),
        echo(trained),
        echo(trained)
    )]
    Process {
        /// The weights file.
        file: String,
        /// Process in the weights.
        trained: String,
        /// Process asked for.
        asked: String,
    },
    /// The data of a network is not known or not readable.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The data of a network is nowhere to be found.
    #[error(
        "the weights file `{}` says that its network was trained on `{}`, which is not there (looked for: {looked}); give it with --data FILE.npy, or put it beside the weights",
        echo(weights),
        echo(data)
    )]
    NoData {
        /// The weights file.
        weights: String,
        /// The data, as its training named it.
        data: String,
        /// Where it was looked for.
        looked: String,
    },
    /// The data of a network cannot be used.
    #[error(
        "the data `{}` that the network of `{}` was trained on: {source}; give other data with --data",
        echo(data),
        echo(weights)
    )]
    NetworkData {
        /// The weights file.
        weights: String,
        /// The data, as its training named it.
        data: String,
        /// What is wrong with it.
        source: Box<DataError>,
    },
    /// Labels for a model that knows none.
    #[error(
        "{} knows no labels; leave out --label, or take a network that was trained with labels (`train --network unet`)",
        echo(model)
    )]
    NoLabels {
        /// The model.
        model: String,
    },
    /// A label that the network does not know.
    #[error("label {label} is out of range; the network knows 0 to {largest}")]
    Label {
        /// The label.
        label: u32,
        /// The largest that there is.
        largest: usize,
    },
    /// Guidance without anything to guide to.
    #[error("guidance weighs a label; give --label as well")]
    GuidanceWithoutLabel,
    /// What guidance is to be like, without any.
    #[error(
        "there is no guidance whose interval, rescaling or negative label this could be; give a weight, --guidance W, as well"
    )]
    NoGuidanceToRefine,
    /// A guidance that is none.
    #[error(transparent)]
    GuidanceForm(#[from] GuidanceError),
    /// A file of someone else's network is refused.
    #[error("{}{source}", named(.file, .source.names_its_file()))]
    Import {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: Box<ImportError>,
    },
    /// A guidance that is no finite number.
    #[error(
        "the guidance is {value}; it must be finite: 0 ignores the label, 1 is the label alone, 1.25 to 1.5 suits digits",
        value = Number(*.0)
    )]
    Guidance(f64),
    /// Steps of every lane's own with a solver that has none.
    #[error(
        "the solver `{0}` cannot take steps of every lane's own; take an adaptive one that draws no noise, such as tsit5 or dpm-solver++23 (`driftfield solvers` lists them)"
    )]
    NotPerLane(&'static str),
    /// Steps of every lane's own on a fixed grid.
    #[error("on a fixed grid all lanes take the same steps; give tolerances instead")]
    FixedPerLane,
    /// A trajectory of lanes that have no steps in common.
    #[error(
        "lanes that take steps of their own have no trajectory in common; leave out one of the two"
    )]
    PerLaneTrajectory,
    /// Corrections of steps that lanes do not have in common.
    #[error(
        "dps corrects the steps that all lanes take together; leave out steps of every lane's own, or take replacement"
    )]
    PerLaneCorrection,
    /// Labels that take turns, for lanes that leave the batch one by one.
    #[error(
        "lanes that take steps of their own can have one label only, and {0} were given; give one, or steps for all lanes"
    )]
    PerLaneLabels(usize),
    /// The states do not fit the standardisation.
    #[error(transparent)]
    Standardisation(#[from] StandardisationError),
    /// A time that the process cannot start or end at.
    #[error(transparent)]
    Time(#[from] PathError),
    /// The field is not finite at an end that was asked for.
    #[error(
        "the field cannot be used at t = {t} ({reason}); the nearest usable time is {nearest}",
        t = Number(*t), nearest = Number(*nearest)
    )]
    FieldEnd {
        /// The end.
        t: f64,
        /// What the field said there.
        reason: String,
        /// A time that can be used instead.
        nearest: f64,
    },
    /// Times could not be placed.
    #[error(transparent)]
    Spacing(#[from] SpacingError),
    /// Times could not be placed by the spacing that is taken when none is asked for.
    #[error(
        "{source} (`{spacing}` is the default spacing of `{process}`; --spacing takes another)"
    )]
    DefaultSpacing {
        /// The spacing.
        spacing: Spacing,
        /// The process.
        process: &'static str,
        /// What is wrong.
        source: SpacingError,
    },
    /// An end where the spacing finds no finite log-SNR.
    #[error(
        "`{process}` has no finite log-SNR at t = {t}, which the {}spacing `{spacing}` needs; the nearest usable time is {nearest}, or take another spacing",
        if *default { "default " } else { "" }, t = Number(*t), nearest = Number(*nearest)
    )]
    SpacingEnd {
        /// The spacing.
        spacing: Spacing,
        /// Whether it was not asked for.
        default: bool,
        /// The process.
        process: &'static str,
        /// The time.
        t: f64,
        /// A time that can be used instead.
        nearest: f64,
    },
    /// Steps before the one to the data, from a time below those that the path lays.
    #[error(
        "the steps before the last one, which leads to the data, run between t = {last} and the noise, and {t} is not above; start above it, or take one step",
        t = Number(*t), last = Number(*last)
    )]
    NoRoomBeforeData {
        /// The noisier end.
        t: f64,
        /// The last time before the data.
        last: f64,
    },
    /// The initial state does not fit the field.
    #[error(
        "the field works on {expected} component(s) a lane, the initial state has shape {found:?}"
    )]
    Dimension {
        /// Components the field takes.
        expected: usize,
        /// Shape given.
        found: Vec<usize>,
    },
    /// No lanes at all.
    #[error("0 samples were asked for; ask for at least one")]
    NoLanes,
    /// A noise level for a method that does not solve the reverse SDE.
    #[error(
        "solver `{0}` takes no noise level; leave it out, or take a solver of SDEs such as euler-maruyama"
    )]
    NoiseLevelOfOde(&'static str),
    /// A noise level for a method that has parameters for its noise.
    #[error(
        "solver `{0}` takes no noise level: its noise is set by its own parameters, such as eta or churn"
    )]
    OwnNoise(&'static str),
    /// A noise level that is negative or not finite.
    #[error("the noise level is {value}; it must be finite and not negative", value = Number(*.0))]
    NoiseLevel(f64),
    /// Encoding by a stochastic method.
    #[error(
        "solver `{0}` generates from t_start down to t_end and cannot encode; take an ODE solver"
    )]
    StochasticEncoding(&'static str),
    /// Denoising of encoded noise, which would replace it by the mean of the data.
    #[error(
        "the end of an encoding is noise, which denoising would destroy; leave out --denoise-final"
    )]
    DenoisedEncoding,
    /// Encoding without a state to encode.
    #[error(
        "t_start {start} is below t_end {end}: encoding needs an initial state",
        start = Number(*start), end = Number(*end)
    )]
    NothingToEncode {
        /// Start of the span.
        start: f64,
        /// End of the span.
        end: f64,
    },
    /// A strength that is no share of the steps.
    #[error(
        "the strength is {value}; it is the share of the steps that is made, above 0 and at most 1: 0 would leave the data as they are",
        value = Number(*.0)
    )]
    Strength(f64),
    /// A strength without data to which noise is added.
    #[error("a strength is of data that noise is added to; give them, or leave out the strength")]
    StrengthWithoutData,
    /// A strength that leaves no step.
    #[error(
        "of {steps} step(s), strength {strength} leaves none; give more steps, or a strength of at least 1/{steps}",
        strength = Number(*strength)
    )]
    NoStepLeft {
        /// The strength.
        strength: f64,
        /// Steps of the whole way, the denoising included.
        steps: usize,
    },
    /// A strength with orders that belong to all of the steps.
    #[error(
        "`{0}` uses up a number of evaluations by orders that are those of the whole way, of which no part can be made; give --steps instead of --nfe"
    )]
    StrengthOfOrders(&'static str),
    /// A strength where nothing is generated.
    #[error(
        "t_start {start} is not above t_end {end}: a strength is the share that is made of the way from noise to data",
        start = Number(*start), end = Number(*end)
    )]
    StrengthOfEncoding {
        /// Start of the span.
        start: f64,
        /// End of the span.
        end: f64,
    },
    /// Fewer evaluations than one step takes.
    #[error(
        "{nfe} evaluation(s) do not pay for one step of `{solver}`, which takes {}{}; give at least {least}{}",
        least - denoising, with_denoising(*denoising), denoising_alone(*denoising)
    )]
    BudgetTooSmall {
        /// Evaluations given.
        nfe: u64,
        /// The solver.
        solver: &'static str,
        /// Evaluations of one step, denoising included.
        least: u64,
        /// Evaluations of the denoising.
        denoising: u64,
    },
    /// More listed times than the evaluations pay for.
    #[error(
        "the {steps} step(s) of the list take {least} evaluations of `{solver}`, all included, and {nfe} were given; shorten the list or raise the number"
    )]
    TimesTooMany {
        /// Evaluations given.
        nfe: u64,
        /// The solver.
        solver: &'static str,
        /// Steps of the list.
        steps: usize,
        /// Evaluations they take, denoising included.
        least: u64,
    },
    /// More than fits in memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A technique needs the spread of data that the model says nothing of.
    #[error(
        "`{}` does not say how far its data spread, which weights files made since it is measured do; give the root of the mean variance of a component with the method, in the network's units, as `pigdm:data_std=0.5` or `replacement:data_std=0.5`, or train again",
        echo(model)
    )]
    DataStd {
        /// The model.
        model: String,
    },
    /// The solve was stopped from outside.
    #[error("the solve was stopped before its end, and nothing of it is kept")]
    Stopped,
    /// A spacing with adaptive steps.
    #[error("adaptive steps place their own times; leave out the spacing")]
    SpacingOfAdaptive,
    /// The network refused what it was told.
    #[error(transparent)]
    Network(#[from] FieldError),
    /// The solver refused its settings.
    #[error(transparent)]
    Solve(#[from] SolveError),
}
