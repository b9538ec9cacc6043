//! The table and the JSON.

use std::path::Path;
use std::{fs, io};

use driftfield::problems::atomic_file;
use serde::Serialize;

use super::contender::{Class, Contender};
use super::sweep::{Sweep, seconds_at_error};

/// Tolerances, and achieved errors, at which contenders are compared.
const LEVELS: [f64; 2] = [1e-6, 1e-9];

#[derive(Serialize)]
struct Row {
    task: String,
    ours: f64,
    peer: f64,
    peer_name: String,
    ratio: f64,
}

/// All rows, and the lines of the table of what each contender did.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    solves: Vec<String>,
}

impl Report {
    /// Adds a row, unless one of the two has no such time.
    pub fn push(
        &mut self,
        task: impl Into<String>,
        ours: Option<f64>,
        peer_name: &str,
        peer: Option<f64>,
    ) {
        if let (Some(ours), Some(peer)) = (ours, peer) {
            let (task, peer_name) = (task.into(), peer_name.into());
            self.rows.push(Row { task, ours, peer, peer_name, ratio: ours / peer });
        }
    }

    /// Rows for each of ours against each peer of its class; implicit methods are set
    /// against our pair of order 5.
    pub fn compare(&mut self, problem: &str, contenders: &[Contender<'_>], sweeps: &[Sweep]) {
        let all: Vec<_> = contenders.iter().zip(sweeps).collect();
        for (own, own_sweep) in all.iter().filter(|(contender, _)| contender.ours) {
            for (peer, sweep) in all.iter().filter(|(contender, _)| !contender.ours) {
                let listed = peer.class == Class::Implicit && own.name == "tsit5";
                if peer.class == own.class || listed {
                    self.pair(&format!("{problem}, {}", own.name), own_sweep, peer.name, sweep);
                }
            }
        }
        for (contender, sweep) in &all {
            self.list(problem, contender.name, sweep);
        }
    }

    fn pair(&mut self, task: &str, own: &Sweep, peer_name: &str, peer: &Sweep) {
        for level in LEVELS {
            let at = |sweep: &Sweep| sweep.iter().find(|p| p.tolerance == level).copied();
            if let (Some(own), Some(peer)) = (at(own), at(peer)) {
                let (ours, theirs) = (own.seconds, peer.seconds);
                let name = format!("{task}, tolerance {level:e}");
                self.push(&*name, Some(ours), peer_name, Some(theirs));
                let ours = ours / own.steps as f64;
                let theirs = theirs / peer.steps as f64;
                self.push(format!("{name}, per step"), Some(ours), peer_name, Some(theirs));
            }
            let (ours, theirs) = (seconds_at_error(own, level), seconds_at_error(peer, level));
            self.push(format!("{task}, error {level:e}"), ours, peer_name, theirs);
        }
    }

    fn list(&mut self, problem: &str, name: &str, sweep: &Sweep) {
        for point in sweep.iter().filter(|point| LEVELS.contains(&point.tolerance)) {
            let (seconds, steps) = (point.seconds, point.steps);
            self.solves.push(format!(
                "{problem:<24} {:>6.0e} {name:<32} {:>9.1} us {steps:>7} steps {:>8.1} ns/step  error {:.1e}",
                point.tolerance,
                1e6 * seconds,
                1e9 * seconds / steps as f64,
                point.error,
            ));
        }
    }

    pub fn print(&self) {
        println!("What each did:\n{}\n", self.solves.join("\n"));
        println!("{:<62} {:>12} {:>12} {:>6}  peer", "task", "ours", "peer", "ratio");
        for Row { task, ours, peer, peer_name, ratio } in &self.rows {
            let (ours, peer) = (1e6 * ours, 1e6 * peer);
            println!("{task:<62} {ours:>9.3} us {peer:>9.3} us {ratio:>6.2}  {peer_name}");
        }
    }

    /// Writes the rows, all or nothing.
    pub fn write(&self, path: &str) -> io::Result<()> {
        let path = Path::new(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(atomic_file::write(path, serde_json::to_string_pretty(&self.rows)?.as_bytes())?)
    }
}
