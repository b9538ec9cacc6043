//! Digits: `sample` with labels and grids, `study` of images, `reconstruct`.

use serde_json::Value;

use crate::support::Room;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn weights(name: &str) -> String {
    format!("{ROOT}/weights/mnist-{name}.safetensors")
}

fn sample(arguments: &str) -> String {
    let field = weights("rectified-flow");
    format!("sample --process rectified-flow --field {field} {arguments}")
}

fn reconstruct(arguments: &str) -> String {
    format!("reconstruct --field {} {arguments}", weights("rectified-flow"))
}

fn is_png(room: &Room, name: &str) -> bool {
    room.bytes(name).starts_with(b"\x89PNG")
}

/// A room with a grey image of the size of a digit.
fn room() -> Room {
    let room = Room::new();
    let pixels = (0..784).map(|pixel| if (300..480).contains(&pixel) { 0.9 } else { 0.0 });
    room.array("image.npy", &[1, 1, 28, 28], pixels.collect::<Vec<f32>>());
    room
}

#[test]
fn labelled_samples_are_images_with_grids_and_their_forwards_counted() {
    let room = room();
    let line = sample(
        "--solver heun --steps 4 --n 12 --label 1,2,3 --guidance 1.5 --out s.npy \
         --grid grid.png --trajectory-grid way.svg --trajectory t.npy --json",
    );
    let summary = room.run(&line).succeeded().json();
    assert_eq!((&summary["nfe"], &summary["network_forwards"]), (&8.into(), &16.into()));
    assert_eq!(room.read::<f32>("s.npy").shape(), [12, 1, 28, 28]);
    assert_eq!(room.read::<f32>("t.npy").shape(), [5, 12, 1, 28, 28]);
    assert!(is_png(&room, "grid.png"));
    assert!(String::from_utf8(room.bytes("way.svg")).unwrap().contains("<image"));
    // Encoded and decoded again: images in, images out.
    let line = sample("--solver heun --steps 4 --init s.npy --t-start 0.001 --t-end 1 --out e.npy");
    room.run(&line).succeeded();
    assert_eq!(room.read::<f32>("e.npy").shape(), [12, 1, 28, 28]);
}

#[test]
fn a_study_of_images_judges_them_beside_real_ones() {
    let room = room();
    let field = weights("rectified-flow");
    let line = format!(
        "study --quick --field {field} --data mnist:{ROOT}/tests/data/mnist --lanes 20 \
         --solver heun --solver ancestral --out report"
    );
    let ran = room.run(&line).succeeded();
    for part in ["Frechet", "no FID", "real digits", "model floor"] {
        assert!(ran.stdout.contains(part), "no {part}: {}", ran.stdout);
    }
    let study: Value = serde_json::from_slice(&room.bytes("report/study.json")).unwrap();
    let rows = study["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        for key in ["frechet", "frechet_low", "frechet_high", "kernel_distance", "chamfer"] {
            assert!(row[key].is_number(), "{key}: {row}");
        }
        assert!(row["label_accuracy"].as_f64().unwrap() > 0.5, "{row}");
        assert_eq!(row["solver_error"].is_null(), row["solver"] == "ancestral", "{row}");
    }
    assert!(study["floors"][0]["real_frechet"].is_number());
    for name in [
        "few-evaluations-rectified-flow-trained",
        "many-steps-rectified-flow-trained",
        "trajectory-heun-rectified-flow-trained",
        "frechet-nfe-rectified-flow-trained",
        "solver-error-nfe-rectified-flow-trained",
        "reconstructions-rectified-flow-trained",
        "reconstructions-label-known-rectified-flow-trained",
        "trajectory-ancestral-rectified-flow-trained",
        "reconstruction-heun-rectified-flow-trained",
    ] {
        assert!(is_png(&room, &format!("report/{name}.png")), "{name}");
    }
    // Of solvers that were asked for, and of no others.
    assert!(!room.has("report/trajectory-ddim-rectified-flow-trained.png"));
    let html = String::from_utf8(room.bytes("report/report.html")).unwrap();
    assert!(html.matches("data:image/png;base64,").count() >= 8);
}

#[test]
fn a_study_of_images_without_real_ones_has_labels_alone() {
    let field = weights("vp");
    let line = format!("study --quick --json --field {field} --lanes 4 --solver ddim");
    let study = room().run(&line).succeeded().json();
    for row in study["rows"].as_array().unwrap() {
        assert!(row["frechet"].is_null() && row["chamfer"].is_null(), "{row}");
        assert!(row["label_accuracy"].is_number() && row["solver_error"].is_number(), "{row}");
    }
}

#[test]
fn the_empirical_field_of_digits_is_a_field_like_any_other() {
    let room = room();
    let line = format!(
        "sample --process rectified-flow --field empirical:mnist:{ROOT}/tests/data/mnist \
         --solver heun --steps 40 --n 3 --out s.npy --dtype f64"
    );
    room.run(&line).succeeded();
    let samples = room.read::<f64>("s.npy");
    assert_eq!(samples.shape(), [3, 1, 28, 28]);
    // Without smoothing every sample ends at a digit, pixels of which are in [0, 1].
    assert!(samples.iter().all(|pixel| (-0.05..1.05).contains(pixel)));
}

#[test]
fn a_reconstruction_is_written_drawn_and_summed_up() {
    let room = room();
    let line = reconstruct(
        "--measurement square:size=8,center=14x14,std=0.1 --image image.npy --method dps \
         --zeta 0.5 --solver heun --steps 10 --n 3 --out r.npy --grid r.png \
         --trajectory-grid way.png --json",
    );
    let summary = room.run(&line).succeeded().json();
    for (key, value) in [("nfe", 20), ("gradients", 10), ("network_forwards", 30), ("steps", 10)] {
        assert_eq!(summary[key], value, "{key}");
    }
    assert_eq!(summary["method"], "dps:zeta=0.5,history=keep");
    assert_eq!(summary["misfits"].as_array().unwrap().len(), 3);
    assert_eq!(room.read::<f32>("r.npy").shape(), [3, 1, 28, 28]);
    assert!(is_png(&room, "r.png") && is_png(&room, "way.png"));
    let text = room
        .run(&reconstruct("--measurement pool:factor=4 --image image.npy --method pigdm --steps 4"))
        .succeeded()
        .stdout;
    assert!(text.contains("mean squared misfit of the 49 measured values"), "{text}");
}

/// How far the data of a network spread is measured in training and kept in its file; a file
/// without it is not guessed for.
#[test]
fn the_spread_of_the_data_is_the_network_s_own() {
    use driftfield::networks::UNetConfig;
    use driftfield::networks::weights::TrainedNetwork;

    let room = room();
    let network = TrainedNetwork::<UNetConfig>::load(weights("rectified-flow")).unwrap();
    let with = |name: &str, data_std: Option<f64>| {
        TrainedNetwork { data_std, ..network.clone() }.save(room.path(name)).unwrap();
    };
    with("without.safetensors", None);
    with("wide.safetensors", Some(1.0));
    let line = |field: &str, method: &str| {
        format!(
            "reconstruct --measurement pool:factor=4,std=0.1 --image image.npy --method {method} --steps 3 \
             --n 2 --field {field} --out r.npy"
        )
    };
    let reconstructed = |field: &str, method: &str| {
        room.run(&line(field, method)).succeeded();
        room.bytes("r.npy")
    };
    let own = weights("rectified-flow");
    for method in ["pigdm", "replacement"] {
        room.run(&line("without.safetensors", method)).refused(&["data_std=", "without"]);
        let measured = reconstructed(&own, method);
        let std = network.data_std.unwrap();
        let given = reconstructed("without.safetensors", &format!("{method}:data_std={std}"));
        assert_eq!(measured, given, "{method}");
        let wide = reconstructed("wide.safetensors", method);
        assert_eq!(wide, reconstructed(&own, &format!("{method}:data_std=1")), "{method}");
        assert_ne!(measured, wide, "{method}");
    }
    // DPS needs none.
    room.run(&line("without.safetensors", "dps")).succeeded();
}

#[test]
fn what_was_generated_can_be_reconstructed_at_times_of_a_list() {
    let room = room();
    room.run(&sample("--solver euler --steps 3 --n 1 --label 4 --out s.npy")).succeeded();
    // Pixels are written as they were solved for, and some are not within [0, 1].
    let pixels = room.read::<f32>("s.npy");
    assert!(pixels.iter().any(|pixel| !(0.0..=1.0).contains(pixel)));
    let line = "--measurement random:keep=0.3 --image s.npy --method replacement --n 2 --json";
    let line = format!("{line} --spacing times:0.99/0.6/0.3/0.1");
    let summary = room.run(&reconstruct(&line)).noted(&["the samples are those at t = 0.1"]).json();
    for (key, value) in [("t_start", 0.99), ("t_end", 0.1), ("steps", 3.0)] {
        assert_eq!(summary[key].as_f64(), Some(value), "{key}");
    }
}

/// Pictures are of the study's own budgets: of one that no other solver has, and of one budget alone
/// there is no second picture.
#[test]
fn a_study_writes_its_report_whatever_cannot_be_drawn() {
    let room = room();
    let field = weights("rectified-flow");
    let line = format!("study --quick --field {field} --lanes 2 --t-start 1 --out report");
    // One step of so many stages is more than the fewer evaluations.
    for (solvers, drawn, budgets) in [
        ("--solver dop853", "dop853", &["20 evaluations"][..]),
        ("--solver heun --solver ddim", "ddim", &["10 evaluations", "20 evaluations"]),
        ("--solver heun --nfe 4", "heun", &["4 evaluations"]),
        (
            "--solver heun --solver ddim --steps 3,20",
            "ddim",
            &["(heun, 3 steps; ddim, 20 steps)", "20 steps: rectified-flow"],
        ),
    ] {
        room.run(&format!("{line} {solvers}")).succeeded();
        let html = String::from_utf8(room.bytes("report/report.html")).unwrap();
        assert!(html.len() > 10_000, "{solvers}");
        let name = format!("report/trajectory-{drawn}-rectified-flow-trained.png");
        assert!(is_png(&room, &name), "{drawn}");
        assert!(room.has("report/few-evaluations-rectified-flow-trained.png"), "{solvers}");
        let many = room.has("report/many-steps-rectified-flow-trained.png");
        assert_eq!(many, budgets.len() > 1, "{solvers}");
        assert!(budgets.iter().all(|budget| html.contains(budget)), "{solvers}: {html}");
        assert!(!html.contains("50 steps"), "{solvers}");
    }
}

#[test]
fn what_cannot_be_sampled_or_reconstructed_is_refused_before_anything_is_done() {
    let room = room();
    room.array("small.npy", &[1, 14, 14], vec![0.0f32; 196]);
    room.array("bytes.npy", &[1, 1, 28, 28], vec![255.0f32; 784]);
    room.array("nan.npy", &[1, 1, 28, 28], vec![f32::NAN; 784]);
    let square = "--measurement square:size=8,center=14x14";
    for (line, part) in [
        (sample("--solver heun --steps 2 --n 2 --label 10"), "label 10 is out of range"),
        (
            sample("--solver heun --steps 2 --n 1 --label 1,99 --out o.npy"),
            "label 99 is out of range",
        ),
        (
            sample("--solver tsit5 --abstol 1 --reltol 1 --per-lane --n 2 --label 1,2"),
            "can have one label only",
        ),
        (
            sample("--solver heun --steps 2 --n 2 --grid g.png --trajectory-grid g.png"),
            "--grid and --trajectory-grid name the same file",
        ),
        (sample("--solver heun --steps 2 --n 2 --guidance 2"), "give --label as well"),
        (sample("--solver heun --steps 2 --n 2 --label 1 --guidance nan"), "must be finite"),
        (sample("--solver heun --steps 2 --n 2 --grid g.jpg"), ".svg or .pdf"),
        (
            "sample --process vp --field cat-vp --solver heun --steps 2 --n 2 --grid g.png".into(),
            "no square grey images",
        ),
        (
            "sample --process vp --field cat-vp --solver heun --steps 2 --n 2 --label 1".into(),
            "knows no labels",
        ),
        (
            "sample --process vp --field empirical:mnist:nowhere --solver heun --steps 2 --n 2"
                .into(),
            "the usual four files",
        ),
        (reconstruct(&format!("{square} --image small.npy")), "have 784; give one image"),
        (reconstruct(&format!("{square} --image bytes.npy")), "divide those of an image of bytes"),
        (reconstruct(&format!("{square} --image nan.npy")), "pixel 0 of the image is NaN"),
        (
            reconstruct("--measurement square:size=8,center=2x2 --image image.npy"),
            "move the centre or make the square smaller",
        ),
        (reconstruct("--measurement sqare:size=8 --image image.npy"), "did you mean `square`"),
        (reconstruct(&format!("{square} --image image.npy --method ddrm")), "technique `ddrm`"),
        (reconstruct(&format!("{square} --image image.npy --zeta -1")), "zeta must be finite"),
        (
            reconstruct(&format!("{square} --image image.npy --method pigdm --zeta 1")),
            "only dps takes one",
        ),
        (reconstruct(&format!("{square} --image image.npy --n 0")), "at least one"),
        (
            reconstruct(&format!("{square} --image image.npy --n 10000000000000 --label 1,2")),
            "more memory than there is",
        ),
        (
            format!("study --quick --field {} --lanes 10000000000000", weights("vp")),
            "more memory than there is",
        ),
        (
            format!("reconstruct {square} --image image.npy"),
            "run in a checkout of driftfield, or give --field",
        ),
        (
            format!("study --field {} --data cat", weights("rectified-flow")),
            "give --data mnist:DIR",
        ),
        (
            format!(
                "study --quick --field exact --process vp --data mnist:{ROOT}/tests/data/mnist"
            ),
            "no images of 28 x 28",
        ),
    ] {
        room.run(&line).refused(&[part]);
    }
}
