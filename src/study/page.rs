//! The report of a study: the question, the answer in words, the table, three pictures, and the
//! rest folded.

use std::collections::BTreeSet;

use super::table::Grid;
use super::{Answer, Origin, Question, Study, StudyError, StudyResult};
use super::{answers, legend};
use crate::distinct::distinct;
use crate::report::{Figure, Report};

/// Where a picture belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Samples,
    Trajectories,
    /// Errors of all cases side by side.
    Overviews,
    Curves,
    /// Lanes under several solvers.
    Lanes,
    /// Errors over the time of the process.
    ErrorAlong,
    /// Floors over the number of samples.
    Floors,
}

impl Part {
    const ALL: [(Part, &str); 7] = [
        (Part::Overviews, "Errors of all cases"),
        (Part::Samples, "Samples"),
        (Part::Trajectories, "Trajectories"),
        (Part::Curves, "Errors"),
        (Part::Lanes, "Where solvers part"),
        (Part::ErrorAlong, "Errors along the solve"),
        (Part::Floors, "Floors by the number of samples"),
    ];
}

/// The pictures of a report, each with its name, and why some are not there.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    figures: Vec<(Part, String, Figure)>,
    notes: Vec<(Part, String)>,
}

impl Drawn {
    pub(super) fn add(
        &mut self,
        part: Part,
        name: String,
        figure: impl FnOnce(String) -> Figure,
        caption: String,
    ) {
        self.figures.push((part, name.clone(), figure(caption).named(name)));
    }

    /// Says of a part in a sentence what is not drawn, and why.
    pub(super) fn note(&mut self, part: Part, text: String) {
        self.notes.push((part, text));
    }

    /// What belongs to a part and is not taken out, folded; nothing if there is nothing.
    fn folded(&self, part: Part, title: &str) -> Option<Report> {
        let figures = self.figures.iter().filter(|(found, ..)| *found == part);
        let notes = self.notes.iter().filter(|(found, _)| *found == part);
        if figures.clone().next().is_none() && notes.clone().next().is_none() {
            return None;
        }
        let count = figures.clone().count();
        let mut folded = Report::new(format!("{title}: {count} more picture(s)"));
        for (_, text) in notes {
            folded.paragraph(text.as_str());
        }
        for (.., figure) in figures {
            folded.figure(figure.clone());
        }
        Some(folded)
    }

    /// Takes out what is seen first: errors of all cases, or of the one there is, and samples.
    fn take_key(&mut self) -> Vec<Figure> {
        let mut wanted = vec![Part::Overviews, Part::Overviews, Part::Samples];
        if !self.figures.iter().any(|(part, ..)| *part == Part::Overviews) {
            wanted = vec![Part::Curves, Part::Samples, Part::Samples];
        }
        let take = |part: Part| {
            let at = self.figures.iter().position(|(found, ..)| *found == part)?;
            Some(self.figures.remove(at).2)
        };
        wanted.into_iter().filter_map(take).collect()
    }
}

/// The page.
pub(super) fn of(
    study: &Study,
    result: &StudyResult,
    mut drawn: Drawn,
) -> Result<Report, StudyError> {
    let mut page = Report::new(study.title.as_str());
    ask(&mut page, result);
    answer(&mut page, &answers(result));
    let names: BTreeSet<String> = drawn.figures.iter().map(|(_, name, _)| name.clone()).collect();
    let table = Grid::of(&study.table, result)?.to_report("", &names)?;
    page.heading("Table");
    page.paragraph(
        "A click on a heading sorts the rows of each group; a solver leads to a picture that it is in.",
    );
    page.table(table);
    let mut columns = Report::new("What the columns and marks mean");
    columns.legend(legend(result));
    page.folded(columns);
    let key = drawn.take_key();
    if !key.is_empty() {
        page.heading("Pictures");
    }
    for figure in key {
        page.figure(figure);
    }
    for (part, title) in Part::ALL {
        if let Some(folded) = drawn.folded(part, title) {
            page.folded(folded);
        }
    }
    if let Some(origin) = &result.origin {
        page.folded(how_it_was_made(origin));
    }
    Ok(page)
}

/// What is compared, and the line that asked for it.
fn ask(page: &mut Report, result: &StudyResult) {
    if !result.complete {
        page.paragraph(
            "The study was stopped: below is what was finished, with as many seeds as it was finished for.",
        );
    }
    let named = |name: fn(&super::Row) -> &str| distinct(result.rows().map(name));
    let (processes, fields) = (named(|row| &row.process), named(|row| &row.field));
    page.paragraph(format!(
        "How near do {} solver(s) at their budgets come to the true solution and to the data? {} rows over the process(es) {} and the field(s) {}; {} seed(s) of {} lanes each, in which every solver starts from the same noise. An exact field has no error of its own: what is left is the solver's. A trained field has both.",
        named(|row| &row.solver).len(),
        result.rows().count(),
        processes.join(", "),
        fields.join(", "),
        result.seeds,
        result.lanes
    ));
    if let Some(origin) = &result.origin {
        page.command(origin.command_line());
    }
}

/// The sentences that a reader is after, case by case, and all of them folded.
fn answer<'a>(page: &mut Report, said: &'a [Answer]) {
    if said.is_empty() {
        return;
    }
    page.heading("Answer");
    for about_all in said.iter().filter(|answer| answer.case.is_empty()) {
        page.paragraph(about_all.text.as_str());
    }
    let cases = distinct(said.iter().map(|answer| &answer.case).filter(|case| !case.is_empty()));
    let of_case = |case: &'a String| said.iter().filter(move |answer| answer.case == *case);
    page.legend(cases.iter().map(|&case| (case.as_str(), lead(of_case(case)))));
    let all = cases.iter().flat_map(|&case| {
        let named = |(index, answer): (usize, &Answer)| {
            (if index == 0 { case.clone() } else { String::new() }, answer.text.clone())
        };
        of_case(case).enumerate().map(named).collect::<Vec<_>>()
    });
    let all: Vec<(String, String)> = all.collect();
    // Nothing is folded that stands above already.
    if all.len() > cases.len() {
        let mut folded = Report::new(format!("All {} sentences that hold", all.len()));
        folded.legend(all);
        page.folded(folded);
    }
}

/// Evaluations at which it is said first what to use.
const FEW: f64 = 10.0;

/// What to use with few evaluations, and the cheapest way to the floor; with neither the first that
/// can be said.
fn lead<'a>(said: impl Iterator<Item = &'a Answer>) -> String {
    let said: Vec<&Answer> = said.collect();
    let of = |question: Question| {
        let mut these = said.iter().filter(move |answer| answer.question == question);
        let first = these.clone().next();
        these.find(|answer| answer.evaluations.is_none_or(|nfe| nfe == FEW)).or(first)
    };
    let first = of(Question::Use).or(of(Question::Nearest));
    let mut texts: Vec<&str> = first
        .into_iter()
        .chain(of(Question::Cheapest))
        .map(|answer| answer.text.as_str())
        .collect();
    if texts.is_empty() {
        texts.extend(said.first().map(|answer| answer.text.as_str()));
    }
    texts.join(" ")
}

fn how_it_was_made(origin: &Origin) -> Report {
    let Origin { file, version, commit, date, machine, threads, weights, .. } = origin;
    let mut part = Report::new("How it was made");
    let commit = commit.as_ref().map_or(String::new(), |commit| format!(" ({commit})"));
    part.paragraph(format!(
        "driftfield {version}{commit}, {date}, {machine}, {threads} thread(s): {}",
        origin.command_line()
    ));
    for (source, sum) in weights {
        part.paragraph(format!("Weights or points of {source}: checksum {sum}."));
    }
    part.preformatted(file);
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Color, PointLayer, Scatter};
    use crate::study::made_up;

    fn drawn(names: &[(Part, &str)]) -> Drawn {
        let picture = Scatter::new("").layer(PointLayer::new("", vec![[0.0, 0.0]], Color::nth(0)));
        let mut drawn = Drawn::default();
        for (part, name) in names {
            let figure = |caption| Figure::svg(&picture, caption).unwrap();
            drawn.add(*part, (*name).to_owned(), figure, format!("of {name}"));
        }
        drawn
    }

    #[test]
    fn the_answer_stands_before_the_table_and_the_table_before_pictures() {
        let pictures = drawn(&[
            (Part::Curves, "solver-error-nfe-vp-exact"),
            (Part::Overviews, "overview-a"),
            (Part::Overviews, "overview-b"),
            (Part::Samples, "samples-exact"),
            (Part::Trajectories, "trajectories-vp-exact"),
        ]);
        let html = of(&Study::default(), &made_up::study(5), pictures).unwrap().to_html();
        let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
        let order = [
            "How near do 3 solver(s)",
            "<h2>Answer</h2>",
            "use heun",
            "<summary>All ",
            "<h2>Table</h2>",
            "<thead>",
            "<h2>Pictures</h2>",
            "<figure id=\"overview-a\">",
            "<figure id=\"samples-exact\">",
            "<summary>Trajectories: 1 more",
            "<summary>Errors: 1 more",
            "<figure id=\"solver-error-nfe-vp-exact\">",
        ];
        assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{html}");
        // A row, and the heading of its group, lead to what is drawn of them, and to nothing else.
        assert!(html.contains("<td><a href=\"#solver-error-nfe-vp-exact\">heun"), "{html}");
        assert!(html.contains(" <a href=\"#trajectories-vp-exact\">trajectories</a>"));
        for link in html.split("href=\"#").skip(1) {
            let name = link.split('"').next().unwrap();
            assert!(html.contains(&format!("<figure id=\"{name}\">")), "{name}");
        }
    }

    #[test]
    fn of_few_evaluations_it_is_said_first_what_to_use() {
        let said = |question, evaluations, text: &str| Answer {
            case: "vp".to_owned(),
            question,
            evaluations,
            text: text.to_owned(),
        };
        let all = [
            said(Question::Nearest, Some(10.0), "nearest."),
            said(Question::Cheapest, None, "cheapest."),
            said(Question::Use, Some(5.0), "use at 5."),
            said(Question::Use, Some(10.0), "use at 10."),
        ];
        assert_eq!(lead(all.iter()), "use at 10. cheapest.");
        assert_eq!(lead(all[..3].iter()), "use at 5. cheapest.");
        assert_eq!(lead(all[..2].iter()), "nearest. cheapest.");
        let other = said(Question::ModelRules, None, "the model's.");
        assert_eq!(lead([other].iter()), "the model's.");
    }

    #[test]
    fn of_one_seed_it_is_said_why_there_is_no_answer() {
        let html = of(&Study::default(), &made_up::study(1), Drawn::default()).unwrap().to_html();
        assert!(html.contains("Run more seeds."), "{html}");
        assert!(!html.contains("<h2>Pictures</h2>"));
    }
}
