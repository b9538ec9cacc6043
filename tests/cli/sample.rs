//! `sample`: solvers, budgets, reproducibility, noise, trajectories.

use serde_json::Value;

use crate::support::{Room, SPANS, rms};

const SOLVERS: [&str; 6] = ["euler", "heun", "tsit5", "dop853", "euler-maruyama", "ancestral"];
const KEYS: [&str; 11] = [
    "solver",
    "process",
    "steps",
    "nfe",
    "network_forwards",
    "accepted",
    "rejected",
    "outcome",
    "seconds",
    "t_start",
    "t_end",
];

/// Evaluations at the start and per step, as `solvers` tells them.
fn costs(room: &Room, solver: &str) -> (u64, u64) {
    let listed = room.run("solvers --json").succeeded().json();
    let entry = listed.as_array().unwrap().iter().find(|entry| entry["name"] == solver).unwrap();
    let count = |key: &str| entry[key].as_u64().unwrap();
    (count("evaluations_at_start"), count("evaluations_per_step"))
}

#[test]
fn every_process_runs_with_every_solver_over_its_default_span() {
    let room = Room::new();
    for (process, start, end) in SPANS {
        for solver in SOLVERS {
            let summary = room.sample(&format!(
                "--process {process} --field exact:m.json --solver {solver} --steps 12 --n 20 --out o.npy"
            ));
            for key in KEYS {
                assert!(summary.get(key).is_some(), "{key}: {summary}");
            }
            let pure_noise = ["rectified-flow", "brownian-bridge"].contains(&process);
            let start = if solver == "euler-maruyama" && pure_noise { 0.999 } else { start };
            assert_eq!(summary["t_start"], start, "{process} {solver}");
            assert_eq!(summary["t_end"], end);
            assert_eq!(summary["process"], process);
            assert_eq!(summary["solver"], solver);
            assert_eq!(summary["steps"], 12);
            assert_eq!(summary["accepted"], 12);
            assert_eq!(summary["rejected"], 0);
            assert_eq!(summary["outcome"], "success");
            assert_eq!(summary["network_forwards"], 0);
            let samples = room.read::<f32>("o.npy");
            assert_eq!(samples.shape(), [20, 2]);
            assert!(samples.iter().all(|x| x.is_finite()), "{process} {solver}");
        }
    }
}

#[test]
fn evaluations_are_what_each_method_says() {
    let room = Room::new();
    let nfe = |solver: &str, steps: u64, more: &str| -> Value {
        let line = format!(
            "--process vp --field exact:m.json --solver {solver} --steps {steps} --n 2 {more}"
        );
        room.sample(&line)["nfe"].clone()
    };
    for (solver, steps, expected) in [
        ("euler", 10, 10),
        ("heun", 10, 20),
        ("rk4", 10, 40),
        ("bs3", 10, 31),
        ("dopri5", 10, 61),
        ("tsit5", 10, 61),
        ("tsit5", 1, 7),
        ("euler-maruyama", 10, 10),
        ("ancestral", 10, 10),
    ] {
        assert_eq!(nfe(solver, steps, ""), expected, "{solver}");
        assert_eq!(nfe(solver, steps, "--denoise-final"), expected + 1, "{solver}");
    }
}

#[test]
fn a_budget_takes_the_most_steps_that_fit() {
    let room = Room::new();
    for solver in ["euler", "heun", "bs3", "tsit5", "dop853", "euler-maruyama", "ancestral"] {
        let (at_start, per_step) = costs(&room, solver);
        for denoise in [0, 1] {
            let flag = if denoise == 1 { "--denoise-final" } else { "" };
            let line = |nfe: u64| {
                format!(
                    "--process vp --field exact:m.json --solver {solver} --nfe {nfe} --n 2 {flag}"
                )
            };
            let one_step = at_start + per_step + denoise;
            for nfe in [one_step, one_step + per_step - 1, one_step + per_step, 100] {
                let summary = room.sample(&line(nfe));
                let (steps, spent) =
                    (summary["steps"].as_u64().unwrap(), summary["nfe"].as_u64().unwrap());
                assert_eq!(spent, at_start + per_step * steps + denoise);
                assert!(spent <= nfe && nfe < spent + per_step, "{solver} {nfe}: {spent}");
            }
            if (one_step - 1, denoise) == (1, 1) {
                // The denoising alone.
                assert_eq!(room.sample(&line(1))["steps"], 0);
                continue;
            }
            let too_small = room.run(&format!("sample {}", line(one_step - 1)));
            too_small.refused(&["do not pay for one step", solver]);
        }
    }
}

#[test]
fn adaptive_steps_follow_the_tolerance_and_never_exceed_their_budget() {
    let room = Room::new();
    let line = |tolerance: &str, more: &str| {
        format!(
            "--process rectified-flow --field exact:m.json --solver tsit5 --dtype f64 --n 30 --abstol {tolerance} --reltol {tolerance} --out {more}"
        )
    };
    let fine = room.sample(&line("1e-9", "fine.npy"));
    let coarse = room.sample(&line("1e-3", "coarse.npy"));
    assert_eq!(fine["steps"], Value::Null);
    assert!(fine["nfe"].as_u64() > coarse["nfe"].as_u64());
    let error = rms(&room.read("fine.npy"), &room.read("coarse.npy"));
    assert!(error > 0.0 && error < 1e-2, "{error}");

    let needed = coarse["nfe"].as_u64().unwrap();
    let enough = room.sample(&line("1e-3", &format!("e.npy --max-nfe {needed}")));
    assert_eq!(enough["nfe"], needed);
    assert_eq!(room.bytes("e.npy"), room.bytes("coarse.npy"));
    for budget in [1, 7, 8, 20, needed - 1] {
        let more = format!("part.npy --trajectory path.npy --max-nfe {budget}");
        let ran = room.run(&format!("sample --json {}", line("1e-3", &more)));
        assert_eq!(ran.status, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("budget"), "{ran:?}");
        let summary = ran.json();
        assert_eq!(summary["outcome"], "budget_spent");
        assert!(summary["nfe"].as_u64().unwrap() <= budget, "{summary}");
        let (samples, path) = (room.read::<f64>("part.npy"), room.read::<f64>("path.npy"));
        assert_eq!(samples.shape(), [30, 2]);
        let accepted = summary["accepted"].as_u64().unwrap() as usize;
        assert_eq!(path.shape(), [accepted + 1, 30, 2]);
        assert_eq!(path.index_axis(ndarray::Axis(0), accepted), samples);
    }
    // For reading, too, the outcome is printed.
    let ran = room.run(&format!("sample {}", line("1e-3", "part.npy --max-nfe 8")));
    assert_eq!(ran.status, Some(1));
    assert!(ran.stdout.contains("budget of 8"), "{ran:?}");
}

#[test]
fn a_seed_gives_the_same_lanes_whatever_their_number() {
    let room = Room::new();
    for (field, solver) in [
        ("exact:m.json", "heun"),
        ("exact:m.json", "euler-maruyama"),
        ("exact:m.json", "ancestral"),
        ("cat-vp", "tsit5"),
        ("cat-vp", "euler-maruyama"),
    ] {
        let run = |n: usize, seed: u64, out: &str| {
            room.sample(&format!(
                "--process vp --field {field} --solver {solver} --steps 5 --n {n} --seed {seed} --out {out}"
            ));
            room.read::<f32>(out)
        };
        let (many, few) = (run(300, 7, "many.npy"), run(3, 7, "few.npy"));
        assert_eq!(room.bytes("many.npy"), {
            run(300, 7, "again.npy");
            room.bytes("again.npy")
        });
        assert_eq!(many.slice(ndarray::s![..3, ..]).into_dyn(), few, "{field} {solver}");
        assert_ne!(run(3, 8, "other.npy"), few);
    }
    // Without --seed it is 0.
    let line = "--process vp --field exact:m.json --solver euler --steps 2 --n 5";
    room.sample(&format!("{line} --out a.npy"));
    room.sample(&format!("{line} --seed 0 --out b.npy"));
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
}

#[test]
fn noise_level_is_one_by_default_and_zero_is_euler() {
    let room = Room::new();
    for process in ["vp", "rectified-flow", "brownian-bridge:s=0.3", "edm"] {
        let run = |solver: &str, more: &str, out: &str| {
            room.sample(&format!(
                "--process {process} --field exact:m.json --solver {solver} --steps 20 --n 10 --out {out} {more}"
            ))
        };
        run("euler-maruyama", "", "default.npy");
        run("euler-maruyama", "--noise-level 1", "one.npy");
        run("euler-maruyama", "--noise-level 0.5", "half.npy");
        let none = run("euler-maruyama", "--noise-level 0", "none.npy");
        let euler = run("euler", "", "euler.npy");
        assert_eq!(none["t_start"], euler["t_start"]);
        assert_eq!(room.bytes("default.npy"), room.bytes("one.npy"));
        assert_ne!(room.bytes("half.npy"), room.bytes("one.npy"));
        assert_eq!(room.bytes("none.npy"), room.bytes("euler.npy"), "{process}");
    }
    for solver in ["euler", "tsit5", "ancestral"] {
        let line = "sample --process vp --field exact:m.json --steps 3 --n 3 --noise-level 1";
        room.run(&format!("{line} --solver {solver}")).refused(&["noise level", solver]);
    }
    let line = "sample --process vp --field exact:m.json --solver euler-maruyama --steps 3 --n 3";
    for level in ["-1", "nan", "inf"] {
        room.run(&format!("{line} --noise-level {level}")).refused(&["noise level", "negative"]);
    }
}

#[test]
fn a_trajectory_starts_at_the_initial_state_and_ends_at_the_samples() {
    let room = Room::new();
    room.array::<f64>("i.npy", &[4, 2], (0..8).map(|i| f64::from(i) / 4.0 - 1.0).collect());
    for (solver, denoise) in
        [("euler", ""), ("tsit5", "--denoise-final"), ("euler-maruyama", ""), ("ancestral", "")]
    {
        let ran = room.run(&format!(
            "sample --process rectified-flow --field exact:m.json --solver {solver} --steps 6 --init i.npy --dtype f64 --out o.npy --trajectory t.npy {denoise}"
        ));
        let noisy = ["euler-maruyama", "ancestral"].contains(&solver);
        ran.noted(if noisy { &["the noise of lane i"] } else { &[] });
        let (path, samples) = (room.read::<f64>("t.npy"), room.read::<f64>("o.npy"));
        assert_eq!(path.shape(), [7, 4, 2], "{solver}");
        assert_eq!(path.index_axis(ndarray::Axis(0), 0), room.read::<f64>("i.npy"));
        assert_eq!(path.index_axis(ndarray::Axis(0), 6), samples);
    }
    let adaptive = room.sample(
        "--process vp --field exact:m.json --solver tsit5 --abstol 1e-4 --reltol 1e-4 --n 3 --trajectory t.npy",
    );
    let accepted = adaptive["accepted"].as_u64().unwrap() as usize;
    assert_eq!(room.read::<f32>("t.npy").shape(), [accepted + 1, 3, 2]);
}

#[test]
fn without_out_there_is_a_summary_and_no_file() {
    let room = Room::new();
    let line = "sample --process vp --field exact:m.json --solver heun --steps 3 --n 3";
    let ran = room.run(line).succeeded();
    assert!(ran.stdout.contains("heun") && ran.stdout.contains("not written"), "{ran:?}");
    assert_eq!(std::fs::read_dir(room.path("")).unwrap().count(), 1);
    let ran = room.run(&format!("{line} --out o.npy")).succeeded();
    assert!(ran.stdout.contains("written to o.npy"), "{ran:?}");
    assert_eq!(std::fs::read_dir(room.path("")).unwrap().count(), 2);
}

#[test]
fn lanes_may_take_steps_of_their_own() {
    let room = Room::new();
    let line = "--process vp --field cat-vp --solver tsit5 --abstol 1e-3 --reltol 1e-3 --seed 2";
    let own = room.sample(&format!("{line} --n 200 --per-lane --out own.npy"));
    let (least, mean, most) =
        (&own["lane_nfe"]["least"], &own["lane_nfe"]["mean"], &own["lane_nfe"]["most"]);
    assert!(least.as_u64().unwrap() < most.as_u64().unwrap());
    assert!(mean.as_f64().unwrap() < most.as_f64().unwrap());
    assert!(own["nfe"].as_u64() >= most.as_u64());
    assert_eq!(own["nfe"], own["network_forwards"]);
    assert_eq!(own["outcome"], "success");
    // The first lanes are the same, to the bit, in a smaller batch.
    room.sample(&format!("{line} --n 7 --per-lane --out few.npy"));
    let (all, few) = (room.read::<f32>("own.npy"), room.read::<f32>("few.npy"));
    assert_eq!(all.slice_axis(ndarray::Axis(0), (..7).into()), few);
    let shared = room.sample(&format!("{line} --n 200"));
    assert_eq!(shared.get("lane_nfe"), None);
    let stopped = room.run(&format!("sample {line} --n 20 --per-lane --max-nfe 30 --json"));
    assert_eq!(stopped.status, Some(1), "{stopped:?}");
    let stopped = stopped.json();
    assert_eq!(stopped["outcome"], "budget_spent");
    assert!(stopped["lane_nfe"]["most"].as_u64().unwrap() <= 30);
    assert!(stopped["unfinished_lanes"].as_u64().unwrap() > 0);
    assert_eq!(own["unfinished_lanes"], 0);
}

/// On as many machines as there are: noise, path and labels are those of the lane, wherever it is.
#[test]
fn parts_of_a_sample_are_the_sample() {
    let room = Room::new();
    let of = |first: usize, n: usize, line: &str, name: &str| {
        room.sample(&format!("{line} --n {n} --first-lane {first} --seed 3 --out {name}"));
        room.read::<f32>(name)
    };
    for line in [
        "--process vp --field exact:m.json --solver euler-maruyama --steps 8",
        "--process rectified-flow --field exact:m.json --solver tsit5 --abstol 1e-3 --reltol 1e-3 --per-lane",
    ] {
        let whole = of(0, 10, line, "whole.npy");
        let (front, back) = (of(0, 6, line, "front.npy"), of(6, 4, line, "back.npy"));
        let joined = ndarray::concatenate![ndarray::Axis(0), front, back];
        assert_eq!(joined, whole, "{line}");
        assert_ne!(of(1, 10, line, "other.npy"), whole, "{line}");
    }
    let line = "sample --process vp --field exact:m.json --solver heun --steps 2 --n 2";
    let refused = room.run(&format!("{line} --first-lane 10000000000000000"));
    assert!(refused.stderr.contains("--first-lane"), "{}", refused.stderr);
}
