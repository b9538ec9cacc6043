//! Numbers in messages and summaries: short, however large or small.

use driftfield::problems::catalog::Key;
use driftfield::problems::method::path_methods;
use driftfield::problems::process;
use driftfield::problems::spacing;
use driftfield::solvers::method::Method;

use crate::support::{Ran, Room};

const EXTREMES: [&str; 4] = ["1e-300", "1e300", "5e-324", "-1e300"];
/// Longer than any number that is written in its shortest digits.
const LONG: usize = 26;

/// Digits, points and exponents in a row.
fn longest_number(text: &str) -> Option<&str> {
    let tokens = text.split(|c: char| !c.is_ascii_digit() && !".e-+".contains(c));
    tokens.max_by_key(|token| token.len())
}

fn is_short(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let longest = longest_number(text).unwrap_or_default();
        assert!(longest.len() < LONG, "{longest} of {ran:?}");
    }
    assert!([Some(0), Some(1), Some(2)].contains(&ran.status), "{ran:?}");
}

#[test]
fn parameters_of_processes_are_short_and_read_back() {
    let room = Room::new();
    for entry in process::catalog().entries() {
        for key in entry.parameters().iter().map(Key::name) {
            for value in EXTREMES {
                let process = format!("{}:{key}={value}", entry.name());
                for json in ["", "--json"] {
                    is_short(&room.run(&format!(
                        "sample --process {process} --field exact:m.json --solver euler --steps 2 --n 1 {json}"
                    )));
                }
                if let Ok(path) = process::parse(&process) {
                    assert_eq!(process::parse(&path.spec()).unwrap().spec(), path.spec());
                }
            }
        }
    }
    // Plain numbers stay as they were.
    let ran = room.run("sample --process ve --field exact:m.json --solver euler --steps 2 --n 1");
    let text = ran.succeeded().stdout;
    assert!(text.contains("ve:sigma_min=0.01,sigma_max=50,") && text.contains("from t = 1 to"));
    let small = "sample --process ve:sigma_min=1e-90 --field exact:m.json --solver euler --steps 2";
    let text = room.run(&format!("{small} --n 1")).stdout;
    assert!(text.contains("ve:sigma_min=1e-90,sigma_max=50,"), "{text}");
}

#[test]
fn parameters_of_solvers_and_spacings_are_short() {
    let room = Room::new();
    let line = "sample --process vp --field exact:m.json --n 1 --steps 2";
    let keys = ["eta", "noise", "churn", "tmin", "tmax", "snr", "order", "n"];
    let infos = path_methods::<[f64; 2]>().into_iter().map(|method| method.info());
    for solver in infos.map(|info| info.name) {
        let takes = |key: &&&str| {
            let refused = room.run(&format!("{line} --solver {solver}:{key}=x")).stderr;
            !refused.contains("no parameter")
        };
        for key in keys.iter().filter(takes) {
            for value in EXTREMES {
                is_short(&room.run(&format!("{line} --solver {solver}:{key}={value}")));
            }
        }
    }
    for spacing in spacing::catalog().names() {
        for key in ["rho", "shift", "offset", "drop"] {
            for value in EXTREMES {
                let text = format!("{spacing}:{key}={value}");
                is_short(&room.run(&format!("{line} --solver euler --spacing {text}")));
            }
        }
    }
    is_short(&room.run(&format!("{line} --solver euler --spacing times:1e300/1/1e-300")));
    is_short(&room.run(&format!("{line} --solver euler --spacing times:1/1e-300/5e-324")));
}

#[test]
fn options_are_echoed_short() {
    let room = Room::new();
    let steps = "sample --process vp --field exact:m.json --solver euler-maruyama --n 1 --steps 2";
    let adaptive = "sample --process vp --field exact:m.json --solver tsit5 --n 1 --max-nfe 90";
    for value in EXTREMES {
        for option in [
            format!("--t-start={value}"),
            format!("--t-end={value}"),
            format!("--noise-level={value}"),
            format!("--guidance={value}"),
            format!("--threshold static:max={value}"),
            format!("--threshold dynamic:quantile={value}"),
            format!("--threshold dynamic:max={value}"),
        ] {
            is_short(&room.run(&format!("{steps} {option}")));
        }
        is_short(&room.run(&format!("{adaptive} --abstol={value} --reltol=1e-3")));
        is_short(&room.run(&format!("{adaptive} --abstol=1e-3 --reltol={value}")));
        is_short(&room.run(&format!("{adaptive} --abstol=1e-3 --reltol=1e-3 --t-end={value}")));
    }
    // Data, mixtures and samples.
    for value in [1e-300, 1e300, 5e-324, 1.5e200] {
        room.array("x.npy", &[2, 2], vec![value, 0.0, 0.0, 1.0]);
        room.array("y.npy", &[2, 2], vec![0.0, value, 1.0, 0.0]);
        is_short(&room.run("metrics x.npy y.npy"));
        let heun = "sample --process edm --solver heun --steps 2";
        is_short(&room.run(&format!("{heun} --field empirical:x.npy --n 1")));
        is_short(&room.run(&format!("{heun} --field empirical:x.npy:{value:e} --n 1")));
        is_short(&room.run(&format!("{heun} --field exact:m.json --init x.npy")));
        for mixture in [
            format!(r#"{{"weights": [{value:e}], "means": [[0, 0]], "stds": [1]}}"#),
            format!(r#"{{"weights": [1], "means": [[0, {value:e}]], "stds": [1]}}"#),
            format!(r#"{{"weights": [1], "means": [[0, 0]], "stds": [{value:e}]}}"#),
        ] {
            room.write("odd.json", mixture);
            is_short(&room.run(&format!("{heun} --field exact:odd.json --n 1")));
        }
        for measurement in ["square:size=1", "random:keep", "blur:width", "pool:factor=1"] {
            let what = match measurement.split_once(':') {
                Some((_, key)) if !key.contains('=') => format!("{measurement}={value:e}"),
                _ => format!("{measurement},std={value:e}"),
            };
            is_short(&room.run(&format!(
                "reconstruct --measurement {what} --image x.npy --field exact:m.json --process vp --method pigdm:data_std={value:e} --n 1"
            )));
        }
    }
}
