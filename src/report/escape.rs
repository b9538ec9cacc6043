//! Text made safe inside HTML.

/// Replaces what HTML would read as markup, in text and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\'' => result.push_str("&#39;"),
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escaped("<a href=\"x\" & 'y'>"),
            "&lt;a href=&quot;x&quot; &amp; &#39;y&#39;&gt;"
        );
        assert_eq!(escaped("σ ≤ 1"), "σ ≤ 1");
    }
}
