//! Patterns of tensor names.

/// Most wildcards in a pattern: the time to match grows with the power of their number.
const MOST: usize = 6;

/// A name with wildcards: `*` stands for some characters of one segment, `**` for some characters
/// with dots among them; both for one character at least.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    /// Within a segment.
    Within,
    /// Across segments.
    Across,
}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Pattern, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("**") {
                parts.push(Part::Across);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('*') {
                parts.push(Part::Within);
                rest = after;
            } else {
                let (text, after) = rest.split_at(rest.find('*').unwrap_or(rest.len()));
                parts.push(Part::Text(text.to_owned()));
                rest = after;
            }
        }
        let pattern = Pattern { parts };
        let wild = |pair: &[Part]| pair.iter().all(|part| !matches!(part, Part::Text(_)));
        if pattern.parts.is_empty() {
            Err("it is empty; give a name, or a pattern of names".to_owned())
        } else if pattern.parts.windows(2).any(wild) {
            Err("two wildcards meet, so that nobody can say where one ends; put text between them"
                .to_owned())
        } else if pattern.wildcards() > MOST {
            Err(format!("it has more than {MOST} wildcards; use `**` for several segments"))
        } else {
            Ok(pattern)
        }
    }

    /// Number of wildcards.
    pub(super) fn wildcards(&self) -> usize {
        self.parts.iter().filter(|part| !matches!(part, Part::Text(_))).count()
    }

    /// Whether both have the same wildcards in the same order.
    pub(super) fn same_wildcards(&self, other: &Pattern) -> bool {
        let wild = |part: &&Part| !matches!(part, Part::Text(_));
        self.parts.iter().filter(wild).eq(other.parts.iter().filter(wild))
    }

    /// What the wildcards stand for in `name`, if it is such a name. Each takes as little as it
    /// can.
    pub(super) fn matches<'n>(&self, name: &'n str) -> Option<Vec<&'n str>> {
        let mut found = Vec::new();
        matches(&self.parts, name, &mut found).then_some(found)
    }

    /// The name with these for the wildcards, in order.
    pub(super) fn filled(&self, values: &[&str]) -> String {
        let mut values = values.iter();
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Within | Part::Across => name.push_str(values.next().unwrap_or(&"")),
            }
        }
        name
    }
}

fn matches<'n>(parts: &[Part], name: &'n str, found: &mut Vec<&'n str>) -> bool {
    let Some((part, parts)) = parts.split_first() else { return name.is_empty() };
    if let Part::Text(text) = part {
        return name.strip_prefix(text.as_str()).is_some_and(|rest| matches(parts, rest, found));
    }
    for (at, letter) in name.char_indices() {
        if *part == Part::Within && letter == '.' {
            return false;
        }
        let (taken, rest) = name.split_at(at + letter.len_utf8());
        found.push(taken);
        if matches(parts, rest, found) {
            return true;
        }
        found.pop();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(pattern: &str, name: &str) -> Option<Vec<String>> {
        let found = Pattern::parse(pattern).unwrap().matches(name)?;
        Some(found.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn wildcards_stand_for_parts_of_segments_or_for_several() {
        let some = |values: &[&str]| Some(values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>());
        assert_eq!(matched("a.weight", "a.weight"), some(&[]));
        assert_eq!(matched("a.weight", "a.weights"), None);
        assert_eq!(matched("layers.*.weight", "layers.12.weight"), some(&["12"]));
        assert_eq!(matched("layers.*.weight", "layers.1.a.weight"), None);
        assert_eq!(matched("layers.*.weight", "layers..weight"), None);
        assert_eq!(matched("Dense_*.kernel", "Dense_3.kernel"), some(&["3"]));
        assert_eq!(matched("module.**", "module.a.b"), some(&["a.b"]));
        assert_eq!(matched("**.weight", "a.weight.weight"), some(&["a.weight"]));
        assert_eq!(matched("*.*", "a.b"), some(&["a", "b"]));
        assert_eq!(matched("ö*", "öß"), some(&["ß"]));
        let pattern = Pattern::parse("x.*.y.**").unwrap();
        assert_eq!((pattern.wildcards(), pattern.filled(&["1", "a.b"])), (2, "x.1.y.a.b".into()));
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for (bad, word) in [("", "empty"), ("a***", "meet"), ("*a*a*a*a*a*a*", "more than 6")] {
            assert!(Pattern::parse(bad).unwrap_err().contains(word), "{bad}");
        }
    }
}
