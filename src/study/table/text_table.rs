//! A table drawn in characters.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table};

/// Headings and lines of a table that numbers stay whole in.
pub(in crate::study) struct TextTable {
    /// What heads each column, and whether it holds text, which stands at the left.
    pub(in crate::study) headings: Vec<(String, bool)>,
    pub(in crate::study) lines: Vec<Vec<String>>,
}

impl TextTable {
    /// Whether a line has at most `width` characters, the words of headings below each other if
    /// need be.
    pub(in crate::study) fn fits(&self, width: u16) -> bool {
        is_within(&self.table(true), width)
    }

    /// As text, in lines of at most `width` characters: where words of headings below each other are
    /// not enough, columns of text are broken between words, and numbers last.
    pub(in crate::study) fn to_text(&self, width: Option<u16>) -> String {
        let mut table = self.table(false);
        let Some(width) = width.filter(|&width| !is_within(&table, width)) else {
            return table.to_string();
        };
        table = self.table(true);
        if !is_within(&table, width) {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
            for (column, (_, is_text)) in table.column_iter_mut().zip(&self.headings) {
                if !is_text {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        if !is_within(&table, width) {
            table.column_iter_mut().for_each(|column| {
                column.remove_constraint();
            });
        }
        table.to_string()
    }

    fn table(&self, high: bool) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let heading = |(at, (text, _)): (usize, &(String, bool))| {
            let cells = self.lines.iter().map(|line| line[at].chars().count());
            if high { in_lines(text, cells.max().unwrap_or(0)) } else { text.clone() }
        };
        table.set_header(self.headings.iter().enumerate().map(heading));
        for line in &self.lines {
            table.add_row(line.iter().zip(&self.headings).map(|(text, (_, is_text))| {
                let side = if *is_text { CellAlignment::Left } else { CellAlignment::Right };
                Cell::new(text).set_alignment(side)
            }));
        }
        table
    }
}

/// The words of a text in lines of at most `width` characters, if no word has more.
fn in_lines(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                *line += " ";
                *line += word;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn is_within(table: &Table, width: u16) -> bool {
    table.lines().all(|line| line.chars().count() <= usize::from(width))
}
