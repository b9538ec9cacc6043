use std::process::ExitCode;

use clap::Args;

use super::UserError;

#[derive(Args, Default)]
pub(super) struct StudyArguments {
    #[arg(long)]
    json: bool,
}

pub(super) fn run(_arguments: &StudyArguments) -> Result<ExitCode, UserError> {
    Ok(ExitCode::SUCCESS)
}
