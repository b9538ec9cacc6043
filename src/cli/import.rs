use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use driftfield_networks::imported::{ImportError, Imported};
use driftfield_networks::weights::{self, TorchLayout, TorchNetwork, TrainedNetwork};
use driftfield_networks::{Architecture, MlpConfig, UNetConfig};
use driftfield_problems::echo::echo_path;
use driftfield_problems::{predictor::ModelTime, process};
use serde_json::json;

use super::files::Files;
use super::foreign::ForeignArguments;
use super::{CommandError, exit};
use crate::generate::GenerateError;
use crate::generate::model::Foreign;

#[derive(Args)]
pub(super) struct ImportArguments {
    /// File of PyTorch, flax, NumPy or safetensors, or a folder that diffusers saved, with keys as
    /// --field takes it
    file: String,
    #[command(flatten)]
    foreign: ForeignArguments,
    /// Process it was trained on, kept with it
    #[arg(long, value_name = "P")]
    process: Option<String>,
    /// What it is given as its time (`list model-times`), kept with it
    #[arg(long, value_name = "T")]
    model_time: Option<String>,
    /// Where it goes
    #[arg(long)]
    out: PathBuf,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

impl ImportArguments {
    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.inputs_in("FILE", Some(&self.file));
        files.output("--out", &self.out);
        files
    }
}

pub(super) fn import(arguments: &ImportArguments) -> Result<ExitCode, CommandError> {
    arguments.files().check()?;
    let text = arguments.foreign.field(&arguments.file)?;
    let foreign = Foreign::parse(&text)?;
    let foreign = foreign.ok_or_else(|| {
        let file = arguments.file.clone();
        CommandError::from(GenerateError::ModelForm(file))
    })?;
    let mut told = foreign.description()?;
    if let Some(text) = &arguments.process {
        told.process = Some(process::parse(text)?.spec());
    }
    if let Some(text) = &arguments.model_time {
        text.parse::<ModelTime>()?;
        told.model_time = Some(text.clone());
    }
    let refused = |source: ImportError| {
        let file = foreign.path().display().to_string();
        CommandError::from(GenerateError::Import { file, source: Box::new(source) })
    };
    let imported = Imported::read(foreign.path(), told).map_err(refused)?;
    imported.save(&arguments.out).map_err(refused)?;
    let told = &imported.description;
    let architecture = imported.own().map(|own| own.architecture.to_owned());
    let architecture = architecture.or(told.architecture.clone()).unwrap_or_default();
    let shape = imported.row_shape();
    if arguments.json {
        exit::say(json!({ "architecture": architecture, "shape": shape, "description": told,
            "out": arguments.out }))?;
    } else {
        let out = echo_path(&arguments.out);
        exit::say(format!(
            "{architecture}, lanes of shape {shape:?}, written to {out}; use it as --field {out}"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The network of a file as PyTorch takes it.
fn for_torch<A: TorchLayout>(path: &Path) -> Result<TorchNetwork, GenerateError> {
    let file = path.display().to_string();
    match TrainedNetwork::<A>::load(path) {
        Ok(network) => weights::to_torch(&network)
            .map_err(|error| GenerateError::Import { file, source: Box::new(error.into()) }),
        Err(source) => Err(GenerateError::Weights { file, source }),
    }
}

#[derive(Args)]
pub(super) struct ExportArguments {
    /// Network made by `train`, of the architecture mlp or unet
    file: PathBuf,
    /// Where its weights go, `.safetensors` in torch's names and layout; loader.py is written beside
    #[arg(long)]
    out: PathBuf,
}

impl ExportArguments {
    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.input("FILE", &self.file);
        files.output("--out", &self.out);
        files.output("--out (loader.py)", &self.out.with_file_name("loader.py"));
        files
    }
}

pub(super) fn export(arguments: &ExportArguments) -> Result<ExitCode, CommandError> {
    arguments.files().check()?;
    let file = arguments.file.display().to_string();
    let torch = match weights::architecture_of(&arguments.file) {
        Ok(found) if found.name == UNetConfig::NAME => for_torch::<UNetConfig>(&arguments.file),
        // What is of neither is refused as no residual MLP.
        Ok(_) => for_torch::<MlpConfig>(&arguments.file),
        Err(source) => Err(GenerateError::Weights { file, source }),
    }?;
    torch.save(&arguments.out)?;
    exit::say(format!(
        "weights in torch's layout written to {}, and beside them loader.py: `network, about = \
         loader.load(FILE)`",
        echo_path(&arguments.out)
    ))?;
    Ok(ExitCode::SUCCESS)
}
