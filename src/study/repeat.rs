use serde_json::{Value, json};

use super::files::SESSION;
use super::{ErrorAlong, ErrorsAlong, StudyResult};

/// The figures of a study that are others than those of `before`, a sentence each; times are
/// nobody's fault, and left out.
pub fn differences(before: &StudyResult, now: &StudyResult) -> Vec<String> {
    let (old, new) = (before.to_json(), now.to_json());
    let mut found = compared("row", &old["rows"], &new["rows"], &ROW);
    found.extend(compared("floors", &old["floors"], &new["floors"], &[]));
    found.extend(before.errors_along.iter().flat_map(|case| along(case, &now.errors_along)));
    found
}

/// Of each solve of a case the first error along it that is another.
fn along(before: &ErrorsAlong, now: &[ErrorsAlong]) -> Vec<String> {
    let called = format!("errors along {}, {}", before.process, before.field);
    let same =
        |case: &&ErrorsAlong| (&case.process, &case.field) == (&before.process, &before.field);
    let Some(now) = now.iter().find(same) else { return vec![format!("{called}: gone")] };
    if (now.seed, now.lanes) != (before.seed, before.lanes) {
        let told = |case: &ErrorsAlong| format!("{} lanes of seed {}", case.lanes, case.seed);
        return vec![format!("{called}: were of {}, are of {}", told(before), told(now))];
    }
    let of_solve = |old: &ErrorAlong| {
        let same = |new: &&ErrorAlong| (&new.solver, &new.budget) == (&old.solver, &old.budget);
        let called = format!("{called}, {} {}", old.solver, old.budget);
        let Some(new) = now.solves.iter().find(same) else {
            return Some(format!("{called}: gone"));
        };
        let told = |solve: &ErrorAlong, step: usize| {
            let (t, error) = (solve.t.get(step), solve.error.get(step).copied().flatten());
            let error = error.map_or("none".to_owned(), |error| json!(error).to_string());
            t.map_or("no step".to_owned(), |t| format!("{error} at t = {}", json!(t)))
        };
        let steps = old.t.len().max(new.t.len());
        let other = |step: &usize| {
            let at =
                |solve: &ErrorAlong| (solve.t.get(*step).copied(), solve.error.get(*step).copied());
            at(old) != at(new)
        };
        let step = (0..steps).find(other)?;
        let (was, is) = (told(old, step), told(new, step));
        Some(format!("{called}: step {} was {was}, is {is}", step + 1))
    };
    before.solves.iter().filter_map(of_solve).collect()
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

#[cfg(test)]
mod tests {
    use super::super::made_up;
    use super::*;

    #[test]
    fn the_first_error_along_a_solve_that_is_another_is_told() {
        let solve = |solver: &str, error: &[f64]| ErrorAlong {
            solver: solver.to_owned(),
            budget: format!("{} steps", error.len()),
            nfe: 4,
            t: (0..error.len()).map(|step| 0.5 - 0.25 * step as f64).collect(),
            error: error.iter().copied().map(Some).collect(),
        };
        let with = |solves: Vec<ErrorAlong>| {
            let (process, field) = ("vp".to_owned(), "exact".to_owned());
            let along = vec![ErrorsAlong { process, field, seed: 0, lanes: 9, solves }];
            StudyResult { errors_along: along, ..made_up::study(2) }
        };
        let before = with(vec![solve("heun", &[0.1, 0.2]), solve("euler", &[0.3])]);
        assert_eq!(differences(&before, &before), [] as [&str; 0]);
        let now = with(vec![solve("heun", &[0.1, 0.25]), solve("ddim", &[0.3])]);
        assert_eq!(
            differences(&before, &now),
            [
                "errors along vp, exact, heun 2 steps: step 2 was 0.2 at t = 0.25, is 0.25 at t = 0.25",
                "errors along vp, exact, euler 1 steps: gone",
            ]
        );
        // What was not drawn then is nothing that changed.
        assert_eq!(differences(&made_up::study(2), &now), [] as [&str; 0]);
        assert_eq!(differences(&before, &made_up::study(2)), ["errors along vp, exact: gone"]);
        let read = StudyResult::from_json(&before.to_json()).unwrap();
        assert_eq!(read.errors_along, before.errors_along);
    }
}
