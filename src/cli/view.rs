use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use driftfield_problems::echo::{echo, echo_path};
use driftfield_problems::{atomic_file, npy, user_file};
use ndarray::{ArrayD, Axis, Slice};

use super::files::Files;
use super::{CommandError, exit};
use crate::view::View;

/// Bytes of a study at most.
const MOST_OF_STUDY: u64 = 1 << 28;

#[derive(Args)]
pub(super) struct ViewArguments {
    /// Samples `.npy` of shape [n, d] or [n, c, h, w], a trajectory of them, [times, n, ..], or the
    /// `study.json` of a study
    file: PathBuf,
    /// The page, `.html`: one file that asks for no other
    #[arg(long)]
    out: PathBuf,
    /// Lanes shown, from the first on [default: all]
    #[arg(long, allow_negative_numbers = true)]
    n: Option<usize>,
}

impl ViewArguments {
    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        files.input("what is shown", &self.file);
        files.output("--out", &self.out);
        files
    }

    fn is_study(&self) -> bool {
        extension(&self.file, "json")
    }

    /// Refuses what no file could make good.
    fn check_before_reading(&self) -> Result<(), CommandError> {
        self.files().check()?;
        if !extension(&self.out, "html") {
            return Err(CommandError::usage(format!(
                "`{}` is no page; give a name that ends in .html",
                echo_path(&self.out)
            )));
        }
        match self.n {
            Some(0) => Err(CommandError::usage("0 lanes were asked for; ask for at least one")),
            Some(_) if self.is_study() => {
                Err(CommandError::usage("a study has no lanes; leave out --n"))
            }
            _ => Ok(()),
        }
    }

    fn view(&self) -> Result<View, CommandError> {
        let title = self.file.file_name().unwrap_or_default().to_string_lossy();
        let title = echo(&title).to_string();
        let refused = |error| CommandError::usage(format!("{}: {error}", echo_path(&self.file)));
        if self.is_study() {
            let read = user_file::read(&self.file, MOST_OF_STUDY);
            let bytes = read.map_err(|error| {
                CommandError::usage(format!("cannot read {}: {error}", echo_path(&self.file)))
            })?;
            return View::of_study(title, &String::from_utf8_lossy(&bytes)).map_err(refused);
        }
        let array: ArrayD<f32> = npy::read(&self.file)?;
        View::of_array(title, &self.shown(array)).map_err(refused)
    }

    /// The first lanes, which are the second axis of a trajectory.
    fn shown(&self, mut array: ArrayD<f32>) -> ArrayD<f32> {
        let lanes = Axis(if matches!(array.ndim(), 2 | 4) { 0 } else { 1 });
        if let Some(n) = self.n {
            array.slice_axis_inplace(lanes, Slice::from(..n.min(array.len_of(lanes))));
        }
        array
    }
}

fn extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

pub(super) fn run(arguments: &ViewArguments) -> Result<ExitCode, CommandError> {
    arguments.check_before_reading()?;
    let page = arguments.view()?.to_html();
    atomic_file::write(&arguments.out, page.as_bytes()).map_err(CommandError::failed)?;
    exit::say(format_args!("{}: open it in a browser", echo_path(&arguments.out)))?;
    Ok(ExitCode::SUCCESS)
}
