//! `sample`: spans, spacings, encoding, initial states and their types.

use crate::support::{Room, SPANS, rms};

#[test]
fn spacings_that_need_a_log_snr_start_at_0_999_on_pure_noise() {
    let room = Room::new();
    for (process, start, end) in SPANS {
        for spacing in [
            "uniform",
            "quadratic",
            "cosine",
            "flow-shift:shift=2",
            "logsnr",
            "karras",
            "karras:rho=3",
            "exponential",
            "polyexponential:rho=1.5",
        ] {
            let summary = room.sample(&format!(
                "--process {process} --field exact:m.json --solver heun --steps 9 --n 4 --spacing {spacing}"
            ));
            let pure_noise = ["rectified-flow", "brownian-bridge"].contains(&process);
            let in_t = ["uniform", "quadratic", "cosine", "flow-shift:shift=2"].contains(&spacing);
            let start = if pure_noise && !in_t { 0.999 } else { start };
            assert_eq!(summary["t_start"], start, "{process} {spacing}");
            assert_eq!(summary["t_end"], end, "{process} {spacing}");
        }
    }
}

#[test]
fn the_default_spacing_is_karras_for_edm_and_uniform_elsewhere() {
    let room = Room::new();
    for (process, _, _) in SPANS {
        let run = |more: &str, out: &str| {
            room.sample(&format!(
                "--process {process} --field exact:m.json --solver euler --steps 8 --n 4 --out {out} {more}"
            ));
            room.bytes(out)
        };
        let spacing = if process == "edm" { "karras:rho=7" } else { "uniform" };
        assert_eq!(run("", "a.npy"), run(&format!("--spacing {spacing}"), "b.npy"), "{process}");
        assert_ne!(run("--spacing quadratic", "c.npy"), run("", "a.npy"));
    }
}

#[test]
fn lists_and_timesteps_bring_their_own_ends() {
    let room = Room::new();
    let line = "--field exact:m.json --n 4 --dtype f64";
    // A list says how many steps it makes, in the text or in a file.
    room.array("times.npy", &[4], vec![0.9, 0.6, 0.2, 0.01]);
    let run = |more: &str, out: &str| {
        let summary = room.sample(&format!("{line} --out {out} {more}"));
        (summary, room.bytes(out))
    };
    let text = run("--process vp --solver heun --spacing times:0.9/0.6/0.2/0.01", "a.npy");
    let file = run("--process vp --solver heun --spacing times:times.npy --steps 3", "b.npy");
    assert_eq!(text.1, file.1);
    assert_eq!((&text.0["t_start"], &text.0["steps"]), (&0.9.into(), &3.into()));
    // diffusers' DDIMScheduler with five inference steps.
    let ddim = "--process ddpm --solver ddim --spacing leading --nfe 5 --denoise-final";
    let leading = run(ddim, "c.npy");
    let same = "--process ddpm --solver ddim --denoise-final \
                --spacing times:0.801/0.601/0.401/0.201/0.001";
    assert_eq!(leading.1, run(same, "d.npy").1);
    assert_eq!((&leading.0["t_start"], &leading.0["t_end"]), (&0.801.into(), &0.001.into()));
    // Singlestep methods have the times that their steps leave out as inner nodes.
    let singlestep = "--process ddpm --solver dpm-solver-2s --spacing linspace";
    assert_eq!(run(&format!("{singlestep} --nfe 9"), "e.npy").0["nfe"], 9);
    for (more, words) in [
        ("--process vp --spacing leading --steps 5", ["no timesteps", "uniform"]),
        ("--process ddpm --spacing leading --steps 2000", ["needs timestep 2000", "fewer steps"]),
        ("--process vp --spacing times:0.9/0.5 --steps 3", ["make 1 step", "not 3"]),
        ("--process vp --spacing times:0.9/0.5/0.1 --t-end 0.2", ["own ends", "leave them out"]),
        ("--process vp --spacing times:0.9/0.5/0.7", ["strictly", "entry 2"]),
        ("--process vp --spacing times:1.9/0.5", ["not defined at t = 1.9", "nearest"]),
        ("--process ddpm:betas=none.npy --steps 3", ["betas", "none.npy"]),
        ("--process ddpm:timesteps=1 --steps 3", ["timesteps", "2 to"]),
        ("--process ddpm:beta_max=1 --steps 3", ["beta_max", "inside (0, 1)"]),
        ("--process ddpm:schedule=cosine,beta_max=0.1 --steps 3", ["no parameter", "beta_max"]),
    ] {
        room.run(&format!("sample {line} --solver heun {more}")).refused(&words);
    }
    room.array("betas.npy", &[3], vec![0.1, 0.5, 0.3]);
    let own = run("--process ddpm:betas=betas.npy --solver unipc-2 --steps 9", "f.npy").0;
    assert_eq!(own["t_end"], 1.0 / 3.0);
}

#[test]
fn thresholds_bound_the_predicted_data() {
    let room = Room::new();
    let run = |more: &str| {
        room.sample(&format!(
            "--process ddpm --field exact:m.json --solver dpm-solver++2m --steps 9 --n 50 --dtype f64 --denoise-final --out o.npy {more}"
        ));
        room.read::<f64>("o.npy").iter().fold(0.0f64, |most, x| most.max(x.abs()))
    };
    assert!(run("") > 0.5);
    assert_eq!(run("--threshold static:max=0.5"), 0.5);
    assert_eq!(run("--threshold dynamic:quantile=0.9,max=0.5"), 0.5);
    let line = "sample --process ddpm --field exact:m.json --solver ddim --steps 3 --n 3";
    room.run(&format!("{line} --threshold static:max=0")).refused(&["max=0", "positive"]);
    room.run(&format!("{line} --threshold clip")).refused(&["unknown threshold", "static"]);
}

#[test]
fn refused_times_come_with_the_nearest_usable_one() {
    let room = Room::new();
    for (process, more, nearest) in [
        ("rectified-flow", "--t-start 1 --spacing logsnr", "0.999"),
        ("brownian-bridge", "--t-start 1 --spacing karras", "0.999"),
        ("rectified-flow", "--t-end 0 --spacing exponential", "0.001"),
        ("vp", "--t-end 0 --spacing logsnr", "0.001"),
        ("edm", "--t-start inf", "80"),
        ("rectified-flow", "--t-start 1.5", "time is 1"),
        ("vp", "--t-start -0.5", "time is 0"),
        ("vp", "--t-end -0.5", "time is 0"),
        ("vp", "--t-start nan", "nearest usable time"),
    ] {
        let line = "sample --field exact:m.json --solver heun --steps 3 --n 3";
        room.run(&format!("{line} --process {process} {more}")).refused(&["nearest", nearest]);
    }
    let line = "sample --field exact:m.json --solver euler-maruyama --steps 3 --n 3 --t-start 1";
    room.run(&format!("{line} --process rectified-flow")).refused(&["nearest", "0.999"]);
    room.run(&format!("{line} --process rectified-flow --noise-level 0")).succeeded();
}

#[test]
fn generation_may_end_at_0_where_the_field_is_finite() {
    let room = Room::new();
    for (process, _, _) in SPANS {
        for solver in ["euler", "heun", "tsit5", "ancestral"] {
            let summary = room.sample(&format!(
                "--process {process} --field exact:m.json --solver {solver} --steps 9 --n 5 --t-end 0 --spacing uniform --out o.npy"
            ));
            assert_eq!(summary["t_end"], 0.0);
            assert!(room.read::<f32>("o.npy").iter().all(|x| x.is_finite()), "{process} {solver}");
        }
    }
    room.sample("--process rectified-flow --field cat-rectified-flow --solver heun --steps 3 --n 2 --t-end 0");
    // A network that predicts noise knows no score where there is none.
    for solver in ["euler", "heun"] {
        room.run(&format!(
            "sample --process vp --field cat-vp --solver {solver} --steps 3 --n 2 --t-end 0"
        ))
        .refused(&["t = 0", "nearest usable time is 0.001"]);
    }
    room.sample("--process vp --field cat-vp --solver ancestral --steps 3 --n 2 --t-end 0");
}

#[test]
fn encoding_and_decoding_return_the_data() {
    let room = Room::new();
    let data: Vec<f64> = (0..20).map(|i| (f64::from(i) * 0.7).sin()).collect();
    room.array("data.npy", &[10, 2], data);
    for (process, start, end) in SPANS {
        let line = format!(
            "--process {process} --field exact:m.json --solver dop853 --abstol 1e-9 --reltol 1e-9 --dtype f64"
        );
        let encoded = room.sample(&format!(
            "{line} --t-start {end} --t-end {start} --init data.npy --out noise.npy"
        ));
        assert_eq!((&encoded["t_start"], &encoded["t_end"]), (&end.into(), &start.into()));
        room.sample(&format!("{line} --init noise.npy --out back.npy"));
        let error = rms(&room.read("data.npy"), &room.read("back.npy"));
        assert!(error < 1e-5, "{process}: {error}");
        assert!(rms(&room.read("data.npy"), &room.read("noise.npy")) > 0.1);
    }
    // On a fixed grid, and in the data's units of a trained field.
    let line = "--process rectified-flow --field cat-rectified-flow --solver rk4 --steps 60";
    room.sample(&format!("{line} --n 10 --t-end 0 --out cat.npy"));
    room.sample(&format!("{line} --init cat.npy --t-start 0 --t-end 1 --out noise.npy"));
    room.sample(&format!("{line} --init noise.npy --t-start 1 --t-end 0 --out back.npy"));
    let error = rms(&room.read("cat.npy"), &room.read("back.npy"));
    assert!(error < 2e-2, "{error}");
}

#[test]
fn an_empty_span_is_its_initial_state() {
    let room = Room::new();
    room.array("data.npy", &[3, 2], vec![0.0, 1.0, -2.0, 0.5, 3.0, -0.25]);
    for (process, _, _) in SPANS {
        for solver in [
            "heun --steps 4",
            "ddim --nfe 4",
            "ancestral --steps 2",
            "tsit5 --abstol 1e-3 --reltol 1e-3",
        ] {
            for t in ["0.5", "0"] {
                let summary = room.sample(&format!(
                    "--process {process} --field exact:m.json --solver {solver} --t-start {t} --t-end {t} --init data.npy --out o.npy --trajectory t.npy --dtype f64"
                ));
                assert_eq!((&summary["nfe"], &summary["outcome"]), (&0.into(), &"success".into()));
                assert_eq!(room.read::<f64>("o.npy"), room.read::<f64>("data.npy"));
                assert_eq!(room.read::<f64>("t.npy").shape(), [1, 3, 2]);
            }
        }
    }
}

#[test]
fn clean_data_is_encoded_where_the_formula_is_finite() {
    let room = Room::new();
    room.array("data.npy", &[3, 2], vec![0.0, 1.0, -2.0, 0.5, 1.0, -0.25]);
    let line = "--field exact:m.json --steps 60 --spacing quadratic --dtype f64";
    for process in ["vp", "edm", "rectified-flow"] {
        for solver in ["ddim", "edm-heun", "lms"] {
            let run = |more: &str| {
                room.sample(&format!("--process {process} --solver {solver} {line} {more}"))
            };
            run("--t-start 0 --t-end 0.5 --init data.npy --out noise.npy");
            run("--t-start 0.5 --t-end 0 --init noise.npy --out back.npy");
            let error = rms(&room.read("data.npy"), &room.read("back.npy"));
            assert!(error < 0.1, "{process} {solver}: {error}");
        }
        room.run(&format!(
            "sample --process {process} --solver dpm-solver++2m {line} --t-start 0 --t-end 0.5 --init data.npy"
        ))
        .refused(&["no finite log-SNR at t = 0", "nearest"]);
    }
    // A network that predicts noise knows which way clean data goes.
    room.run("sample --process vp --field cat-vp --solver ddim --steps 9 --t-start 0 --t-end 0.5 --init data.npy")
        .succeeded();
}

#[test]
fn encoding_needs_a_state_and_no_noise() {
    let room = Room::new();
    room.array("data.npy", &[1, 2], vec![0.0, 1.0]);
    let line = "sample --process vp --field exact:m.json --steps 3 --t-start 1e-3 --t-end 1";
    room.run(&format!("{line} --solver heun --n 3")).refused(&["encoding needs an initial state"]);
    for solver in ["euler-maruyama", "ancestral"] {
        room.run(&format!("{line} --solver {solver} --init data.npy"))
            .refused(&["cannot encode", "ODE solver"]);
    }
}

#[test]
fn initial_states_are_used_as_they_are_in_the_type_asked_for() {
    let room = Room::new();
    let values: Vec<f32> = (0..12).map(|i| 80.0 * (i as f32 / 5.0 - 1.0)).collect();
    room.array::<f32>("single.npy", &[6, 2], values.clone());
    room.array::<f64>("double.npy", &[6, 2], values.iter().map(|&x| f64::from(x)).collect());
    let run = |init: &str, dtype: &str, out: &str| {
        let summary = room.sample(&format!(
            "--process edm --field exact:m.json --solver heun --steps 5 {dtype} --init {init} --out {out}"
        ));
        assert_eq!(summary["shape"], serde_json::json!([6, 2]));
        room.bytes(out)
    };
    let single = run("single.npy", "", "a.npy");
    assert!(String::from_utf8_lossy(&single).contains("<f4"));
    assert_eq!(single, run("double.npy", "--dtype f32", "b.npy"));
    let double = run("single.npy", "--dtype f64", "c.npy");
    assert!(String::from_utf8_lossy(&double).contains("<f8"));
    assert_eq!(double, run("double.npy", "--dtype f64", "d.npy"));
    let error = rms(&room.read("a.npy"), &room.read("c.npy"));
    assert!(error > 0.0 && error < 1e-4, "{error}");
    // Never scaled: the first row of the trajectory is the file.
    room.sample("--process edm --field exact:m.json --solver heun --steps 2 --init single.npy --trajectory t.npy");
    let first = room.read::<f32>("t.npy").index_axis(ndarray::Axis(0), 0).to_owned();
    assert_eq!(first, room.read::<f32>("single.npy"));
    let line =
        "sample --process edm --field exact:m.json --solver heun --steps 2 --init single.npy";
    room.run(&format!("{line} --dtype f16")).refused(&["f16", "f32", "f64"]);
}

#[test]
fn images_keep_their_shape() {
    let room = Room::new();
    room.array::<f32>("image.npy", &[3, 1, 2, 1], vec![0.5; 6]);
    room.sample("--process vp --field exact:m.json --solver heun --steps 2 --init image.npy --out o.npy --trajectory t.npy");
    assert_eq!(room.read::<f32>("o.npy").shape(), [3, 1, 2, 1]);
    assert_eq!(room.read::<f32>("t.npy").shape(), [3, 3, 1, 2, 1]);
}

/// Zero terminal SNR: methods whose step is finite there start at pure noise, others are told where.
#[test]
fn zero_terminal_snr_is_started_from() {
    let room = Room::new();
    let run = |more: &str| {
        let line = "sample --process ddpm:zero_terminal_snr=true --field exact:m.json --n 4 --json";
        room.run(&format!("{line} {more}"))
    };
    for (more, start) in [
        ("--solver heun --steps 5", 1.0),
        ("--solver ancestral --steps 5", 1.0),
        ("--solver ddim --steps 5", 1.0),
        ("--solver lms --steps 5", 0.999),
        ("--solver pc:predictor=ddim --steps 5", 1.0),
        ("--solver ddim --spacing logsnr --steps 5", 0.999),
        ("--solver ddim --steps 5 --t-start 1", 1.0),
        ("--solver ddim --spacing trailing --steps 5 --denoise-final", 1.0),
        ("--solver dpm-solver++2m --spacing trailing --nfe 5 --denoise-final", 1.0),
        ("--solver euler-maruyama --steps 5", 0.999),
    ] {
        let summary = run(more).succeeded().json();
        assert_eq!(summary["t_start"], start, "{more}");
        assert_eq!(summary["outcome"], "success", "{more}");
    }
    run("--solver lms --steps 5 --t-start 1").refused(&["log-SNR", "0.999"]);
    run("--solver lms --spacing trailing --steps 5").refused(&["log-SNR", "0.999"]);
    let line = "sample --field exact:m.json --n 4 --solver ddim --steps 5 --process";
    room.run(&format!("{line} ddpm:zero_terminal_snr=1")).refused(&["zero_terminal_snr", "true"]);
}
