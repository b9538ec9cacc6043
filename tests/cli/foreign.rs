//! Other people's networks on the command line: files, what is said of them, import and export.

use crate::support::{Ran, Room};

/// A file of the networks' tests.
fn data(name: &str) -> String {
    format!("{}/networks/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

const RUN: &str = "--process vp --solver dpm-solver++2m --nfe 4 --n 3 --t-end 0.1 --seed 2";

#[test]
fn a_network_is_the_same_by_options_by_keys_by_json_and_once_it_is_imported() {
    let room = Room::new();
    let file = data("condunet2d/model.msgpack");
    let told = "--architecture condunet2d:num_heads=2 --shape 1,8,8 --prediction v";
    room.sample(&format!("{RUN} --field {file} {told} --out options.npy"));
    let keys = "architecture=condunet2d,num_heads=2,shape=1x8x8,prediction=v";
    room.sample(&format!("{RUN} --field {file}:{keys} --out keys.npy"));
    room.write(
        "told.json",
        r#"{"architecture": "condunet2d:num_heads=2", "shape": [1, 8, 8], "prediction": "v"}"#,
    );
    room.sample(&format!("{RUN} --field {file} --config told.json --out json.npy"));
    let import = format!("import {file} {told} --process vp --out kept.safetensors --json");
    let kept = room.run(&import).succeeded().json();
    assert_eq!(kept["architecture"], "condunet2d");
    assert_eq!(kept["shape"], serde_json::json!([1, 8, 8]));
    let summary = room.sample(&format!("{RUN} --field kept.safetensors --out kept.npy"));
    assert_eq!(summary["shape"], serde_json::json!([3, 1, 8, 8]));
    assert_eq!((&summary["nfe"], &summary["network_forwards"]), (&4.into(), &4.into()));
    let options = room.bytes("options.npy");
    for other in ["keys.npy", "json.npy", "kept.npy"] {
        assert_eq!(room.bytes(other), options, "{other}");
    }
    let other = RUN.replace("--process vp", "--process sub-vp");
    let refused = room.run(&format!("sample {other} --field kept.safetensors"));
    refused.refused(&["kept.safetensors", "vp:beta_min=0.1,beta_max=20", "sub-vp"]);
}

#[test]
fn what_nobody_says_of_a_prediction_is_noted() {
    let room = Room::new();
    let file = data("condunet2d/model.msgpack");
    let line = format!(
        "sample {RUN} --field {file} --shape 1,8,8 --architecture condunet2d:num_heads=2 --out o.npy"
    );
    room.run(&line).noted(&["taken for noise", "--prediction"]);
    room.run(&format!("{line} --prediction noise")).succeeded();
}

#[cfg(feature = "onnx")]
#[test]
fn graphs_are_sampled_and_studied() {
    let room = Room::new();
    let file = data("onnx/by_lane.onnx");
    let run = "--process edm --nfe 9 --n 5 --seed 1";
    let shared =
        room.sample(&format!("{run} --solver heun --field {file}:prediction=data --out graph.npy"));
    assert_eq!(shared["outcome"], "success");
    assert_eq!(room.read::<f32>("graph.npy").shape(), [5, 2]);
    let study = format!(
        "study --process edm --field {file}:prediction=data --solver heun --solver ddim --nfe 6,12 \
         --n 50 --seed 0 --out out"
    );
    room.run(&study).succeeded();
    for written in ["study.json", "study.csv", "report.html"] {
        assert!(room.has(&format!("out/{written}")), "{written}");
    }
    let rows: serde_json::Value = serde_json::from_slice(&room.bytes("out/study.json")).unwrap();
    let rows = rows["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row["solver_error"].as_f64().is_some()), "{rows:?}");
    // A condition and a label: every lane has a time of its own.
    let told = data("onnx/told.onnx");
    let told = format!("{told}:classes=3,null_label=3,condition.difficulty=0.5,prediction=noise");
    let line = format!(
        "--process vp --solver tsit5 --abstol 1e-3 --reltol 1e-3 --per-lane --n 4 --label 1 \
         --guidance 2 --field {told} --out lanes.npy"
    );
    assert_eq!(room.sample(&line)["outcome"], "success");
    let alone = line.replace("--n 4", "--n 1").replace("lanes.npy", "one.npy");
    room.sample(&format!("{alone} --first-lane 2"));
    let (all, one) = (room.read::<f32>("lanes.npy"), room.read::<f32>("one.npy"));
    let row = |array: &ndarray::ArrayD<f32>, row: usize| {
        array.index_axis(ndarray::Axis(0), row).iter().copied().collect::<Vec<_>>()
    };
    for (a, b) in row(&all, 2).iter().zip(row(&one, 0)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn a_state_dict_of_torch_is_studied() {
    let room = Room::new();
    let study = format!(
        "study --process vp --field {} --solver heun --solver unipc-2 --nfe 6,10 --n 40 --seed 0 --out out",
        data("torch-mlp.pt:architecture=mlp,process=vp,data=cat")
    );
    // The data is of the plane, the network of three dimensions.
    room.run(&study).refused(&["2 component(s)", "3"]);
    let study = study.replace(",data=cat", "");
    room.run(&study).succeeded();
    assert!(room.has("out/report.html") && room.has("out/study.csv"));
}

#[cfg(feature = "hub")]
#[test]
fn a_file_of_the_hub_is_found_in_its_cache() {
    let room = Room::new();
    let snapshot = "cache/models--some--net/snapshots/0123abc";
    std::fs::create_dir_all(room.path(snapshot)).unwrap();
    std::fs::create_dir_all(room.path("cache/models--some--net/refs")).unwrap();
    room.write("cache/models--some--net/refs/main", "0123abc");
    std::fs::copy(data("onnx/by_lane.onnx"), room.path(&format!("{snapshot}/g.onnx"))).unwrap();
    let words = "sample --json --process edm --solver heun --nfe 9 --n 2 --field";
    let run = |field: &str| {
        let line = format!("{words} {field}");
        let mut command = room.command(line.split_whitespace());
        Ran::new(&line, command.env("HF_HUB_CACHE", room.path("cache")).output().unwrap())
    };
    let found = run("hf:some/net/g.onnx:prediction=data").succeeded().json();
    assert_eq!(found["shape"], serde_json::json!([2, 2]));
    run("hf:some/net/h.onnx").refused(&["h.onnx", "hf download"]);
    run("hf:some").refused(&["hf:some"]);
}

#[test]
fn what_cannot_be_used_is_refused_with_what_to_try() {
    let room = Room::new();
    let msgpack = data("condunet2d/model.msgpack");
    let bytes = std::fs::read(&msgpack).unwrap();
    room.write("cut.msgpack", &bytes[..bytes.len() / 2]);
    // A pickle that would run a command.
    room.write("evil.pt", b"\x80\x02cos\nsystem\nX\x0a\x00\x00\x00touch evil\x85R.");
    let sample = |words: &str| room.run(&format!("sample {RUN} {words}"));
    for (words, parts) in [
        (format!("--field {msgpack}"), vec!["--shape"]),
        (format!("--field {msgpack} --shape 1,8,8 --architecture unet2d"), vec!["unet2d"]),
        (format!("--field {msgpack}:shpe=1x8x8"), vec!["did you mean `shape`"]),
        (format!("--field {msgpack} --shape 1,8,8 --prediction eta"), vec!["noise", "eta"]),
        ("--field cut.msgpack --shape 1,8,8".to_owned(), vec!["cut.msgpack"]),
        ("--field evil.pt --shape 1,8,8".to_owned(), vec!["evil.pt"]),
        ("--field not-there.pt".to_owned(), vec!["not-there.pt"]),
        ("--field exact --shape 2".to_owned(), vec!["--shape", "exact"]),
        ("--field exact --guidance-interval 0.1,0.2".to_owned(), vec!["--guidance"]),
    ] {
        sample(&words).refused(&parts);
    }
    assert!(!room.has("evil"));
    room.run("import m.json --out x.safetensors").refused(&["m.json"]);
    room.run("export not-there.safetensors --out x.safetensors").refused(&["not-there"]);
    assert!(!room.has("x.safetensors"));
}

#[test]
fn a_network_of_ours_is_written_for_torch() {
    let room = Room::new();
    std::fs::create_dir(room.path("torch")).unwrap();
    let weights = format!("{}/weights/cat-vp.safetensors", env!("CARGO_MANIFEST_DIR"));
    room.run(&format!("export {weights} --out torch/cat.safetensors")).succeeded();
    assert!(room.has("torch/loader.py"));
    // Back from torch it is the same network.
    let run = "--process vp --solver heun --nfe 8 --init-units process --init x.npy";
    let x: Vec<f32> = (0..8).map(|i| 0.5 * i as f32 - 2.0).collect();
    room.array("x.npy", &[4, 2], x);
    room.sample(&format!("{run} --field {weights} --out ours.npy"));
    room.sample(&format!("{run} --field torch/cat.safetensors --out theirs.npy"));
    let (ours, theirs) = (room.read::<f32>("ours.npy"), room.read::<f32>("theirs.npy"));
    assert_eq!(ours, theirs);
}
