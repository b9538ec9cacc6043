//! Bad input: exit status 2, advice on stderr, nothing on stdout.

use crate::support::Room;

#[test]
fn unknown_names_come_with_the_nearest() {
    let room = Room::new();
    let sample = |process: &str, solver: &str, more: &str| {
        room.run(&format!(
            "sample --process {process} --field exact:m.json --solver {solver} --steps 3 --n 3 {more}"
        ))
    };
    sample("vp", "huen", "").refused(&["did you mean `heun`"]);
    sample("vp", "tsit", "").refused(&["did you mean `tsit5`"]);
    sample("rectified_flow", "heun", "").refused(&["did you mean `rectified-flow`"]);
    sample("vp", "heun", "--spacing karas").refused(&["did you mean `karras`"]);
    sample("vp", "heun", "--spacing karas:rho=7").refused(&["did you mean `karras`"]);
    sample("vp", "heun", "--spacng karras").refused(&["--spacing"]);
    sample("vp", "heun", "--dtype f46").refused(&["f64"]);
    sample("vp:betamin=0.2", "heun", "").refused(&["did you mean `beta_min`"]);
    sample("edm:sigma_min=1", "heun", "").refused(&["takes none"]);
    sample("vp", "heun:order=2", "").refused(&["no parameter `order`"]);
    sample("vp", "heun", "--spacing uniform:rho=7").refused(&["no parameter `rho`"]);
    sample("vp:beta_min", "heun", "").refused(&["has no `=`"]);
    sample("vp:beta_min=1,beta_min=2", "heun", "").refused(&["twice"]);
    sample("vp:beta_min=x", "heun", "").refused(&["finite number"]);
    sample("vp:beta_min=-1", "heun", "").refused(&["beta_min"]);
    sample("ve:sigma_min=2,sigma_max=1", "heun", "").refused(&["sigma_max"]);
    sample("brownian-bridge:s=-1", "heun", "").refused(&["`s"]);
    room.run("smaple").refused(&["sample"]);
    room.run("solvers --jsno").refused(&["--json"]);
    room.run("study --process vpp --quick").refused(&["did you mean `vp`"]);
    room.run("study --solver euller --quick").refused(&["did you mean `euler`"]);
    room.run("study --field exat --quick").refused(&["exact:"]);
    room.run("study --quick --full").refused(&["--full"]);
    room.run("study --field trained --process ve --quick").refused(&["`ve`", "--field exact"]);
    room.run("study --field cat-vp --process ve --quick").refused(&["trained on"]);
    room.run("study --field exact:none.json --quick").refused(&["none.json"]);
    assert_eq!(std::fs::read_dir(room.path("")).unwrap().count(), 1);
}

#[test]
fn unusable_numbers_are_refused() {
    let room = Room::new();
    let sample = |more: &str| {
        room.run(&format!(
            "sample --process rectified-flow --field exact:m.json --solver tsit5 {more}"
        ))
    };
    for (abstol, reltol) in
        [("-1e-3", "1e-3"), ("1e-3", "-1"), ("nan", "1e-3"), ("1e-3", "inf"), ("0", "0")]
    {
        sample(&format!("--n 3 --abstol {abstol} --reltol {reltol}")).refused(&["tolerances are"]);
    }
    sample("--n 3 --abstol 1e-3").refused(&["--reltol"]);
    sample("--n 3 --steps 3 --per-lane").refused(&["tolerances"]);
    sample("--n 3 --abstol 1e-3 --reltol 1e-3 --per-lane --trajectory t.npy")
        .refused(&["--per-lane", "--trajectory"]);
    for solver in ["heun", "dpm-solver-2m", "euler-maruyama", "sra1"] {
        let line = "sample --process vp --field exact:m.json --n 3 --abstol 1e-3 --reltol 1e-3";
        room.run(&format!("{line} --per-lane --solver {solver}")).refused(&[solver, "tsit5"]);
    }
    sample("--n 3 --abstol x --reltol 1").refused(&["--abstol"]);
    sample("--n 3 --abstol 1e-3 --reltol 1e-3 --spacing uniform").refused(&["leave out"]);
    sample("--n 3 --steps 3 --max-nfe 30").refused(&["--max-nfe"]);
    sample("--n 3 --max-nfe 30").refused(&["--abstol"]);
    sample("--n 3").refused(&["--steps", "--nfe", "--abstol"]);
    sample("--n 3 --steps 3 --nfe 9").refused(&["--nfe"]);
    sample("--n 3 --steps 3 --abstol 1e-3 --reltol 1e-3").refused(&["--steps"]);
    sample("--n 3 --steps 0").refused(&["at least one step"]);
    sample("--n 3 --steps -4").refused(&["--steps"]);
    sample("--n 3 --steps 2.5").refused(&["--steps"]);
    sample("--n 3 --nfe 0").refused(&["one step"]);
    sample("--n 0 --steps 3").refused(&["at least one"]);
    sample("--n -3 --steps 3").refused(&["--n"]);
    sample("--steps 3").refused(&["--init", "--n"]);
    // An empty span has its initial state for a result, drawn or given.
    sample("--n 3 --steps 3 --t-start 0.5 --t-end 0.5").succeeded();
    for rho in ["0", "-7", "nan", "inf"] {
        sample(&format!("--n 3 --steps 3 --spacing karras:rho={rho}")).refused(&["rho"]);
    }
    for solver in ["euler", "rk4", "euler-maruyama", "ancestral"] {
        room.run(&format!(
            "sample --process vp --field exact:m.json --solver {solver} --abstol 1e-3 --reltol 1e-3 --n 2"
        ))
        .refused(&[solver, "tsit5"]);
    }
}

#[test]
fn more_than_memory_holds_is_refused_before_it_is_begun() {
    let room = Room::new();
    for more in [
        "--steps 3 --n 18446744073709551615",
        "--steps 3 --n 1000000000000",
        "--steps 18446744073709551615 --n 3",
        "--steps 1000000000000 --n 3",
        "--nfe 18446744073709551615 --n 3",
        "--steps 100000 --n 100000000 --trajectory t.npy",
    ] {
        let line = "sample --process rectified-flow --field exact:m.json --solver heun";
        room.run(&format!("{line} {more}")).refused(&["memory", "fewer"]);
    }
}

#[test]
fn damaged_and_misfitting_arrays_are_refused() {
    let room = Room::new();
    room.array::<f64>("good.npy", &[3, 2], vec![0.5; 6]);
    room.array::<f64>("wide.npy", &[3, 3], vec![0.5; 9]);
    room.array::<f64>("line.npy", &[6], vec![0.5; 6]);
    room.array::<f64>("none.npy", &[0, 2], vec![]);
    room.array::<f64>("nan.npy", &[3, 2], vec![0.5, 0.5, 0.5, f64::NAN, 0.5, 0.5]);
    room.array::<f64>("inf.npy", &[3, 2], vec![f64::INFINITY; 6]);
    room.array::<f64>("huge.npy", &[3, 2], vec![1e300; 6]);
    let good = room.bytes("good.npy");
    room.write("cut.npy", &good[..good.len() - 3]);
    room.write("header.npy", &good[..40]);
    room.write("empty.npy", "");
    room.write("text.npy", "1, 2\n3, 4\n");
    for (name, dtype) in [("int.npy", b"<i8"), ("half.npy", b"<f2"), ("object.npy", b"|O8")] {
        let at = good.windows(3).position(|three| three == b"<f8").unwrap();
        let mut bytes = good.clone();
        bytes[at..at + 3].copy_from_slice(dtype);
        room.write(name, bytes);
    }
    let line = "sample --process vp --field exact:m.json --solver heun --steps 2 --init";
    for (file, part) in [
        ("wide.npy", "2 component(s)"),
        ("line.npy", "two or more axes"),
        ("none.npy", "at least one row"),
        ("nan.npy", "lane 1"),
        ("inf.npy", "lane 0"),
        ("huge.npy", "range of f32"),
        ("cut.npy", "cut short"),
        ("header.npy", "header"),
        ("empty.npy", "empty"),
        ("text.npy", "text"),
        ("int.npy", "<i8"),
        ("half.npy", "<f2"),
        ("object.npy", "|O8"),
        ("missing.npy", "missing.npy"),
    ] {
        room.run(&format!("{line} {file}")).refused(&[part]);
    }
    room.run(&format!("{line} good.npy --n 3")).refused(&["--init", "--n"]);
    for field in ["nan.npy", "line.npy", "cut.npy", "none.npy"] {
        let line = "sample --process vp --solver heun --steps 2 --n 2 --field empirical";
        room.run(&format!("{line}:{field}")).refused(&[]);
    }
}

#[test]
fn mixtures_that_are_none_are_refused() {
    let room = Room::new();
    for (text, part) in [
        (r#"{"weights": [0.5, 0.4], "means": [[0], [1]], "stds": [1, 1]}"#, "sum to 0.9"),
        (r#"{"weights": [1], "means": [[0]], "stds": [-1]}"#, "std"),
        (r#"{"weights": [1], "means": [[0]], "stds": [1], "colour": 1}"#, "colour"),
        (r#"{"weights": [1], "means": [[0], [1, 2]], "stds": [1]}"#, "means"),
        ("{", "not a mixture"),
        ("", "not a mixture"),
    ] {
        room.write("bad.json", text);
        room.run("sample --process vp --field exact:bad.json --solver heun --steps 2 --n 2")
            .refused(&["bad.json", part]);
    }
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_anything_is_computed() {
    let room = Room::new();
    room.write("frozen.npy", "keep");
    let mut permissions = std::fs::metadata(room.path("frozen.npy")).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(room.path("frozen.npy"), permissions).unwrap();
    let line = "sample --process vp --field exact:m.json --solver heun --steps 2 --n 2";
    for file in ["no/such/o.npy", "frozen.npy", ".", "/dev/null", "/proc/o.npy"] {
        for flag in ["--out", "--trajectory"] {
            room.run(&format!("{line} {flag} {file}")).refused(&["cannot write", file]);
        }
    }
    assert_eq!(room.bytes("frozen.npy"), b"keep");
    room.run(&format!("{line} --out o.npy --trajectory o.npy")).refused(&["two names"]);
    room.run("study --quick --out m.json").refused(&["m.json"]);
    room.run("study --quick --out m.json/sub").refused(&["m.json"]);
}

#[test]
fn a_refusal_leaves_no_file() {
    let room = Room::new();
    let line = "sample --process vp --field exact:m.json --solver heun --n 2 --out o.npy";
    room.run(&format!("{line} --steps 0")).refused(&[]);
    room.run(&format!("{line} --steps 3 --t-start 7")).refused(&[]);
    assert_eq!(std::fs::read_dir(room.path("")).unwrap().count(), 1);
}
