//! `sample --plot`: pictures of points of the plane.

use crate::support::Room;

const LINE: &str = "--field exact:m.json --process vp --solver heun --steps 5 --n 40";

/// Numbers of elements of a picture that are dots.
fn dots(svg: &[u8]) -> usize {
    String::from_utf8_lossy(svg).matches("<circle").count()
}

#[test]
fn samples_of_the_plane_are_drawn() {
    let room = Room::new();
    room.sample(&format!("{LINE} --plot a.svg"));
    let few = dots(&room.bytes("a.svg"));
    room.sample(&format!("{LINE} --plot b.svg").replace("--n 40", "--n 140"));
    assert_eq!(dots(&room.bytes("b.svg")), few + 100);
    assert!(String::from_utf8(room.bytes("a.svg")).unwrap().contains("40 samples"));
    room.sample(&format!("{LINE} --plot a.png --picture-width 321"));
    assert!(room.bytes("a.png").starts_with(b"\x89PNG"));
    room.sample(&format!("{LINE} --plot a.pdf"));
    assert!(room.bytes("a.pdf").starts_with(b"%PDF"));
}

/// A network of the cat knows the cat, over which its samples are drawn.
#[test]
fn trajectories_are_drawn_where_they_are_kept() {
    let room = Room::new();
    let line = LINE.replace("exact:m.json", "cat-vp");
    room.sample(&format!("{line} --trajectory t.npy --plot t.svg"));
    let svg = String::from_utf8(room.bytes("t.svg")).unwrap();
    assert!(svg.contains("20 trajectories") && svg.contains("data"), "{}", &svg[..2000]);
    room.sample(&format!("{line} --plot s.svg"));
    assert!(String::from_utf8(room.bytes("s.svg")).unwrap().contains("40 samples"));
}

#[test]
fn what_is_no_point_of_the_plane_is_refused_before_it_is_solved() {
    let room = Room::new();
    room.array("images.npy", &[2, 1, 2, 2], vec![0.5f64; 8]);
    // So many steps would take minutes.
    let line = "sample --field empirical:images.npy:0.1 --process vp --solver heun --steps 9000000";
    room.run(&format!("{line} --n 9 --plot a.png")).refused(&["[1, 2, 2]", "--grid draws images"]);
    room.run(&format!("sample {LINE} --plot a.txt")).refused(&["a.txt"]);
    assert!(!room.has("a.png"));
}
