//! `table` and `compare`: what is made of studies that were written.

use serde_json::Value;

use crate::support::Room;

const SEEDS: usize = 3;

/// A study written to a file of this name.
fn study(room: &Room, name: &str, rest: &str) -> Value {
    let line = format!("study --json --process vp --field exact:m.json {rest}");
    let ran = room.run(&line).succeeded();
    room.write(name, &ran.stdout);
    ran.json()
}

#[test]
fn a_study_is_shown_again_in_any_form() {
    let room = Room::new();
    let study = study(&room, "s.json", "--lanes 60 --solver heun --solver euler");
    let rows = study["rows"].as_array().unwrap();
    for row in rows {
        for number in ["solver_error", "chamfer", "seconds"] {
            let seeds = row[format!("{number}_seeds")].as_array().unwrap();
            let mean = seeds.iter().map(|x| x.as_f64().unwrap()).sum::<f64>() / SEEDS as f64;
            assert_eq!(seeds.len(), SEEDS);
            assert!((mean / row[number].as_f64().unwrap() - 1.0).abs() < 1e-12, "{row}");
        }
        assert!(row.get("guidance").is_none() && row.get("spacing").is_none());
    }
    let table = "table s.json --columns solver,nfe,chamfer,chamfer_above_floor --sort nfe,-chamfer";
    let shown = room.run(&format!("{table} --group-by nfe --format json")).succeeded().json();
    let groups = shown["groups"].as_array().unwrap();
    let found: usize = groups.iter().map(|group| group["rows"].as_array().unwrap().len()).sum();
    assert_eq!(found, rows.len());
    let text = room.run(table).succeeded().stdout;
    for part in ["model floor", "- floor: the number before it minus", "The cheapest way"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let csv = room.run(&format!("{table} --format csv")).succeeded().stdout;
    assert_eq!(csv.lines().count(), rows.len() + 1, "{csv}");
    assert!(csv.starts_with("process,field,solver,nfe,chamfer,chamfer_std,chamfer_above_floor"));
    assert!(room.run(&format!("{table} --format markdown")).succeeded().stdout.contains("| --: |"));
    let written = room.run(&format!("{table} --format latex --out t.tex")).succeeded();
    assert!(written.stdout.contains("t.tex"));
    let latex = String::from_utf8(room.bytes("t.tex")).unwrap();
    assert!(latex.contains("\\toprule") && latex.ends_with("\\end{tabular}\n"), "{latex}");
}

/// The table that a study prints has the same options, and is refused before anything is run.
#[test]
fn a_study_prints_the_table_that_is_asked_for() {
    let room = Room::new();
    let line =
        "study --process vp --field exact:m.json --solver heun --solver euler --steps 3,6 --n 20";
    let shape = "--columns solver,steps,energy_distance --sort -steps --group-by solver";
    let ran = room.run(&format!("{line} --metric energy_distance {shape} --out out")).succeeded();
    let steps: Vec<&str> =
        ran.stdout.lines().filter_map(|line| line.split('┆').nth(1)).map(str::trim).collect();
    assert_eq!(steps.iter().filter(|cell| ["6", "3"].contains(cell)).count(), 4, "{ran:?}");
    assert!(ran.stdout.contains("energy") && !ran.stdout.contains("sliced W"), "{ran:?}");
    let ran = room.run(&format!("{line} --columns chamfr")).refused(&["did you mean `chamfer`"]);
    assert!(!ran.stderr.contains("row: "), "{ran:?}");
}

#[test]
fn two_studies_are_held_against_each_other() {
    let room = Room::new();
    study(&room, "a.json", "--lanes 60 --solver heun --solver euler");
    study(&room, "b.json", "--lanes 60 --solver heun");
    study(&room, "c.json", "--lanes 61 --solver heun");
    let json = room.run("compare a.json b.json --json").succeeded().json();
    let rows = json["rows"].as_array().unwrap();
    assert!(!rows.is_empty() && !json["only_a"].as_array().unwrap().is_empty());
    assert_eq!(json["only_b"].as_array().unwrap().len(), 0);
    for row in rows {
        let difference = &row["chamfer"]["difference"];
        assert_eq!((&difference["mean"], &difference["paired"]), (&0.0.into(), &true.into()));
    }
    let other = room.run("compare b.json c.json --json --columns chamfer").succeeded().json();
    assert_eq!(other["rows"][0]["chamfer"]["difference"]["paired"], false);
    assert!(other["rows"][0].get("solver_error").is_none());
    let text = room.run("compare a.json b.json").succeeded().stdout;
    assert!(text.contains("only in A") && text.contains("Chamfer: of "), "{text}");
    assert!(room.run("compare a.json b.json --markdown").succeeded().stdout.contains("| --- |"));
}

#[test]
fn distances_to_other_data_are_not_held_against_each_other() {
    let room = Room::new();
    room.run("data moons --n 50 --seed 1 --out p.npy").succeeded();
    study(&room, "a.json", "--lanes 40 --solver heun --data p.npy");
    room.run("data moons --n 50 --seed 2 --out p.npy").succeeded();
    study(&room, "b.json", "--lanes 40 --solver heun --data p.npy");
    room.run("compare a.json b.json").refused(&["vp, exact field", "`p.npy`", "unlike data"]);
    room.run("compare a.json b.json --columns solver_error").succeeded();
}

#[test]
fn what_is_no_study_is_refused_with_file_and_key() {
    let room = Room::new();
    study(&room, "s.json", "--quick --lanes 20 --solver heun");
    room.write("no.json", "{");
    room.write("key.json", r#"{"floors": [{"process": 3}], "rows": []}"#);
    room.run("table no.json").refused(&["no.json", "no JSON"]);
    room.run("table m.json").refused(&["m.json", "`floors` should be a list"]);
    room.run("compare s.json key.json").refused(&["key.json", "`floors[0].process`", "not 3"]);
    room.run("table gone.json").refused(&["gone.json"]);
    room.run("table s.json --columns chamfr").refused(&["did you mean `chamfer`"]);
    room.run("compare s.json s.json --columns chamfr").refused(&["did you mean `chamfer`"]);
    room.run("table s.json --out s.json").refused(&["same file"]);
}
