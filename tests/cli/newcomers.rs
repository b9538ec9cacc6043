//! Names that other libraries have for what is here.

use driftfield::problems::catalog::Catalog;
use driftfield::problems::predictor::Prediction;
use driftfield::problems::{method, process, spacing};
use serde_json::Value;

use crate::support::{Ran, Room};

const OURS: &str = "dpm-solver++2m:lower_order_final=false";

fn words<'a>(line: &'a str, solver: &'a str) -> Vec<&'a str> {
    line.split_whitespace().chain(["--solver", solver]).collect()
}

/// A name is another's of one thing only, and of one that can be made as it stands.
fn check<T>(catalog: &Catalog<T>) {
    let folded = |name: &str| name.to_lowercase().replace(['_', ' '], "-");
    for alias in catalog.other_names() {
        let name = alias.name();
        assert!(catalog.build(name).is_ok(), "{name}");
        let translated =
            catalog.translated(name).unwrap_or_else(|| panic!("{name} is a name of ours"));
        assert_eq!(translated.text(), alias.ours());
        assert!(!alias.whose().is_empty(), "{name}");
        let entry = catalog.find(name).unwrap();
        assert!(catalog.other_names_of(entry).any(|own| own == alias), "{name}");
        // One that reads like a name of ours is of that very thing.
        for own in catalog.names().filter(|own| folded(own) == folded(name)) {
            assert_eq!(entry.name(), own, "{name}");
        }
        for other in catalog.other_names().iter().filter(|other| *other != alias) {
            assert_ne!(other.name().to_lowercase(), name.to_lowercase());
            let alike = folded(other.name()) == folded(name);
            assert!(!alike || other.ours() == alias.ours(), "{name} and {}", other.name());
        }
        if let Some(spacing) = alias.said_spacing() {
            assert!(spacing::catalog().build(spacing).is_ok(), "{name}");
        }
    }
}

#[test]
fn every_name_of_another_library_is_of_one_thing_here() {
    check(&method::catalog());
    check(&process::catalog());
    check(&spacing::catalog());
    check(&Prediction::catalog());
}

#[test]
fn all_of_them_are_listed() {
    let room = Room::new();
    let listed = room.run("list aliases --json").succeeded().json();
    let count = method::catalog().other_names().len()
        + process::catalog().other_names().len()
        + spacing::catalog().other_names().len()
        + Prediction::catalog().other_names().len();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), count);
    let karras = listed.iter().find(|alias| alias["alias"] == "DPM++ 2M Karras").unwrap();
    assert_eq!((&karras["kind"], &karras["ours"]), (&"solver".into(), &OURS.into()));
    assert_eq!((&karras["spacing"], &karras["only"]), (&"karras".into(), &Value::Null));
    let text = room.run("list aliases").succeeded().stdout;
    assert!(text.contains("RK45") && text.contains("(scipy)"), "{text}");
    let processes = room.run("list processes --json").succeeded().json();
    let named = |name: &str| processes.as_array().unwrap().iter().find(|p| p["name"] == name);
    assert!(
        named("rectified-flow").unwrap()["aliases"].as_array().unwrap().contains(&"flow".into())
    );
    assert!(room.run("list processes").succeeded().stdout.contains("also                  flow,"));
}

/// What it is here is said once, and everything else has the name of ours.
#[test]
fn a_name_of_another_library_makes_what_ours_makes() {
    let room = Room::new();
    let line = "sample --field exact:m.json --steps 6 --n 3 --json --process";
    let theirs = room.run(&format!("{line} flow --solver dpmpp_2m --out a.npy"));
    let theirs = theirs.noted(&[
        &format!("solver `dpmpp_2m` is `{OURS}` here"),
        "process `flow` is `rectified-flow` here",
    ]);
    assert_eq!(theirs.stderr.lines().count(), 2, "{theirs:?}");
    room.run(&format!("{line} rectified-flow --solver {OURS} --out b.npy")).succeeded();
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
    let summary = theirs.json();
    assert_eq!((&summary["solver"], &summary["process"]), (&OURS.into(), &"rectified-flow".into()));
    // The user's keys come before those of the name.
    let ran = room.run(&format!("{line} vp --solver dpmpp_2m:lower_order_final=true"));
    assert_eq!(ran.noted(&[]).json()["solver"], "dpm-solver++2m:lower_order_final=true");
}

#[test]
fn a_label_with_karras_says_the_spacing_too() {
    let room = Room::new();
    let line = "sample --process vp --field exact:m.json --n 3 --json";
    let run = |line: &str, solver: &str| {
        Ran::new(line, room.command(words(line, solver)).output().unwrap())
    };
    let said = format!("solver `DPM++ 2M Karras` is `{OURS}` here, with --spacing karras");
    run(&format!("{line} --steps 6 --out a.npy"), "DPM++ 2M Karras").noted(&[&said]);
    run(&format!("{line} --steps 6 --spacing karras --out b.npy"), OURS).succeeded();
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
    // A spacing that is asked for is that which is asked for.
    let given = format!("{line} --steps 6 --spacing use_lu_lambdas --out a.npy");
    let ran = run(&given, "dpm++ 2m karras").noted(&["spacing `use_lu_lambdas` is `logsnr` here"]);
    assert!(!ran.stderr.contains("--spacing karras"), "{ran:?}");
    run(&format!("{line} --steps 6 --spacing logsnr --out b.npy"), OURS).succeeded();
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
}

#[test]
fn tolerances_have_the_names_that_scipy_has_for_them() {
    let room = Room::new();
    let line = "sample --process vp --field exact:m.json --n 3 --json";
    let theirs = room.run(&format!("{line} --solver RK45 --rtol 1e-4 --atol 1e-5 --out a.npy"));
    let theirs = theirs.noted(&["solver `RK45` is `dopri5` here"]).json();
    let ours = room.run(&format!("{line} --solver dopri5 --reltol 1e-4 --abstol 1e-5 --out b.npy"));
    assert_eq!(theirs["nfe"], ours.succeeded().json()["nfe"]);
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
    let help = room.run("sample --help").succeeded().stdout;
    assert!(help.contains("[alias: --rtol]") && help.contains("[alias: --atol]"), "{help}");
}

#[test]
fn a_study_has_the_names_of_ours() {
    let room = Room::new();
    room.write(
        "s.toml",
        "n = 20\nseed = [0]\n[names]\nUniPCMultistepScheduler = \"UniPC\"\n[usual]\n\
         field = [\"exact:m.json\"]\nprocess = [\"vpsde\"]\n[[group]]\n\
         solver = [\"UniPCMultistepScheduler\", \"euler_a\"]\nsteps = [4]\n",
    );
    let ran = room.run("study s.toml --json").noted(&[
        "solver `euler_a` is `euler-ancestral` here",
        "solver `UniPCMultistepScheduler` is `unipc-2:last_order=2` here",
        "process `vpsde` is `vp` here",
    ]);
    assert_eq!(ran.stderr.matches("euler_a").count(), 1, "{ran:?}");
    let rows = ran.json()["rows"].as_array().unwrap().clone();
    let solvers: Vec<&str> = rows.iter().map(|row| row["solver"].as_str().unwrap()).collect();
    assert_eq!(solvers, ["UniPC", "euler-ancestral"]);
    assert!(rows.iter().all(|row| row["process"] == "vp"));
}

#[test]
fn what_is_taken_for_a_name_of_another_library_says_what_that_is() {
    let room = Room::new();
    let line = "sample --process vp --field exact:m.json --steps 2 --n 2 --solver";
    room.run(&format!("{line} rk54")).refused(&["did you mean `RK45`, which is `dopri5` here?"]);
    room.run(&format!("{line} dpmpp_2m_sdee")).refused(&["did you mean `dpmpp_2m_sde`, which is"]);
}

/// Steps that adapt, with a name and with tolerances as other libraries have them.
#[test]
fn a_reconstruction_takes_tolerances() {
    let room = Room::new();
    let images: Vec<f64> = (0..48).map(|i| f64::from(i % 7) / 7.0).collect();
    room.array("image.npy", &[1, 1, 4, 4], images[..16].to_vec());
    room.array("images.npy", &[3, 1, 4, 4], images);
    let line = "reconstruct --measurement pool:factor=2,std=0.1 --image image.npy --process vp \
                --field empirical:images.npy:0.3 --method pigdm --n 2 --json";
    let theirs = room.run(&format!("{line} --solver RK45 --rtol 1e-3 --atol 1e-4"));
    let theirs = theirs.noted(&["solver `RK45` is `dopri5` here"]).json();
    assert_eq!((&theirs["solver"], &theirs["outcome"]), (&"dopri5".into(), &"success".into()));
    let ours = room.run(&format!("{line} --solver dopri5 --reltol 1e-3 --abstol 1e-4"));
    assert_eq!(ours.succeeded().json()["nfe"], theirs["nfe"]);
    let fewer = room.run(&format!("{line} --solver dopri5 --reltol 1e-1 --abstol 1e-1"));
    assert!(fewer.succeeded().json()["nfe"].as_u64() < theirs["nfe"].as_u64());
    room.run(&format!("{line} --solver ddim --rtol 1e-3")).refused(&["--abstol"]);
}
