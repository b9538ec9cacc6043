//! Text of the user's, as messages repeat it.

use std::path::Path;

/// Longest text that is repeated whole.
const LONGEST: usize = 200;
/// Characters kept of the two ends of a longer one.
const ENDS: [usize; 2] = [120, 40];

/// `text` for a message: control characters and others that do not print are escaped, so that no
/// name can write to a terminal what it likes, and of a long text the two ends are given.
///
/// ```
/// use driftfield_problems::echo::echo;
/// assert_eq!(echo("a plain name.npy"), "a plain name.npy");
/// assert_eq!(echo("red \u{1b}[31m"), "red \\u{1b}[31m");
/// assert!(echo(&"x".repeat(100_000)).len() < 250);
/// ```
pub fn echo(text: &str) -> String {
    let length = text.chars().take(LONGEST + 1).count();
    if length <= LONGEST {
        return printable(text);
    }
    let length = text.chars().count();
    let [head, tail] = ENDS;
    let tail: Vec<char> = text.chars().rev().take(tail).collect();
    let tail: String = tail.into_iter().rev().collect();
    let head: String = text.chars().take(head).collect();
    format!("{} ... {} ({length} characters)", printable(&head), printable(&tail))
}

/// The name of a file for a message.
pub fn echo_path(path: &Path) -> String {
    echo(&path.to_string_lossy())
}

/// `text` with what does not print escaped; quotes and backslashes print.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\'' | '"' | '\\' => out.push(letter),
            other => out.extend(other.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_print_is_escaped_and_long_text_is_cut() {
        for plain in ["", "vp:beta_min=0.1", "a 'b' \"c\" \\d", "дорога/ścieżka.npy"] {
            assert_eq!(echo(plain), plain);
        }
        // Line break, bell, delete, right-to-left override, a C1 control.
        for bad in ["\n", "\u{7}", "\u{7f}", "\u{202e}", "\u{9b}", "\r", "\0"] {
            let shown = echo(&format!("a{bad}b"));
            assert!(shown.contains('\\') && !shown.contains(bad), "{shown}");
        }
        assert_eq!(echo(&"x".repeat(LONGEST)).len(), LONGEST);
        let long = echo(&format!("{}end", "\u{1b}".repeat(100_000)));
        assert!(long.ends_with("end (100003 characters)"), "{long}");
        assert!(long.len() < 1_200 && !long.contains('\u{1b}'));
    }
}
