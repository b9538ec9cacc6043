//! SIGINT, SIGTERM and SIGKILL while a command is at work.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Room, end, wait_for};

const LONG: &str = "--process vp --field exact:m.json --solver heun --steps 100 --n 4000000";
const OWN_STEPS: &str = "--process vp --field exact:m.json --solver tsit5 --abstol 1e-2 \
                         --reltol 1e-2 --per-lane --n 4000000";

fn started(room: &Room, line: &str) -> Child {
    let mut command = room.command(line.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// One that has begun to write its output.
fn writing(room: &Room, line: &str) -> Child {
    let child = started(room, line);
    // One that is looked for only whether it could be written is empty.
    let begun = |part: &std::path::PathBuf| part.metadata().is_ok_and(|found| found.len() > 0);
    wait_for("a part of the output", || room.parts("").iter().any(begun));
    child
}

#[test]
fn a_sample_that_is_asked_to_end_leaves_nothing_and_loses_nothing() {
    let room = Room::new();
    room.write("o.npy", "old");
    for (lanes, signal, status) in
        [(LONG, "INT", 130), (LONG, "TERM", 143), (OWN_STEPS, "INT", 130)]
    {
        let line = format!("sample {lanes} --out o.npy");
        let ended = end(writing(&room, &line), signal, &line);
        assert_eq!(ended.status, Some(status), "{ended:?}");
        assert!(ended.stdout.is_empty() && ended.stderr.contains(signal), "{ended:?}");
        assert!(room.parts("").is_empty(), "{ended:?}");
        assert_eq!(room.bytes("o.npy"), b"old");
    }
}

#[test]
fn what_a_killed_sample_left_is_removed_by_the_next_and_by_no_other() {
    let room = Room::new();
    let line = format!("sample {LONG} --out o.npy");
    let mut living = writing(&room, &line);
    let mut killed = started(&room, &line);
    wait_for("two parts", || room.parts("").len() == 2);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let short = "sample --process vp --field exact:m.json --solver heun --steps 2 --n 3";
    room.run(&format!("{short} --out other.npy")).succeeded();
    assert_eq!(room.parts("").len(), 2);
    room.run(&format!("{short} --out o.npy")).succeeded();
    // That of the living one, which is still being written.
    assert_eq!(room.parts("").len(), 1);
    living.kill().unwrap();
    living.wait().unwrap();
    room.run(&format!("{short} --out o.npy")).succeeded();
    assert!(room.parts("").is_empty());
    assert_eq!(room.read::<f32>("o.npy").shape(), [3, 2]);
}

#[test]
fn a_study_that_is_asked_to_end_writes_what_it_has() {
    let room = Room::new();
    let line = "study --full --process vp --field exact:m.json --out out";
    let mut patience = Duration::from_millis(700);
    // Until the first row is finished.
    while !room.has("out/study.json") {
        let child = started(&room, line);
        std::thread::sleep(patience);
        let ended = end(child, "INT", line);
        assert_eq!(ended.status, Some(130), "{ended:?}");
        assert!(ended.stderr.contains("SIGINT"), "{ended:?}");
        patience *= 2;
    }
    let study: Value = serde_json::from_slice(&room.bytes("out/study.json")).unwrap();
    assert_eq!(study["complete"], false);
    let rows = study["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert!((1..=3).contains(&row["seeds"].as_u64().unwrap()), "{row}");
        assert!(row["nfe"].as_f64().unwrap() > 0.0 && row["chamfer"].is_number(), "{row}");
    }
    let csv = String::from_utf8(room.bytes("out/study.csv")).unwrap();
    assert_eq!(csv.lines().count(), rows.len() + 1);
    assert!(room.bytes("out/chamfer-nfe-vp-exact.png").starts_with(b"\x89PNG"));
    let report = String::from_utf8(room.bytes("out/report.html")).unwrap();
    assert!(report.contains("was stopped"));
    assert!(room.parts("out").is_empty());

    // A finished study is not given up for one that is stopped.
    let quick =
        "study --quick --process vp --solver heun --field exact:m.json --lanes 50 --out out";
    room.run(quick).succeeded();
    let finished = room.bytes("out/study.json");
    while !room.has("out/stopped/study.json") {
        let child = started(&room, line);
        std::thread::sleep(patience);
        assert_eq!(end(child, "INT", line).status, Some(130));
        patience *= 2;
    }
    assert_eq!(room.bytes("out/study.json"), finished);
    assert!(room.has("out/chamfer-nfe-vp-exact.png"));
}

#[test]
fn commands_with_nothing_to_keep_end_at_once() {
    let room = Room::new();
    let values = |shift: f64| (0..80_000).map(|i| f64::from(i).sin() + shift).collect();
    room.array::<f64>("a.npy", &[40_000, 2], values(0.0));
    room.array::<f64>("b.npy", &[40_000, 2], values(0.1));
    let line = "metrics a.npy b.npy";
    let child = started(&room, line);
    std::thread::sleep(Duration::from_millis(400));
    let ended = end(child, "TERM", line);
    assert_eq!(ended.status, Some(143), "{ended:?}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let room = Room::new();
    // Its distances take minutes, and nobody looks at a flag meanwhile.
    let line = "study --quick --process vp --field exact:m.json --lanes 300000 --out out";
    let child = started(&room, line);
    std::thread::sleep(Duration::from_millis(500));
    let id = child.id();
    let interrupt = || {
        let kill = format!("kill -INT {id}");
        Command::new("sh").args(["-c", &kill]).status().unwrap()
    };
    // Two together are one: `timeout` sends them so.
    assert!(interrupt().success() && interrupt().success());
    std::thread::sleep(Duration::from_millis(900));
    let clock = Instant::now();
    let ended = end(child, "INT", line);
    assert_eq!(ended.status, Some(130), "{ended:?}");
    assert!(clock.elapsed() < Duration::from_secs(20), "{:?}", clock.elapsed());
}
