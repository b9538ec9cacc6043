use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;
use driftfield_problems::data::{self, Mnist};
use driftfield_problems::echo::echo_path;
use driftfield_problems::method::Solver;
use driftfield_problems::process;
use indicatif::{ProgressBar, ProgressStyle};

use super::files::{Files, check_folder};
use super::signals::Signals;
use super::{CommandError, exit, list};
use crate::generate::{Condition, model};
use crate::metrics;
use crate::study::{
    Case, Effort, RealDigits, STUDY_FILES, STUDY_PROCESSES, Study, StudyError, answers_text,
    image_runs, standard_cases, standard_runs, terminal_table, write,
};

#[derive(Args, Default)]
pub(super) struct StudyArguments {
    /// Process to study, repeatable; by default rectified-flow, vp and brownian-bridge, with
    /// --full all
    #[arg(long)]
    process: Vec<String>,
    /// Solver to study over a ladder of budgets, repeatable; by default the standard rows
    #[arg(long)]
    solver: Vec<String>,
    /// `exact`, `trained`, or a field as `sample` takes; by default exact and trained
    #[arg(long)]
    field: Option<String>,
    /// Directory for table, pictures and report
    #[arg(long)]
    out: Option<PathBuf>,
    /// Data to compare with: `mnist:DIR` for images; for points any that `data` takes, by default
    /// that of the field, which for a network is found beside its weights or where it was trained
    #[arg(long)]
    data: Option<String>,
    #[arg(long, value_delimiter = ',', help = help_of_metrics())]
    metric: Vec<String>,
    /// Labels of the lanes of a network that knows labels, which take turns [default: all]
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    label: Vec<u32>,
    /// Weight of classifier-free guidance
    #[arg(long, allow_hyphen_values = true)]
    guidance: Option<f64>,
    /// Start of the integration
    #[arg(long, allow_hyphen_values = true)]
    t_start: Option<f64>,
    /// End of the integration
    #[arg(long, allow_hyphen_values = true)]
    t_end: Option<f64>,
    /// Lanes of every run [default: 3000, images 250; with --quick 1000 and 50, images with
    /// --full 500]
    #[arg(long, allow_negative_numbers = true)]
    lanes: Option<usize>,
    /// Fewer rows, lanes and seeds: seconds
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Every method over a ladder of budgets
    #[arg(long)]
    full: bool,
    /// Cases and seeds worked on at a time; more than one share the threads, so that the whole
    /// ends sooner and the times in the table are longer
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    jobs: u16,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

fn help_of_metrics() -> String {
    let known = list::names(&metrics::catalog());
    format!("Metrics beside the usual ones, as columns, in curves and in the files: {known}")
}

impl StudyArguments {
    fn effort(&self) -> Effort {
        match (self.quick, self.full) {
            (true, _) => Effort::Quick,
            (_, true) => Effort::Full,
            _ => Effort::Standard,
        }
    }

    fn cases(&self) -> Result<Vec<Case>, CommandError> {
        let known = process::catalog();
        let processes: Vec<&str> = match self.process.as_slice() {
            [] if self.full => known.names().collect(),
            [] => STUDY_PROCESSES.to_vec(),
            given => given.iter().map(String::as_str).collect(),
        };
        let cases = match self.field.as_deref() {
            None | Some("exact" | "trained") if self.points().is_some() => {
                return Err(CommandError::usage(
                    "the standard fields are those of the cat and compared with it; leave out --data, or give --field",
                ));
            }
            None => standard_cases(&processes, &["exact", "trained"])?,
            Some("exact") => standard_cases(&processes, &["exact"])?,
            Some("trained") => trained_cases(&processes)?,
            Some(text) => {
                let model = model::parse(text)?;
                // A network knows its process, if none is named.
                let own = model.process().filter(|_| self.process.is_empty());
                let processes = own.map_or(processes, |own| vec![own]);
                let mut cases = Vec::new();
                for process in processes {
                    cases.push(match self.points() {
                        Some(data) => Case::with_data(process, model.clone(), data)?,
                        None => Case::new(process, model.clone())?,
                    });
                }
                cases
            }
        };
        Ok(cases)
    }

    /// Where it is written; under --json nowhere unless asked for.
    fn directory(&self) -> Option<&Path> {
        let usual = (!self.json).then_some(Path::new(DEFAULT_OUT));
        self.out.as_deref().or(usual)
    }

    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        for process in &self.process {
            files.inputs_in("--process", Some(process));
        }
        files.inputs_in("--field", self.field.as_deref());
        files.inputs_in("--data", self.data.as_deref());
        if let Some(directory) = self.directory() {
            files.folder("--out", directory, &STUDY_FILES);
        }
        files
    }

    /// Refuses what no model and no data could make good.
    fn check_before_reading(&self) -> Result<(), CommandError> {
        self.files().check()?;
        if let Some(directory) = self.directory() {
            check_folder(directory, &STUDY_FILES)?;
        }
        self.solvers()?;
        for process in &self.process {
            process::parse(process)?;
        }
        for metric in &self.metric {
            metrics::by_name(metric)?;
        }
        // A data set that is in no file is known, or not, at once.
        if let Some(name) = self.points().filter(|name| data::file_of(name).is_none()) {
            data::by_name(name)?;
        }
        self.lanes(false).map(drop)
    }

    fn solvers(&self) -> Result<Vec<Solver>, CommandError> {
        Ok(self.solver.iter().map(|text| Solver::parse(text)).collect::<Result<_, _>>()?)
    }

    fn study(&self) -> Result<Study, CommandError> {
        self.check_before_reading()?;
        let cases = self.cases()?;
        let cases = cases.into_iter().map(|case| self.complete(case));
        let cases = cases.collect::<Result<Vec<_>, _>>()?;
        let images = cases.iter().any(Case::is_image);
        let lanes = self.lanes(images)?;
        let effort = self.effort();
        let solvers = self.solvers()?;
        let runs = |case: &Case| match case.is_image() {
            true => image_runs(effort, &solvers),
            false => standard_runs(&case.process, effort, &solvers),
        };
        let runs = cases.iter().map(runs).collect::<Result<_, _>>()?;
        let seeds = if self.quick || images { 1 } else { 3 };
        let seeds = (0..seeds).collect();
        // The main job builds these arguments without clap, and with its zero.
        let study = Study { cases, runs, lanes, seeds, jobs: usize::from(self.jobs.max(1)) };
        let mut study = self.beside_digits(study)?;
        study.cases.iter_mut().try_for_each(|case| self.add_metrics(case))?;
        Ok(study)
    }

    fn lanes(&self, images: bool) -> Result<usize, CommandError> {
        match self.lanes {
            Some(0) => Err(CommandError::usage("0 lanes were asked for; ask for at least one")),
            Some(lanes) => Ok(lanes),
            None => Ok(match (images, self.effort()) {
                (false, Effort::Quick) => 1000,
                (false, _) => 3000,
                (true, Effort::Quick) => 50,
                (true, Effort::Standard) => 250,
                (true, Effort::Full) => 500,
            }),
        }
    }

    /// Data that is no digits.
    fn points(&self) -> Option<&str> {
        self.data.as_deref().filter(|data| !data.starts_with(DIGITS))
    }

    /// The study beside real digits, if there are any to be read.
    fn beside_digits(&self, study: Study) -> Result<Study, CommandError> {
        let directory = self.data.as_deref().and_then(|data| data.strip_prefix(DIGITS));
        let Some(directory) = directory else { return Ok(study) };
        study.check()?;
        study.cases.iter().try_for_each(Case::check_image)?;
        let digits = RealDigits::new(&Mnist::read(directory)?, study.lanes)?;
        let cases = study.cases.into_iter().map(|case| case.beside(&digits));
        Ok(Study { cases: cases.collect::<Result<_, _>>()?, ..study })
    }

    /// The metrics that were asked for beside the usual ones.
    fn add_metrics(&self, case: &mut Case) -> Result<(), CommandError> {
        for name in &self.metric {
            let asked = metrics::by_name(name)?;
            if !case.metrics.iter().any(|metric| metric.name == asked.name) {
                case.metrics.push(asked);
            }
        }
        Ok(())
    }

    /// A case with what else was asked for.
    fn complete(&self, case: Case) -> Result<Case, CommandError> {
        let all = || (0..case.model.labels().unwrap_or(0) as u32).collect();
        let labels = if self.label.is_empty() { all() } else { self.label.clone() };
        let condition = Condition { labels, guidance: self.guidance };
        let case = case.with_condition(condition)?;
        Ok(Case { span: (self.t_start, self.t_end), ..case })
    }
}

/// A network was asked for by name, so that every process must have one.
fn trained_cases(processes: &[&str]) -> Result<Vec<Case>, CommandError> {
    let mut cases = Vec::new();
    for process in processes {
        let found = standard_cases(&[process], &["trained"])?;
        if found.is_empty() {
            return Err(CommandError::usage(format!(
                "no shipped network belongs to process `{process}`; take `--field exact`, or train one and give `--field FILE.safetensors`"
            )));
        }
        cases.extend(found);
    }
    Ok(cases)
}

/// A request found bad is the user's fault, a solution not reached is not.
fn study_failed(error: StudyError) -> CommandError {
    match error {
        StudyError::Truth { .. }
        | StudyError::Metric(_)
        | StudyError::Classifier(_)
        | StudyError::Threads(_) => CommandError::failed(error),
        other => other.into(),
    }
}

/// Where the main job writes without `--out`.
const DEFAULT_OUT: &str = "out";
/// How `--data` of digits begins.
const DIGITS: &str = "mnist:";

pub(super) fn run(arguments: &StudyArguments, signals: &Signals) -> Result<ExitCode, CommandError> {
    let mut study = arguments.study()?;
    let out = arguments.directory();
    let stop = signals.listen();
    for case in &mut study.cases {
        case.stop = stop.clone();
    }
    let bar = progress_bar(study.solves());
    let result = study.run(|label| {
        bar.set_message(label.to_owned());
        bar.inc(1);
    });
    bar.finish_and_clear();
    let result = result.map_err(study_failed)?;
    if result.cases.is_empty() {
        return Err(CommandError::failed("stopped before the first row; nothing is written"));
    }
    if arguments.json {
        exit::say(format_args!("{:#}", result.to_json()))?;
    } else {
        exit::say(terminal_table(&result))?;
        exit::say(answers_text(&result))?;
    }
    if let Some(directory) = out {
        let directory = write(&study, &result, directory).map_err(CommandError::failed)?;
        if !arguments.json {
            let report = directory.join("report.html");
            exit::say(format_args!("table, pictures and report: {}", echo_path(&report)))?;
        }
    }
    match stop.load(Ordering::Relaxed) {
        true => Err(CommandError::failed("stopped; what was finished is kept")),
        false => Ok(ExitCode::SUCCESS),
    }
}

fn progress_bar(solves: usize) -> ProgressBar {
    let bar = ProgressBar::new(solves as u64);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} [{elapsed_precise}]") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
