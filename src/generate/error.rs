use driftfield_problems::data::MnistError;
use driftfield_problems::field::{EmpiricalError, MixtureError};
use driftfield_problems::npy::NpyError;
use driftfield_problems::process::PathError;
use driftfield_problems::spacing::SpacingError;
use driftfield_problems::spec::SpecError;
use driftfield_problems::weights::{StandardisationError, WeightsError};
use driftfield_solvers::{FieldError, SolveError};

use super::SHIPPED;

/// `FILE: `, unless the message names the file already.
fn named(file: &str, already: bool) -> String {
    if already { String::new() } else { format!("{file}: ") }
}

fn shipped_names() -> String {
    SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Why a generation cannot be attempted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// A name or parameter is not known.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The field's text is of no known form.
    #[error(
        "cannot read the field `{0}`; write `exact:FILE.json` (Gaussian mixture), `empirical:FILE.npy` or `empirical:FILE.npy:SMOOTHING`, `empirical:mnist:DIR`, `FILE.safetensors`, or shipped weights: {names}", names = shipped_names()
    )]
    FieldForm(String),
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
        "the network of `{file}` was trained on `{trained}`, not on `{asked}`; give `--process {trained}`"
    )]
    Process {
        /// The weights file.
        file: String,
        /// Process in the weights.
        trained: String,
        /// Process asked for.
        asked: String,
    },
    /// Labels for a field that knows none.
    #[error(
        "{field} knows no labels; leave out --label, or take a network that was trained with labels (`train --network unet`)"
    )]
    NoLabels {
        /// The field.
        field: String,
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
    /// A guidance that is no finite number.
    #[error(
        "the guidance is {0}; it must be finite: 0 ignores the label, 1 is the label alone, 1.25 to 1.5 suits digits"
    )]
    Guidance(f64),
    /// Steps of every lane's own with a solver that has none.
    #[error(
        "the solver `{0}` cannot take steps of every lane's own; take an adaptive one of kind runge-kutta, such as tsit5 (`driftfield solvers` lists them)"
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
    #[error("the field cannot be used at t = {t} ({reason}); the nearest usable time is {nearest}")]
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
    #[error("the noise level is {0}; it must be finite and not negative")]
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
    #[error("t_start {start} is below t_end {end}: encoding needs an initial state")]
    NothingToEncode {
        /// Start of the span.
        start: f64,
        /// End of the span.
        end: f64,
    },
    /// Fewer evaluations than one step takes.
    #[error("{nfe} evaluations do not pay for one step of `{solver}`, which takes {least}")]
    BudgetTooSmall {
        /// Evaluations given.
        nfe: u64,
        /// The solver.
        solver: &'static str,
        /// Evaluations of one step, denoising included.
        least: u64,
    },
    /// More listed times than the evaluations pay for.
    #[error(
        "the {steps} steps of the list take {least} evaluations of `{solver}`, and {nfe} were given; shorten the list or raise the number"
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
    #[error("{count} {what} take {gigabytes:.1} GB, more memory than there is; ask for fewer")]
    Memory {
        /// What there is too much of.
        what: &'static str,
        /// How many were asked for.
        count: u64,
        /// What they take.
        gigabytes: f64,
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
