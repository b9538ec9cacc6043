use super::super::made_up::{self, case, of, row};
use super::*;

fn compared(a: &StudyResult, b: &StudyResult) -> Comparison {
    Comparison::of(a, b, &[]).unwrap()
}

#[test]
fn a_study_differs_from_itself_by_nothing() {
    let study = made_up::study(3);
    let same = compared(&study, &study);
    assert_eq!((same.rows.len(), same.floors.len()), (8, 4));
    assert!(same.only_a.is_empty() && same.only_b.is_empty() && same.left_out.is_empty());
    let differences = same.rows.iter().flat_map(|pair| &pair.sides);
    for found in differences.filter_map(|side| side.difference) {
        assert!(found.paired && found.mean == 0.0 && !found.is_certain());
    }
    assert!(same.sentences()[1].ends_with("A in 0 (95 %), and the same with every seed in 8."));
}

#[test]
fn no_number_is_broken_over_lines() {
    let a = made_up::study(3);
    let mut b = made_up::study(3);
    for row in b.cases.iter_mut().flat_map(|case| &mut case.rows) {
        for seed in row.solver_error_seeds.iter_mut().chain(&mut row.metrics[0].seeds) {
            *seed = seed.map(|value| 1.01 * value);
        }
    }
    let found = compared(&a, &b);
    for width in [80, 100] {
        let text = found.to_text(Some(width));
        let drawn = text.lines().filter(|line| line.starts_with(['│', '┌', '└']));
        assert!(drawn.map(|line| line.chars().count()).max() <= Some(width.into()), "{text}");
        let sides = found.rows.iter().flat_map(|pair| found.numbers.iter().zip(&pair.sides));
        for (number, sides) in sides {
            let cell = number.difference_text(sides);
            assert!(text.contains(&format!(" {cell} │")), "{cell}: {text}");
        }
        assert_eq!(text.matches("vp, exact field\n").count(), found.numbers.len(), "{text}");
    }
    assert_eq!(found.to_text(None).matches("vp, exact field\n").count(), 1);
}

#[test]
fn two_models_are_matched_and_what_one_has_alone_is_listed() {
    let rows = |chamfer: f64, last: &str| {
        vec![row("heun", 10, 3, Some(0.1), chamfer), row(last, 10, 3, Some(0.1), 0.05)]
    };
    let a = of(3, vec![case("mine", 3, 0.03, rows(0.05, "euler"))]);
    let b = of(3, vec![case("yours", 3, 0.04, rows(0.08, "rk4"))]);
    let found = compared(&a, &b);
    assert_eq!(found.left_out, [("field", "mine".to_owned(), "yours".to_owned())]);
    assert_eq!(found.only_a, ["vp, mine field: euler, 10 steps"]);
    assert_eq!(found.only_b, ["vp, yours field: rk4, 10 steps"]);
    let chamfer = found.rows[0].sides[1].difference.unwrap();
    assert!((chamfer.mean - 0.03).abs() < 1e-12 && chamfer.is_certain());
    let floor = found.floors[0].sides[1].difference.unwrap();
    assert!((floor.mean - 0.01).abs() < 1e-3 && found.floors[0].label == "model floor");
    let (text, markdown) = (found.to_text(None), found.to_markdown());
    for part in ["vp, mine field", "only in B", "field: A mine, B yours", "0.0300 ("] {
        assert!(text.contains(part) && markdown.contains(part), "{part}: {text}{markdown}");
    }
    assert!(found.sentences()[1].contains("worse in 1"), "{text}");
    let json = found.to_json();
    assert_eq!(json["rows"][0]["chamfer"]["difference"]["certain"], true);
    assert_eq!(json["only_a"].as_array().unwrap().len(), 1);
}

#[test]
fn unlike_data_is_refused_and_unlike_weights_are_said() {
    let with = |data: &str, weights: &str| {
        let mut study = made_up::study(3);
        study.origin = Some(Origin {
            data: [("vp, exact field".to_owned(), data.to_owned())].into(),
            weights: [("w.safetensors".to_owned(), weights.to_owned())].into(),
            ..made_up::origin()
        });
        study
    };
    let (a, b) = (with("aa", "11"), with("bb", "11"));
    let error = Comparison::of(&a, &b, &[]).unwrap_err().to_string();
    for part in ["vp, exact field", "checksum aa", "checksum bb", "--columns solver_error"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // What knows no data is compared all the same.
    let found = Comparison::of(&a, &b, &["solver_error".to_owned()]).unwrap();
    assert_eq!((found.rows.len(), found.weights), (8, None));
    let found = compared(&a, &with("aa", "22"));
    let (text, markdown) = (found.to_text(None), found.to_markdown());
    for text in [&text, &markdown] {
        assert!(text.contains("\nMade with other weights or points: A w.safetensors"), "{text}");
    }
    assert!(text.contains("(11); B w.safetensors (22)."), "{text}");
    assert_eq!(found.to_json()["weights"]["b"][0], "w.safetensors (22)");
}

#[test]
fn both_say_what_they_are() {
    let (a, mut b) = (made_up::study(2), made_up::study(2));
    b.origin = Some(Origin {
        command: ["driftfield", "study", "my file.toml", "--n", "9"].map(str::to_owned).into(),
        file: "title = \"Mine\"\nn = 9\nseed = [0]".to_owned(),
        version: "0.1.0".to_owned(),
        commit: Some("c0ffee".to_owned()),
        date: "2026-01-02T03:04:05Z".to_owned(),
        machine: "linux x86_64".to_owned(),
        ..made_up::origin()
    });
    let found = compared(&a, &b);
    let told = "B: \"Mine\", `driftfield study \"my file.toml\" --n 9`, version 0.1.0 (c0ffee), linux x86_64, 2026-01-02T03:04:05Z.";
    let text = found.to_text(None);
    assert!(text.starts_with("A: a study that does not say how it was made.\n"), "{text}");
    assert_eq!(text.lines().nth(1), Some(told));
    assert!(found.to_markdown().contains("version 0.1.0 (c0ffee)"));
    let json = found.to_json();
    assert_eq!((&json["a"], &json["b"]["title"]), (&Value::Null, &json!("Mine")));
    for (key, value) in [("commit", "c0ffee"), ("version", "0.1.0"), ("machine", "linux x86_64")] {
        assert_eq!(json["b"][key], value);
    }
}

#[test]
fn other_lanes_or_seeds_are_not_paired() {
    let a = made_up::study(3);
    let mut b = made_up::study(3);
    b.lanes = 7;
    let found = compared(&a, &b).rows[0].sides[0].difference.unwrap();
    assert!(!found.paired);
    let mut b = made_up::study(3);
    b.cases[0].rows[0].seed_list = vec![7, 8, 9];
    let found = compared(&a, &b);
    assert!(!found.rows[0].sides[0].difference.unwrap().paired);
    assert!(found.rows[1].sides[0].difference.unwrap().paired);
    assert!(found.to_text(None).contains("Not paired by seed"));
    // One seed has no spread, and two have.
    assert_eq!(compared(&made_up::study(1), &made_up::study(1)).rows[0].sides[0].difference, None);
}

#[test]
fn times_are_never_subtracted_and_numbers_are_known_by_name() {
    let study = made_up::study(3);
    let names = ["seconds".to_owned(), "nfe".to_owned()];
    let found = Comparison::of(&study, &study, &names).unwrap();
    assert!(found.rows.iter().all(|pair| pair.sides[0].difference.is_none()));
    assert!(found.rows.iter().all(|pair| pair.sides[0].a.is_some()));
    let refused = Comparison::of(&study, &study, &["chamfr".to_owned()]).unwrap_err();
    assert!(refused.to_string().contains("mean `chamfer`"));
}

#[test]
fn rows_told_apart_by_a_spacing_are_not_each_other() {
    let a = made_up::study(3);
    let mut b = made_up::study(3);
    b.cases[0].rows[0].spacing = Some("karras".to_owned());
    let found = compared(&a, &b);
    assert_eq!(found.only_a, ["vp, exact field: heun, 10 steps"]);
    assert_eq!(found.only_b, ["vp, exact field: heun, 10 steps, spacing karras"]);
}
