//! A directory to run the program in, and what a run returned.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use driftfield::problems::npy::{self, NpyElement};
use ndarray::{ArrayD, IxDyn};
use serde_json::Value;
use tempfile::TempDir;

/// The processes by name, with their default spans.
pub const SPANS: [(&str, f64, f64); 9] = [
    ("vp", 1.0, 1e-3),
    ("sub-vp", 1.0, 1e-3),
    ("vp-cosine", 0.9946, 1e-3),
    ("ve", 1.0, 1e-5),
    ("edm", 80.0, 0.002),
    ("rectified-flow", 1.0, 1e-3),
    ("brownian-bridge", 1.0, 1e-3),
    ("ddpm", 1.0, 1e-3),
    ("mean-reverting", 1.0, 1e-3),
];

/// The program cargo built, or the one that `DRIFTFIELD_PROGRAM` names (an
/// installed one, say).
pub fn program() -> Command {
    let built = || env!("CARGO_BIN_EXE_driftfield").into();
    Command::new(std::env::var_os("DRIFTFIELD_PROGRAM").unwrap_or_else(built))
}

/// A temporary working directory with a mixture in `m.json`.
pub struct Room {
    directory: TempDir,
}

impl Room {
    pub fn new() -> Self {
        let room = Room { directory: tempfile::tempdir().unwrap() };
        room.write("m.json", MIXTURE);
        room
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Writes an array.
    pub fn array<T: NpyElement>(&self, name: &str, shape: &[usize], values: Vec<T>) {
        let array = ArrayD::from_shape_vec(IxDyn(shape), values).unwrap();
        npy::write(self.path(name), &array).unwrap();
    }

    pub fn read<T: NpyElement>(&self, name: &str) -> ArrayD<T> {
        npy::read(self.path(name)).unwrap()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = program();
        command.current_dir(self.directory.path()).args(arguments);
        command
    }

    /// Runs the program with the words of `line`.
    pub fn run(&self, line: &str) -> Ran {
        Ran::new(line, self.command(line.split_whitespace()).output().unwrap())
    }

    /// Runs the program with the words of `line` behind some commands of the shell.
    #[cfg(unix)]
    pub fn run_after(&self, commands: &str, line: &str) -> Ran {
        let mut shell = Command::new("sh");
        shell.current_dir(self.directory.path()).arg("-c");
        shell.arg(format!("{commands} exec \"$0\" \"$@\"")).arg(program().get_program());
        Ran::new(line, shell.args(line.split_whitespace()).output().unwrap())
    }

    /// Names of temporary files in a directory of the room.
    pub fn parts(&self, directory: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path(directory)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "part")).collect()
    }

    /// A successful `sample --json` and its summary.
    pub fn sample(&self, line: &str) -> Value {
        self.run(&format!("sample --json {line}")).succeeded().json()
    }
}

/// Two Gaussians in the plane.
pub const MIXTURE: &str =
    r#"{"weights": [0.4, 0.6], "means": [[-1.0, 0.0], [1.0, 0.5]], "stds": [0.3, 0.4]}"#;

/// What a run returned.
#[derive(Debug)]
pub struct Ran {
    pub line: String,
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

fn is_progress(line: &str) -> bool {
    ["driftfield: training: step ", "driftfield: row: "].iter().any(|word| line.starts_with(word))
}

impl Ran {
    pub fn new(line: &str, output: Output) -> Self {
        Ran {
            line: line.to_owned(),
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Exit status 0 and nothing on stderr, but how far a training is, which a busy machine gives
    /// time to say, and the rows of a study.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        assert_eq!(self.stderr.lines().find(|line| !is_progress(line)), None, "{self:?}");
        self
    }

    /// Exit status 0, nothing but notes on stderr, all `parts` among them.
    #[track_caller]
    pub fn noted(self, parts: &[&str]) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        let said = |line: &str| line.starts_with("driftfield: note: ") || is_progress(line);
        assert!(self.stderr.lines().all(said), "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in {self:?}");
        }
        self
    }

    /// Exit status 2, nothing on stdout, all `parts` on stderr.
    #[track_caller]
    pub fn refused(self, parts: &[&str]) -> Self {
        assert_eq!(self.status, Some(2), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in {self:?}");
        }
        assert!(self.stderr.trim().len() > 15, "{self:?}");
        self
    }

    /// The one JSON value that stdout must be.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}: {self:?}", self.line))
    }
}

/// The root of the mean over rows of the squared distance.
pub fn rms(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / a.shape()[0] as f64).sqrt()
}

/// Waits, with the patience of a busy machine.
pub fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let clock = Instant::now();
    while !happened() {
        assert!(clock.elapsed() < Duration::from_secs(120), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a running child a signal by its name and returns what it ended with.
#[cfg(unix)]
pub fn end(child: Child, signal: &str, line: &str) -> Ran {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    Ran::new(line, child.wait_with_output().unwrap())
}
