use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use driftfield_problems::method;
use indicatif::{ProgressBar, ProgressStyle};

use super::{UserError, exit};
use crate::generate::Field;
use crate::study::{
    Case, Effort, STUDY_PROCESSES, Study, standard_cases, standard_runs, terminal_table, write,
};

#[derive(Args, Default)]
pub(super) struct StudyArguments {
    /// Process to study, repeatable; by default rectified-flow, vp and brownian-bridge
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
    /// Fewer rows, lanes and seeds: seconds
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Every method over a ladder of budgets
    #[arg(long)]
    full: bool,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

impl StudyArguments {
    fn effort(&self) -> Effort {
        match (self.quick, self.full) {
            (true, _) => Effort::Quick,
            (_, true) => Effort::Full,
            _ => Effort::Standard,
        }
    }

    fn cases(&self) -> Result<Vec<Case>, UserError> {
        let processes: Vec<&str> = match self.process.as_slice() {
            [] => STUDY_PROCESSES.to_vec(),
            given => given.iter().map(String::as_str).collect(),
        };
        let cases = match self.field.as_deref() {
            None => standard_cases(&processes, &["exact", "trained"])?,
            Some(field @ ("exact" | "trained")) => standard_cases(&processes, &[field])?,
            Some(text) => {
                let mut cases = Vec::new();
                for process in processes {
                    cases.push(Case::new(process, Field::parse(text)?)?);
                }
                cases
            }
        };
        if cases.is_empty() {
            return Err(UserError::new(
                "no shipped network belongs to these processes; take --field exact, or --field FILE.safetensors",
            ));
        }
        Ok(cases)
    }

    fn study(&self) -> Result<Study, UserError> {
        for solver in &self.solver {
            method::parse::<[f64; 2]>(solver)?;
        }
        let cases = self.cases()?;
        let effort = self.effort();
        let runs =
            cases.iter().map(|case| standard_runs(&case.process, effort, &self.solver)).collect();
        let (lanes, seeds) = if self.quick { (1000, 1) } else { (3000, 3) };
        Ok(Study { cases, runs, lanes, seeds: (0..seeds).collect() })
    }
}

/// Where the main job writes without `--out`.
const DEFAULT_OUT: &str = "out";

pub(super) fn run(arguments: &StudyArguments) -> Result<ExitCode, UserError> {
    let study = arguments.study()?;
    // Under --json nothing is written unless asked for.
    let out = match &arguments.out {
        None if arguments.json => None,
        given => Some(given.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_OUT))),
    };
    if let Some(directory) = &out {
        std::fs::create_dir_all(directory).map_err(|error| {
            UserError::new(format!("cannot create `{}`: {error}", directory.display()))
        })?;
        exit::check_writable(&directory.join("report.html"))?;
    }
    let bar = progress_bar(study.solves());
    let result = study.run(|label| {
        bar.set_message(label.to_owned());
        bar.inc(1);
    })?;
    bar.finish_and_clear();
    if arguments.json {
        println!("{:#}", result.to_json());
    } else {
        print!("{}", terminal_table(&result));
    }
    if let Some(directory) = &out {
        write(&study, &result, directory)?;
        if !arguments.json {
            println!("\ntable, pictures and report: {}", directory.join("report.html").display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn progress_bar(solves: usize) -> ProgressBar {
    let bar = ProgressBar::new(solves as u64);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} [{elapsed_precise}]") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
