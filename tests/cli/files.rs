//! No output is an input, or another output: files are compared, not texts.

use proptest::prelude::*;

use crate::support::{MIXTURE, Ran, Room};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A room with one of every input.
fn room() -> Room {
    let room = Room::new();
    std::fs::create_dir(room.path("sub")).unwrap();
    room.array::<f64>("d.npy", &[3, 2], vec![0.0, 1.0, 2.0, 3.0, 5.0, 4.0]);
    room.array::<f64>("t.npy", &[3], vec![1.0, 0.5, 0.1]);
    room.array::<f64>("b.npy", &[50], vec![0.02; 50]);
    room.array::<f64>("i.npy", &[2], vec![0.3, 0.7]);
    room.array::<f64>("a.npy", &[1, 2], vec![1.0, 0.5]);
    std::fs::copy(format!("{ROOT}/weights/cat-vp.safetensors"), room.path("w.safetensors"))
        .unwrap();
    std::fs::create_dir(room.path("digits")).unwrap();
    for file in driftfield::problems::data::Mnist::files(format!("{ROOT}/tests/data/mnist")) {
        std::fs::copy(&file, room.path("digits").join(file.file_name().unwrap())).unwrap();
    }
    room
}

/// Other names of a file: spelled otherwise, behind a link, behind two, linked hard.
fn other_names(room: &Room, file: &str) -> Vec<String> {
    let mut names = vec![
        file.to_owned(),
        format!("./{file}"),
        format!("sub/../{file}"),
        room.path(file).to_str().unwrap().to_owned(),
    ];
    #[cfg(unix)]
    for (name, target) in [("soft", format!("../{file}")), ("second", "soft".to_owned())] {
        let _ = std::fs::remove_file(room.path(&format!("sub/{name}")));
        std::os::unix::fs::symlink(target, room.path(&format!("sub/{name}"))).unwrap();
        names.push(format!("sub/{name}"));
    }
    let _ = std::fs::remove_file(room.path("sub/hard"));
    std::fs::hard_link(room.path(file), room.path("sub/hard")).unwrap();
    names.push("sub/hard".to_owned());
    names
}

/// A command with what it reads, each with its option and file, and the options of what it writes.
type Reading = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const READING: [Reading; 12] = [
    (
        "sample --process vp --field exact:m.json --solver heun --init d.npy --spacing times:t.npy",
        &[("--field", "m.json"), ("--init", "d.npy"), ("--spacing", "t.npy")],
        &["--out", "--trajectory", "--grid", "--trajectory-grid"],
    ),
    (
        "sample --process ddpm:betas=b.npy --field empirical:d.npy --solver ddim --steps 2 --n 2",
        &[("--process", "b.npy"), ("--field", "d.npy")],
        &["--out", "--trajectory", "--grid", "--trajectory-grid"],
    ),
    (
        "sample --process vp --field empirical:d.npy:0.1 --solver heun --steps 2 --n 2",
        &[("--field", "d.npy")],
        &["--out"],
    ),
    (
        "sample --process vp --field w.safetensors --solver heun --steps 2 --n 2",
        &[("--field", "w.safetensors")],
        &["--out", "--trajectory"],
    ),
    (
        "sample --process vp --field empirical:mnist:digits:0.1 --solver heun --steps 2 --n 2",
        &[
            ("--field", "digits/train-images-idx3-ubyte.gz"),
            ("--field", "digits/t10k-labels-idx1-ubyte.gz"),
        ],
        &["--out"],
    ),
    (
        "reconstruct --process vp --field exact:m.json --image i.npy \
         --measurement matrix:file=a.npy,std=0.1 --spacing times:t.npy",
        &[
            ("--field", "m.json"),
            ("--image", "i.npy"),
            ("--measurement", "a.npy"),
            ("--spacing", "t.npy"),
        ],
        &["--out", "--grid", "--trajectory-grid"],
    ),
    (
        "reconstruct --field w.safetensors --image i.npy --measurement matrix:std=0.1,file=a.npy",
        &[("--field", "w.safetensors"), ("--measurement", "a.npy")],
        &["--out"],
    ),
    ("data d.npy --n 2 --out o.npy", &[("drawn from", "d.npy")], &["--plot"]),
    ("view d.npy", &[("shown", "d.npy")], &["--out"]),
    // `--out` stands for the file that these are linked to.
    ("train --process vp --data d.npy --steps 2", &[("--data", "d.npy")], &[]),
    ("train --process vp --data m.json --steps 2", &[("--data", "m.json")], &[]),
    (
        "train --process ddpm:betas=b.npy --data mnist:digits --steps 2",
        &[("--process", "b.npy"), ("--data", "digits/train-labels-idx1-ubyte.gz")],
        &[],
    ),
];

#[track_caller]
fn refused(room: &Room, line: &str, options: [&str; 2], file: &str) {
    let before = room.bytes(file);
    let [reading, writing] = options;
    room.run(line).refused(&["name the same file", "give two names", reading, writing]);
    assert_eq!(room.bytes(file), before, "{line}");
}

#[test]
fn no_output_is_an_input() {
    let room = room();
    for (line, inputs, outputs) in READING {
        for (reading, file) in inputs {
            for name in other_names(&room, file) {
                for writing in outputs {
                    let line = format!("{line} {writing} {name}");
                    refused(&room, &line, [reading, writing], file);
                }
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn no_file_beside_the_weights_is_an_input_or_another_output() {
    let room = room();
    let at = |name: &str| room.path(name);
    for (line, inputs, outputs) in READING {
        if !outputs.is_empty() {
            continue;
        }
        for (reading, file) in inputs {
            for written in ["r.safetensors", "r.loss.csv", "r.loss.png", "r.checkpoint", "r.branch"]
            {
                std::os::unix::fs::symlink(file, at(written)).unwrap();
                let line = format!("{line} --out r.safetensors");
                refused(&room, &line, [reading, "--out"], file);
                std::fs::remove_file(at(written)).unwrap();
            }
        }
    }
    let line = "train --process vp --data moons --steps 2 --out r.safetensors";
    for (link, target) in [
        ("r.loss.csv", "r.safetensors"),
        ("r.checkpoint", "r.safetensors"),
        ("r.loss.png", "r.loss.csv"),
        ("r.safetensors", "sub/../r.checkpoint"),
    ] {
        std::os::unix::fs::symlink(target, at(link)).unwrap();
        room.run(line).refused(&["name the same file", "beside --out"]);
        std::fs::remove_file(at(link)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn no_file_in_the_folder_of_a_study_is_an_input_or_another_output() {
    let room = room();
    std::fs::create_dir(room.path("out")).unwrap();
    let line = "study --quick --process vp --solver heun --out out";
    for (field, file) in [
        ("exact:m.json", "m.json"),
        ("empirical:d.npy", "d.npy"),
        ("w.safetensors", "w.safetensors"),
        ("empirical:mnist:digits", "digits/train-images-idx3-ubyte.gz"),
    ] {
        for written in ["study.csv", "study.json", "report.html", "samples-exact.png", "x.svg"] {
            let link = room.path("out").join(written);
            std::os::unix::fs::symlink(format!("../{file}"), &link).unwrap();
            refused(&room, &format!("{line} --field {field}"), ["--field", "--out"], file);
            std::fs::remove_file(&link).unwrap();
        }
    }
    std::fs::rename(room.path("m.json"), room.path("out/study.json")).unwrap();
    let line = format!("{line} --field exact:out/study.json");
    refused(&room, &line, ["--field", "--out"], "out/study.json");
    std::os::unix::fs::symlink("report.html", room.path("out/study.csv")).unwrap();
    room.write("m.json", MIXTURE);
    room.run("study --quick --process vp --solver heun --out out --field exact:m.json").refused(&[
        "study.csv",
        "report.html",
        "name the same file",
    ]);
}

#[test]
fn no_output_is_another_output() {
    let room = room();
    room.write("old.npy", "old");
    let sample = "sample --process vp --field exact:m.json --solver heun --steps 2 --n 2";
    let reconstruct = "reconstruct --process vp --field exact:m.json --image i.npy --steps 2 \
                       --measurement matrix:file=a.npy,std=0.1";
    for (line, options) in [
        (sample, &["--out", "--trajectory", "--grid", "--trajectory-grid"][..]),
        (reconstruct, &["--out", "--grid", "--trajectory-grid"]),
    ] {
        for (index, second) in options.iter().enumerate() {
            for first in &options[..index] {
                // One that is there, and one that is not.
                for name in other_names(&room, "old.npy") {
                    let line = format!("{line} {first} old.npy {second} {name}");
                    refused(&room, &line, [first, second], "old.npy");
                }
                for name in ["new.npy", "./new.npy", "sub/../new.npy"] {
                    let line = format!("{line} {first} new.npy {second} {name}");
                    room.run(&line).refused(&["name the same file", first, second]);
                }
                #[cfg(unix)]
                {
                    // A link to a file that is not there yet.
                    let link = room.path("sub/dangling");
                    std::os::unix::fs::symlink("../new.npy", &link).unwrap();
                    let line = format!("{line} {first} new.npy {second} sub/dangling");
                    room.run(&line).refused(&["name the same file", first, second]);
                    std::fs::remove_file(link).unwrap();
                }
            }
        }
    }
    assert!(!room.has("new.npy"));
}

#[cfg(unix)]
#[test]
fn links_are_written_through() {
    let room = room();
    let line = "sample --process vp --field exact:m.json --solver heun --steps 2 --n 2";
    room.write("sub/old.npy", "old");
    for (link, target) in [("o.npy", "sub/old.npy"), ("n.npy", "sub/new.npy")] {
        std::os::unix::fs::symlink(target, room.path(link)).unwrap();
        room.run(&format!("{line} --out {link}")).succeeded();
        assert!(room.path(link).is_symlink(), "{link}");
        assert_eq!(room.read::<f32>(target).shape(), [2, 2]);
    }
    std::os::unix::fs::symlink("no/such.npy", room.path("x.npy")).unwrap();
    room.run(&format!("{line} --out x.npy")).refused(&["cannot write", "x.npy"]);
    assert!(room.path("x.npy").is_symlink());
}

/// A path: a file, and how it is spelled.
fn path() -> impl Strategy<Value = String> {
    let files = ["m.json", "d.npy", "t.npy", "new.npy", "sub/new.npy", "soft.npy", "hard.npy"];
    let more = ["dangling.npy", "sub/soft.npy", "twice.npy", "folder/d.npy", "folder/new.npy"];
    let file = prop::sample::select([&files[..], &more].concat());
    let spelling = prop::sample::select(&["", "./", "sub/../", ".//sub/.././", "folder/../"][..]);
    (spelling, file).prop_map(|(spelling, file)| format!("{spelling}{file}"))
}

/// The room of these paths.
fn linked_room() -> Room {
    let room = Room::new();
    std::fs::create_dir(room.path("sub")).unwrap();
    room.array::<f64>("d.npy", &[3, 2], vec![0.0, 1.0, 2.0, 3.0, 5.0, 4.0]);
    room.array::<f64>("t.npy", &[3], vec![1.0, 0.5, 0.1]);
    std::fs::hard_link(room.path("d.npy"), room.path("hard.npy")).unwrap();
    #[cfg(unix)]
    for (link, target) in [
        ("soft.npy", "t.npy"),
        ("dangling.npy", "sub/new.npy"),
        ("sub/soft.npy", "../d.npy"),
        ("twice.npy", "./sub/soft.npy"),
        // `folder/..` is the room, as `sub/..` is.
        ("folder", "sub"),
    ] {
        std::os::unix::fs::symlink(target, room.path(link)).unwrap();
    }
    room
}

/// All files that a name leads to, with what is in them.
fn contents(room: &Room, names: &[&str]) -> Vec<(String, Option<Vec<u8>>)> {
    let read = |name: &&str| ((*name).to_owned(), std::fs::read(room.path(name)).ok());
    names.iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn sample_never_loses_an_input(
        mixture in prop::bool::ANY,
        [init, times, out, trajectory] in [path(), path(), path(), path()],
    ) {
        let room = linked_room();
        let field = if mixture { "exact:m.json" } else { "empirical:hard.npy" };
        let mut inputs = vec![if mixture { "m.json" } else { "hard.npy" }];
        let mut line = format!("sample --process vp --solver heun --field {field} --dtype f64");
        // What is no array of the right shape is left out.
        let read = |name: &str| driftfield::problems::npy::read::<f64>(room.path(name));
        let good_init = read(&init).is_ok_and(|array| array.shape() == [3, 2]);
        if good_init {
            line += &format!(" --init {init}");
            inputs.push(&init);
        } else {
            line += " --n 3";
        }
        let one = driftfield::problems::npy::read_vector::<f64>(room.path(&times)).is_ok();
        if one {
            line += &format!(" --spacing times:{times}");
            inputs.push(&times);
        } else {
            line += " --steps 2";
        }
        line += &format!(" --out {out} --trajectory {trajectory}");
        let before = contents(&room, &inputs);
        let ran: Ran = room.run(&line);
        prop_assert_eq!(contents(&room, &inputs), before, "{:?}", ran);
        prop_assert!(matches!(ran.status, Some(0 | 2)), "{:?}", ran);
        prop_assert!(room.parts("").is_empty() && room.parts("sub").is_empty(), "{:?}", ran);
        if ran.status == Some(0) {
            let (samples, states) = (room.read::<f64>(&out), room.read::<f64>(&trajectory));
            prop_assert_eq!(samples.shape(), [3, 2], "{:?}", &line);
            prop_assert_eq!(states.shape(), [3, 3, 2], "{:?}", &line);
        } else {
            prop_assert!(ran.stderr.contains("name the same file"), "{:?}", ran);
        }
    }
}

/// What may be part of a name is compared as part of it.
#[test]
fn no_input_is_lost_for_spaces_or_many_commas_in_its_name() {
    let room = room();
    let common = ["sample", "--process", "vp", "--solver", "heun", "--steps", "2", "--n", "2"];
    let many = format!("{}x.npy", "a,".repeat(60));
    for (field, file) in [
        ("exact: m.json".to_owned(), " m.json".to_owned()),
        (format!("empirical:{many}:0.1"), many),
    ] {
        let source = if file.ends_with("json") { "m.json" } else { "d.npy" };
        std::fs::copy(room.path(source), room.path(&file)).unwrap();
        let before = room.bytes(&file);
        let words = common.iter().copied().chain(["--field", &field, "--out", &file]);
        let ran = Ran::new(&field, room.command(words).output().unwrap());
        ran.refused(&["name the same file"]);
        assert_eq!(room.bytes(&file), before);
    }
}

/// A name that ends as a directory's is refused before anything is computed.
#[test]
fn a_file_is_not_written_to_a_directory() {
    let room = room();
    for line in [
        "sample --process vp --field exact:m.json --solver heun --steps 2 --n 2 --out nd/",
        "sample --process vp --field exact:m.json --solver heun --steps 2 --n 2 --trajectory nd/",
        "data moons --n 3 --out nd/",
        "train --process vp --data moons --steps 2 --out w2.safetensors/",
    ] {
        room.run(line).refused(&["cannot write", "directory"]);
    }
}
