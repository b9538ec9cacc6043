//! `sample`: fields.

use crate::support::{Ran, Room};

#[test]
fn an_empirical_field_generates_its_data() {
    let room = Room::new();
    let points = [[-1.0, 0.0], [1.0, 0.5], [0.0, 2.0]];
    room.array::<f64>("d.npy", &[3, 2], points.concat());
    let nearest = |out: &str| -> Vec<f64> {
        let samples = room.read::<f64>(out);
        let distance = |row: ndarray::ArrayViewD<f64>, p: &[f64; 2]| {
            ((row[0] - p[0]).powi(2) + (row[1] - p[1]).powi(2)).sqrt()
        };
        let lanes = samples.outer_iter();
        lanes
            .map(|row| points.iter().map(|p| distance(row.clone(), p)).fold(9.0, f64::min))
            .collect()
    };
    for process in ["vp", "rectified-flow", "edm"] {
        let line = format!("--process {process} --solver heun --steps 200 --dtype f64 --n 50");
        room.sample(&format!("{line} --field empirical:d.npy --out o.npy"));
        let mean = nearest("o.npy").iter().sum::<f64>() / 50.0;
        assert!(mean < 0.03, "{process}: {mean}");
        room.sample(&format!("{line} --field empirical:d.npy:0.1 --out s.npy"));
        let mean = nearest("s.npy").iter().sum::<f64>() / 50.0;
        assert!(mean > 0.05 && mean < 0.3, "{process}: {mean}");
    }
    let line = "sample --process vp --solver heun --steps 4 --n 5";
    for smoothing in ["-1", "nan", "inf"] {
        room.run(&format!("{line} --field empirical:d.npy:{smoothing}")).refused(&["smoothing"]);
    }
    room.run(&format!("{line} --field empirical:d.npy:abc")).refused(&["SMOOTHING"]);
    room.run(&format!("{line} --field empirical:none.npy")).refused(&["none.npy"]);
}

#[test]
fn shipped_weights_are_found_from_any_directory() {
    let room = Room::new();
    for (process, weights) in [
        ("vp", "cat-vp"),
        ("rectified-flow", "cat-rectified-flow"),
        ("brownian-bridge", "cat-brownian-bridge"),
        ("vp:beta_min=0.1,beta_max=20", "cat-vp"),
    ] {
        let run = |field: &str, out: &str| {
            let summary = room.sample(&format!(
                "--process {process} --field {field} --solver heun --steps 5 --n 4 --out {out}"
            ));
            assert_eq!(summary["network_forwards"], summary["nfe"]);
            assert_eq!(summary["process"], process);
            room.bytes(out)
        };
        let by_name = run(weights, "a.npy");
        assert_eq!(by_name, run(&format!("{weights}.safetensors"), "b.npy"));
        assert_eq!(by_name, run(&format!("weights/{weights}.safetensors"), "c.npy"));
    }
    let line = "sample --solver heun --steps 4 --n 5";
    room.run(&format!("{line} --process rectified-flow --field cat-vp"))
        .refused(&["trained on `vp:beta_min=0.1,beta_max=20`", "--process vp"]);
    room.run(&format!("{line} --process vp:beta_max=15 --field cat-vp")).refused(&["trained on"]);
    // A file of that name elsewhere is somebody's own.
    room.run(&format!("{line} --process vp --field mine/cat-vp.safetensors"))
        .refused(&["mine/cat-vp.safetensors"]);
    room.run(&format!("{line} --process vp --field cat-pv")).refused(&["cat-vp", "exact:"]);
}

#[test]
fn a_file_goes_before_the_shipped_weights_of_its_name() {
    let room = Room::new();
    std::fs::create_dir(room.path("weights")).unwrap();
    room.write("weights/cat-vp.safetensors", "not weights");
    room.run(
        "sample --process vp --field weights/cat-vp.safetensors --solver heun --steps 2 --n 1",
    )
    .refused(&["weights/cat-vp.safetensors", ".safetensors file"]);
}

#[test]
fn damaged_weights_are_refused() {
    let room = Room::new();
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/cat-vp.safetensors");
    let good = std::fs::read(good).unwrap();
    let mut flipped = good.clone();
    let middle = good.len() / 2;
    flipped[middle] ^= 0x40;
    for (bytes, part) in [
        (&good[..good.len() - 5], "cut short"),
        (&good[..100], "cut short"),
        (&good[..0], "cut short"),
        (&flipped[..], "damaged"),
        (&b"text"[..], "cut short"),
    ] {
        room.write("w.safetensors", bytes);
        room.run("sample --process vp --field w.safetensors --solver heun --steps 2 --n 1")
            .refused(&["w.safetensors", part]);
    }
}

#[test]
fn networks_too_large_to_be_embedded_are_found_or_said_where_to_get() {
    let room = Room::new();
    let line = "sample --json --process rectified-flow --solver euler --steps 1 --n 1 --dtype f32";
    for field in ["mnist-rectified-flow", "weights/mnist-rectified-flow.safetensors"] {
        let line = format!("{line} --field {field} --out o.npy");
        room.run(&line).refused(&["DRIFTFIELD_WEIGHTS", "weights/mnist-rectified-flow", "github"]);
        let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/weights");
        let mut command = room.command(line.split_whitespace());
        let ran = command.env("DRIFTFIELD_WEIGHTS", weights).output().unwrap();
        Ran::new(&line, ran).succeeded();
        assert_eq!(room.read::<f32>("o.npy").shape(), [1, 1, 28, 28]);
    }
    // And so is all that is listed.
    let listed = room.run("list weights --json").succeeded().json();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 5);
    for name in names {
        let (_, process) = name.split_once('-').unwrap();
        let line =
            format!("sample --process {process} --field {name} --solver euler --steps 1 --n 1");
        let mut command = room.command(line.split_whitespace());
        let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/weights");
        let ran = command.env("DRIFTFIELD_WEIGHTS", weights).output().unwrap();
        Ran::new(&line, ran).succeeded();
    }
    // In any other directory it is somebody's own.
    room.run(&format!("{line} --field own/mnist-vp.safetensors")).refused(&["own/mnist-vp"]);
}

/// `exact` and `trained` mean in `sample` what they mean in `study`.
#[test]
fn the_standard_fields_are_those_of_the_cat_everywhere() {
    let room = Room::new();
    let line = "--process vp --solver heun --steps 5 --n 4";
    room.sample(&format!("{line} --field exact --out exact.npy"));
    assert!(room.read::<f32>("exact.npy").iter().all(|x| x.abs() < 5.0));
    room.sample(&format!("{line} --field trained --out trained.npy"));
    room.sample(&format!("{line} --field cat-vp --out named.npy"));
    assert_eq!(room.bytes("trained.npy"), room.bytes("named.npy"));
    let line = "sample --solver heun --steps 4 --n 5 --field";
    room.run(&format!("{line} trained --process edm")).refused(&[
        "no shipped network",
        "`edm`",
        "--field exact",
    ]);
    room.run(&format!("{line} exakt --process vp")).refused(&["`exact` or `trained` (of the cat)"]);
}
