//! Tables of a report.

use super::ReportError;
use super::escape::escaped;
use std::fmt::Write;

/// One entry of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What is written.
    pub text: String,
    /// Whether it stands out, such as the best value of a column.
    pub highlight: bool,
    /// The name of a [figure](super::Figure::named) of the page that it leads to.
    pub link: Option<String>,
}

impl Cell {
    /// The same entry, standing out.
    #[must_use]
    pub fn highlighted(mut self) -> Self {
        self.highlight = true;
        self
    }

    /// The same entry, leading to the figure of that name.
    #[must_use]
    pub fn linked(mut self, figure: impl Into<String>) -> Self {
        self.link = Some(figure.into());
        self
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), highlight: false, link: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Row {
    /// A heading, and words behind it with the figures they lead to.
    Group(String, Vec<(String, String)>),
    Cells(Vec<Cell>),
    /// Cells of a row that stays below the others of its group.
    Last(Vec<Cell>),
}

/// A table with a header row. Columns that hold numbers are right-aligned.
///
/// On the page a click on a heading sorts the rows of each group, and a box filters them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    caption: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

impl Table {
    /// A table without rows; the caption may be empty.
    pub fn new<C: Into<String>>(
        caption: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            caption: caption.into(),
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, one entry per column.
    pub fn row<C: Into<Cell>>(
        &mut self,
        cells: impl IntoIterator<Item = C>,
    ) -> Result<&mut Self, ReportError> {
        let cells = self.checked(cells)?;
        self.rows.push(Row::Cells(cells));
        Ok(self)
    }

    /// Adds a row that stays below the others of its group, however they are sorted.
    pub fn last_row<C: Into<Cell>>(
        &mut self,
        cells: impl IntoIterator<Item = C>,
    ) -> Result<&mut Self, ReportError> {
        let cells = self.checked(cells)?;
        self.rows.push(Row::Last(cells));
        Ok(self)
    }

    fn checked<C: Into<Cell>>(
        &self,
        cells: impl IntoIterator<Item = C>,
    ) -> Result<Vec<Cell>, ReportError> {
        let cells: Vec<Cell> = cells.into_iter().map(Into::into).collect();
        if cells.len() != self.columns.len() {
            return Err(ReportError::RowLength {
                table: self.caption.clone(),
                row: self.rows.len() + 1,
                expected: self.columns.len(),
                found: cells.len(),
            });
        }
        Ok(cells)
    }

    /// Adds a heading over the rows that follow, as wide as the table.
    pub fn group(&mut self, heading: impl Into<String>) -> &mut Self {
        self.group_linked(heading, Vec::new())
    }

    /// The same with words behind it, each with the [figure](super::Figure::named) it leads to.
    pub fn group_linked(
        &mut self,
        heading: impl Into<String>,
        links: Vec<(String, String)>,
    ) -> &mut Self {
        self.rows.push(Row::Group(heading.into(), links));
        self
    }

    /// Whether all that is written in a column are numbers, and there are any.
    fn is_numeric(&self, column: usize) -> bool {
        let mut texts = self
            .rows
            .iter()
            .filter_map(|row| match row {
                Row::Group(..) => None,
                Row::Cells(cells) | Row::Last(cells) => Some(cells[column].text.trim()),
            })
            .filter(|text| !is_blank(text))
            .peekable();
        texts.peek().is_some() && texts.all(is_number)
    }

    pub(crate) fn write_html(&self, html: &mut String) {
        let classes: Vec<_> = (0..self.columns.len())
            .map(|column| if self.is_numeric(column) { "number" } else { "" })
            .collect();
        html.push_str("<div class=\"table\"><table>\n");
        if !self.caption.is_empty() {
            let _ = writeln!(html, "<caption>{}</caption>", escaped(&self.caption));
        }
        html.push_str("<thead><tr>");
        for (column, class) in self.columns.iter().zip(&classes) {
            write_cell(html, "th", class, &Cell::from(column.as_str()));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            let (opening, cells) = match row {
                Row::Group(heading, links) => {
                    self.write_heading(html, heading, links);
                    continue;
                }
                Row::Cells(cells) => ("<tr>", cells),
                Row::Last(cells) => ("<tr class=\"last\">", cells),
            };
            html.push_str(opening);
            for (cell, class) in cells.iter().zip(&classes) {
                let class = match (class.is_empty(), cell.highlight) {
                    (false, true) => "number highlight",
                    (true, true) => "highlight",
                    (_, false) => class,
                };
                write_cell(html, "td", class, cell);
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody></table></div>\n");
    }

    fn write_heading(&self, html: &mut String, heading: &str, links: &[(String, String)]) {
        let (span, heading) = (self.columns.len(), escaped(heading));
        let _ = write!(html, "<tr class=\"group\"><th colspan=\"{span}\">{heading}");
        for (word, figure) in links {
            let _ = write!(html, " <a href=\"#{}\">{}</a>", escaped(figure), escaped(word));
        }
        html.push_str("</th></tr>\n");
    }
}

fn write_cell(html: &mut String, tag: &str, class: &str, cell: &Cell) {
    let attribute = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let text = escaped(&cell.text);
    let text = match &cell.link {
        Some(figure) => format!("<a href=\"#{}\">{text}</a>", escaped(figure)),
        None => text,
    };
    let _ = write!(html, "<{tag}{attribute}>{text}</{tag}>");
}

/// Entries that stand for "no value" say nothing about a column.
fn is_blank(text: &str) -> bool {
    matches!(text, "" | "-" | "–" | "—" | "−" | "n/a" | "null")
}

/// A number, perhaps marked as the best, with a unit-free spread or share, or two of them:
/// `> 1.2e-3 ± 4e-5`, `12 %`, `0.1 to 0.2`, `12/3`.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix("> ").unwrap_or(text).replace("+-", "±").replace(" to ", "±");
    text.split(['±', '/']).all(|part| {
        let part = part.trim().trim_end_matches('%').trim_end().replace('−', "-");
        part.parse::<f64>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_recognised() {
        for text in [
            "12",
            "−1.5e-3",
            "0.2 ± 0.01",
            "> 0.2 +- 0.01",
            "-0.1 to 0.2",
            "12/3",
            "95 %",
            "NaN",
            "inf",
        ] {
            assert!(is_number(text), "{text}");
        }
        for text in ["heun", "1 step", "vp 2", "±", "> ", "tol 1e-3"] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn columns_of_numbers_are_right_aligned_and_all_text_is_escaped() {
        let mut table = Table::new("a < b", ["solver", "NFE & co"]);
        table.group("\"vp\"");
        table.row(["<heun>", "10"]).unwrap().row(["ddim", "—"]).unwrap();
        table.row([Cell::from("euler"), Cell::from("9").highlighted()]).unwrap();
        table.group_linked("ve", vec![("a < b".to_owned(), "a\"b".to_owned())]);
        table.last_row([Cell::from("floor").linked("curve-1"), Cell::from("3")]).unwrap();
        let mut html = String::new();
        table.write_html(&mut html);
        for piece in [
            "<caption>a &lt; b</caption>",
            "<th>solver</th><th class=\"number\">NFE &amp; co</th>",
            "<tr class=\"group\"><th colspan=\"2\">&quot;vp&quot;</th></tr>",
            "<td>&lt;heun&gt;</td><td class=\"number\">10</td>",
            "<td class=\"number highlight\">9</td>",
            "<th colspan=\"2\">ve <a href=\"#a&quot;b\">a &lt; b</a></th>",
            "<tr class=\"last\"><td><a href=\"#curve-1\">floor</a></td><td class=\"number\">3</td>",
        ] {
            assert!(html.contains(piece), "{piece} is missing from {html}");
        }
    }

    #[test]
    fn a_row_of_the_wrong_length_is_refused() {
        let mut table = Table::new("t", ["a", "b"]);
        let error = table.row(["1"]).unwrap_err();
        assert!(matches!(error, ReportError::RowLength { expected: 2, found: 1, .. }));
    }
}
