//! `train`.

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::{Room, wait_for};

#[test]
fn trained_weights_can_be_sampled_from() {
    let room = Room::new();
    room.array::<f64>("d.npy", &[50, 3], (0..150).map(|i| (f64::from(i)).sin()).collect());
    for (data, process, dimension) in
        [("moons", "vp", 2), ("d.npy", "rectified-flow", 3), ("cat", "vp-cosine", 2)]
    {
        let ran = room.run(&format!(
            "train --process {process} --data {data} --out w.safetensors --steps 30 --seed 4"
        ));
        assert!(ran.succeeded().stdout.contains("30 steps"));
        let summary = room.sample(&format!(
            "--process {process} --field w.safetensors --solver heun --steps 3 --n 5 --out o.npy"
        ));
        assert_eq!(summary["network_forwards"], 6);
        assert_eq!(room.read::<f32>("o.npy").shape(), [5, dimension]);
        let csv = String::from_utf8(room.bytes("w.loss.csv")).unwrap();
        assert_eq!(csv.lines().count(), 31);
        // Of a file all rows are trained on.
        let validated = if data == "d.npy" { "" } else { ",validation_loss" };
        assert!(csv.starts_with(&format!("step,loss,learning_rate{validated}\n0,")), "{csv}");
        assert!(room.bytes("w.loss.png").starts_with(b"\x89PNG"));
        assert!(!room.has("w.checkpoint"));
        std::fs::rename(room.path("w.safetensors"), room.path("first.safetensors")).unwrap();
    }
    let line = "train --process vp-cosine --data cat --out again.safetensors --steps 30 --seed 4";
    room.run(line).succeeded();
    assert_eq!(room.bytes("again.safetensors"), room.bytes("first.safetensors"));
}

/// A network whose units are not fitted to its data keeps the spread it has in them.
#[test]
fn training_measures_how_far_the_data_spread() {
    use driftfield::networks::weights::TrainedNetwork;
    use driftfield::networks::{MlpConfig, UNetConfig};
    use driftfield::problems::data::Mnist;
    use driftfield::problems::standardisation::Standardisation;

    let room = Room::new();
    let spread = (0..150).map(|i| 100.0 * f64::from(i).sin()).collect();
    room.array::<f64>("d.npy", &[50, 3], spread);
    let line = "--out w.safetensors --steps 1 --process rectified-flow --data";
    room.run(&format!("train {line} d.npy")).succeeded();
    let network = TrainedNetwork::<MlpConfig>::load(room.path("w.safetensors")).unwrap();
    assert!((network.data_std.unwrap() - 1.0).abs() < 1e-12, "{:?}", network.data_std);
    room.run(&format!("train {line} {DIGITS}")).succeeded();
    let network = TrainedNetwork::<UNetConfig>::load(room.path("w.safetensors")).unwrap();
    let digits = Mnist::read(DIGITS.trim_start_matches("mnist:")).unwrap().train.pixels;
    // Pixels from -1 to 1 are twice those from 0 to 1.
    let expected = 2.0 * Standardisation::spread(&digits);
    let found = network.data_std.unwrap();
    assert!((found - expected).abs() < 1e-12 && found < 0.7, "{found} {expected}");
}

#[test]
fn how_a_network_is_trained_can_be_said() {
    use driftfield::networks::MlpConfig;
    use driftfield::networks::weights::TrainedNetwork;

    let room = Room::new();
    room.array::<f64>("d.npy", &[50, 2], (0..100).map(|i| f64::from(i).sin()).collect());
    let line = "train --process vp --data d.npy --out w.safetensors --steps 3";
    let options = "--network mlp:width=32,layers=2 --batch 70 --learning-rate 1e-3 --ema 0.9 \
                   --time-sampling logit-normal --schedule constant-then-linear --prediction data";
    let said = room.run(&format!("{line} {options} --held-out moons")).succeeded().stdout;
    assert!(said.contains("on other data"), "{said}");
    let network = TrainedNetwork::<MlpConfig>::load(room.path("w.safetensors")).unwrap();
    let config = network.parameters.config();
    assert_eq!((config.width, config.layers, network.prediction.as_str()), (32, 2, "data"));
    for (key, value) in [
        ("batch", serde_json::json!(70)),
        ("learning_rate", serde_json::json!(1e-3)),
        ("ema_decay", serde_json::json!(0.9)),
        ("times", serde_json::json!("logit-normal")),
        ("schedule", serde_json::json!("constant-then-linear")),
    ] {
        assert_eq!(network.training[key], value, "{key}");
    }
    for (options, part) in [
        ("--batch 0", "`batch` is 0"),
        ("--learning-rate -1", "above 0"),
        ("--ema 1", "below 1"),
        ("--time-sampling logitnormal", "did you mean `logit-normal`"),
        ("--schedule cosin", "did you mean `cosine`"),
        ("--held-out none.npy", "none.npy"),
        ("--held-out m.json/x", "m.json/x"),
    ] {
        room.run(&format!("{line} {options}")).refused(&[part]);
    }
    room.array::<f64>("three.npy", &[4, 3], vec![0.5; 12]);
    room.run(&format!("{line} --held-out three.npy")).refused(&["rows of 3"]);
    room.run(&format!(
        "train --network classifier --data {DIGITS} --out c.safetensors --time-sampling uniform"
    ))
    .refused(&["leave out"]);
}

/// The same bytes, whether the number of steps was known at the beginning or not.
#[test]
fn a_finished_run_is_extended() {
    let room = Room::new();
    for (index, schedule) in ["cosine", "constant-then-linear"].into_iter().enumerate() {
        let line = format!(
            "train --process rectified-flow --data moons --batch 64 --network mlp:width=32,layers=1 \
             --schedule {schedule} --steps"
        );
        let (long, short) = (format!("l{index}"), format!("s{index}"));
        room.run(&format!("{line} 1000 --out {long}.safetensors")).succeeded();
        room.run(&format!("{line} 500 --out {short}.safetensors")).succeeded();
        assert!(room.has(&format!("{short}.branch")));
        let more = format!("{line} 1000 --out {short}.safetensors --resume");
        room.run(&more.replace("moons", "cat")).refused(&["data = \"moons\"", "\"cat\""]);
        let ran = room.run(&more).succeeded();
        let from = if index == 0 { 201 } else { 300 };
        assert!(ran.stderr.contains(&format!("step {from} of 1000")), "{ran:?}");
        for end in ["safetensors", "loss.csv", "branch"] {
            let [a, b] = [&long, &short].map(|name| room.bytes(&format!("{name}.{end}")));
            assert_eq!(a, b, "{schedule}: {end}");
        }
        // It had as many already.
        room.run(&more).refused(&["more --steps than it had"]);
    }
}

const STEPS: usize = 1100;

fn line(out: &str) -> String {
    format!("train --process vp --data moons --out {out}.safetensors --steps {STEPS}")
}

/// A run that goes on from the checkpoint if there is one.
fn started(room: &Room) -> Child {
    let resume = if room.has("b.checkpoint") { " --resume" } else { "" };
    let mut command = room.command(format!("{}{resume}", line("b")).split(' '));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A run that is asked to end keeps its steps.
#[cfg(unix)]
fn ended_by_signals(room: &Room) {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let before = room.bytes("b.checkpoint");
        let mut patience = Duration::from_millis(300);
        // Until it has come to its steps.
        while room.bytes("b.checkpoint") == before {
            let child = started(room);
            std::thread::sleep(patience);
            let ended = crate::support::end(child, signal, &line("b"));
            assert_eq!(ended.status, Some(status), "{ended:?}");
            patience *= 2;
        }
        assert!(room.parts("").is_empty() && !room.has("b.safetensors"));
    }
}

/// A checkpoint that cannot be written costs none that was.
#[cfg(unix)]
fn ended_by_a_full_disk(room: &Room) {
    let before = room.bytes("b.checkpoint");
    let ran = room.run_after("ulimit -f 1;", &format!("{} --resume", line("b")));
    assert_eq!(ran.status, Some(1), "{ran:?}");
    for part in ["cannot write `b.checkpoint`", "make room", "--resume"] {
        assert!(ran.stderr.contains(part), "no `{part}` in {ran:?}");
    }
    assert!(!ran.stderr.contains("delete"), "{ran:?}");
    assert_eq!(room.bytes("b.checkpoint"), before);
}

/// Kill -9 where the system has it.
fn kill(mut child: Child) {
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success(), "the run ended before it was killed");
}

#[test]
fn a_killed_run_resumes_to_the_same_bits() {
    let room = Room::new();
    room.run(&line("a")).succeeded();

    // Before anything is written.
    let child = started(&room);
    std::thread::sleep(Duration::from_millis(150));
    kill(child);
    assert!(!room.has("b.safetensors") && !room.has("b.checkpoint"));
    // While the first checkpoint is being written, or just after.
    let child = started(&room);
    std::thread::sleep(Duration::from_millis(200));
    wait_for("a checkpoint being written", || {
        !room.parts("").is_empty() || room.has("b.checkpoint")
    });
    kill(child);
    // Some steps behind a checkpoint.
    let child = started(&room);
    wait_for("a checkpoint", || room.has("b.checkpoint"));
    std::thread::sleep(Duration::from_millis(300));
    kill(child);
    assert!(room.has("b.checkpoint"));

    // Nothing of it is given up for a run that was not told to go on.
    let checkpoint = room.bytes("b.checkpoint");
    room.run(&line("b")).refused(&["b.checkpoint", "--resume", "delete"]);
    assert_eq!(room.bytes("b.checkpoint"), checkpoint);
    #[cfg(unix)]
    {
        ended_by_signals(&room);
        ended_by_a_full_disk(&room);
    }

    let other = room.run(&format!("{} --resume --seed 1", line("b")));
    other.refused(&["seed = 0, this run has 1", "delete"]);
    let other = room.run(&format!("{} --resume", line("b").replace("moons", "cat")));
    other.refused(&["checkpoint", "cat"]);

    let other = room.run(&format!("{} --resume --held-out cat", line("b")));
    other.refused(&["held_out = \"other draws of moons\", this run has \"cat\""]);
    let other = room.run(&format!("{} --resume --schedule constant-then-linear", line("b")));
    other.refused(&["schedule = \"cosine\", this run has \"constant-then-linear\""]);

    room.run(&format!("{} --resume", line("b"))).succeeded();
    assert_eq!(room.bytes("a.safetensors"), room.bytes("b.safetensors"));
    assert_eq!(room.bytes("a.loss.csv"), room.bytes("b.loss.csv"));
    assert!(!room.has("b.checkpoint"));
}

#[test]
fn bad_requests_are_refused_before_training() {
    let room = Room::new();
    let line = "train --process vp --data moons --steps 100000000";
    for out in ["no/such/w.safetensors", "/proc/w.safetensors"] {
        room.run(&format!("{line} --out {out}")).refused(&["cannot write", out]);
    }
    room.run(&format!("{line} --out w.bin")).refused(&[".safetensors"]);
    room.run(line).refused(&["--out"]);
    let line = "train --out w.safetensors";
    room.run(&format!("{line} --process vp --data mons")).refused(&["did you mean `moons`"]);
    room.run(&format!("{line} --process pv --data moons")).refused(&["did you mean `vp`"]);
    room.run(&format!("{line} --process vp --data no.npy")).refused(&["no.npy"]);
    room.run(&format!("{line} --process vp --data moons --steps 0")).refused(&["steps", "1 or"]);
    room.run(&format!("{line} --process vp --data moons --steps -3")).refused(&["--steps"]);
    room.array::<f64>("nan.npy", &[2, 2], vec![0.0, 1.0, f64::NAN, 0.0]);
    room.run(&format!("{line} --process vp --data nan.npy")).refused(&["NaN"]);
    room.write("w.checkpoint", "rubbish");
    room.run(&format!("{line} --process vp --data moons --steps 5 --resume"))
        .refused(&["checkpoint", "delete"]);
    assert!(!room.has("w.safetensors"));
}

/// Hours of training hang on it.
#[test]
fn finished_weights_are_not_trained_over_by_a_run_that_was_to_go_on() {
    let room = Room::new();
    let line = "train --process vp --data moons --out w.safetensors --steps 5";
    room.run(&format!("{line} --resume")).refused(&["w.checkpoint", "leave out --resume"]);
    assert_eq!(std::fs::read_dir(room.path("")).unwrap().count(), 1);
    room.run(line).succeeded();
    let finished = room.bytes("w.safetensors");
    for line in [format!("{line} --resume"), format!("{line} --resume --seed 1")] {
        room.run(&line).refused(&["w.checkpoint", "leave out --resume"]);
    }
    assert_eq!(room.bytes("w.safetensors"), finished);
    // Whoever asks for a run from the beginning gets one, and the same.
    room.run(line).succeeded();
    assert_eq!(room.bytes("w.safetensors"), finished);
}

const DIGITS: &str = concat!("mnist:", env!("CARGO_MANIFEST_DIR"), "/tests/data/mnist");

#[test]
fn networks_of_digits_are_trained_and_resumed_like_any_other() {
    let room = Room::new();
    let line = format!("train --process rectified-flow --data {DIGITS} --steps 3");
    room.run(&format!("{line} --out a.safetensors")).succeeded();
    let curve = std::fs::read_to_string(room.path("a.loss.csv")).unwrap();
    let lines: Vec<&str> = curve.lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, "step,loss,learning_rate,validation_loss"));
    assert!(lines[1].ends_with(',') && !lines[3].ends_with(','), "{curve}");
    room.run(&format!("{line} --network unet --out b.safetensors")).succeeded();
    assert_eq!(room.bytes("a.safetensors"), room.bytes("b.safetensors"));
    assert!(room.bytes("a.safetensors").len() < 5_000_000);

    let line = format!("train --network classifier --data {DIGITS} --out c.safetensors");
    let said = room.run(&format!("{line} --steps 10")).succeeded().stdout;
    assert!(said.contains("% of 64 other digits"), "{said}");
}

#[test]
fn digits_that_are_not_there_and_networks_that_do_not_fit_are_refused() {
    let room = Room::new();
    let line = "train --process vp --out w.safetensors";
    room.run(&format!("{line} --data mnist:nowhere")).refused(&["nowhere", "train-images"]);
    room.run(&format!("{line} --data moons --network unet")).refused(&["mnist:DIR"]);
    room.run(&format!("{line} --data moons --network net")).refused(&["classifier"]);
    room.run(&format!("{line} --data moons --prediction score")).refused(&["velocity"]);
    let classifier = format!("{line} --data {DIGITS} --network classifier");
    room.run(&classifier).refused(&["leave out --process"]);
    let line = "train --data moons --out w.safetensors";
    room.run(line).refused(&["--process"]);
    room.run(&format!("{line} --network mlp")).refused(&["--process"]);
    room.run(&format!("{line} --network classifier")).refused(&["mnist:DIR"]);
    assert!(!room.has("w.safetensors"));
}
