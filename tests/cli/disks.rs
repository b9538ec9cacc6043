//! Disks that are full: which file could not be written, and nothing lost.
//!
//! A limit for the size of files stands for the disk: a write beyond it fails as one there does.
#![cfg(unix)]

use crate::support::{Ran, Room};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// With room for half a kilobyte, or one, in every file.
fn run_on_full_disk(room: &Room, line: &str) -> Ran {
    room.run_after("ulimit -f 1;", line)
}

/// Exit status 1, the file named, what to do, and no word of damage.
#[track_caller]
fn failed_to_write(room: &Room, ran: Ran, file: &str) {
    assert_eq!(ran.status, Some(1), "{ran:?}");
    for part in [format!("cannot write `{file}`").as_str(), "make room", "unchanged"] {
        assert!(ran.stderr.contains(part), "no `{part}` in {ran:?}");
    }
    for word in ["delete", "damaged", "panicked", ".part"] {
        assert!(!ran.stderr.contains(word), "`{word}` in {ran:?}");
    }
    assert!(room.parts("").is_empty(), "{ran:?}");
}

#[test]
fn every_file_that_cannot_be_written_is_named_and_the_one_before_it_kept() {
    let room = Room::new();
    room.array("image.npy", &[1, 1, 28, 28], vec![0.4_f32; 784]);
    let points = "sample --process vp --field exact:m.json --solver heun --steps 3 --n 500";
    let digits = format!(
        "sample --process rectified-flow --field {ROOT}/weights/mnist-rectified-flow.safetensors \
         --solver euler --steps 2 --n 4"
    );
    let measured = format!(
        "reconstruct --field {ROOT}/weights/mnist-rectified-flow.safetensors --image image.npy \
         --measurement pool:factor=4 --steps 2 --n 2"
    );
    for (line, option, file) in [
        (points, "--out", "o.npy"),
        (points, "--trajectory", "o.npy"),
        (&digits, "--grid", "o.png"),
        (&digits, "--trajectory-grid", "o.svg"),
        (&measured, "--out", "o.npy"),
        (&measured, "--grid", "o.svg"),
        (&measured, "--trajectory-grid", "o.png"),
    ] {
        room.write(file, "old");
        let ran = run_on_full_disk(&room, &format!("{line} {option} {file}"));
        failed_to_write(&room, ran, file);
        assert_eq!(room.bytes(file), b"old", "{line} {option}");
    }
}

#[test]
fn a_study_keeps_what_an_earlier_one_wrote() {
    let room = Room::new();
    // So many rows that no file of the study fits.
    let line = "study --process vp --field exact:m.json --solver heun --solver euler --lanes 100";
    std::fs::create_dir(room.path("out")).unwrap();
    for file in ["study.csv", "study.json", "report.html", "samples-exact.png"] {
        room.write(&format!("out/{file}"), "old");
    }
    let ran = run_on_full_disk(&room, &format!("{line} --out out"));
    failed_to_write(&room, ran, "out/study.csv");
    assert!(room.parts("out").is_empty());
    for file in ["study.csv", "study.json", "report.html", "samples-exact.png"] {
        assert_eq!(room.bytes(&format!("out/{file}")), b"old", "{file}");
    }
}

#[test]
fn a_training_keeps_the_weights_of_an_earlier_one() {
    let room = Room::new();
    room.write("w.safetensors", "old");
    let line = "train --process vp --data moons --out w.safetensors --steps 5";
    failed_to_write(&room, run_on_full_disk(&room, line), "w.checkpoint");
    assert_eq!(room.bytes("w.safetensors"), b"old");
}
