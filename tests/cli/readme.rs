//! The commands of the README and of the pages beside it, run as they stand and in order in what a
//! clone has.

use std::process::Command;

use driftfield_solvers::noise::fill_initial_normals;

use crate::support::{Ran, Room, program};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Commands of the README that are not run here, by how they begin, and why.
const LEFT_OUT: [(&str, &str); 1] =
    [("cargo", "it builds what runs this test; the main job has tests of its own")];

/// The lines of the blocks of a page that a shell is meant to read.
fn commands(page: &str) -> Vec<String> {
    let page = std::fs::read_to_string(format!("{ROOT}/{page}")).unwrap();
    let mut language = None;
    let mut commands = Vec::new();
    for line in page.lines() {
        match (line.strip_prefix("```"), language) {
            (Some(_), Some(_)) => language = None,
            (Some(opened), None) => language = Some(opened.to_owned().leak() as &str),
            (None, Some("sh")) => commands.push(line.to_owned()),
            (None, Some("text")) if line.starts_with("driftfield ") => {
                commands.push(line.to_owned())
            }
            _ => {}
        }
    }
    commands
}

/// How many commands of a page have run, and how many of each kind of `leave_out` have not.
#[cfg(unix)]
fn run_page<const N: usize>(page: &str, leave_out: &[(&str, &str); N]) -> (usize, [usize; N]) {
    use std::os::unix::fs::symlink;

    let room = Room::new();
    for name in ["weights", "tests", "docs", "examples", "networks"] {
        symlink(format!("{ROOT}/{name}"), room.path(name)).unwrap();
    }
    std::fs::create_dir(room.path("bin")).unwrap();
    let built = std::fs::canonicalize(program().get_program()).unwrap();
    symlink(built, room.path("bin/driftfield")).unwrap();
    // The block for Python, which needs NumPy, makes this.
    let mut noise = ndarray::Array2::<f64>::zeros((500, 2));
    fill_initial_normals(&mut noise, 1.0, 0, 0).unwrap();
    room.array("init.npy", &[500, 2], noise.into_raw_vec_and_offset().0);
    let path = format!("{}:{}", room.path("bin").display(), std::env::var("PATH").unwrap());
    let (mut run, mut left_out) = (0, [0; N]);
    for line in commands(page) {
        if let Some(kind) = leave_out.iter().position(|(begin, _)| line.starts_with(begin)) {
            left_out[kind] += 1;
            continue;
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(room.path("")).env("PATH", &path);
        Ran::new(&line, shell.output().unwrap()).noted(&[]);
        run += 1;
    }
    (run, left_out)
}

#[cfg(unix)]
#[test]
fn every_command_of_the_readme_runs_as_it_stands() {
    let (run, left_out) = run_page("README.md", &LEFT_OUT);
    assert!(run >= 10, "{run} commands");
    // Nothing is left out that is no longer there.
    assert!(left_out.iter().all(|&count| count > 0), "{left_out:?}");
}

#[cfg(unix)]
#[test]
fn every_command_for_those_who_come_from_another_library_runs_as_it_stands() {
    assert_eq!(run_page("docs/coming-from.md", &[]), (2, []));
}

/// Twelve questions; those that are answered in Rust are tests of the documentation.
#[cfg(unix)]
#[test]
fn every_answer_to_how_do_i_runs_as_it_stands() {
    let (run, []) = run_page("docs/howto.md", &[]);
    let page = std::fs::read_to_string(format!("{ROOT}/docs/howto.md")).unwrap();
    let questions: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert_eq!(questions.len(), 12);
    let rust = questions.iter().filter(|answer| answer.contains("\n```rust\n")).count();
    let shell = questions.iter().filter(|answer| answer.contains("\n```sh\n")).count();
    assert_eq!(rust + shell, 12, "a question without an answer that is run");
    assert!(run >= shell, "{run} commands");
}
