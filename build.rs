//! Tells the program which commit it is of, if that is known: studies record it.

use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A package of a registry may lie within somebody else's repository.
    let root = git(&["rev-parse", "--show-toplevel"]).map(std::path::PathBuf::from);
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(std::path::PathBuf::from);
    if root.is_none()
        || root.map(|root| root.canonicalize().ok()) != own.map(|own| own.canonicalize().ok())
    {
        return;
    }
    // Every commit and checkout adds a line to it.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo:rustc-env=DRIFTFIELD_COMMIT={commit}");
    }
}
