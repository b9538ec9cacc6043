//! `view`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::Room;

fn between<'a>(page: &'a str, begin: &str) -> &'a str {
    page.split_once(begin).unwrap().1.split_once("</script>").unwrap().0
}

/// What a page says of its numbers.
fn meta(page: &str) -> Value {
    serde_json::from_str(between(page, "id=\"meta\">")).unwrap()
}

fn numbers(page: &str) -> Vec<f32> {
    let bytes = STANDARD.decode(between(page, "id=\"data\">")).unwrap();
    bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
}

#[test]
fn samples_and_trajectories_are_shown_as_they_are() {
    let room = Room::new();
    let page = |line: &str| {
        room.run(&format!("view {line} --out page.html")).succeeded();
        String::from_utf8(room.bytes("page.html")).unwrap()
    };
    room.sample("--process vp --field exact:m.json --solver heun --steps 4 --n 5 --out s.npy --trajectory t.npy");
    let shown = page("s.npy");
    assert_eq!(meta(&shown), json!({ "kind": "points", "shape": [1, 5, 2] }));
    assert_eq!(numbers(&shown), room.read::<f32>("s.npy").into_raw_vec_and_offset().0);
    let shown = page("t.npy");
    assert_eq!(meta(&shown), json!({ "kind": "points", "shape": [5, 5, 2] }));
    let trajectory = room.read::<f32>("t.npy");
    assert_eq!(numbers(&shown), trajectory.as_slice().unwrap());
    // The first lanes at all times.
    let shown = page("t.npy --n 2");
    assert_eq!(meta(&shown)["shape"], json!([5, 2, 2]));
    let first: Vec<f32> = trajectory
        .outer_iter()
        .flat_map(|state| state.iter().take(4).copied().collect::<Vec<_>>())
        .collect();
    assert_eq!(numbers(&shown), first);
    assert_eq!(meta(&page("t.npy --n 99"))["shape"], json!([5, 5, 2]));
    room.array::<f64>("i.npy", &[3, 1, 4, 4], (0..48).map(f64::from).collect());
    assert_eq!(meta(&page("i.npy --n 2")), json!({ "kind": "images", "shape": [1, 2, 1, 4, 4] }));
    room.array::<f64>("<b>&.npy", &[1, 2], vec![f64::NAN, 0.5]);
    let shown = page("<b>&.npy");
    assert!(shown.contains("<h1>&lt;b&gt;&amp;.npy</h1>") && !shown.contains("<b>"));
    assert!(numbers(&shown)[0].is_nan());
}

#[test]
fn a_study_is_shown_row_by_row() {
    let room = Room::new();
    let line = "study --quick --process vp --solver heun --field exact:m.json --lanes 50 --json";
    let study = room.run(line).succeeded().stdout;
    room.write("study.json", &study);
    room.run("view study.json --out page.html").succeeded();
    let meta = meta(&String::from_utf8(room.bytes("page.html")).unwrap());
    let study: Value = serde_json::from_str(&study).unwrap();
    let columns: Vec<&str> =
        meta["columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(columns[..2], ["process", "field"]);
    let (rows, shown) = (study["rows"].as_array().unwrap(), meta["rows"].as_array().unwrap());
    assert_eq!(rows.len(), shown.len());
    for (row, shown) in rows.iter().zip(shown) {
        for (name, value) in columns.iter().zip(shown.as_array().unwrap()) {
            assert_eq!(row.get(name).unwrap_or(&Value::Null), value, "{name}");
        }
    }
}

#[test]
fn what_cannot_be_shown_is_refused_and_leaves_no_page() {
    let room = Room::new();
    room.array::<f64>("one.npy", &[4, 1], vec![0.5; 4]);
    room.array::<f64>("two.npy", &[4, 2, 3, 3], vec![0.5; 72]);
    room.array::<f64>("nan.npy", &[2, 2], vec![f64::NAN; 4]);
    room.array::<f64>("wide.npy", &[1, 2], vec![1e300; 2]);
    room.array::<f64>("good.npy", &[1, 2], vec![0.5; 2]);
    room.write("bad.json", "{");
    room.write("rubbish.npy", "rubbish");
    for (line, part) in [
        ("one.npy", "[4, 1]"),
        ("two.npy", "[4, 2, 3, 3]"),
        ("nan.npy", "finite"),
        ("wide.npy", "beyond the range"),
        ("m.json", "`rows`"),
        ("bad.json", "JSON"),
        ("rubbish.npy", "not an .npy"),
        ("none.npy", "none.npy"),
        ("none.json", "none.json"),
        ("good.npy --n 0", "at least one"),
        ("good.npy --n -1", "--n"),
        ("m.json --n 3", "leave out --n"),
    ] {
        room.run(&format!("view {line} --out page.html")).refused(&[part]);
        assert!(!room.has("page.html"), "{line}");
    }
    room.run("view good.npy").refused(&["--out"]);
    room.run("view good.npy --out page.png").refused(&["page.png", ".html"]);
    room.run("view good.npy --out no/page.html").refused(&["cannot write"]);
}
