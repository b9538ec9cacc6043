use serde_json::Value;

use super::StudyResult;
use super::files::SESSION;

/// The figures of a study that are others than those of `before`, a sentence each; times are
/// nobody's fault, and left out.
pub fn differences(before: &StudyResult, now: &StudyResult) -> Vec<String> {
    let (before, now) = (before.to_json(), now.to_json());
    let mut found = compared("row", &before["rows"], &now["rows"], &ROW);
    found.extend(compared("floors", &before["floors"], &now["floors"], &[]));
    found
}

/// What tells the rows of a case from each other.
const ROW: [&str; 6] = ["solver", "steps", "max_nfe", "abstol", "spacing", "noise_level"];

/// What is worked out of other figures, and changes with them alone; and which run of the program made
/// a row.
const BESIDE: [&str; 3] = ["first_at_floor", "slopes", SESSION];

/// What tells one object of a list from the others.
fn name(value: &Value, keys: &[&str]) -> String {
    let keys = ["process", "field"].iter().chain(keys);
    let words = keys.filter_map(|key| match &value[*key] {
        Value::Null => None,
        Value::String(text) if ["process", "field", "solver"].contains(key) => Some(text.clone()),
        other => Some(format!("{key} {other}")),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn compared(what: &str, before: &Value, now: &Value, keys: &[&str]) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (before, now) = (list(before), list(now));
    let mut found = Vec::new();
    for old in &before {
        let called = name(old, keys);
        let Some(new) = now.iter().find(|new| name(new, keys) == called) else {
            found.push(format!("{what} {called}: gone"));
            continue;
        };
        for (key, old) in old.as_object().into_iter().flatten() {
            let told = !key.starts_with("seconds") && !BESIDE.contains(&key.as_str());
            let new = &new[key.as_str()];
            if told && old != new {
                found.push(format!("{what} {called}: {key} was {old}, is {new}"));
            }
        }
    }
    let known = |new: &&Value| !before.iter().any(|old| name(old, keys) == name(new, keys));
    found.extend(now.iter().filter(known).map(|new| format!("{what} {}: new", name(new, keys))));
    found
}
