//! A comparison as text, Markdown and JSON.

use std::fmt::Write;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::{Comparison, Pair};
use crate::study::Origin;
use crate::study::paired::{Difference, SECONDS};
use crate::study::rows::Summary;
use crate::study::table::{TextTable, markdown_text};

impl Comparison {
    /// For each number what the differences say.
    pub fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        for (at, number) in self.numbers.iter().enumerate() {
            let all = self.rows.iter().filter_map(|pair| pair.sides[at].difference);
            let (same, all): (Vec<Difference>, Vec<Difference>) =
                all.partition(|found| found.paired && found.interval == [0.0, 0.0]);
            let (certain, others): (Vec<Difference>, Vec<Difference>) =
                all.into_iter().partition(Difference::is_certain);
            let rows = same.len() + certain.len() + others.len();
            if rows == 0 {
                continue;
            }
            let better = |d: &&Difference| (d.mean > 0.0) == number.more_is_better;
            let better = certain.iter().filter(better).count();
            said.push(format!(
                "{}: of {rows} row(s) B is better in {better}, worse in {}, not told from A in {} (95 %), and the same with every seed in {}.",
                number.heading,
                certain.len() - better,
                others.len(),
                same.len()
            ));
        }
        said
    }

    /// Tables of rows and of floors with these of the numbers, as headings, columns and lines.
    fn tables(&self, shown: Range<usize>) -> Vec<Headed> {
        let mut headings = vec!["solver".to_owned(), "NFE".to_owned()];
        for number in &self.numbers[shown.clone()] {
            let heading = &number.heading;
            headings.extend([format!("{heading} A"), format!("{heading} B")]);
            headings.extend((number.name != SECONDS).then(|| "B - A (95 %)".to_owned()));
        }
        let line = |pair: &Pair| {
            let both = |nfe: [f64; 2]| {
                let [a, b] = nfe.map(|nfe| format!("{nfe:.0}"));
                if a == b { a } else { format!("{a} / {b}") }
            };
            let nfe = pair.nfe.map_or(String::new(), both);
            let mut line = vec![pair.label.clone(), nfe];
            for at in shown.clone() {
                let (number, sides) = (&self.numbers[at], &pair.sides[at]);
                line.extend([sides.a, sides.b].map(|side| number.summary_text(side)));
                line.extend((number.name != SECONDS).then(|| number.difference_text(sides)));
            }
            line
        };
        let mut tables: Vec<Headed> = Vec::new();
        for pair in self.rows.iter().chain(&self.floors) {
            match tables.iter_mut().find(|(case, ..)| *case == pair.case) {
                Some((_, _, lines)) => lines.push(line(pair)),
                None => tables.push((pair.case.clone(), headings.clone(), vec![line(pair)])),
            }
        }
        tables
    }

    /// What stands above the tables: what the studies are, and in what they are unlike as wholes.
    fn heading(&self) -> Vec<String> {
        let told = |(name, origin): (&str, &Option<Origin>)| match origin {
            Some(origin) => format!("{name}: {}", origin.told()),
            None => format!("{name}: a study that does not say how it was made."),
        };
        let what = ["A", "B"].into_iter().zip(&self.origins).map(told);
        let left_out = |(name, a, b): &(&str, String, String)| format!("{name}: A {a}, B {b}.");
        let listed = |names: &[String]| match names {
            [] => "no others".to_owned(),
            names => names.join(", "),
        };
        let weights = self.weights.iter().map(|[a, b]| {
            format!("Made with other weights or points: A {}; B {}.", listed(a), listed(b))
        });
        what.chain(self.left_out.iter().map(left_out)).chain(weights).collect()
    }

    /// What stands below the tables: how they were compared, and what the differences say.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let unpaired = |pair: &Pair| {
            pair.sides.iter().any(|side| side.difference.is_some_and(|found| !found.paired))
        };
        if self.rows.iter().any(unpaired) {
            remarks.push("Not paired by seed: the studies have other seeds, other numbers of lanes, or keep no numbers of single seeds.".to_owned());
        }
        if self.rows.is_empty() {
            remarks.push("No row of A is one of B: nothing could be compared.".to_owned());
        }
        let differences = self.rows.iter().flat_map(|pair| &pair.sides);
        let paired = differences.filter_map(|side| side.difference).filter(|found| found.paired);
        if let Some(seeds) = paired.map(|found| found.seeds).min() {
            remarks.push(format!("Paired over the {seeds} seed(s) that both have; means are over all of a study's own."));
        }
        remarks.extend(self.sentences());
        remarks
    }

    /// As text; a `*` is behind a difference whose interval has no zero in it. Each number has tables
    /// of its own if those of all are wider than `width`.
    pub fn to_text(&self, width: Option<u16>) -> String {
        let mut text: String = self.heading().iter().map(|said| format!("{said}\n")).collect();
        let draw = |tables: Vec<Headed>| -> Vec<(String, TextTable)> {
            tables
                .into_iter()
                .map(|(case, headings, lines)| (case, drawn(headings, lines)))
                .collect()
        };
        let count = self.numbers.len();
        let mut tables = draw(self.tables(0..count));
        if width.is_some_and(|width| !tables.iter().all(|(_, table)| table.fits(width))) {
            tables = (0..count).flat_map(|at| draw(self.tables(at..at + 1))).collect();
        }
        for (case, table) in tables {
            let _ = write!(text, "{case}\n{}\n\n", table.to_text(width));
        }
        for (study, rows) in [("A", &self.only_a), ("B", &self.only_b)] {
            for row in rows {
                let _ = writeln!(text, "only in {study}: {row}");
            }
        }
        text + &self.remarks().join("\n")
    }

    /// The same in Markdown.
    pub fn to_markdown(&self) -> String {
        let row = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| markdown_text(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut text: String =
            self.heading().iter().map(|said| format!("{}\n\n", markdown_text(said))).collect();
        for (case, headings, lines) in self.tables(0..self.numbers.len()) {
            let rule = vec!["---"; headings.len()].join(" | ");
            let _ = write!(text, "**{}**\n\n{}| {rule} |\n", markdown_text(&case), row(&headings));
            text.extend(lines.iter().map(|line| row(line)));
            text.push('\n');
        }
        for (study, rows) in [("A", &self.only_a), ("B", &self.only_b)] {
            text.extend(
                rows.iter().map(|row| format!("- only in {study}: {}\n", markdown_text(row))),
            );
        }
        text.extend(self.remarks().iter().map(|remark| format!("- {}\n", markdown_text(remark))));
        text
    }

    /// All of it, numbers in full.
    pub fn to_json(&self) -> Value {
        let summary = |side: Option<Summary>| json!({ "mean": side.map(|s| s.mean), "std": side.and_then(|s| s.std) });
        let pair = |pair: &Pair| {
            let mut object = Map::new();
            object.insert("case".to_owned(), json!(pair.case));
            object.insert("label".to_owned(), json!(pair.label));
            object.insert("nfe_a".to_owned(), json!(pair.nfe.map(|[a, _]| a)));
            object.insert("nfe_b".to_owned(), json!(pair.nfe.map(|[_, b]| b)));
            for (number, sides) in self.numbers.iter().zip(&pair.sides) {
                let difference = sides.difference.map(|found| {
                    json!({
                        "mean": found.mean,
                        "low": found.interval[0],
                        "high": found.interval[1],
                        "seeds": found.seeds,
                        "paired": found.paired,
                        "certain": found.is_certain(),
                    })
                });
                let sides = json!({ "a": summary(sides.a), "b": summary(sides.b), "difference": difference });
                object.insert(number.name.clone(), sides);
            }
            object
        };
        let left_out =
            |(name, a, b): &(&str, String, String)| json!({ "name": name, "a": a, "b": b });
        let [a, b] = self.origins.each_ref().map(|origin| {
            origin.as_ref().map(|origin| {
                json!({
                    "title": origin.title(),
                    "command": origin.command,
                    "version": origin.version,
                    "commit": origin.commit,
                    "machine": origin.machine,
                    "date": origin.date,
                })
            })
        });
        json!({
            "a": a,
            "b": b,
            "left_out": self.left_out.iter().map(left_out).collect::<Vec<_>>(),
            "weights": self.weights.as_ref().map(|[a, b]| json!({ "a": a, "b": b })),
            "rows": self.rows.iter().map(pair).collect::<Vec<_>>(),
            "floors": self.floors.iter().map(pair).collect::<Vec<_>>(),
            "only_a": self.only_a,
            "only_b": self.only_b,
            "sentences": self.sentences(),
        })
    }
}

/// A table: what is above it, its headings, its lines.
type Headed = (String, Vec<String>, Vec<Vec<String>>);

/// Text at the left, and the rest numbers.
fn drawn(headings: Vec<String>, lines: Vec<Vec<String>>) -> TextTable {
    let headings = headings.into_iter().enumerate().map(|(at, heading)| (heading, at == 0));
    TextTable { headings: headings.collect(), lines }
}
