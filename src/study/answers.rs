//! What a study means, in words. A sentence is written only if its comparison holds.

use super::paired::{Difference, SOLVER_ERROR};
use super::rows::AT_FLOOR;
use super::solve::SUCCESS;
use super::{CaseResult, Row, StudyResult};
use crate::metrics::{Metric, NumberFormat, Shown};

/// Evaluations at which it is said who is nearest to the true solution.
const NEAREST_AT: [f64; 3] = [5.0, 10.0, 20.0];
/// Evaluations for which it is said what to use.
const TO_SPEND: [f64; 4] = [5.0, 10.0, 20.0, 50.0];
/// Evaluations at which it is said what remains above the floor.
const REMAINS_AT: f64 = 20.0;
/// Within this share of the floor a row has reached what matters.
const NEAR: f64 = 0.1;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// Who is nearest to the true solution?
    Nearest,
    /// From which budget on does the model's error rule?
    ModelRules,
    /// What is the cheapest way to the floor?
    Cheapest,
    /// What remains above the floor?
    Remains,
    /// What is to be used with so many evaluations?
    Use,
    /// Why is there no answer to the others?
    Unknown,
}

/// A sentence about a process and a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Process and field that it is about; empty if about all.
    pub case: String,
    /// What it answers.
    pub question: Question,
    /// The evaluations that it is about, if it is about what so many give.
    pub evaluations: Option<f64>,
    /// The sentence.
    pub text: String,
}

/// Every sentence that holds, case by case.
pub fn answers(result: &StudyResult) -> Vec<Answer> {
    let mut answers: Vec<Answer> = result.cases.iter().flat_map(of_case).collect();
    if result.rows().next().is_some() && result.rows().all(|row| row.seeds < 2) {
        let text = "Every row has one seed, whose spread is not known: who is better beyond it cannot be said. Run more seeds.";
        answers.push(Answer {
            case: String::new(),
            question: Question::Unknown,
            evaluations: None,
            text: text.to_owned(),
        });
    }
    answers
}

/// The answers as lines of text, each case under its name.
pub fn answers_text(result: &StudyResult) -> String {
    let mut text = String::new();
    let mut heading = None;
    for answer in answers(result) {
        if heading.as_ref() != Some(&answer.case) && !answer.case.is_empty() {
            text += &format!("{}:\n", answer.case);
        }
        text += &format!("- {}\n", answer.text);
        heading = Some(answer.case);
    }
    text
}

fn of_case(case: &CaseResult) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut say = |question: Question, evaluations: Option<f64>, text: Option<String>| {
        answers.extend(text.map(|text| Answer { case: case.label(), question, evaluations, text }));
    };
    for (index, &nfe) in NEAREST_AT.iter().enumerate() {
        let more_than = if index == 0 { 0.0 } else { NEAREST_AT[index - 1] };
        say(Question::Nearest, Some(nfe), nearest(case, more_than, nfe));
    }
    // What a case is judged by: its first metric of those with pictures of their own.
    let Some(metric) = case.metrics.iter().find(|metric| metric.shown == Shown::Curves) else {
        return answers;
    };
    say(Question::ModelRules, None, model_rules(case, metric));
    say(Question::Cheapest, None, cheapest(case, metric));
    say(Question::Remains, Some(REMAINS_AT), remains(case, metric));
    for (index, &nfe) in TO_SPEND.iter().enumerate() {
        let more_than = if index == 0 { 0.0 } else { TO_SPEND[index - 1] };
        say(Question::Use, Some(nfe), to_use(case, metric, more_than, nfe));
    }
    answers
}

impl Row {
    /// Its series with what it spent.
    fn named(&self) -> String {
        let spacing = self.spacing.as_ref().map_or(String::new(), |s| format!(", {s} spacing"));
        let level = self.noise_level.map_or(String::new(), |l| format!(", noise level {l}"));
        let nfe = match self.nfe.fract() == 0.0 {
            true => format!("{:.0}", self.nfe),
            false => format!("{:.1} on average", self.nfe),
        };
        format!("{} ({}, NFE {nfe}{spacing}{level})", self.solver, self.budget())
    }
}

/// Rows that ended well with a number, at most `most` evaluations, and their means.
fn within<'a>(case: &'a CaseResult, number: &str, most: f64) -> Vec<(&'a Row, f64)> {
    let wanted = |row: &&Row| row.outcome == SUCCESS && row.nfe <= most;
    let numbered = |row: &'a Row| Some((row, row.number(number)?.mean));
    case.rows.iter().filter(wanted).filter_map(numbered).collect()
}

/// Whether a larger budget allows more than the smaller one did.
fn adds(rows: &[(&Row, f64)], more_than: f64) -> bool {
    rows.iter().any(|(row, _)| row.nfe > more_than)
}

/// The best row, and the best of each other series from better to worse.
fn ranked(mut rows: Vec<(&Row, f64)>, more_is_better: bool) -> Vec<(&Row, f64)> {
    let sign = if more_is_better { -1.0 } else { 1.0 };
    rows.sort_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)));
    let mut firsts: Vec<(&Row, f64)> = Vec::new();
    for row in rows {
        if !firsts.iter().any(|(first, _)| first.series() == row.0.series()) {
            firsts.push(row);
        }
    }
    firsts
}

/// The paired difference of two rows, if its interval has no zero in it.
fn beyond_spread(a: &Row, b: &Row, number: &str) -> Option<Difference> {
    Difference::paired(a.seeded(number), b.seeded(number)).filter(Difference::is_certain)
}

/// Who is nearest to the true solution, if nearer than the next beyond the spread.
fn nearest(case: &CaseResult, more_than: f64, nfe: f64) -> Option<String> {
    let rows = within(case, SOLVER_ERROR, nfe);
    if !adds(&rows, more_than) {
        return None;
    }
    let ranked = ranked(rows, false);
    let [(first, error), (second, other), ..] = ranked.as_slice() else { return None };
    let further = beyond_spread(second, first, SOLVER_ERROR)?;
    let text = |value: f64| NumberFormat::Scientific.text(value);
    let [low, high] = further.interval.map(text);
    Some(format!(
        "With at most {nfe} evaluations {} is nearest to the true solution: solver error {}, against {} of {}, which is further by {} ({low} to {high}, 95 %, {} seeds).",
        first.named(),
        text(*error),
        text(*other),
        second.named(),
        text(further.mean),
        further.seeds
    ))
}

/// How much worse a number is than another.
fn worse(metric: &Metric, number: f64, than: f64) -> f64 {
    if metric.more_is_better { than - number } else { number - than }
}

/// Whether a row is within this share of the floor, whatever value of the 95 % interval is the right
/// one; none where that is not told.
fn is_within(row: &Row, metric: &Metric, case: &CaseResult, share: f64) -> Option<bool> {
    let (floor, of_floor) = case.model_floor(&metric.name)?;
    let [low, high] = Difference::paired(row.seeded(&metric.name), of_floor)?.interval;
    let most = share * floor.mean.abs();
    if -most <= low && high <= most {
        return Some(true);
    }
    (high < -most || most < low).then_some(false)
}

/// From which budget on a solver's rows are all at the model's floor; the least of all solvers.
fn model_rules(case: &CaseResult, metric: &Metric) -> Option<String> {
    let (floor, _) = case.model_floor(&metric.name)?;
    let rows = within(case, &metric.name, f64::INFINITY);
    let rows: Vec<&Row> =
        rows.into_iter().map(|(row, _)| row).filter(|row| row.solver_error.is_some()).collect();
    let at_floor = |row: &Row| is_within(row, metric, case, AT_FLOOR);
    let stays = |row: &&&Row| {
        let later =
            rows.iter().filter(|other| other.series() == row.series() && other.nfe >= row.nfe);
        later.into_iter().all(|other| at_floor(other) == Some(true))
    };
    // Of rows that are all at it there is no budget from which on they are.
    let away = |row: &&&Row| {
        rows.iter().any(|other| other.nfe < row.nfe && at_floor(other) == Some(false))
    };
    let first = rows.iter().filter(stays).min_by(|a, b| a.nfe.total_cmp(&b.nfe))?;
    if !away(&first) {
        return None;
    }
    let number = first.number(&metric.name)?;
    let text = |value: f64| metric.format.text(value);
    let rules = match model_errs(case, metric) {
        true => "the model's error rules",
        false => "the chance of the sample rules",
    };
    Some(format!(
        "From {} on {rules}: {} {} is within {:.0} % of the model floor, {}, and stays there.",
        first.named(),
        metric.heading,
        text(number.mean),
        100.0 * AT_FLOOR,
        text(floor.mean)
    ))
}

/// Whether the model's floor is worse than that of a second draw of the data beyond the spread;
/// taken for granted where no second draw was measured.
fn model_errs(case: &CaseResult, metric: &Metric) -> bool {
    let Some(sampling) = case.floor("sampling").and_then(|floor| floor.metric(&metric.name)) else {
        return true;
    };
    let model = case.model_floor(&metric.name).map(|(_, seeds)| seeds);
    let sampling = case.floor_seeded(Some(sampling));
    let apart = model.and_then(|model| Difference::paired(model, sampling));
    apart.is_some_and(|apart| apart.is_certain() && worse(metric, apart.mean, 0.0) > 0.0)
}

/// The row of fewest evaluations within 10 % of the floor, if that is told over the seeds.
fn cheapest(case: &CaseResult, metric: &Metric) -> Option<String> {
    let (floor, of_floor) = case.model_floor(&metric.name)?;
    let near = |(row, _): &(&Row, f64)| is_within(row, metric, case, NEAR) == Some(true);
    let rows = within(case, &metric.name, f64::INFINITY);
    let better = |number: f64| worse(metric, number, floor.mean);
    let (row, number) = rows
        .into_iter()
        .filter(near)
        .min_by(|a, b| a.0.nfe.total_cmp(&b.0.nfe).then(better(a.1).total_cmp(&better(b.1))))?;
    let apart = Difference::paired(row.seeded(&metric.name), of_floor)?;
    let text = |value: f64| metric.format.text(value);
    let [low, high] = apart.interval.map(text);
    Some(format!(
        "The cheapest way told to be within 10 % of the model floor, {}, is {}: {} {} (row minus floor {low} to {high}, 95 %, {} seeds).",
        text(floor.mean),
        row.named(),
        metric.heading,
        text(number),
        apart.seeds
    ))
}

/// What the best row of few evaluations leaves above the floor, or lies below it, if that is beyond
/// the spread.
fn remains(case: &CaseResult, metric: &Metric) -> Option<String> {
    let (floor, of_floor) = case.model_floor(&metric.name)?;
    let rows = within(case, &metric.name, REMAINS_AT);
    let (row, number) = *ranked(rows, metric.more_is_better).first()?;
    let difference = Difference::paired(row.seeded(&metric.name), of_floor)?;
    let side = match (difference.is_certain(), difference.mean > 0.0) {
        (false, _) => return None,
        (true, true) => "above",
        (true, false) => "below",
    };
    let text = |value: f64| metric.format.text(value);
    let [low, high] = difference.interval.map(text);
    Some(format!(
        "With at most {REMAINS_AT} evaluations the best {}, {} of {}, is {} {side} the model floor, {} (row minus floor {low} to {high}, 95 %, {} seeds).",
        metric.heading,
        text(number),
        row.named(),
        text(difference.mean.abs()),
        text(floor.mean),
        difference.seeds
    ))
}

/// What to use with so many evaluations, and what is not told from it; nothing if nobody is worse
/// beyond the spread.
fn to_use(case: &CaseResult, metric: &Metric, more_than: f64, nfe: f64) -> Option<String> {
    let rows = within(case, &metric.name, nfe);
    if !adds(&rows, more_than) {
        return None;
    }
    let ranked = ranked(rows, metric.more_is_better);
    let (&(first, number), others) = ranked.split_first()?;
    let beaten = |row: &Row| beyond_spread(row, first, &metric.name).is_some();
    let paired = |row: &Row| {
        Difference::paired(row.seeded(&metric.name), first.seeded(&metric.name)).is_some()
    };
    let others: Vec<&Row> = others.iter().map(|(row, _)| *row).filter(|r| paired(r)).collect();
    let alike: Vec<String> =
        others.iter().filter(|row| !beaten(row)).map(|row| row.series()).collect();
    let beaten = others.len() - alike.len();
    if beaten == 0 {
        return None;
    }
    let alike = match alike.as_slice() {
        [] => String::new(),
        names => format!("; not told from it: {}", names.join(", ")),
    };
    Some(format!(
        "If you have {nfe} evaluations, use {}: {} {}, better than {beaten} other(s) beyond the spread{alike}.",
        first.named(),
        metric.heading,
        metric.format.text(number)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{case, of, row, study};
    use super::*;

    fn sentence(result: &StudyResult, question: Question) -> Vec<String> {
        let found = answers(result).into_iter().filter(|answer| answer.question == question);
        found.map(|answer| answer.text).collect()
    }

    fn of_rows(seeds: usize, rows: Vec<Row>) -> StudyResult {
        of(seeds, vec![case("exact", seeds, 0.03, rows)])
    }

    /// Numbers of each seed that swing so much that no difference is beyond them.
    fn swinging(mut row: Row) -> Row {
        let swing = |numbers: &mut Vec<Option<f64>>| {
            for (seed, number) in numbers.iter_mut().enumerate() {
                *number = number.map(|value| value * if seed % 2 == 0 { 1.9 } else { 0.2 });
            }
        };
        swing(&mut row.solver_error_seeds);
        row.metrics.iter_mut().for_each(|measured| swing(&mut measured.seeds));
        row
    }

    fn two(second: Row) -> StudyResult {
        of_rows(5, vec![row("heun", 10, 5, Some(0.1), 0.05), second])
    }

    #[test]
    fn who_is_nearest_beyond_the_spread() {
        let worse = row("euler", 10, 5, Some(0.2), 0.08);
        let said = sentence(&two(worse.clone()), Question::Nearest);
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("With at most 10 evaluations heun (10 steps, NFE 10)"));
        assert!(said[0].contains("1.00e-1, against 2.00e-1 of euler"), "{said:?}");
        for silent in [
            swinging(worse.clone()),
            // No other solver.
            row("heun", 9, 5, Some(0.2), 0.08),
            // No error of its own.
            row("ancestral", 10, 5, None, 0.08),
            // Too many evaluations.
            row("euler", 11, 5, Some(0.2), 0.08),
            Row { outcome: "non_finite".to_owned(), ..worse },
        ] {
            let result = two(silent);
            let at_10 = sentence(&result, Question::Nearest);
            assert!(!at_10.iter().any(|text| text.contains("most 10 ")), "{at_10:?}");
        }
    }

    #[test]
    fn of_one_seed_nothing_is_said_but_why() {
        let result = study(1);
        let said = answers(&result);
        let of = |question: Question| said.iter().filter(|a| a.question == question).count();
        for question in [
            Question::Nearest,
            Question::ModelRules,
            Question::Cheapest,
            Question::Remains,
            Question::Use,
        ] {
            assert_eq!(of(question), 0, "{said:?}");
        }
        assert_eq!(of(Question::Unknown), 1);
        assert_eq!(sentence(&study(2), Question::Unknown), [] as [&str; 0]);
    }

    #[test]
    fn from_which_budget_on_the_model_s_error_rules() {
        let rows = |last: f64| {
            of_rows(
                5,
                vec![
                    row("heun", 10, 5, Some(0.1), 0.05),
                    row("heun", 20, 5, Some(0.05), 0.0301),
                    row("heun", 40, 5, Some(0.02), last),
                ],
            )
        };
        let said = sentence(&rows(0.03), Question::ModelRules);
        assert!(said.len() == 1 && said[0].starts_with("From heun (20 steps"), "{said:?}");
        assert!(said[0].contains(" the model's error rules: "), "{said:?}");
        // A model as good as a second draw of the data has no error that could be seen.
        let mut exact = rows(0.03);
        let sampling = exact.cases[0].floors[0].metrics.clone();
        exact.cases[0].floors[1].metrics = sampling;
        let said = sentence(&exact, Question::ModelRules);
        assert!(said[0].contains(" the chance of the sample rules: "), "{said:?}");
        // A mean at the floor that seeds swing about is not told to be at it.
        let mut blurred = rows(0.03);
        let factors = [1.5, 0.5, 1.5, 0.5, 1.0];
        for (number, factor) in blurred.cases[0].rows[2].metrics[0].seeds.iter_mut().zip(factors) {
            *number = number.map(|value| factor * value);
        }
        assert_eq!(sentence(&blurred, Question::ModelRules), [] as [&str; 0]);
        // What leaves the floor again has not come to it.
        assert_eq!(sentence(&rows(0.05), Question::ModelRules), [] as [&str; 0]);
        // Nor is there a budget from which on, where all are at it.
        let all = of_rows(5, vec![row("heun", 10, 5, Some(0.1), 0.03)]);
        assert_eq!(sentence(&all, Question::ModelRules), [] as [&str; 0]);
    }

    #[test]
    fn the_cheapest_way_to_the_floor() {
        let rows = |chamfer: f64| {
            of_rows(
                5,
                vec![row("heun", 20, 5, Some(0.1), 0.0331), row("rk4", 40, 5, Some(0.1), chamfer)],
            )
        };
        let said = sentence(&rows(0.0329), Question::Cheapest);
        assert!(said.len() == 1 && said[0].contains("is rk4 (40 steps"), "{said:?}");
        assert!(said[0].contains("95 %, 5 seeds"), "{said:?}");
        assert_eq!(sentence(&rows(0.0332), Question::Cheapest), [] as [&str; 0]);
        // A mean at the floor that seeds swing about.
        let blurred = vec![swinging(row("rk4", 40, 5, Some(0.1), 0.03))];
        assert_eq!(sentence(&of_rows(5, blurred), Question::Cheapest), [] as [&str; 0]);
    }

    #[test]
    fn what_remains_above_the_floor_or_lies_below() {
        let one = |row: Row| sentence(&of_rows(5, vec![row]), Question::Remains);
        let above = one(row("heun", 10, 5, Some(0.1), 0.05));
        assert!(above.len() == 1 && above[0].contains("is 0.0200 above"), "{above:?}");
        let below = one(row("ancestral", 20, 5, None, 0.02));
        assert!(below.len() == 1 && below[0].contains("is 0.0100 below"), "{below:?}");
        assert_eq!(one(swinging(row("heun", 10, 5, Some(0.1), 0.035))), [] as [&str; 0]);
        assert_eq!(one(row("heun", 21, 5, Some(0.1), 0.05)), [] as [&str; 0]);
    }

    #[test]
    fn what_to_use() {
        let rows = vec![
            row("heun", 10, 5, Some(0.1), 0.05),
            row("euler", 10, 5, Some(0.2), 0.08),
            swinging(row("ddim", 10, 5, Some(0.2), 0.055)),
        ];
        let said = sentence(&of_rows(5, rows.clone()), Question::Use);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("If you have 10 evaluations, use heun (10 steps, NFE 10)"));
        assert!(said[0].contains("better than 1 other(s)"), "{said:?}");
        assert!(said[0].ends_with("not told from it: ddim."), "{said:?}");
        // Nobody is worse beyond the spread.
        let alike = of_rows(5, vec![rows[0].clone(), rows[2].clone()]);
        assert_eq!(sentence(&alike, Question::Use), [] as [&str; 0]);
    }

    /// Of one solver under several spacings.
    #[test]
    fn spacings_are_compared_as_solvers_are() {
        let spaced = |spacing: &str, error: f64, chamfer: f64| Row {
            spacing: Some(spacing.to_owned()),
            ..row("heun", 10, 5, Some(error), chamfer)
        };
        let result = of_rows(
            5,
            vec![
                spaced("uniform", 0.1, 0.08),
                spaced("quadratic", 0.02, 0.05),
                swinging(spaced("karras", 0.2, 0.055)),
            ],
        );
        let said = sentence(&result, Question::Use);
        assert!(said.len() == 1 && said[0].contains("NFE 10, quadratic spacing)"), "{said:?}");
        assert!(said[0].contains("better than 1 other(s)"), "{said:?}");
        assert!(said[0].ends_with("not told from it: heun karras."), "{said:?}");
        let result = of_rows(5, vec![spaced("uniform", 0.1, 0.08), spaced("logsnr", 0.02, 0.05)]);
        let said = sentence(&result, Question::Nearest);
        assert!(said[0].contains("logsnr spacing) is nearest"), "{said:?}");
    }

    #[test]
    fn more_may_be_better() {
        let mut result = two(row("euler", 10, 5, Some(0.2), 0.08));
        // The share alone is judged by.
        result.cases[0].metrics.retain(|metric| metric.name == "share");
        let said = sentence(&result, Question::Use);
        assert!(said.len() == 1 && said[0].contains("use heun"), "{said:?}");
        assert!(said[0].contains("share 95.0 %"), "{said:?}");
    }
}
