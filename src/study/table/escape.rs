//! Text made safe inside tables of Markdown and LaTeX.

/// A text in one line, as a cell must be.
fn line(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter })
}

/// A text with what Markdown would read otherwise escaped, in a table or out of it.
pub(in crate::study) fn markdown_text(text: &str) -> String {
    let mut escaped = String::new();
    for letter in line(text) {
        if "\\|`*_[]<>~$#&".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// A text with what LaTeX would read otherwise escaped.
pub(super) fn latex_text(text: &str) -> String {
    let mut escaped = String::new();
    for letter in line(text) {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            '\\' => escaped += "\\textbackslash{}",
            '~' => escaped += "\\textasciitilde{}",
            '^' => escaped += "\\textasciicircum{}",
            '`' => escaped += "\\textasciigrave{}",
            '|' => escaped += "\\textbar{}",
            '<' | '>' => escaped.extend(['$', letter, '$']),
            // Behind the `\\` of the line before they would be its arguments.
            '[' | '*' if escaped.is_empty() => escaped.extend(['{', letter, '}']),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_stays_text() {
        let label = "a|b `c`\n_d_ [e](f) <g> &amp;";
        let expected = "a\\|b \\`c\\` \\_d\\_ \\[e\\](f) \\<g\\> \\&amp;";
        assert_eq!(markdown_text(label), expected);
        assert_eq!(
            latex_text("a|b `c`\n\nd"),
            "a\\textbar{}b \\textasciigrave{}c\\textasciigrave{}  d"
        );
        assert_eq!(
            (latex_text("[x]"), latex_text("*x*")),
            ("{[}x]".to_owned(), "{*}x*".to_owned())
        );
        assert_eq!(latex_text("a_1 & 5% {x} \\"), "a\\_1 \\& 5\\% \\{x\\} \\textbackslash{}");
    }
}
