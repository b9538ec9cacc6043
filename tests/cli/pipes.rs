//! Closed pipes and full disks.

use std::process::Stdio;

use crate::support::Room;

const LINES: [&str; 6] = [
    "solvers",
    "solvers --json",
    "sample --process vp --field exact:m.json --solver heun --steps 2 --n 2",
    "metrics a.npy a.npy",
    "study --quick --process vp --field exact:m.json --solver euler --json",
    "--help",
];

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let room = Room::new();
    room.array::<f64>("a.npy", &[3, 2], vec![0.0, 1.0, 2.0, 5.0, 4.0, 3.0]);
    for line in LINES {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = room
            .command(line.split(' '))
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}");
        // The rows of a study are told as they come.
        let said = String::from_utf8(output.stderr).unwrap();
        let complaint = said.lines().find(|line| !line.starts_with("driftfield: row: "));
        assert_eq!(complaint, None, "{line}");
    }
}

#[test]
fn errors_need_nobody_to_hear_them() {
    let room = Room::new();
    for line in ["sample", "study --process nothing", "solvers --jsn"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = room.command(line.split(' ')).stderr(writer).status().unwrap();
        assert_eq!(status.code(), Some(2), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure_and_no_panic() {
    let room = Room::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = room.command(["solvers"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output"));
}
