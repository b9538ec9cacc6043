//! What `sample` says of a run that did as it was asked: samples far from the data, initial states
//! of another size than the noise, whose noise a given state takes.

use driftfield::problems::exact::{GaussianMixture, MixturePredictor};
use driftfield::problems::predictor::{Predictor, Target};
use driftfield::problems::process;
use driftfield::solvers::noise::fill_initial_normals;
use ndarray::{Array2, Ix2};

use crate::support::{MIXTURE, Room, rms};

const FAR: &str = "the samples are those at t = ";

#[test]
fn samples_far_from_the_data_are_said_to_be() {
    let room = Room::new();
    let line = "--field exact:m.json --solver ddim --n 4";
    for (more, t) in [
        ("--process ddpm --spacing trailing --steps 1", "0.5,"),
        ("--process ddpm --spacing trailing --steps 4", "0.2,"),
        ("--process vp --spacing times:0.9/0.5", "0.5,"),
        ("--process rectified-flow --steps 5 --t-end 0.3", "0.3,"),
        ("--process edm --steps 5 --t-end 2", "2,"),
        ("--process ve --nfe 5 --t-end 0.5", "0.5,"),
    ] {
        let summary = room.run(&format!("sample --json {line} {more}")).noted(&[FAR, t]).json();
        assert_eq!(summary["outcome"], "success");
        let note = summary["notes"][0].as_str().unwrap();
        assert!(note.contains(FAR) && note.contains("--denoise-final"), "{note}");
        room.run(&format!("sample {line} {more}")).noted(&[FAR, t]);
        // With the denoising it is data.
        room.run(&format!("sample {line} {more} --denoise-final")).succeeded();
    }
    // Encoding leads to noise, and a little noise is not seen.
    room.array("data.npy", &[2, 2], vec![-1.0, 0.1, 0.9, 0.6]);
    room.sample("--process vp --field exact:m.json --solver heun --steps 9 --init data.npy --t-start 0.001 --t-end 0.9");
    room.sample(&format!("{line} --process edm --steps 9 --t-end 0.01"));
    assert!(room.run("sample --help").stdout.contains("trailing ends far above the data"));
}

/// The `n` trailing timesteps of the diffusers library, the last evaluation being the denoising.
#[test]
fn trailing_timesteps_with_the_denoising_are_those_of_diffusers() {
    let room = Room::new();
    let run = |more: &str, out: &str| {
        room.sample(&format!(
            "--process ddpm --field exact:m.json --solver ddim --n 5 --seed 2 --dtype f64 --denoise-final {more} --out {out}"
        ))
    };
    // timesteps = round(arange(1000, 0, -1000 / n)) - 1: [999, 749, 499, 249], [999, 666, 332].
    for (n, times) in [(4, "1/0.75/0.5/0.25"), (3, "1/0.667/0.333"), (2, "1/0.5")] {
        let trailing = run(&format!("--spacing trailing --nfe {n}"), "a.npy");
        run(&format!("--spacing times:{times}"), "b.npy");
        assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"), "{n}");
        assert_eq!((&trailing["nfe"], &trailing["steps"]), (&n.into(), &(n - 1).into()));
    }
    // One: the predicted data at timestep 999, whatever the spacing makes of no step.
    for spacing in ["leading", "linspace", "uniform", "trailing"] {
        let one = run(&format!("--spacing {spacing} --nfe 1"), "a.npy");
        assert_eq!((&one["nfe"], &one["steps"]), (&1.into(), &0.into()), "{spacing}");
        assert_eq!((&one["t_start"], &one["t_end"]), (&1.0.into(), &1.0.into()), "{spacing}");
    }
    let path = process::parse("ddpm").unwrap();
    let mut noise = Array2::<f64>::zeros((5, 2));
    fill_initial_normals(&mut noise, path.sigma(1.0), 2, 0).unwrap();
    let mut data = noise.clone();
    let exact = MixturePredictor::new(MIXTURE.parse::<GaussianMixture>().unwrap(), path);
    exact.predict(Target::DATA.into(), &mut data, &noise, 1.0.into()).unwrap();
    assert_eq!(room.read::<f64>("a.npy").into_dimensionality::<Ix2>().unwrap(), data);
}

#[test]
fn initial_states_are_in_the_units_asked_for() {
    let room = Room::new();
    let line = "--process rectified-flow --field cat-rectified-flow --solver heun --steps 4";
    room.sample(&format!("{line} --n 50 --seed 3 --out drawn.npy --trajectory path.npy"));
    // Noise as the process draws it.
    let mut noise = Array2::<f32>::zeros((50, 2));
    fill_initial_normals(&mut noise, 1.0, 3, 0).unwrap();
    room.array("noise.npy", &[50, 2], noise.iter().copied().collect());
    room.sample(&format!("{line} --init noise.npy --init-units process --out given.npy"));
    assert_eq!(room.bytes("drawn.npy"), room.bytes("given.npy"));
    // The trajectory starts with it in the units of the data, in which it is read by default.
    let first = room.read::<f32>("path.npy").index_axis(ndarray::Axis(0), 0).to_owned();
    room.array("first.npy", &[50, 2], first.iter().copied().collect());
    for units in ["", "--init-units data"] {
        room.sample(&format!("{line} --init first.npy {units} --out again.npy"));
        assert!(rms(&room.read("drawn.npy"), &room.read("again.npy")) < 1e-5);
    }
    // A mixture has one kind of units.
    let exact = "--process vp --field exact:m.json --solver heun --steps 4 --init noise.npy";
    room.sample(&format!("{exact} --out a.npy"));
    room.sample(&format!("{exact} --init-units process --out b.npy"));
    assert_eq!(room.bytes("a.npy"), room.bytes("b.npy"));
    room.run("sample --process vp --field exact:m.json --solver heun --steps 4 --n 2 --init-units process")
        .refused(&["--init"]);
    let help = room.run("sample --help").succeeded().stdout;
    for words in ["Units of --init", "in the units of the data", "noise of lane i"] {
        assert!(help.contains(words), "{words}: {help}");
    }
}

#[test]
fn initial_states_of_another_size_and_the_noise_they_take_are_noted() {
    let room = Room::new();
    let mut noise = Array2::<f64>::zeros((100, 2));
    fill_initial_normals(&mut noise, 1.0, 3, 0).unwrap();
    room.array("noise.npy", &[100, 2], noise.iter().copied().collect());
    let run = |more: &str| {
        room.run(&format!("sample --json --field exact:m.json --steps 4 --init noise.npy {more}"))
    };
    for process in ["vp", "sub-vp", "rectified-flow", "ddpm", "mean-reverting"] {
        run(&format!("--process {process} --solver heun")).succeeded();
    }
    // Noise of size 1 where that of the process is 80, or 50.
    for process in ["edm", "ve"] {
        let ran = run(&format!("--process {process} --solver heun"));
        let ran = ran.noted(&["the initial state is of size ", "at least", "never scaled"]);
        assert_eq!(ran.json()["notes"].as_array().unwrap().len(), 1);
    }
    for solver in ["euler-maruyama", "ancestral", "ddim:eta=1"] {
        run(&format!("--process vp --solver {solver}")).noted(&["the noise of lane i"]);
    }
}
