//! Bad usage is refused before any data is read: the data here cannot be read, and yet the usage is
//! what is spoken of.

use crate::support::Room;

/// A room with `bad.json`, `bad.npy` and `bad.safetensors`, which hold none of these.
fn room() -> Room {
    let room = Room::new();
    for file in ["bad.json", "bad.npy", "bad.safetensors"] {
        room.write(file, "rubbish");
    }
    room
}

/// The data would be refused; with each fault of usage in its place, that is.
#[track_caller]
fn refused_before_reading(room: &Room, line: &str, usual: &str, faults: &[(&str, &str)]) {
    room.run(&format!("{line} {usual}")).refused(&["bad"]);
    for (fault, part) in faults {
        let ran = room.run(&format!("{line} {fault}")).refused(&[part]);
        assert!(!ran.stderr.contains("bad."), "read too early: {ran:?}");
    }
}

#[test]
fn by_sample() {
    let room = room();
    let rest = [
        ("--solver heun --steps 0 --n 2", "at least one step"),
        ("--solver heun --nfe 1 --n 2", "do not pay"),
        ("--solver heun --n 2", "--steps"),
        ("--solver heun --steps 2", "--init"),
        ("--solver heun --steps 2 --n 0", "0 samples"),
        ("--solver huen --steps 2 --n 2", "did you mean `heun`"),
        ("--solver heun:order=2 --steps 2 --n 2", "no parameter"),
        ("--solver heun --steps 2 --n 2 --spacing unifrom", "did you mean `uniform`"),
        ("--solver heun --steps 2 --n 2 --t-start 7", "7"),
        ("--solver heun --steps 2 --n 2 --t-end -1", "-1"),
        ("--solver heun --steps 2 --n 2 --noise-level 1", "noise level"),
        ("--solver heun --steps 2 --n 2 --threshold clip", "threshold"),
        ("--solver heun --steps 2 --n 2 --threshold static:max=-1", "max"),
        ("--solver heun --steps 2 --n 2 --guidance 2", "guidance"),
        ("--solver tsit5 --abstol -1 --reltol 1 --n 2", "tolerances are"),
        ("--solver tsit5 --abstol 0 --reltol 0 --n 2", "tolerances are"),
        ("--solver heun --abstol 1 --reltol 1 --n 2 --spacing uniform", "leave out"),
        ("--solver euler --abstol 1 --reltol 1 --n 2", "error estimate"),
        ("--solver heun --abstol 1 --reltol 1 --n 2 --per-lane", "tsit5"),
        ("--solver heun --steps 2 --n 2 --per-lane", "tolerances"),
        ("--solver heun --steps 2 --n 2 --out no/such/o.npy", "cannot write"),
        ("--solver heun --steps 2 --n 2 --trajectory no/such/o.npy", "cannot write"),
        ("--solver heun --steps 2 --n 2 --grid g.jpg", ".svg or .pdf"),
        ("--solver heun --steps 2 --n 2 --trajectory-grid no/such/g.png", "cannot write"),
        ("--solver heun --steps 2 --n 2 --out o.npy --trajectory o.npy", "two names"),
        ("--solver heun --steps 2 --init none.npy", "none.npy"),
    ];
    for field in ["exact:bad.json", "empirical:bad.npy", "bad.safetensors"] {
        let line = format!("sample --process vp --field {field}");
        refused_before_reading(&room, &line, "--solver heun --steps 2 --n 2", &rest);
        let line = format!("sample --field {field} --solver heun --steps 2 --n 2");
        let faults = [("--process pv", "did you mean `vp`"), ("--process vp:x=1", "parameter")];
        refused_before_reading(&room, &line, "--process vp", &faults);
    }
    // The field is good, the initial state is not.
    let line = "sample --process vp --solver heun --steps 2 --init bad.npy";
    let labelled = format!("{line} --field exact:m.json");
    let faults = [("--label 1", "label"), ("--grid g.png", "square")];
    refused_before_reading(&room, &labelled, "", &faults);
}

#[test]
fn by_reconstruct() {
    let room = room();
    let line = "reconstruct --process vp --field exact:bad.json --image bad.npy";
    let pool = "--measurement pool:factor=2";
    let faults = [
        ("--measurement pol:factor=2", "did you mean `pool`"),
        ("--measurement pool:size=2", "no parameter"),
        ("--measurement pool --method dsp", "technique"),
        ("--measurement pool --method pigdm --zeta 1", "zeta"),
        ("--measurement pool --solver ddmi", "did you mean `ddim`"),
        ("--measurement pool --steps 0", "at least one step"),
        ("--measurement pool --nfe 0", "do not pay"),
        ("--measurement pool --n 0", "0 samples"),
        ("--measurement pool --spacing unifrom", "did you mean"),
        ("--measurement pool --t-start 7", "7"),
        ("--measurement pool --noise-level 1", "noise"),
        ("--measurement pool --guidance 2", "guidance"),
        ("--measurement pool --out no/such/o.npy", "cannot write"),
        ("--measurement pool --grid g.jpg", ".svg or .pdf"),
        ("--measurement pool --grid g.png --trajectory-grid g.png", "two names"),
    ];
    refused_before_reading(&room, line, pool, &faults);
    for field in ["exact:bad.json", "empirical:bad.npy"] {
        let line = format!("reconstruct {pool} --field {field} --image bad.npy");
        refused_before_reading(&room, &line, "--process vp", &[("", "give --process")]);
    }
    let line = "reconstruct --process vp --field exact:m.json --image bad.npy";
    let faults =
        [("--measurement pool --label 1", "label"), ("--measurement pool --grid g.png", "square")];
    refused_before_reading(&room, line, pool, &faults);
}

#[test]
fn by_study() {
    let room = room();
    let faults = [
        ("--solver huen", "did you mean `heun`"),
        ("--process pv", "did you mean `vp`"),
        ("--lanes 0", "at least one"),
        ("--data cta", "did you mean `cat`"),
        ("--out m.json", "m.json"),
        ("--out m.json/sub", "m.json"),
        ("--out /proc/sub", "cannot write"),
    ];
    refused_before_reading(&room, "study --quick --field exact:bad.json", "", &faults);
    // A good field, and digits that are not there.
    let line = "study --quick --process vp --field exact:m.json --data mnist:bad.digits";
    room.run(&format!("{line} --t-start 7")).refused(&["7"]);
    for fault in ["--t-start 7", "--label 1", "--guidance 2", "--out m.json", "--solver dopri"] {
        let ran = room.run(&format!("{line} {fault}")).refused(&[]);
        assert!(!ran.stderr.contains("bad."), "read too early: {ran:?}");
    }
    room.run(line).refused(&["no images"]);
    let listed = std::fs::read_dir(room.path("")).unwrap().count();
    assert_eq!(listed, 4, "a refusal leaves no directory");
}

#[test]
fn by_train() {
    let room = room();
    room.write("there.checkpoint", "rubbish");
    let faults = [
        ("--process vp --out w.safetensors --steps 0", "steps"),
        ("--process vp --out w.bin", ".safetensors"),
        ("--process vp --out no/such/w.safetensors", "cannot write"),
        ("--process pv --out w.safetensors", "did you mean `vp`"),
        ("--process vp --out w.safetensors --prediction score", "velocity"),
        ("--process vp --out w.safetensors --resume", "w.checkpoint"),
        ("--process vp --out there.safetensors", "there.checkpoint"),
    ];
    let usual = "--process vp --out w.safetensors";
    for data in ["bad.npy", "bad.json", "mnist:bad.digits"] {
        for network in ["--network mlp", ""] {
            let line = format!("train --data {data} {network}");
            refused_before_reading(&room, &line, usual, &faults);
        }
    }
    let line = "train --data mnist:bad.digits --network classifier --out w.safetensors";
    let faults = [("--steps 0", "steps"), ("--process vp", "leave out --process")];
    refused_before_reading(&room, line, "", &faults);
    room.run("train --data bad.npy --network unet --process vp --out w.safetensors")
        .refused(&["mnist:DIR"]);
}

#[test]
fn by_metrics() {
    let room = room();
    let ran = room.run("metrics bad.npy none.npy").refused(&["none.npy"]);
    assert!(!ran.stderr.contains("bad."), "{ran:?}");
}
