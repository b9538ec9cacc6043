//! `sample --from`: generation that starts from data with noise added.

use driftfield::problems::process::{self, Noising};
use driftfield::problems::spacing::Spacing;
use ndarray::{Array2, ArrayD, Axis};
use serde_json::Value;

use crate::support::{Room, rms};

const LINE: &str = "--process vp --field exact:m.json --dtype f64";

/// A room with three points in `x.npy`.
fn room() -> Room {
    let room = Room::new();
    room.array("x.npy", &[3, 2], vec![-1.0, 0.2, 1.1, 0.4, 0.0, 2.0]);
    room
}

fn numbers(summary: &Value) -> (u64, u64, f64) {
    let whole = |key: &str| summary[key].as_u64().unwrap();
    (whole("steps"), whole("nfe"), summary["t_start"].as_f64().unwrap())
}

/// The grid is that of all steps, its first ones left out.
#[test]
fn the_last_steps_are_made_from_noised_data() {
    let room = room();
    let line = format!("{LINE} --solver heun --spacing quadratic");
    let made = room.sample(&format!("{line} --steps 50 --from x.npy --strength 0.6 --out a.npy"));
    let path = process::parse("vp").unwrap();
    let times = Spacing::Quadratic.times(&path, 1.0, 1e-3, 50).unwrap();
    assert_eq!(numbers(&made), (30, 60, times[20]));
    assert_eq!((&made["strength"], &made["t_end"]), (&0.6.into(), &1e-3.into()));
    let noised = path.noised(&room.read::<f64>("x.npy"), times[20], 0).unwrap();
    room.array("noised.npy", &[3, 2], noised.into_raw_vec_and_offset().0);
    let times: Vec<String> = times[20..].iter().map(f64::to_string).collect();
    room.sample(&format!(
        "{LINE} --solver heun --init noised.npy --spacing times:{} --out b.npy",
        times.join("/")
    ));
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
}

#[test]
fn evaluations_and_the_denoising_are_counted_with_the_steps() {
    let room = room();
    for (budget, expected) in [
        ("--solver ddim --steps 50 --strength 0.6", (30, 30, 0.6004)),
        // 50 inference steps, the last of which is the denoising: 30 are made.
        (
            "--solver ddim --nfe 50 --denoise-final --strength 0.6",
            (29, 30, 0.592_244_897_959_183_7),
        ),
        ("--solver ddim --nfe 11 --denoise-final --strength 0.5", (4, 5, 0.4006)),
        ("--solver heun --nfe 20 --strength 0.5", (5, 10, 0.5005)),
        ("--solver heun --steps 7 --strength 1", (7, 14, 1.0)),
        ("--solver dpm-solver++2m --steps 4 --strength 0.25", (1, 1, 0.250_75)),
        ("--solver ddim --nfe 5 --denoise-final --strength 0.2", (0, 1, 1e-3)),
    ] {
        let made = room.sample(&format!("{LINE} --from x.npy {budget}"));
        let (steps, nfe, start) = numbers(&made);
        assert_eq!((steps, nfe), (expected.0, expected.1), "{budget}");
        assert!((start - expected.2).abs() < 1e-12, "{budget}: {start}");
    }
}

#[test]
fn adaptive_steps_start_as_far_on_the_way() {
    let room = room();
    let line = "--field exact:m.json --from x.npy --solver tsit5 --abstol 1e-6 --reltol 1e-6";
    for (process, expected) in [
        ("vp", 0.6004),
        ("edm", {
            let root = |sigma: f64| sigma.powf(1.0 / 7.0);
            (0.6 * root(80.0) + 0.4 * root(0.002)).powi(7)
        }),
    ] {
        for more in ["", "--per-lane"] {
            let made = room.sample(&format!("{line} --process {process} --strength 0.6 {more}"));
            let start = made["t_start"].as_f64().unwrap();
            assert!((start / expected - 1.0).abs() < 1e-12, "{process}: {start}");
        }
    }
}

/// Where nothing is left of the data, the start is the usual one of the seed.
#[test]
fn all_of_the_way_is_generation_from_noise() {
    let room = room();
    for (process, solver) in [("rectified-flow", "heun"), ("vp-cosine", "ddim")] {
        let line = format!("--process {process} --field exact:m.json --solver {solver} --steps 8");
        let line = format!("{line} --seed 4 --dtype f64");
        room.sample(&format!("{line} --from x.npy --strength 1 --out a.npy"));
        room.sample(&format!("{line} --n 3 --out b.npy"));
        match process {
            "rectified-flow" => assert_eq!(room.bytes("a.npy"), room.bytes("b.npy")),
            _ => assert!(rms(&room.read("a.npy"), &room.read("b.npy")) < 0.1),
        }
    }
}

/// In the law of the noised data: of Gaussian data `N(0, 1)` around which the exact field is known,
/// samples from another point come back nearer to it the less noise is added.
#[test]
fn less_strength_stays_nearer_to_the_data() {
    let room = room();
    room.write("g.json", r#"{"weights": [1.0], "means": [[0.0, 0.0]], "stds": [1.0]}"#);
    room.array("y.npy", &[1, 2], vec![2.0, 2.0]);
    let path = process::parse("vp").unwrap();
    const LANES: usize = 4000;
    let line =
        "--process vp --field exact:g.json --dtype f64 --solver tsit5 --abstol 1e-8 --reltol 1e-8";
    for strength in [0.2, 0.5, 0.9] {
        let made = room
            .sample(&format!("{line} --from y.npy --n {LANES} --strength {strength} --out s.npy"));
        let samples: ArrayD<f64> = room.read("s.npy");
        // On unit Gaussian data and a variance-preserving path nothing moves a state.
        let t = made["t_start"].as_f64().unwrap();
        let count = (2 * LANES) as f64;
        let mean = samples.mean().unwrap();
        let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        // Five standard deviations of each estimate: one false alarm in a million.
        let (expected, spread) = (2.0 * path.alpha(t), path.sigma(t));
        assert!((mean - expected).abs() < 5.0 * spread / count.sqrt(), "{strength}: {mean}");
        let off = (variance / spread.powi(2) - 1.0).abs();
        assert!(off < 5.0 * (2.0 / count).sqrt(), "{strength}: {variance}");
    }
}

/// Rows take turns among lanes, a lane is the same in every batch, and noise is that of its number.
#[test]
fn lanes_are_those_of_their_numbers() {
    let room = room();
    let line = format!("{LINE} --solver euler-maruyama --steps 10 --from x.npy --strength 0.5");
    room.sample(&format!("{line} --n 8 --out whole.npy"));
    let whole: ArrayD<f64> = room.read("whole.npy");
    for (first, count) in [(0, 3), (3, 5)] {
        room.sample(&format!("{line} --n {count} --first-lane {first} --out part.npy"));
        let part: ArrayD<f64> = room.read("part.npy");
        let rows = whole.slice_axis(Axis(0), (first..first + count).into());
        assert_eq!(part, rows);
    }
    room.sample(&format!("{line} --out three.npy"));
    assert_eq!(room.read::<f64>("three.npy"), whole.slice_axis(Axis(0), (0..3).into()));
    // More lanes than a chunk holds, made in chunks.
    let many =
        "--process vp --field exact:m.json --solver ddim --steps 2 --from many.npy --strength 0.5";
    let data = Array2::from_shape_fn((70_000, 2), |(i, j)| (i % 7) as f32 - j as f32);
    room.array("many.npy", &[70_000, 2], data.clone().into_raw_vec_and_offset().0);
    room.sample(&format!("{many} --out many-out.npy"));
    let last = data.slice_axis(Axis(0), (69_998..).into()).to_owned();
    room.array("last.npy", &[2, 2], last.into_raw_vec_and_offset().0);
    room.sample(&format!("{} --first-lane 69998 --out last-out.npy", many.replace("many", "last")));
    let all: ArrayD<f32> = room.read("many-out.npy");
    assert_eq!(room.read::<f32>("last-out.npy"), all.slice_axis(Axis(0), (69_998..).into()));
}

#[test]
fn what_is_no_start_from_data_is_refused() {
    let room = room();
    room.array("empty.npy", &[0, 2], Vec::<f64>::new());
    room.array("wide.npy", &[2, 3], vec![0.0; 6]);
    let line = format!("sample {LINE} --solver ddim");
    for (more, parts) in [
        ("--steps 4 --from x.npy", &["--strength"][..]),
        ("--steps 4 --n 3 --strength 0.5", &["--from"]),
        ("--steps 4 --from x.npy --strength 0", &["above 0 and at most 1"]),
        ("--steps 4 --from x.npy --strength -0.5", &["above 0 and at most 1"]),
        ("--steps 4 --from x.npy --strength 1.5", &["the strength is 1.5"]),
        ("--steps 4 --from x.npy --strength NaN", &["above 0 and at most 1"]),
        (
            "--steps 4 --from x.npy --strength 0.2",
            &["of 4 step(s), strength 0.2 leaves none", "1/4"],
        ),
        ("--steps 4 --from x.npy --init x.npy --strength 0.5", &["cannot be used with"]),
        ("--steps 4 --from x.npy --strength 0.5 --n 0", &["0 samples"]),
        ("--steps 4 --from empty.npy --strength 0.5 --n 2", &["at least one row"]),
        ("--steps 4 --from wide.npy --strength 0.5", &["2 component(s)"]),
        ("--steps 4 --from gone.npy --strength 0.5", &["gone.npy"]),
        ("--steps 4 --from x.npy --strength 0.5 --t-start 0.1 --t-end 0.9", &["noise to data"]),
    ] {
        room.run(&format!("{line} {more}")).refused(parts);
    }
    let orders = format!("sample {LINE} --solver dpm-solver-3s --from x.npy --strength 0.5");
    room.run(&format!("{orders} --nfe 20")).refused(&["give --steps"]);
    room.run(&format!("{orders} --steps 6")).succeeded();
}
