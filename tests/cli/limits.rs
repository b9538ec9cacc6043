//! Limits of memory, of threads, and of files that have no end.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Ran, Room, program};

/// Runs `line` under a limit of so many KiB of address space.
#[cfg(target_os = "linux")]
fn limited(room: &Room, kibibytes: u64, line: &str) -> Ran {
    let program = program().get_program().to_string_lossy().into_owned();
    let script = format!("ulimit -v {kibibytes} && exec '{program}' {line}");
    let output = Command::new("sh").args(["-c", &script]).current_dir(room.path("")).output();
    Ran::new(line, output.unwrap())
}

/// More than the limit allows is refused or fails, in words; the process is not ended by a signal
/// (status 134, which here is none).
#[cfg(target_os = "linux")]
#[test]
fn more_than_a_limit_allows_ends_in_words() {
    let room = Room::new();
    let header = |dictionary: &str| {
        let text = format!("{dictionary:117}\n");
        [b"\x93NUMPY\x01\x00\x76\x00", text.as_bytes()].concat()
    };
    let promise = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 2), }";
    room.write("promise.npy", header(promise));
    // Holes take no room on a disk, and all their numbers are there.
    let holes = "{'descr': '<f8', 'fortran_order': False, 'shape': (200000000, 2), }";
    room.write("holes.npy", header(holes));
    let file = std::fs::OpenOptions::new().write(true).open(room.path("holes.npy")).unwrap();
    file.set_len(128 + 16 * 200_000_000).unwrap();
    let wide = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1000000), }";
    room.write("wide.npy", header(wide));
    let file = std::fs::OpenOptions::new().write(true).open(room.path("wide.npy")).unwrap();
    file.set_len(128 + 16 * 1_000_000).unwrap();
    std::fs::create_dir(room.path("digits")).unwrap();
    let images = [0, 0, 8, 3, 0, 30, 132, 128, 0, 0, 0, 28, 0, 0, 0, 28];
    room.write("digits/train-images-idx3-ubyte", images);
    room.write("digits/train-labels-idx1-ubyte", [0, 0, 8, 1, 0, 30, 132, 128]);
    let line = "sample --process vp --field exact:m.json --solver";
    for (line, part) in [
        (format!("{line} heun --steps 1000000000 --n 100 --trajectory t.npy"), "at most"),
        (format!("{line} heun --steps 1000000000 --spacing logsnr --n 1"), "at most"),
        (format!("{line} heun --nfe 4000000000 --n 1 --spacing karras"), "at most"),
        (format!("{line} heun --steps 10 --n 200000000"), "at most"),
        (format!("{line} tsit5 --abstol 1e-5 --reltol 1e-5 --n 20000000"), "at most"),
        (format!("{line} heun --steps 1000 --n 1000000 --trajectory t.npy"), "at most"),
        (format!("{line} heun --steps 2 --init holes.npy"), "more memory than there is"),
        (format!("{line} heun --steps 2 --init promise.npy"), "header promises"),
        ("metrics holes.npy holes.npy".into(), "more memory than there is"),
        ("metrics promise.npy promise.npy".into(), "header promises"),
        ("study --quick --process vp --field exact:m.json --lanes 30000000".into(), "at most"),
        ("train --process vp --data wide.npy --out w.safetensors --steps 1".into(), "at most"),
        ("data mnist:digits --n 5 --out o.npy".into(), "more memory than there is"),
        ("data holes.npy --n 5 --out o.npy".into(), "more memory than there is"),
        ("data promise.npy --n 5 --out o.npy".into(), "header promises"),
    ] {
        let ran = limited(&room, 1_500_000, &line);
        ran.refused(&[part]);
    }
    for name in ["t.npy", "o.npy", "w.safetensors"] {
        assert!(!room.has(name), "{name}");
    }
    // What does fit is done.
    limited(&room, 1_500_000, &format!("{line} heun --steps 100 --n 1000 --out s.npy")).succeeded();
    limited(&room, 1_500_000, "data cat --n 1000 --out cat.npy").succeeded();
    limited(&room, 1_500_000, "metrics cat.npy cat.npy").succeeded();
}

/// An adaptive solve whose states are all kept ends with the steps that fit, and says so.
#[cfg(target_os = "linux")]
#[test]
fn a_trajectory_of_unknown_length_ends_where_memory_does() {
    let room = Room::new();
    let line = "sample --process vp --field exact:m.json --solver bs3 --abstol 1e-9 --reltol 1e-9";
    let ran = limited(&room, 1_500_000, &format!("{line} --n 200000 --trajectory t.npy --json"));
    assert_eq!(ran.status, Some(1), "{ran:?}");
    let message = ran.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("memory holds the states of"), "{message}");
    assert!(ran.json()["accepted"].as_u64().unwrap() > 10);
}

fn with_threads(room: &Room, threads: &str, line: &str) -> Output {
    let mut command = room.command(line.split_whitespace());
    command.env("RAYON_NUM_THREADS", threads).output().unwrap()
}

#[test]
fn any_number_of_threads_ends_soon_and_in_the_same_bytes() {
    let room = Room::new();
    let line = "sample --process vp --field cat-vp --solver heun --steps 4 --n 300";
    room.run(&format!("{line} --out one.npy")).succeeded();
    let clock = Instant::now();
    for (threads, noted) in [
        ("200000", true),
        ("18446744073709551616", true),
        ("-4", true),
        ("many", true),
        ("0", false),
        ("3", false),
        ("", false),
    ] {
        let ran = Ran::new(threads, with_threads(&room, threads, &format!("{line} --out o.npy")));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(ran.stderr.contains("RAYON_NUM_THREADS"), noted, "{ran:?}");
        assert_eq!(room.bytes("o.npy"), room.bytes("one.npy"), "{threads}");
    }
    // The metrics, and candle, which reads the variable itself.
    room.array("point.npy", &[1, 2], vec![0.3f64, 0.4]);
    room.array("row.npy", &[1, 2], vec![1.0f64, 0.5]);
    let gradients = "reconstruct --field cat-vp --measurement matrix:file=row.npy,std=0.1 \
                     --image point.npy --method pigdm --n 500 --steps 3";
    for line in ["metrics one.npy one.npy --json", gradients] {
        let ran = Ran::new(line, with_threads(&room, "200000", line));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(ran.stderr.matches("RAYON_NUM_THREADS").count(), 1, "{ran:?}");
    }
    let mut command = room.command(gradients.split_whitespace());
    let ran = Ran::new(gradients, command.env("CANDLE_NUM_THREADS", "200000").output().unwrap());
    assert!(ran.status == Some(0) && ran.stderr.contains("CANDLE_NUM_THREADS"), "{ran:?}");
    assert!(clock.elapsed() < Duration::from_secs(60), "{:?}", clock.elapsed());
}

/// What has no end is read no further than it can be of use.
#[cfg(target_os = "linux")]
#[test]
fn files_without_end_are_refused() {
    let room = Room::new();
    let line = "sample --process vp --solver heun --steps 2";
    for name in ["zero.safetensors", "zero.npy", "zero.json", "zero.pt", "zero.onnx"] {
        std::os::unix::fs::symlink("/dev/zero", room.path(name)).unwrap();
    }
    std::fs::create_dir_all(room.path("digits")).unwrap();
    for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] {
        std::os::unix::fs::symlink("/dev/zero", room.path(&format!("digits/{name}"))).unwrap();
    }
    for (line, part) in [
        (format!("{line} --n 1 --field exact:/dev/zero"), "MiB"),
        (format!("{line} --n 1 --field exact:."), "directory"),
        (format!("{line} --n 1 --field zero.safetensors"), "MiB"),
        (format!("{line} --n 1 --field zero.pt"), "MiB"),
        (format!("{line} --n 1 --field zero.onnx"), "MiB"),
        (format!("{line} --n 1 --field zero.pt --config zero.json"), "MiB"),
        (format!("{line} --n 1 --field empirical:zero.npy"), "not an .npy file"),
        (format!("{line} --field exact:m.json --init /dev/zero"), "not an .npy file"),
        (format!("{line} --field exact:m.json --init ."), "directory"),
        (format!("{line} --n 1 --field exact:m.json --spacing times:zero.npy"), "not an .npy"),
        ("metrics /dev/zero /dev/zero".into(), "not an .npy file"),
        ("data zero.json --n 1 --out o.npy".into(), "MiB"),
        ("data zero.npy --n 1 --out o.npy".into(), "not an .npy file"),
        ("train --process vp --data zero.npy --out w.safetensors".into(), "not an .npy file"),
        (
            "sample --process ddpm:betas=zero.npy --field exact:m.json --solver heun --steps 2 --n 1"
                .into(),
            "not an .npy file",
        ),
    ] {
        room.run(&line).refused(&[part]);
    }
    // A pipe that goes on after what its header promised, and one that ends before.
    let array = [&room_array(&room)[..], &[0; 100_000]].concat();
    for (content, part) in [(&array[..], "cut short or damaged"), (&array[..150], "cut short")] {
        let mut command =
            room.command(format!("{line} --field exact:m.json --init /dev/stdin").split(' '));
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Whoever is refused does not read on.
        let _ = std::io::Write::write_all(&mut stdin, content);
        drop(stdin);
        Ran::new(line, child.wait_with_output().unwrap()).refused(&[part]);
    }
}

/// The bytes of an array of six numbers.
fn room_array(room: &Room) -> Vec<u8> {
    room.array::<f64>("six.npy", &[3, 2], vec![0.5; 6]);
    room.bytes("six.npy")
}
