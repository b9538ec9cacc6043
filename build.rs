//! Tells the program which commit it is of, if that is known, and whether its sources are that commit's:
//! studies record it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the sources of the program lie.
const SOURCES: [&str; 4] = ["src", "solvers/src", "problems/src", "networks/src"];
/// What else it is built by. Weights and studies within it have checksums and texts of their own.
const BUILD: [&str; 6] = [
    "build.rs",
    "Cargo.lock",
    "Cargo.toml",
    "solvers/Cargo.toml",
    "problems/Cargo.toml",
    "networks/Cargo.toml",
];

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Says that this is to be run again when a source changes. Those of tests alone are left out: with
/// every other one the program is compiled anew in any case.
fn watch(folder: &Path) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if ["tests", "tests.rs", "made_up.rs"].iter().any(|of_tests| name == *of_tests) {
            continue;
        }
        match path.is_dir() {
            true => watch(&path),
            false => println!("cargo:rerun-if-changed={}", path.display()),
        }
    }
}

/// Whether what the program is built of is other than the commit's.
fn is_changed() -> bool {
    let mut arguments = vec!["--no-optional-locks", "status", "--porcelain", "--"];
    arguments.extend(SOURCES.iter().chain(&BUILD));
    git(&arguments).is_some_and(|changes| !changes.is_empty())
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A package of a registry may lie within somebody else's repository.
    let root = git(&["rev-parse", "--show-toplevel"]).map(PathBuf::from);
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    if root.is_none()
        || root.map(|root| root.canonicalize().ok()) != own.map(|own| own.canonicalize().ok())
    {
        return;
    }
    // Every commit and checkout adds a line to it.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
    SOURCES.iter().for_each(|folder| watch(Path::new(folder)));
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        let changed = if is_changed() { "-dirty" } else { "" };
        println!("cargo:rustc-env=DRIFTFIELD_COMMIT={commit}{changed}");
    }
}
