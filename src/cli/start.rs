use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use driftfield_problems::npy::{self, NpyElement};
use driftfield_solvers::Scalar;
use ndarray::Axis;

use super::CommandError;
use super::files::Files;
use crate::generate::{Condition, GenerateError, Initial, Model, check_request};

/// Units of an initial state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Units {
    /// Those of samples and trajectories
    Data,
    /// Those the process runs in, where noise has the size sigma
    Process,
}

/// What a generation starts from.
#[derive(Args, Clone)]
pub(super) struct StartArguments {
    /// Initial state at the start of the integration, `.npy`, [n, d] or [n, c, h, w]; never scaled by
    /// the process. A stochastic solver adds to row i the noise of lane i of --seed,
    /// counted from --first-lane
    #[arg(long, conflicts_with = "n")]
    init: Option<PathBuf>,
    /// Units of --init, which differ for networks and digits: those of the data, as --out and
    /// --trajectory are in, or those the process runs in, as N(0, 1) is in [default: data]
    #[arg(long, value_enum)]
    init_units: Option<Units>,
    /// Data to start near (SDEdit), `.npy`, [n, d] or [n, c, h, w], in the units of the data: noise is
    /// added, alpha(t) x + sigma(t) eps, and the last --strength of the steps are made. With --n lane i
    /// starts from row i, the rows taking turns
    #[arg(long, value_name = "FILE", conflicts_with_all = ["init", "init_units"])]
    from: Option<PathBuf>,
    /// Share of the steps that is made of those from noise to data, above 0 and at most 1: of 50 steps
    /// with 0.6 the last 30, rounded down, a denoising being one of them. Of adaptive steps the start
    /// is as far on the way, on the process's default spacing
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub(super) strength: Option<f64>,
    /// Number of samples, drawn as sigma(t_start) N(0, I) unless --from says otherwise
    #[arg(long, allow_negative_numbers = true)]
    n: Option<usize>,
    /// Seed of the draw and of the noise
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Number of the first lane: its noise and label are those of that lane of --seed, so that a large
    /// sample can be made in parts, on several machines; adaptive steps are then to be --per-lane
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..1 << 53), allow_negative_numbers = true)]
    pub(super) first_lane: u64,
}

impl StartArguments {
    /// What is read of it.
    pub(super) fn add_to(&self, files: &mut Files) {
        files.input("--init", &self.init);
        files.input("--from", &self.from);
    }

    /// Whether there is a state that is not drawn.
    pub(super) fn has_state(&self) -> bool {
        self.init.is_some() || self.from.is_some()
    }

    /// Refuses what no file could make good.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        match (&self.from, self.strength) {
            (Some(_), None) => Err(CommandError::usage(
                "--from adds noise to data; say which share of the steps is made from there, as \
                 --strength 0.6",
            )),
            (None, Some(_)) => Err(CommandError::usage(
                "--strength is of data that noise is added to; give them: --from FILE.npy",
            )),
            _ if self.n == Some(0) => Err(GenerateError::NoLanes.into()),
            _ if self.n.is_none() && !self.has_state() => Err(nothing()),
            _ => Ok(()),
        }
    }

    /// The start of so many lanes, read.
    pub(super) fn initial<T: Scalar + NpyElement>(
        &self,
        model: &dyn Model,
        condition: &Condition,
    ) -> Result<Initial<T>, CommandError> {
        if let Some(file) = &self.from {
            return self.data(file, model, condition);
        }
        match (&self.init, self.n) {
            (Some(file), _) => Ok(match self.init_units.unwrap_or(Units::Data) {
                Units::Data => Initial::State(npy::read(file)?),
                Units::Process => Initial::ProcessState(npy::read(file)?),
            }),
            (None, _) if self.init_units.is_some() => Err(CommandError::usage(
                "--init-units says what an initial state is in; give one with --init FILE.npy",
            )),
            (None, Some(lanes)) => Ok(Initial::Noise { lanes }),
            (None, None) => Err(nothing()),
        }
    }

    /// Data that noise is added to, in turns if more lanes are asked for.
    fn data<T: Scalar + NpyElement>(
        &self,
        file: &Path,
        model: &dyn Model,
        condition: &Condition,
    ) -> Result<Initial<T>, CommandError> {
        let data = npy::read::<T>(file)?;
        let Some(lanes) = self.n else { return Ok(Initial::Data(data)) };
        let rows = data.shape().first().copied().unwrap_or(0);
        if rows == 0 || data.len() / rows != model.dimension() {
            let (found, expected) = (data.shape().to_vec(), model.dimension());
            return Err(GenerateError::Dimension { found, expected }.into());
        }
        check_request::<T>(model, condition, lanes)?;
        let row = |lane: usize| ((self.first_lane + lane as u64) % rows as u64) as usize;
        let turns: Vec<usize> = (0..lanes).map(row).collect();
        Ok(Initial::Data(data.select(Axis(0), &turns)))
    }
}

fn nothing() -> CommandError {
    CommandError::usage(
        "give the initial state: --init FILE.npy, --from FILE.npy, or --n N (--seed K)",
    )
}
