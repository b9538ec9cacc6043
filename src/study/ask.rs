//! From what a study file asks for to the objects of a study.

use std::collections::{BTreeMap, BTreeSet};

use driftfield_problems::data::{self, Mnist};
use driftfield_problems::echo::echo;
use driftfield_problems::process;
use driftfield_problems::spacing::Spacing;
use driftfield_problems::spec::SpecError;
use driftfield_solvers::number::Number;

use super::cases::RealDigits;
use super::runs::{amount, is_every, solvers};
use super::{Case, Group, Run, Study, StudyError, StudyFile};
use crate::generate::model::Field;
use crate::generate::{Budget, Condition, GenerateError, check_settings};
use crate::metrics;

/// A study, and what of its file does not apply.
#[derive(Debug)]
pub struct Asked {
    /// The study.
    pub study: Study,
    /// What other libraries' names are here, what was left out, a sentence for each reason, and
    /// names that are of nothing.
    pub notes: Vec<String>,
}

/// Processes of a group that names none.
const PROCESSES: [&str; 3] = ["rectified-flow", "vp", "brownian-bridge"];
/// A network's own process, which then is the only one.
const OWN: &str = "own";
/// All processes of the catalogue.
const EVERY_PROCESS: &str = "every";
/// The process's own spacing.
const DEFAULT_SPACING: &str = "default";
/// How the data of digits begins.
const DIGITS: &str = "mnist:";
/// Names of what was left out for one reason, before "and so many more".
const NAMED: usize = 6;

impl StudyFile {
    /// Reads all that is named, and puts the study together. What does not apply to a member of the
    /// product is left out; a product of which nothing is left is refused.
    pub fn study(&self, jobs: usize) -> Result<Asked, StudyError> {
        let (file, told) = self.clone().in_our_names();
        let mut asking = Asking::new(&file)?;
        for (group, of_usual_budget) in file.groups().iter().zip(file.usual_budgets()) {
            asking.group(group, of_usual_budget)?;
        }
        let Asked { study, notes } = asking.finish(jobs)?;
        Ok(Asked { study, notes: told.into_iter().chain(notes).collect() })
    }

    /// Refuses names that nothing could make good, before anything large is read.
    pub fn check_names(&self) -> Result<(), StudyError> {
        for group in self.groups() {
            for text in group.solver.iter().flatten() {
                solvers(text)?;
            }
            for text in group.process.iter().flatten().filter(|text| !is_word(text)) {
                process::parse(text)?;
            }
            spacings(&group)?;
        }
        for name in &self.metric {
            metrics::by_name(name)?;
        }
        // A data set that is in no file is known, or not, at once.
        if let Some(name) = self.points().filter(|name| data::file_of(name).is_none()) {
            data::by_name(name)?;
        }
        Ok(())
    }

    /// Spacings that are lists of times, which may stand in files, by their texts.
    pub(super) fn listed_spacings(&self) -> BTreeMap<String, Spacing> {
        let groups = self.groups();
        let texts = groups.iter().flat_map(|group| group.spacing.iter().flatten());
        let parsed = texts.filter_map(|text| Some((text.clone(), text.parse().ok()?)));
        parsed.filter(|(_, spacing)| matches!(spacing, Spacing::Times(_))).collect()
    }

    /// Data that is no digits.
    fn points(&self) -> Option<&str> {
        self.data.as_deref().filter(|data| !data.starts_with(DIGITS))
    }
}

fn is_word(process: &str) -> bool {
    process == OWN || process == EVERY_PROCESS
}

fn spacings(group: &Group) -> Result<Vec<Option<Spacing>>, SpecError> {
    let parse = |text: &String| match text.as_str() {
        DEFAULT_SPACING => Ok(None),
        text => text.parse().map(Some),
    };
    match &group.spacing {
        None => Ok(vec![None]),
        Some(texts) => texts.iter().map(parse).collect(),
    }
}

/// Process, text of the field and bits of the guidance.
type Key = (String, String, Option<u64>);

/// A case of the product.
struct Member {
    /// What tells it from others.
    key: Key,
    case: Case,
    /// Whether its label says its guidance.
    guided: bool,
    runs: Vec<Run>,
}

/// The study as far as it is put together.
struct Asking<'f> {
    file: &'f StudyFile,
    fields: BTreeMap<String, Field>,
    cases: Vec<Member>,
    /// Cases of the group that is being put together.
    of_group: BTreeSet<Key>,
    left_out: BTreeMap<String, BTreeSet<String>>,
    /// Why the first of what was left out was.
    first: Option<StudyError>,
}

impl<'f> Asking<'f> {
    fn new(file: &'f StudyFile) -> Result<Self, StudyError> {
        file.check()?;
        file.check_names()?;
        Ok(Asking {
            file,
            fields: BTreeMap::new(),
            cases: Vec::new(),
            of_group: BTreeSet::new(),
            left_out: BTreeMap::new(),
            first: None,
        })
    }

    /// Remembers why something is no part of the study.
    fn leave_out(&mut self, what: String, why: StudyError) {
        self.left_out.entry(why.to_string()).or_default().insert(what);
        self.first.get_or_insert(why);
    }

    fn field(&mut self, text: &str) -> Result<Field, StudyError> {
        if let Some(known) = self.fields.get(text) {
            return Ok(known.clone());
        }
        let field = Field::parse(text)?;
        self.fields.insert(text.to_owned(), field.clone());
        Ok(field)
    }

    /// A group, with budgets of its own or the usual ones.
    fn group(&mut self, group: &Group, of_usual_budget: bool) -> Result<(), StudyError> {
        let runs = runs_of(group, of_usual_budget)?;
        let usual = ["exact", "trained"].map(str::to_owned);
        let fields = group.field.clone().unwrap_or_else(|| usual.to_vec());
        let guidance = match &group.guidance {
            Some(weights) => weights.iter().map(|&weight| Some(weight)).collect(),
            None => vec![None],
        };
        // Reading in the order of the list, so that the first bad name is the one told of.
        for text in &fields {
            self.field(text)?;
        }
        let mut own = Vec::new();
        for text in &fields {
            own.push(self.own_process(group, text)?);
        }
        self.of_group.clear();
        let listed = processes(group);
        let mut all = listed.clone();
        for own in own.iter().flatten() {
            if !all.contains(own) {
                all.push(own.clone());
            }
        }
        for process in &all {
            for (text, own) in fields.iter().zip(&own) {
                let wanted = own.as_ref().map_or(listed.contains(process), |own| own == process);
                for &weight in guidance.iter().filter(|_| wanted) {
                    self.add(process, text, (weight, guidance.len() > 1), &runs)?;
                }
            }
        }
        Ok(())
    }

    /// The only process of a field, if it has one and the group asks for it.
    fn own_process(&mut self, group: &Group, text: &str) -> Result<Option<String>, StudyError> {
        let asked = group.process.iter().flatten().any(|name| name == OWN);
        Ok(match self.field(text)? {
            Field::Model(model) if asked => model.process().map(str::to_owned),
            _ => None,
        })
    }

    /// Adds runs to a case, which is made if there is none yet.
    fn add(
        &mut self,
        process: &str,
        field: &str,
        (guidance, named): (Option<f64>, bool),
        runs: &[(Run, bool)],
    ) -> Result<(), StudyError> {
        let key = (process.to_owned(), field.to_owned(), guidance.map(f64::to_bits));
        let at = match self.cases.iter().position(|known| known.key == key) {
            Some(at) => at,
            None => match self.case(process, field, guidance) {
                Ok(case) => {
                    let member = Member { key: key.clone(), case, guided: named, runs: Vec::new() };
                    self.cases.push(member);
                    self.cases.len() - 1
                }
                Err(why) if does_not_apply(&why) => {
                    self.leave_out(format!("{process} with {field}"), why);
                    return Ok(());
                }
                Err(other) => return Err(other),
            },
        };
        if !self.of_group.insert(key) {
            return Err(StudyError::SameCase { case: self.cases[at].case.label() });
        }
        for (run, silently) in runs {
            let case = &self.cases[at].case;
            match applicable(case, run.clone()) {
                Ok((run, dropped)) => {
                    if let Some(why) = dropped.filter(|_| !silently) {
                        self.leave_out(format!("its noise level for {}", run.solver.label()), why);
                    }
                    let known = &mut self.cases[at].runs;
                    if !known.iter().any(|known| known.is_same(&run)) {
                        known.push(run);
                    }
                }
                Err(why) => {
                    let what = format!("{} {} on {process}", run.solver.label(), told(run.budget));
                    match silently {
                        true => {
                            self.first.get_or_insert(why);
                        }
                        false => self.leave_out(what, why),
                    }
                }
            }
        }
        Ok(())
    }

    fn case(
        &mut self,
        process: &str,
        text: &str,
        guidance: Option<f64>,
    ) -> Result<Case, StudyError> {
        let file = self.file;
        let points = file.points();
        if points.is_some() && Field::is_standard(text) {
            return Err(StudyError::DataOfStandard);
        }
        let model = self.field(text)?.model(process)?;
        let case = match points {
            Some(data) => Case::with_data(process, model, data)?,
            None => Case::new(process, model)?,
        };
        let all = || (0..case.model.labels().unwrap_or(0) as u32).collect();
        let labels = if file.label.is_empty() { all() } else { file.label.clone() };
        let case = case.with_condition(Condition { labels, guidance, ..Condition::default() })?;
        Ok(Case { span: (file.t_start, file.t_end), ..case })
    }

    fn finish(self, jobs: usize) -> Result<Asked, StudyError> {
        let mut left = self.cases;
        left.retain(|member| !member.runs.is_empty());
        label(&mut left, &self.file.names);
        let (cases, runs): (Vec<Case>, Vec<Vec<Run>>) =
            left.into_iter().map(|member| (member.case, self.file.named(member.runs))).unzip();
        if cases.is_empty() {
            let nothing = || StudyError::File { problem: "it asks for no row".to_owned() };
            return Err(self.first.unwrap_or_else(nothing));
        }
        let mut study = Study {
            cases,
            runs,
            lanes: self.file.n,
            seeds: self.file.seed.clone(),
            jobs,
            timings: self.file.repeat_timing.unwrap_or(1),
            picture_style: self.file.picture_style(),
            ..Study::default()
        };
        study.title = self.file.title.clone().unwrap_or(study.title);
        study.draw = self.file.draw.clone().unwrap_or(study.draw);
        study.table = self.file.table.clone();
        // All that can be refused is, before large files are read.
        study.check()?;
        self.file.measure(&mut study)?;
        let note = |(why, what): (String, BTreeSet<String>)| {
            let mut named: Vec<String> = what.iter().take(NAMED).cloned().collect();
            if what.len() > NAMED {
                named.push(format!("and {} more", what.len() - NAMED));
            }
            format!("left out: {} ({why})", named.join(", "))
        };
        let left_out = self.left_out.into_iter().map(note);
        let unused = self.file.unused_names()?.into_iter().chain(self.file.unused_bound(&study));
        Ok(Asked { study, notes: left_out.chain(unused).collect() })
    }
}

impl StudyFile {
    /// Puts the digits beside each case that are to be compared with, and the metrics asked for.
    fn measure(&self, study: &mut Study) -> Result<(), StudyError> {
        if let Some(directory) = self.data.as_deref().and_then(|data| data.strip_prefix(DIGITS)) {
            study.cases.iter().try_for_each(Case::check_image)?;
            let digits = RealDigits::new(&Mnist::read(directory)?, self.n)?;
            let cases = std::mem::take(&mut study.cases).into_iter();
            study.cases = cases.map(|case| case.beside(&digits)).collect::<Result<_, _>>()?;
        }
        for case in &mut study.cases {
            for name in &self.metric {
                let asked = metrics::by_name(name)?;
                if !case.metrics.iter().any(|metric| metric.name == asked.name) {
                    case.metrics.push(asked);
                }
            }
        }
        Ok(())
    }

    /// A note if `names` calls something by another name that no group has.
    fn unused_names(&self) -> Result<Option<String>, SpecError> {
        let mut known = BTreeSet::new();
        for group in self.groups() {
            known.extend(group.field.iter().flatten().cloned());
            for text in group.solver.iter().flatten() {
                known.extend(solvers(text)?.iter().map(|solver| solver.label().to_owned()));
            }
        }
        let unused = self.names.keys().filter(|name| !known.contains(*name));
        let unused: Vec<String> = unused.map(|name| format!("`{}`", echo(name))).collect();
        let note = format!(
            "`names` has {}, which no field and no solver of the study is called",
            unused.join(", ")
        );
        Ok((!unused.is_empty()).then_some(note))
    }

    /// A note if `max-nfe` bounds no run.
    fn unused_bound(&self, study: &Study) -> Option<String> {
        let given = self.groups().iter().any(|group| group.max_nfe.is_some());
        let adaptive = |run: &Run| matches!(run.budget, Budget::Adaptive { .. });
        let unused = given && !study.runs.iter().flatten().any(adaptive);
        unused.then(|| "`max-nfe` bounds adaptive rows, and the study has none".to_owned())
    }

    /// Runs whose solvers are called what the file calls them.
    fn named(&self, mut runs: Vec<Run>) -> Vec<Run> {
        for run in &mut runs {
            if let Some(name) = self.names.get(run.solver.label()) {
                run.solver = run.solver.clone().labelled(name.as_str());
            }
        }
        runs
    }
}

/// What cases are called: what `names` calls their field, or the field itself, or, where another field
/// of their process calls itself the same, by its text.
fn label(members: &mut [Member], names: &BTreeMap<String, String>) {
    let mut texts: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for Member { key: (process, text, _), case, .. } in members.iter() {
        texts.entry((process, &case.label)).or_default().insert(text);
    }
    let alike: BTreeSet<String> = texts
        .into_values()
        .filter(|texts| texts.len() > 1)
        .flat_map(|texts| texts.into_iter().map(str::to_owned))
        .collect();
    for Member { key: (_, text, _), case, guided, .. } in members {
        if let Some(name) = names.get(text) {
            case.label.clone_from(name);
        } else if alike.contains(text) {
            case.label.clone_from(text);
        }
        if let Some(weight) = case.condition.guidance.filter(|_| *guided) {
            case.label += &format!(" W={}", Number(weight));
        }
    }
}

/// The processes that a group lists.
fn processes(group: &Group) -> Vec<String> {
    let listed: Vec<&str> = match &group.process {
        None => PROCESSES.to_vec(),
        Some(names) if names.iter().all(|name| name == OWN) => PROCESSES.to_vec(),
        Some(names) => names.iter().map(String::as_str).filter(|name| *name != OWN).collect(),
    };
    let mut all = Vec::new();
    for name in listed {
        match name {
            EVERY_PROCESS => all.extend(process::catalog().names().map(str::to_owned)),
            name => all.push(name.to_owned()),
        }
    }
    all
}

/// The product of solvers, budgets, spacings and noise levels; and of each whether it goes without
/// saying that it may not apply: of one of all solvers of a kind, or at a usual budget.
fn runs_of(group: &Group, of_usual_budget: bool) -> Result<Vec<(Run, bool)>, StudyError> {
    let steps = group.steps.iter().flatten().map(|&steps| Budget::Steps(steps));
    let evaluations = group.nfe.iter().flatten().map(|&nfe| Budget::Evaluations(nfe));
    let adaptive = group.tolerance.iter().flatten().map(|&tolerance| Budget::Adaptive {
        abstol: tolerance,
        reltol: tolerance,
        max_nfe: group.max_nfe,
    });
    let budgets: Vec<Budget> = steps.chain(evaluations).chain(adaptive).collect();
    let levels: Vec<Option<f64>> = match &group.noise_level {
        Some(levels) => levels.iter().map(|&level| Some(level)).collect(),
        None => vec![None],
    };
    let spacings = spacings(group)?;
    let mut runs = Vec::new();
    for text in group.solver.iter().flatten() {
        for solver in solvers(text)? {
            for &budget in &budgets {
                let is_adaptive = matches!(budget, Budget::Adaptive { .. });
                // Adaptive steps have no grid, so that every spacing is the same to them.
                let spacings = if is_adaptive { &[None][..] } else { &spacings };
                for (spacing, &noise_level) in
                    spacings.iter().flat_map(|s| levels.iter().map(move |level| (s, level)))
                {
                    // A list of times has steps of its own, so that every number of them is the
                    // same to it.
                    let own = spacing.as_ref().and_then(Spacing::own_steps);
                    let budget = match (budget, own) {
                        (Budget::Steps(_), Some(own)) => Budget::Steps(own),
                        (budget, _) => budget,
                    };
                    let run =
                        Run { spacing: spacing.clone(), noise_level, ..Run::new(&solver, budget) };
                    runs.push((run, of_usual_budget || is_every(text)));
                }
            }
        }
    }
    Ok(runs)
}

/// The run as the case can have it: without a noise level where the solver takes none, and then why.
fn applicable(case: &Case, run: Run) -> Result<(Run, Option<StudyError>), StudyError> {
    let check = |run: &Run| check_settings(&case.path, &case.settings(run.settings(0)), false);
    match check(&run) {
        Ok(_) => Ok((run, None)),
        Err(why @ (GenerateError::NoiseLevelOfOde(_) | GenerateError::OwnNoise(_))) => {
            let run = Run { noise_level: None, ..run };
            check(&run)?;
            Ok((run, Some(why.into())))
        }
        Err(why) => Err(why.into()),
    }
}

/// Whether it says that two things of a product do not go together.
fn does_not_apply(why: &StudyError) -> bool {
    matches!(
        why,
        StudyError::Generate(
            GenerateError::NotShipped { .. }
                | GenerateError::Process { .. }
                | GenerateError::GuidanceWithoutLabel
        )
    )
}

fn told(budget: Budget) -> String {
    let how = if matches!(budget, Budget::Adaptive { .. }) { "at" } else { "with" };
    format!("{how} {}", amount(budget))
}
