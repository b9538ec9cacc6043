//! A table as text: for a terminal, in Markdown, LaTeX, CSV and JSON.

use serde_json::{Map, Value, json};

use super::columns::{Column, Datum, SPREAD};
use super::escape::{latex_text, markdown_text};
use super::grid::{Grid, Group, Line, Place};
use super::text_table::TextTable;

const MISSING: &str = "-";
/// Before what is the best of its group.
pub(super) const BEST: &str = "> ";
/// Behind the first row at the floor.
const AT_FLOOR: &str = " *";

impl Datum {
    pub(super) fn plain_text(&self) -> String {
        match self {
            Datum::Missing => MISSING.to_owned(),
            Datum::Blank => String::new(),
            Datum::Text(text) => text.clone(),
            Datum::Number { mean, spread, format } => {
                let spread = spread.map(|spread| format!(" {SPREAD} {}", format.text(spread)));
                format.text(*mean) + &spread.unwrap_or_default()
            }
            Datum::Steps(accepted, rejected) => format!("{accepted:.0}/{rejected:.0}"),
            Datum::Interval(ends, format) => ends.map(|end| format.text(end)).join(" to "),
        }
    }
}

/// The text of a line's cell in the column, whose mark for the first row at the floor is in that of
/// the solver.
pub(super) fn cell_text(line: &Line, place: &Place, column: &Column) -> String {
    let star = if line.at_floor && column.name == "solver" { AT_FLOOR } else { "" };
    let best = if place.best { BEST } else { "" };
    format!("{best}{}{star}", place.datum.plain_text())
}

impl Grid {
    /// A table for each group under its title, with `below` behind that, in lines of at most `width`
    /// characters.
    pub(super) fn to_terminal(&self, below: &str, width: Option<u16>) -> String {
        let mut text = String::new();
        for group in &self.groups {
            text += &format!("\n{}{below}\n{}\n", group.title, self.drawn(group).to_text(width));
        }
        text
    }

    /// Whether no line of any group's table has more than `width` characters.
    pub(super) fn fits(&self, width: u16) -> bool {
        self.groups.iter().all(|group| self.drawn(group).fits(width))
    }

    fn drawn(&self, group: &Group) -> TextTable {
        let kept = self.kept(group);
        let heading = |&at: &usize| (self.columns[at].heading.clone(), self.columns[at].is_text());
        let cells = |line: &Line| {
            kept.iter().map(|&at| cell_text(line, &line.cells[at], &self.columns[at])).collect()
        };
        TextTable {
            headings: kept.iter().map(heading).collect(),
            lines: group.lines.iter().map(cells).collect(),
        }
    }

    /// A table for each group; the best is bold.
    pub(super) fn to_markdown(&self) -> String {
        let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = String::new();
        for group in &self.groups {
            let kept = self.kept(group);
            text += &format!("**{}**\n\n", markdown_text(&group.title));
            text += &row(kept.iter().map(|&at| markdown_text(&self.columns[at].heading)).collect());
            let side = |&at: &usize| if self.columns[at].is_text() { ":--" } else { "--:" };
            text += &row(kept.iter().map(|at| side(at).to_owned()).collect());
            for line in &group.lines {
                let cell = |&at: &usize| {
                    let plain = markdown_text(&line.cells[at].datum.plain_text());
                    let star = line.at_floor && self.columns[at].name == "solver";
                    let plain = if star { format!("{plain} \\*") } else { plain };
                    if line.cells[at].best { format!("**{plain}**") } else { plain }
                };
                text += &row(kept.iter().map(cell).collect());
            }
            text.push('\n');
        }
        text
    }

    /// The columns that may have anything in this group.
    fn kept(&self, group: &Group) -> Vec<usize> {
        (0..self.columns.len()).filter(|&at| group.has[at]).collect()
    }

    /// One `tabular` for `booktabs`, with a heading over each group; the best is bold.
    pub(super) fn to_latex(&self) -> String {
        let kept: Vec<usize> = (0..self.columns.len())
            .filter(|&at| self.groups.iter().any(|group| group.has[at]))
            .collect();
        let side = |&at: &usize| if self.columns[at].is_text() { 'l' } else { 'r' };
        let sides: String = kept.iter().map(side).collect();
        let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        let mut text =
            format!("% \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{sides}}}\n\\toprule\n");
        text += &line(kept.iter().map(|&at| latex_heading(&self.columns[at].heading)).collect());
        for group in &self.groups {
            let title = latex_text(&group.title);
            text += "\\midrule\n";
            if self.groups.len() > 1 {
                text +=
                    &format!("\\multicolumn{{{}}}{{l}}{{\\emph{{{title}}}}} \\\\\n", kept.len());
            }
            let mut before = false;
            for row in &group.lines {
                if row.is_floor && !before {
                    text += &format!("\\cmidrule{{1-{}}}\n", kept.len());
                }
                before = row.is_floor;
                let cell = |&at: &usize| {
                    let place = &row.cells[at];
                    let star = row.at_floor && self.columns[at].name == "solver";
                    let text = latex_datum(&place.datum, place.best);
                    if star { format!("{text}$^*$") } else { text }
                };
                text += &line(kept.iter().map(cell).collect());
            }
        }
        text + "\\bottomrule\n\\end{tabular}\n"
    }

    /// Names of a place's numbers in files: a spread that is shown beside a number has its own.
    fn named(column: &Column, datum: &Datum) -> Vec<(String, Value)> {
        let mut named = vec![(column.name.clone(), datum.to_json())];
        if let Datum::Number { spread: Some(spread), .. } = datum {
            named.push((format!("{}_std", column.name), json!(spread)));
        }
        named
    }

    /// The rows with what they are grouped by, floors left out, numbers in full.
    pub(super) fn to_csv(&self) -> Result<String, csv::Error> {
        let mut records: Vec<Vec<(String, Value)>> = Vec::new();
        for group in &self.groups {
            for line in group.lines.iter().filter(|line| !line.is_floor) {
                let by = group
                    .by
                    .iter()
                    .filter(|(column, _)| !self.columns.iter().any(|own| own.name == column.name));
                let mut record: Vec<(String, Value)> =
                    by.map(|(column, datum)| (column.name.clone(), datum.to_json())).collect();
                for (column, place) in self.columns.iter().zip(&line.cells) {
                    record.extend(Self::named(column, &place.datum));
                }
                records.push(record);
            }
        }
        let mut names: Vec<&str> = Vec::new();
        for (at, name) in records.iter().flat_map(|record| record.iter().enumerate()) {
            let name = name.0.as_str();
            if !names.contains(&name) {
                names.insert(at.min(names.len()), name);
            }
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&names)?;
        for record in &records {
            let cell = |name: &&str| {
                let found = record.iter().find(|(known, _)| known == name);
                found.map_or(String::new(), |(_, value)| csv_text(value))
            };
            writer.write_record(names.iter().map(cell))?;
        }
        let bytes = writer.into_inner().map_err(|error| error.into_error())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The groups with their rows and floors; a row says in which columns it is the `best`.
    pub(super) fn to_json(&self) -> Value {
        let columns: Vec<Value> = self
            .columns
            .iter()
            .map(|column| json!({ "name": column.name, "heading": column.heading }))
            .collect();
        let line = |line: &Line| {
            let cells = self.columns.iter().zip(&line.cells);
            let mut object: Map<String, Value> = cells
                .clone()
                .flat_map(|(column, place)| Self::named(column, &place.datum))
                .collect();
            if !line.is_floor {
                let best: Vec<&str> =
                    cells.filter(|(_, p)| p.best).map(|(column, _)| column.name.as_str()).collect();
                object.insert("best".to_owned(), json!(best));
                object.insert("first_at_floor".to_owned(), json!(line.at_floor));
            }
            object
        };
        let group = |group: &Group| {
            let by: Map<String, Value> =
                group.by.iter().map(|(c, datum)| (c.name.clone(), datum.to_json())).collect();
            let (floors, rows): (Vec<&Line>, Vec<&Line>) =
                group.lines.iter().partition(|line| line.is_floor);
            json!({
                "title": group.title,
                "by": by,
                "rows": rows.into_iter().map(line).collect::<Vec<_>>(),
                "floors": floors.into_iter().map(line).collect::<Vec<_>>(),
            })
        };
        json!({
            "columns": columns,
            "groups": self.groups.iter().map(group).collect::<Vec<_>>(),
        })
    }
}

fn csv_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(csv_text).collect::<Vec<_>>().join(" "),
        number => number.to_string(),
    }
}

fn latex_heading(heading: &str) -> String {
    let heading = latex_text(heading).replace(SPREAD, "$\\pm$");
    heading.replace("\\textasciicircum{}2", "$^2$").replace("- floor", "$-$ floor")
}

/// `1.2e-4` as LaTeX writes it in mathematics.
fn latex_number(text: &str) -> String {
    let text = text.replace(" %", "\\,\\%");
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{digits} \\times 10^{{{exponent}}}"),
        None => text,
    }
}

fn latex_datum(datum: &Datum, best: bool) -> String {
    let bold = |number: String| if best { format!("\\mathbf{{{number}}}") } else { number };
    match datum {
        Datum::Missing => "--".to_owned(),
        Datum::Blank => String::new(),
        Datum::Text(text) => latex_text(text),
        Datum::Number { mean, spread, format } => {
            let number = bold(latex_number(&format.text(*mean)));
            let spread = spread.map(|s| format!(" \\pm {}", latex_number(&format.text(s))));
            format!("${number}{}$", spread.unwrap_or_default())
        }
        Datum::Steps(accepted, rejected) => format!("{accepted:.0}/{rejected:.0}"),
        Datum::Interval(ends, format) => {
            let [low, high] = ends.map(|end| latex_number(&format.text(end)));
            format!("$[{low}, {high}]$")
        }
    }
}
