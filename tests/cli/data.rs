//! `data`.

use driftfield::problems::data;
use ndarray::IxDyn;

use crate::support::Room;

const DIGITS: &str = concat!("mnist:", env!("CARGO_MANIFEST_DIR"), "/tests/data/mnist");

#[test]
fn every_data_set_is_drawn_as_the_library_draws_it() {
    let room = Room::new();
    room.array::<f64>("own.npy", &[3, 4], (0..12).map(f64::from).collect());
    let own = room.path("own.npy").display().to_string();
    let mixture = room.path("m.json").display().to_string();
    let catalog = data::catalog();
    for name in catalog.names().chain([own.as_str(), mixture.as_str(), DIGITS]) {
        let set = data::by_name(name).unwrap();
        // More than are drawn at a time.
        let n = if name == DIGITS { 3 } else { 1500 };
        let line = format!("data {name} --n {n} --seed 5 --out o.npy");
        let said = room.run(&line).succeeded().stdout;
        let found = room.read::<f64>("o.npy");
        assert!(said.contains(&format!("{:?}", found.shape())), "{said}");
        let shape = [&[n], set.row_shape().as_slice()].concat();
        let expected = set.sample(n, 5).into_shape_with_order(IxDyn(&shape)).unwrap();
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(room.read::<f64>("o.npy").shape(), [3, 1, 28, 28]);
    let said = room.run(&format!("data {DIGITS} --n 3 --json --out o.npy")).succeeded().json();
    let shape = serde_json::json!([3, 1, 28, 28]);
    assert_eq!((&said["shape"], &said["seed"], &said["out"]), (&shape, &0.into(), &"o.npy".into()));
    // A seed of its own, and another draw for another.
    room.run("data cat --n 9 --out a.npy").succeeded();
    room.run("data cat --n 9 --seed 0 --out b.npy").succeeded();
    room.run("data cat --n 9 --seed 1 --out c.npy").succeeded();
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
    assert_ne!(room.bytes("a.npy"), room.bytes("c.npy"));
}

#[test]
fn points_of_the_plane_and_images_are_drawn_as_well() {
    let room = Room::new();
    room.run("data cat --n 30 --out a.npy").succeeded();
    room.run("data cat --n 30 --out b.npy --plot cat.svg").succeeded();
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
    let drawn = String::from_utf8(room.bytes("cat.svg")).unwrap();
    assert_eq!(drawn.matches("<circle").count(), 30);
    assert!(drawn.contains("cat, 30 points"));
    room.run("data moons --n 20001 --out c.npy --plot moons.svg").succeeded();
    let drawn = String::from_utf8(room.bytes("moons.svg")).unwrap();
    assert!(drawn.contains("the first 20000 of 20001 points"));
    room.run(&format!("data {DIGITS} --n 9 --out d.npy --plot digits.png")).succeeded();
    assert!(room.bytes("digits.png").starts_with(b"\x89PNG"));

    room.array::<f64>("own.npy", &[3, 4], (0..12).map(f64::from).collect());
    room.run("data own.npy --n 3 --out e.npy --plot e.png").refused(&["[4]", "leave out --plot"]);
    room.run("data cat --n 3 --out e.npy --plot e.gif").refused(&["e.gif", ".png"]);
    room.run("data cat --n 3 --out e.png --plot e.png").refused(&["give two names"]);
    assert!(!room.has("e.npy"));
}

#[test]
fn bad_requests_are_refused_and_leave_no_file() {
    let room = Room::new();
    for (line, part) in [
        ("data cta --n 3 --out o.npy", "did you mean `cat`"),
        ("data none.npy --n 3 --out o.npy", "none.npy"),
        ("data mnist:nowhere --n 3 --out o.npy", "the usual four files"),
        ("data cat --n 0 --out o.npy", "at least one"),
        ("data cat --n -3 --out o.npy", "--n"),
        ("data cat --n 3 --seed x --out o.npy", "--seed"),
        ("data cat --n 3", "--out"),
        ("data cat --out o.npy", "--n"),
        ("data --n 3 --out o.npy", "<NAME>"),
        ("data cat --n 3 --out no/such/o.npy", "cannot write"),
    ] {
        room.run(line).refused(&[part]);
    }
    assert_eq!(std::fs::read_dir(room.path("")).unwrap().count(), 1);
    // What is drawn from is not written over, whatever it is called.
    room.array::<f64>("own.npy", &[3, 2], vec![0.5; 6]);
    let before = room.bytes("own.npy");
    for out in ["own.npy", "./own.npy", "../NAME/own.npy"] {
        let room_name = room.path("").file_name().unwrap().to_string_lossy().into_owned();
        let out = out.replace("NAME", &room_name);
        room.run(&format!("data own.npy --n 3 --out {out}")).refused(&["give two names"]);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("own.npy", room.path("link.npy")).unwrap();
        room.run("data own.npy --n 3 --out link.npy").refused(&["give two names"]);
        room.run("data link.npy --n 3 --out own.npy").refused(&["give two names"]);
    }
    assert_eq!(room.bytes("own.npy"), before);
}

#[cfg(unix)]
#[test]
fn more_points_than_a_disk_has_room_for_are_refused() {
    let room = Room::new();
    for n in ["1000000000000000", "18446744073709551615"] {
        let ran = room.run(&format!("data moons --n {n} --out huge.npy"));
        ran.refused(&["points take", "GB are free", "at most"]);
    }
    assert!(!room.has("huge.npy") && room.parts("").is_empty());
}
