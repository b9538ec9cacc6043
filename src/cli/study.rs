use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use driftfield_problems::echo::{echo, echo_path};
use indicatif::{ProgressBar, ProgressStyle};

use super::files::{Files, check_folder, only_in};
use super::foreign::ForeignArguments;
use super::pictures::PictureArguments;
use super::signals::Signals;
use super::table::{ShapeArguments, terminal_width};
use super::{CommandError, exit, list};
use crate::distinct::distinct;
use crate::generate::model::{self, Field};
use crate::metrics;
use crate::plot::PictureStyle;
use crate::study::{
    Asked, Drawing, Group, Origin, Progress, Row, STUDY_FILES, Study, StudyError, StudyFile,
    StudyResult, TableFormat, TableOptions, answers_text, differences, errors_along, is_image,
    unfinished, write, write_so_far,
};

#[derive(Args, Default)]
pub(super) struct StudyArguments {
    /// Study file (TOML) or a study of `driftfield list studies`, which options change; by default
    /// cat, of images digits
    file: Option<PathBuf>,
    /// Process to study, repeatable; by default a network's own, else rectified-flow, vp and
    /// brownian-bridge, with --full all
    #[arg(long)]
    process: Vec<String>,
    /// Solver to study, repeatable, or `every stochastic`, `every adaptive deterministic`, ...; by
    /// default the standard rows
    #[arg(long)]
    solver: Vec<String>,
    /// Field, as `sample` takes it, repeatable; by default exact and trained
    #[arg(long)]
    field: Vec<String>,
    #[command(flatten)]
    foreign: ForeignArguments,
    /// Budgets of evaluations
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    nfe: Vec<u64>,
    /// Budgets of steps
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    steps: Vec<usize>,
    /// Tolerances of adaptive steps, absolute and relative alike
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    tolerance: Vec<f64>,
    /// Most evaluations of adaptive steps: a row that would take more ends before, and says so
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    max_nfe: Option<u64>,
    /// Spacing of fixed grids, repeatable; `default` is the process's own
    #[arg(long)]
    spacing: Vec<String>,
    /// Noise levels of solvers of the reverse SDE
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    noise_level: Vec<f64>,
    /// Weights of classifier-free guidance
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    guidance: Vec<f64>,
    /// Seeds, each with its own noise and its own draw of the data
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    seed: Vec<u64>,
    /// Directory for table, pictures and report
    #[arg(long)]
    out: Option<PathBuf>,
    /// Data to compare with: `mnist:DIR` for images; for points any that `data` takes, by default
    /// that of the field, which for a network is found beside its weights or where it was trained
    #[arg(long)]
    data: Option<String>,
    #[command(flatten)]
    shape: ShapeArguments,
    #[arg(long, value_delimiter = ',', help = help_of_metrics())]
    metric: Vec<String>,
    /// Labels of the lanes of a network that knows labels, which take turns [default: all]
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true)]
    label: Vec<u32>,
    /// Start of the integration
    #[arg(long, allow_hyphen_values = true)]
    t_start: Option<f64>,
    /// End of the integration
    #[arg(long, allow_hyphen_values = true)]
    t_end: Option<f64>,
    /// Lanes of every run
    #[arg(long, alias = "lanes", allow_negative_numbers = true)]
    n: Option<usize>,
    /// Fewer rows, lanes and seeds: seconds (studies/cat-quick.toml)
    #[arg(long, conflicts_with_all = ["full", "file"])]
    quick: bool,
    /// Every method over a ladder of budgets (studies/cat-full.toml)
    #[arg(long, conflicts_with = "file")]
    full: bool,
    /// Cases and seeds worked on at a time; more than one share the threads, so that the whole
    /// ends sooner and the times in the table are longer
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    jobs: u16,
    /// Make every solve so many times, for the median and the spread of its time
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    repeat_timing: Option<u16>,
    #[arg(long, value_delimiter = ',', help = help_of_drawings())]
    draw: Vec<Drawing>,
    #[command(flatten)]
    pictures: PictureArguments,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
    /// Print the study file that the options amount to, and run nothing
    #[arg(long, conflicts_with_all = ["json", "repeat"])]
    print: bool,
    /// Make the study of this study.json again, and say which figures changed; paths in it are
    /// relative to where this is run
    #[arg(long, conflicts_with_all = ["file", "quick", "full", "process", "solver", "field", "nfe",
        "steps", "tolerance", "max_nfe", "spacing", "noise_level", "guidance", "seed", "data", "metric",
        "label", "t_start", "t_end", "n", "repeat_timing", "draw", "picture_width", "font_size", "font",
        "titles"])]
    repeat: Option<PathBuf>,
}

fn help_of_metrics() -> String {
    let known = list::names(&metrics::catalog());
    format!("Metrics beside the usual ones, as columns, in curves and in the files: {known}")
}

fn help_of_drawings() -> String {
    let usual = Drawing::USUAL.map(Drawing::name).join(", ");
    format!("Kinds of pictures to draw, of {} [default: {usual}]", list::names(&Drawing::catalog()))
}

/// A list that was given.
fn given<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

impl StudyArguments {
    /// The fields, with what is said of files of other people's networks.
    fn fields(&self) -> Result<Vec<String>, CommandError> {
        let said = |field: &String| match Field::is_standard(field) {
            true => Ok(field.clone()),
            false => self.foreign.field(field),
        };
        self.field.iter().map(said).collect()
    }

    /// The study file before the options.
    fn base(&self) -> Result<StudyFile, CommandError> {
        if let Some(path) = &self.file {
            return Ok(StudyFile::open(path)?);
        }
        let mut images = false;
        for field in self.fields()?.iter().filter(|field| !Field::is_standard(field)) {
            images |= is_image(&*model::parse(field)?);
        }
        let subject = if images { "digits" } else { "cat" };
        let effort = match (self.quick, self.full) {
            (true, _) => "-quick",
            (_, true) => "-full",
            _ => "",
        };
        Ok(StudyFile::preset(&format!("{subject}{effort}"))?)
    }

    /// The study file that the options amount to.
    fn study_file(&self) -> Result<StudyFile, CommandError> {
        let base = self.base()?;
        let process = given(&self.process).or_else(|| {
            // A network knows its own process, if none is named.
            let own = self.field.iter().any(|field| !Field::is_standard(field));
            let usual = base.usual.process.clone().unwrap_or_default();
            own.then(|| distinct([vec!["own".to_owned()], usual].concat()))
        });
        let mut file = base.with(Group {
            field: given(&self.fields()?),
            process,
            solver: given(&self.solver),
            nfe: given(&self.nfe),
            steps: given(&self.steps),
            tolerance: given(&self.tolerance),
            max_nfe: self.max_nfe,
            spacing: given(&self.spacing),
            noise_level: given(&self.noise_level),
            guidance: given(&self.guidance),
        });
        file.n = self.n.unwrap_or(file.n);
        file.seed = given(&self.seed).unwrap_or(file.seed);
        file.draw = given(&self.draw).or(file.draw).map(distinct);
        file.repeat_timing = self.repeat_timing.map(usize::from).or(file.repeat_timing);
        file.data = self.data.clone().or(file.data);
        file.metric.extend(self.metric.clone());
        file.label = given(&self.label).unwrap_or(file.label);
        file.t_start = self.t_start.or(file.t_start);
        file.t_end = self.t_end.or(file.t_end);
        let style = self.pictures.over(file.picture_style());
        Ok(file.in_style(style))
    }

    /// Where it is written; under --json and --repeat nowhere unless asked for.
    fn directory(&self) -> Option<&Path> {
        let writes = !self.json && self.repeat.is_none();
        self.out.as_deref().or(writes.then_some(Path::new(DEFAULT_OUT)))
    }

    /// All that is read and written.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        let is_shipped = |path: &&PathBuf| {
            let name = StudyFile::preset_named(path);
            name.is_some_and(|name| StudyFile::presets().find(name).is_ok())
        };
        files.input("FILE", self.file.as_ref().filter(|path| !is_shipped(path)));
        files.input("--repeat", &self.repeat);
        for process in &self.process {
            files.inputs_in("--process", Some(process));
        }
        for spacing in &self.spacing {
            files.inputs_in("--spacing", Some(spacing));
        }
        for field in &self.field {
            files.inputs_in("--field", Some(field));
        }
        files.inputs_in("--data", self.data.as_deref());
        if let Some(directory) = self.directory() {
            files.folder("--out", directory, &STUDY_FILES);
        }
        files
    }

    /// Refuses what no model and no data could make good.
    fn check_before_reading(&self) -> Result<(), CommandError> {
        if let Some(name) = self.file.as_deref().and_then(StudyFile::preset_named) {
            StudyFile::presets().find(name)?;
        }
        self.files().check()?;
        self.pictures.over(PictureStyle::default()).check()?;
        if let Some(directory) = self.directory() {
            check_folder(directory, &STUDY_FILES)?;
        }
        if self.n == Some(0) {
            return Err(CommandError::usage("0 lanes were asked for; ask for at least one"));
        }
        // Names are known, or not, before a large file is read.
        let named = Group {
            process: given(&self.process),
            solver: given(&self.solver),
            spacing: given(&self.spacing),
            ..Group::default()
        };
        let (data, metric) = (self.data.clone(), self.metric.clone());
        Ok(StudyFile { usual: named, data, metric, ..StudyFile::default() }.check_names()?)
    }
}

/// A request found bad is the user's fault, a solution not reached is not.
fn study_failed(error: StudyError) -> CommandError {
    match error {
        StudyError::Metric(_) | StudyError::Classifier(_) | StudyError::Threads(_) => {
            CommandError::failed(error)
        }
        other => other.into(),
    }
}

/// Where the main job writes without `--out`.
const DEFAULT_OUT: &str = "out";

pub(super) fn run(arguments: &StudyArguments, signals: &Signals) -> Result<ExitCode, CommandError> {
    arguments.check_before_reading()?;
    let before = arguments.repeat.as_deref().map(StudyResult::read).transpose()?;
    let file = match &before {
        None => arguments.study_file()?,
        Some(before) => match &before.origin {
            Some(origin) => StudyFile::parse(&origin.file)?,
            None => return Err(CommandError::usage(NO_ORIGIN)),
        },
    };
    let (file, told) = file.in_our_names();
    let file = StudyFile { table: arguments.shape.over(file.table.clone()), ..file };
    told.into_iter().for_each(exit::remark);
    if arguments.print {
        exit::say(file.to_text().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    // The main job builds these arguments without clap, and with its zero.
    let asked = file.study(usize::from(arguments.jobs.max(1)));
    let Asked { mut study, notes } = asked.map_err(|error| match &before {
        Some(before) => not_repeated(error, &file, before),
        None => error.into(),
    })?;
    study.table.check(&study)?;
    for note in notes {
        exit::remark(note);
    }
    let out = arguments.directory();
    let stop = signals.listen();
    for case in &mut study.cases {
        case.stop = stop.clone();
    }
    let origin = Origin::now(&file, &study);
    let result = solve(&study, &origin, out)?;
    if result.cases.is_empty() {
        return Err(CommandError::failed("stopped before the first row; nothing is written"));
    }
    if arguments.json {
        exit::say(format_args!("{:#}", result.to_json()))?;
    } else {
        let shape = TableOptions { width: terminal_width(), ..study.table.clone() };
        exit::say(shape.render(&result, TableFormat::Terminal)?)?;
        exit::say(answers_text(&result))?;
    }
    if let Some(directory) = out {
        let directory = write(&study, &result, directory).map_err(CommandError::failed)?;
        if !arguments.json {
            let report = directory.join("report.html");
            exit::say(format_args!("table, pictures and report: {}", echo_path(&report)))?;
        }
    }
    if stop.load(Ordering::Relaxed) {
        return Err(CommandError::failed("stopped; what was finished is kept"));
    }
    let Some(before) = before else { return Ok(ExitCode::SUCCESS) };
    let errors_along = match before.errors_along.is_empty() {
        true => Vec::new(),
        false => errors_along(&study, &result).map_err(CommandError::failed)?,
    };
    tell_differences(&before, &StudyResult { errors_along, ..result })
}

const NO_ORIGIN: &str = "the study does not say how it was made, which those of earlier versions did \
                         not; give its options instead";

/// Why a study cannot be made again: that its files are looked for in the wrong place if one of them is
/// where it was made, and not here.
fn not_repeated(error: StudyError, file: &StudyFile, before: &StudyResult) -> CommandError {
    let made = before.origin.as_ref().and_then(Origin::elsewhere);
    let left = made.and_then(|made| {
        let mut texts = file.naming_files().into_iter();
        Some((made, texts.find_map(|text| only_in(Path::new(made), &text))?))
    });
    match left {
        Some((made, path)) => CommandError::usage(format!(
            "{error}; --repeat takes paths as they were recorded, relative to where it is run, and `{}` is not here but in `{}`, where the study was made: run it there",
            echo_path(&path),
            echo(made)
        )),
        None => error.into(),
    }
}

/// Runs what is missing of the study, a row at a time.
fn solve(study: &Study, origin: &Origin, out: Option<&Path>) -> Result<StudyResult, CommandError> {
    let earlier = out.and_then(|directory| unfinished(directory, origin));
    if let Some(earlier) = &earlier {
        let (there, all) = (earlier.rows().count(), study.runs.iter().map(Vec::len).sum::<usize>());
        exit::remark(format_args!(
            "{there} of {all} rows are there from a study that was stopped, with their times"
        ));
    }
    let bar = progress_bar(study.solves());
    let is_terminal = std::io::stderr().is_terminal();
    let mut growing = Growing { out, origin, last: Instant::now(), pause: Duration::ZERO };
    let result = study.resume(earlier.as_ref(), |progress| match progress {
        Progress::Solved(label) => {
            bar.set_message(label.to_owned());
            bar.inc(1);
        }
        Progress::Row { row, so_far } => {
            match is_terminal {
                true => bar.println(line(row)),
                false => exit::warn(format_args!("row: {}", line(row))),
            }
            growing.row(so_far);
        }
    });
    bar.finish_and_clear();
    let result = result.map_err(study_failed)?;
    Ok(StudyResult { origin: Some(origin.clone()), ..result })
}

/// A finished row in one line.
fn line(row: &Row) -> String {
    let mut line =
        format!("{}, {} field: {} {}", row.process, row.field, row.series(), row.budget());
    if let Some(error) = row.solver_error {
        line += &format!(", solver error {:.2e}", error.mean);
    }
    for measured in &row.metrics {
        if let Some(value) = measured.value {
            line += &format!(", {} {:.3e}", measured.name, value.mean);
        }
    }
    format!("{line} [{:.2} s]", row.seconds.mean)
}

/// The `study.json` of a study that is not finished.
struct Growing<'a> {
    out: Option<&'a Path>,
    origin: &'a Origin,
    last: Instant,
    /// For how long it is not written again, so that large ones take little of the time.
    pause: Duration,
}

impl Growing<'_> {
    fn row(&mut self, so_far: &dyn Fn() -> StudyResult) {
        let Some(directory) = self.out.filter(|_| self.last.elapsed() >= self.pause) else {
            return;
        };
        let begun = Instant::now();
        let result = StudyResult { complete: false, origin: Some(self.origin.clone()), ..so_far() };
        // What cannot be written now may be written at the end; if not, that is told then.
        let _ = write_so_far(&result, directory);
        (self.last, self.pause) = (Instant::now(), 20 * begun.elapsed());
    }
}

/// Says which figures of a study are others than before, times apart.
fn tell_differences(before: &StudyResult, now: &StudyResult) -> Result<ExitCode, CommandError> {
    let differences = differences(before, now);
    if differences.is_empty() {
        exit::remark("every figure is as before, times apart");
        return Ok(ExitCode::SUCCESS);
    }
    for difference in &differences {
        exit::warn(difference);
    }
    if let (Some(before), Some(now)) = (&before.origin, &now.origin) {
        for reason in before.reasons_to_differ(now) {
            exit::warn(reason);
        }
    }
    Err(CommandError::failed(format!("{} figure(s) changed", differences.len())))
}

fn progress_bar(solves: usize) -> ProgressBar {
    let bar = ProgressBar::new(solves as u64);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} [{elapsed_precise}]") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
