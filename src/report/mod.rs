//! One self-contained HTML page: text, tables and pictures, with nothing to
//! load from elsewhere, so that it can be mailed, archived and opened offline.
//!
//! ```
//! use driftfield::report::{Report, Table};
//!
//! let mut table = Table::new("Errors", ["solver", "NFE", "error"]);
//! table.group("vp");
//! table.row(["heun", "20", "1.3e-2"])?;
//! let mut report = Report::new("Solver study");
//! report.paragraph("Lower is better.").table(table);
//! assert!(report.to_html().starts_with("<!DOCTYPE html>"));
//! # Ok::<(), driftfield::report::ReportError>(())
//! ```

mod escape;
mod figure;
mod table;

pub use figure::Figure;
pub use table::{Cell, Table};

use std::fmt::Write;
use std::path::Path;

use driftfield_problems::atomic_file::{self, WriteError};

use crate::plot::PlotError;
pub(crate) use escape::escaped;

/// Why a report could not be made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A row does not fit its table.
    #[error(
        "row {row} of the table \"{table}\" has {found} entries where there are {expected} columns"
    )]
    RowLength {
        /// The table's caption.
        table: String,
        /// The row, counted from 1.
        row: usize,
        /// The number of columns.
        expected: usize,
        /// The number of entries given.
        found: usize,
    },
    /// A picture could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    Heading(String),
    Paragraph(String),
    Preformatted(String),
    Command(String),
    Folded(Report),
    Legend(Vec<(String, String)>),
    Table(Table),
    Figure(Figure),
}

/// A page that is put together from top to bottom. All text is taken as plain
/// text: markup in it is shown, not obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    title: String,
    blocks: Vec<Block>,
}

impl Report {
    /// A page with nothing but its title.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// Adds the heading of a section.
    pub fn heading(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Block::Heading(text.into()))
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Block::Paragraph(text.into()))
    }

    /// Adds a text whose lines stay as they are.
    pub fn preformatted(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Block::Preformatted(text.into()))
    }

    /// Adds a line as it is typed, broken where the page ends.
    pub fn command(&mut self, line: impl Into<String>) -> &mut Self {
        self.push(Block::Command(line.into()))
    }

    /// Adds all of another page under its title, which a click unfolds.
    pub fn folded(&mut self, part: Report) -> &mut Self {
        self.push(Block::Folded(part))
    }

    /// Adds a list of terms with their meanings.
    pub fn legend<T: Into<String>, M: Into<String>>(
        &mut self,
        entries: impl IntoIterator<Item = (T, M)>,
    ) -> &mut Self {
        let entries = entries.into_iter().map(|(term, meaning)| (term.into(), meaning.into()));
        self.push(Block::Legend(entries.collect()))
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) -> &mut Self {
        self.push(Block::Table(table))
    }

    /// Adds a picture.
    pub fn figure(&mut self, figure: Figure) -> &mut Self {
        self.push(Block::Figure(figure))
    }

    fn push(&mut self, block: Block) -> &mut Self {
        self.blocks.push(block);
        self
    }

    /// The whole page.
    pub fn to_html(&self) -> String {
        let title = escaped(&self.title);
        let mut html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        self.write_blocks(&mut html);
        html.push_str("</main>\n");
        if self.needs_script() {
            let _ = write!(html, "<script>\n{TABLE_SCRIPT}{SCRIPT}</script>\n");
        }
        html.push_str("</body>\n</html>\n");
        html
    }

    /// What is sorted, filtered or led to needs a script; the rest does not.
    fn needs_script(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block, Block::Table(_) | Block::Folded(_)))
    }

    fn write_blocks(&self, html: &mut String) {
        // Writing to a string cannot fail.
        for block in &self.blocks {
            let _ = match block {
                Block::Heading(text) => writeln!(html, "<h2>{}</h2>", escaped(text)),
                Block::Paragraph(text) => writeln!(html, "<p>{}</p>", escaped(text)),
                Block::Preformatted(text) => writeln!(html, "<pre>{}</pre>", escaped(text)),
                Block::Command(line) => {
                    writeln!(html, "<pre class=\"command\">{}</pre>", escaped(line))
                }
                Block::Folded(part) => {
                    let title = escaped(&part.title);
                    let _ = writeln!(html, "<details><summary>{title}</summary>");
                    part.write_blocks(html);
                    writeln!(html, "</details>")
                }
                Block::Legend(entries) => {
                    html.push_str("<dl>\n");
                    for (term, meaning) in entries {
                        let (term, meaning) = (escaped(term), escaped(meaning));
                        let _ = writeln!(html, "<dt>{term}</dt><dd>{meaning}</dd>");
                    }
                    writeln!(html, "</dl>")
                }
                Block::Table(table) => {
                    table.write_html(html);
                    Ok(())
                }
                Block::Figure(figure) => {
                    figure.write_html(html);
                    Ok(())
                }
            };
        }
    }

    /// Writes the page to a file, which appears whole or not at all.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        let path = path.as_ref();
        Ok(atomic_file::write(path, self.to_html().as_bytes())?)
    }
}

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// What sorts and filters tables, of other pages too.
pub(crate) const TABLE_SCRIPT: &str = include_str!("table.js");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{Color, PointLayer, Scatter};

    fn scatter() -> Scatter {
        Scatter::new("a & b").layer(PointLayer::new("", vec![[0.0, 0.0]], Color::nth(0)))
    }

    #[test]
    fn text_is_escaped_everywhere() {
        let mut report = Report::new("<title>");
        report.heading("<h>").paragraph("1 < 2 & 3").legend([("<t>", "<m>")]);
        report.figure(Figure::png(&scatter(), "\"<caption>\"").unwrap());
        let html = report.to_html();
        for raw in ["<title><title>", "<h>", "1 < 2", "<t>", "<m>", "<caption>"] {
            assert!(!html.contains(raw), "{raw} was not escaped");
        }
        assert!(html.contains("<p>1 &lt; 2 &amp; 3</p>"));
        assert!(html.contains("alt=\"&quot;&lt;caption&gt;&quot;\""));
    }

    #[test]
    fn pictures_are_inline_and_nothing_is_external() {
        let mut report = Report::new("r");
        report.figure(Figure::svg(&scatter(), "svg").unwrap());
        report.figure(Figure::png(&scatter(), "png").unwrap());
        let html = report.to_html();
        assert!(
            html.contains("<figure><div class=\"picture\">\n<svg ")
                && html.contains("src=\"data:image/png;base64,iVBORw0KGgo")
        );
        assert!(
            !html.contains("<link") && !html.contains("<script") && !html.contains("src=\"http")
        );
        assert!(!html.contains("url(") && !html.contains("@import"));
    }

    #[test]
    fn a_page_with_a_table_or_a_fold_has_the_script_and_asks_for_no_file() {
        let mut table = Table::new("", ["solver", "NFE"]);
        table.row([Cell::from("heun").linked("curve"), Cell::from("10")]).unwrap();
        let mut part = Report::new("The rest <of it>");
        part.heading("More").figure(Figure::svg(&scatter(), "svg").unwrap().named("curve"));
        let mut report = Report::new("r");
        report.command("driftfield study <x>").table(table).folded(part);
        let html = report.to_html();
        for piece in [
            "<pre class=\"command\">driftfield study &lt;x&gt;</pre>",
            "<details><summary>The rest &lt;of it&gt;</summary>\n<h2>More</h2>",
            "<a href=\"#curve\">heun</a>",
            "<figure id=\"curve\">",
            "prefers-color-scheme: dark",
        ] {
            assert!(html.contains(piece), "{piece}");
        }
        // One script, which its own text does not end.
        assert_eq!(html.matches("<script>").count(), 1);
        assert_eq!(html.matches("</script>").count(), 1);
        // Of what sorts a table there is one, which a view has as well.
        assert_eq!(html.matches("localeCompare").count(), 1);
        assert!(!SCRIPT.contains("localeCompare"));
        // The one address is the name of SVG, which is not asked for.
        let addresses = html.replace("http://www.w3.org/2000/svg", "");
        for outside in ["http:", "https:", "src=\"/", "<link", "url(", "@import", "fetch("] {
            assert!(!addresses.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_file_is_written_or_the_error_says_where() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.html");
        Report::new("r").write(&path).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("</html>\n"));
        let missing = directory.path().join("missing/report.html");
        let error = Report::new("r").write(&missing).unwrap_err();
        assert!(matches!(&error, ReportError::Write(error) if error.path == missing));
    }
}
