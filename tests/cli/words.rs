//! The user's words in messages: short, and of nothing but what prints.

use crate::support::{Ran, Room};

/// A name of this many letters; a word of a command line has 128 KiB at most, and one here has the
/// name twice.
const LETTERS: usize = 60_000;

#[track_caller]
fn harmless(ran: &Ran) {
    assert_eq!(ran.status, Some(2), "{}", &ran.stderr[..ran.stderr.len().min(2_000)]);
    assert!(ran.stderr.len() < 4_000, "{} bytes", ran.stderr.len());
    let bad = |letter: char| letter != '\n' && (letter.is_control() || letter == '\u{202e}');
    assert!(!ran.stderr.contains(bad), "{:?}", ran.stderr);
}

/// Every place of a command line where a word of the user's comes back in a refusal.
fn places(word: &str) -> Vec<Vec<String>> {
    let sample = |process: &str, field: &str, solver: &str, more: &[&str]| {
        let line = ["sample", "--process", process, "--field", field, "--solver", solver];
        line.iter().chain(more).map(|&word| word.to_owned()).collect::<Vec<String>>()
    };
    let usual = ["--steps", "2", "--n", "2"];
    let with = |option: &str| {
        let more = [&usual[..], &[option, word]].concat();
        sample("vp", "exact:m.json", "heun", &more)
    };
    let words = |line: &[&str]| line.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
    vec![
        sample(word, "exact:m.json", "heun", &usual),
        sample(&format!("vp:{word}=1"), "exact:m.json", "heun", &usual),
        sample(&format!("vp:beta_min={word}"), "exact:m.json", "heun", &usual),
        sample(&format!("vp:{word}"), "exact:m.json", "heun", &usual),
        sample(&format!("vp:{word}=1,{word}=2"), "exact:m.json", "heun", &usual),
        sample(&format!("ddpm:betas={word}.npy"), "exact:m.json", "heun", &usual),
        sample(&format!("ddpm:schedule={word}"), "exact:m.json", "heun", &usual),
        sample("vp", word, "heun", &usual),
        sample("vp", &format!("exact:{word}"), "heun", &usual),
        sample("vp", &format!("empirical:{word}"), "heun", &usual),
        sample("vp", &format!("empirical:{word}.npy:0.1"), "heun", &usual),
        sample("vp", &format!("empirical:mnist:{word}"), "heun", &usual),
        sample("vp", &format!("{word}.safetensors"), "heun", &usual),
        sample("vp", "exact:m.json", word, &usual),
        sample("vp", "exact:m.json", &format!("heun:{word}=1"), &usual),
        sample("vp", "exact:m.json", &format!("unipc-2:variant={word}"), &usual),
        with("--spacing"),
        sample(
            "vp",
            "exact:m.json",
            "heun",
            &[&usual[..], &["--spacing", &format!("times:{word}")]].concat(),
        ),
        sample(
            "vp",
            "exact:m.json",
            "heun",
            &[&usual[..], &["--spacing", &format!("times:{word}.npy")]].concat(),
        ),
        with("--threshold"),
        with("--noise-level"),
        with("--t-end"),
        with("--dtype"),
        with("--label"),
        with("--seed"),
        with(word),
        sample("vp", "exact:m.json", "heun", &[&usual[..], &[&format!("--{word}")]].concat()),
        sample("vp", "exact:m.json", "heun", &[&usual[..], &[&format!("--steps={word}")]].concat()),
        sample(
            "vp",
            "exact:m.json",
            "heun",
            &[&usual[..], &["--out", &format!("{word}/o.npy")]].concat(),
        ),
        sample(
            "vp",
            "exact:m.json",
            "heun",
            &[&usual[..], &["--grid", &format!("{word}.png")]].concat(),
        ),
        sample("vp", "exact:m.json", "heun", &["--steps", "2", "--init", &format!("{word}.npy")]),
        words(&["train", "--process", "vp", "--data", word, "--out", "w.safetensors"]),
        words(&[
            "train",
            "--process",
            "vp",
            "--data",
            &format!("{word}.json"),
            "--out",
            "w.safetensors",
        ]),
        words(&[
            "train",
            "--process",
            "vp",
            "--data",
            &format!("mnist:{word}"),
            "--out",
            "w.safetensors",
        ]),
        words(&["train", "--process", "vp", "--data", "moons", "--out", word]),
        words(&[
            "train",
            "--process",
            "vp",
            "--data",
            "moons",
            "--network",
            word,
            "--out",
            "w.safetensors",
        ]),
        words(&["study", "--process", word]),
        words(&["study", "--solver", word]),
        words(&["study", "--field", word]),
        words(&["study", "--field", "exact:m.json", "--data", word]),
        words(&["study", "--quick", "--process", "vp", "--out", &format!("m.json/{word}")]),
        words(&[
            "reconstruct",
            "--measurement",
            word,
            "--image",
            "i.npy",
            "--field",
            "exact:m.json",
            "--process",
            "vp",
        ]),
        words(&[
            "reconstruct",
            "--method",
            word,
            "--measurement",
            "blur:width=2",
            "--image",
            "i.npy",
            "--field",
            "exact:m.json",
            "--process",
            "vp",
        ]),
        words(&[
            "reconstruct",
            "--measurement",
            &format!("matrix:file={word}"),
            "--image",
            "i.npy",
            "--field",
            "exact:m.json",
            "--process",
            "vp",
        ]),
        words(&[
            "reconstruct",
            "--image",
            &format!("{word}.npy"),
            "--measurement",
            "blur:width=2",
            "--field",
            "exact:m.json",
            "--process",
            "vp",
        ]),
        words(&["metrics", word, "m.json"]),
        words(&["data", word, "--n", "3", "--out", "o.npy"]),
        words(&["data", "cat", "--n", word, "--out", "o.npy"]),
        words(&["data", "cat", "--n", "3", "--out", &format!("{word}/o.npy")]),
        words(&["data", "cat", "--n", "3", "--out", "o.npy", "--plot", word]),
        words(&["view", word, "--out", "o.html"]),
        words(&["view", "i.npy", "--out", word]),
        words(&["view", "i.npy", "--out", "o.html", "--n", word]),
        words(&["train", "--process", "vp", "--data", "moons", "--time-sampling", word]),
        words(&[word]),
        words(&["list", word]),
        words(&["solvers", word]),
    ]
}

#[test]
fn the_user_s_words_come_back_short_and_printable() {
    let room = Room::new();
    room.array::<f64>("i.npy", &[1, 2], vec![0.5; 2]);
    for word in ["x".repeat(LETTERS), "\u{1b}[31mred\u{7}\u{202e}".repeat(50)] {
        for line in places(&word) {
            harmless(&Ran::new(&line[0], room.command(&line).output().unwrap()));
        }
    }
    assert_eq!(std::fs::read_dir(room.path("")).unwrap().count(), 2);
}

/// What stands in a file comes from somebody else.
#[test]
fn words_of_files_come_back_short_and_printable() {
    let room = Room::new();
    let word = "\\u001b[31m".repeat(20_000);
    room.write(
        "bad.json",
        format!(r#"{{"weights": [1], "means": [[0]], "stds": [1], "{word}": 1}}"#),
    );
    let line = "sample --process vp --solver heun --steps 2 --n 1 --field";
    harmless(&room.run(&format!("{line} exact:bad.json")));
    let descr = "\u{1b}[31m".repeat(1_000);
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1, 1), }}\n");
    let length = (text.len() as u16).to_le_bytes();
    room.write("bad.npy", [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), &[0; 8]].concat());
    harmless(&room.run(&format!("{line} empirical:bad.npy")));
}
