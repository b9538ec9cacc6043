//! The levels of the published grids are those of the spacings here.

use std::collections::BTreeSet;

use driftfield_problems::process::GaussianPath;
use driftfield_problems::spacing::Spacing;

use crate::common::path;
use crate::common::published::{Published, numbers};

/// The levels between which a run steps, without the appended `sigma = 0`.
fn levels(grid: &str, steps: usize) -> Vec<f64> {
    let spacing = match grid {
        // Uniform in the time of VP.
        "vp" => {
            let vp = path("vp");
            let times = Spacing::Uniform.times(&vp, 1.0, 1e-3, steps - 1).unwrap();
            return times.iter().map(|&t| (-vp.log_snr(t)).exp()).collect();
        }
        "karras" => Spacing::KARRAS,
        "exponential" => Spacing::Exponential,
        "polyexponential_rho1.5" => Spacing::PolyExponential { rho: 1.5 },
        other => panic!("no spacing {other}"),
    };
    spacing.times(&path("edm"), 80.0, 0.002, steps - 1).unwrap()
}

#[test]
fn levels_of_the_spacings() {
    let (mut largest, mut grids) = (0.0f64, BTreeSet::new());
    for name in ["deterministic", "stochastic_given_noise", "dpmpp_3m_patched_d2"] {
        let file = Published::read(&format!("kdiffusion/{name}"));
        for recorded in file.runs() {
            let settings = &recorded["settings"];
            let grid = settings["grid"].as_str().unwrap();
            let mut theirs = numbers(&recorded["times"]);
            assert_eq!(theirs.pop(), Some(0.0));
            let ours = levels(grid, settings["steps"].as_u64().unwrap() as usize);
            assert_eq!(ours.len(), theirs.len(), "{settings}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let gap = (ours / theirs - 1.0).abs();
                assert!(gap < 1e-12, "{settings}: {ours} {theirs}");
                largest = largest.max(gap);
            }
            grids.insert(grid.to_owned());
        }
    }
    println!("levels of the grids {grids:?}: largest relative gap {largest:.1e}");
    assert_eq!(grids.len(), 4);
}
