//! Random text and random arguments: read or refused, never a panic.

use driftfield::generate::model;
use driftfield::problems::process::{self, GaussianPath};
use driftfield::problems::spacing::Spacing;
use driftfield::problems::spec::Spec;
use driftfield::problems::{data, exact::GaussianMixture, method, npy};
use proptest::prelude::*;

use crate::support::{Ran, Room};

/// Names, known and unknown, with keys and values, sensible and not.
fn spec_text() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("vp"),
        Just("sub-vp"),
        Just("vp-cosine"),
        Just("ve"),
        Just("edm"),
        Just("rectified-flow"),
        Just("brownian-bridge"),
        Just("ddpm"),
        Just("karras"),
        Just("flow-shift"),
        Just("leading"),
        Just("times"),
        Just("uniform"),
        Just("quadratic"),
        Just("logsnr"),
        Just("exponential"),
        Just("heun"),
        Just("tsit5"),
        Just("ancestral"),
        Just("exact"),
        Just("empirical"),
        Just("cat-vp"),
        Just(""),
        Just("é"),
    ];
    let key = prop_oneof![
        Just("beta_min"),
        Just("beta_max"),
        Just("s"),
        Just("sigma_min"),
        Just("sigma_max"),
        Just("rho"),
        Just("shift"),
        Just("offset"),
        Just("timesteps"),
        Just("schedule"),
        Just("betas"),
        Just("eta"),
        Just(""),
    ];
    let value = prop_oneof![
        any::<f64>().prop_map(|x| x.to_string()),
        (-10.0..100.0f64).prop_map(|x| x.to_string()),
        "[-+.e0-9a-z]{0,6}",
    ];
    let pairs = prop::collection::vec((key, value), 0..3);
    let separators = (prop_oneof![4 => Just(":"), 1 => Just(""), 1 => Just("::")], "[,;]");
    (name, pairs, separators).prop_map(|(name, pairs, (colon, comma))| {
        let pairs: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if pairs.is_empty() {
            name.to_owned()
        } else {
            format!("{name}{colon}{}", pairs.join(&comma))
        }
    })
}

fn parse_all(text: &str) {
    let _ = text.parse::<Spec>();
    let _ = method::parse::<[f64; 2]>(text);
    let _ = text.parse::<GaussianMixture>();
    let _ = npy::parse::<f32>(text.as_bytes());
    let spacing = text.parse::<Spacing>();
    for path in process::catalog().names().map(|name| process::parse(name).unwrap()) {
        if let Ok(spacing) = &spacing {
            let (start, end) = (path.start_with_finite_log_snr(), path.default_span().1);
            let times = spacing.times(&path, start, end, 7);
            assert!(times.is_err() || times.unwrap().iter().all(|t| t.is_finite()), "{text}");
        }
    }
    if let Ok(path) = process::parse(text) {
        // The echo names the same process.
        assert_eq!(process::parse(&path.spec()).unwrap().spec(), path.spec());
        let (start, end) = path.default_span();
        for t in [start, 0.5 * (start + end), end] {
            assert!(path.alpha(t).is_finite() && path.sigma(t) >= 0.0, "{text} at {t}");
            let _ = (path.log_snr(t), path.posterior(start, t), path.time_at_log_snr(t));
        }
    }
    // Names of files that exist would be read: none of these do.
    let _ = model::parse(text);
    if !text.contains('/') {
        let _ = data::by_name(text);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,30}") {
        parse_all(&text);
    }

    #[test]
    fn near_specs_are_read_or_refused(text in spec_text()) {
        parse_all(&text);
    }
}

/// Words of the command line. No combination of them runs for long.
const WORDS: [&str; 76] = [
    "sample",
    "--process",
    "vp",
    "edm",
    "rectified-flow",
    "brownian-bridge:s=0.5",
    "vp:beta_max=x",
    "--field",
    "exact:m.json",
    "exact:",
    "empirical:d.npy",
    "empirical:d.npy:0.1",
    "cat-vp",
    "weights/cat-rectified-flow.safetensors",
    "d.npy",
    "--solver",
    "euler",
    "heun",
    "tsit5",
    "euler-maruyama",
    "ancestral",
    "dop853",
    "--steps",
    "3",
    "0",
    "-1",
    "18446744073709551615",
    "--nfe",
    "30",
    "--abstol",
    "--reltol",
    "1e-3",
    "nan",
    "inf",
    "--max-nfe",
    "--per-lane",
    "--spacing",
    "karras",
    "logsnr",
    "karras:rho=0",
    "quadratic",
    "leading",
    "times:1/0.5/0.1",
    "ddpm",
    "--threshold=dynamic",
    "--t-start",
    "0.5",
    "1",
    "--t-end",
    "1e-300",
    "--init",
    "--n",
    "--seed",
    "--dtype",
    "f64",
    "f16",
    "--noise-level",
    "--denoise-final",
    "--label",
    "1,2",
    "--guidance",
    "1.5",
    "--grid",
    "g.png",
    "--method",
    "pigdm",
    "replacement",
    "--zeta",
    "square:size=1,center=0x0",
    "--trajectory",
    "t.npy",
    "--out",
    "o.npy",
    "--json",
    "--",
    "\u{fe0f}",
];

const RECONSTRUCT: &str = "reconstruct --measurement random:keep=0.5,std=0.1 --image i.npy \
                           --field exact:m.json --process vp --steps 3 --n 2";

/// Arguments that are nearly right: a good request with words put in.
fn arguments() -> impl Strategy<Value = Vec<&'static str>> {
    let word = prop::sample::select(&WORDS[..]);
    let good = "sample --process vp --field exact:m.json --solver heun --steps 3 --n 3";
    let base = prop_oneof![
        Just("sample"),
        Just("solvers"),
        Just("metrics d.npy d.npy"),
        Just("view d.npy --out page.html"),
        Just("data cat --n 3 --out o.npy --plot points.png"),
        Just("sample --process rectified-flow --field cat-rectified-flow --n 4 --solver tsit5"),
        Just(good),
        Just(RECONSTRUCT),
    ];
    (base, prop::collection::vec((any::<prop::sample::Index>(), word), 0..5)).prop_map(
        |(base, inserted)| {
            let mut words: Vec<&str> = base.split(' ').collect();
            for (index, word) in inserted {
                // One of three replaces a word.
                let at = 1 + index.index(words.len());
                if at < words.len() && word.len() % 3 == 0 {
                    words[at] = word;
                } else {
                    words.insert(at, word);
                }
            }
            words
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn any_arguments_end_with_0_1_or_2(words in arguments()) {
        let room = Room::new();
        room.array::<f64>("d.npy", &[3, 2], vec![0.0, 1.0, 2.0, 3.0, 5.0, 4.0]);
        room.array::<f64>("i.npy", &[2], vec![0.3, 0.7]);
        let ran = Ran::new(&words.join(" "), room.command(&words).output().unwrap());
        prop_assert!(matches!(ran.status, Some(0..=2)), "{:?}", ran);
        prop_assert!(!ran.stderr.contains("panicked"), "{:?}", ran);
        if ran.status == Some(2) {
            prop_assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{:?}", ran);
        }
        if ran.status != Some(2) && words.contains(&"--json") {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&ran.stdout).is_ok());
        }
    }
}
