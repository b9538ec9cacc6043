//! `solvers` and `metrics`.

use driftfield::metrics::MetricReport;
use ndarray::Ix2;
use serde_json::Value;

use crate::support::Room;

#[test]
fn every_solver_is_described() {
    let room = Room::new();
    let listed = room.run("solvers --json").succeeded().json();
    let listed = listed.as_array().unwrap();
    let table = room.run("solvers").succeeded().stdout;
    assert!(listed.len() >= 11);
    for entry in listed {
        let keys = ["name", "kind", "order", "strong_order", "evaluations_per_step", "adaptive"];
        for key in keys {
            assert!(entry.get(key).is_some(), "{key}: {entry}");
        }
        let name = entry["name"].as_str().unwrap();
        assert!(table.contains(name), "{name}");
        assert!(entry["order"].as_u64().unwrap() >= 1);
        assert!(entry["evaluations_per_step"].as_u64().unwrap() >= 1);
        assert!(entry["adaptive"].is_boolean());
        assert!(entry["strong_order"].is_null() || entry["strong_order"].is_number());
        // Every listed solver can be asked for.
        room.sample(&format!("--process vp --field exact:m.json --solver {name} --steps 2 --n 2"));
    }
}

#[test]
fn the_table_of_solvers_fits_a_terminal() {
    let room = Room::new();
    for columns in [None, Some("80"), Some("200"), Some("nonsense")] {
        let mut command = room.command(["solvers"]);
        match columns {
            Some(columns) => command.env("COLUMNS", columns),
            None => command.env_remove("COLUMNS"),
        };
        let output = command.output().unwrap();
        let table = String::from_utf8(output.stdout).unwrap();
        for line in table.lines() {
            assert!(line.chars().count() <= 80, "{columns:?}: {line}");
        }
    }
}

#[test]
fn stochastic_solvers_say_which_noise_they_take() {
    let listed = Room::new().run("solvers --json").succeeded().json();
    let of = |name: &str| {
        let mut listed = listed.as_array().unwrap().iter();
        listed.find(|entry| entry["name"] == name).unwrap().clone()
    };
    let applies_to = |name: &str| of(name)["applies_to"].as_str().unwrap().to_owned();
    assert!(applies_to("sra1").starts_with("any Ito or Stratonovich SDE with additive noise;"));
    assert!(applies_to("sriw1").starts_with("any Ito SDE with additive, scalar or diagonal noise"));
    assert!(applies_to("reverse-diffusion").starts_with("the reverse SDE"));
    let euler_maruyama = &of("euler-maruyama")["orders_by_noise"];
    let strong = |noise: &str| {
        let mut orders = euler_maruyama.as_array().unwrap().iter();
        orders.find(|orders| orders["noise"] == noise).unwrap()["strong_order"].as_f64()
    };
    assert_eq!((strong("additive"), strong("diagonal")), (Some(1.0), Some(0.5)));
    assert_eq!(of("tsit5")["orders_by_noise"].as_array().unwrap().len(), 0);
}

#[test]
fn metrics_are_those_of_the_library() {
    let room = Room::new();
    let values = |n: usize, shift: f64| -> Vec<f64> {
        (0..2 * n).map(|i| (i as f64 * 0.37).sin() + shift).collect()
    };
    room.array("a.npy", &[40, 2], values(40, 0.0));
    room.array("b.npy", &[30, 2], values(30, 0.2));
    let printed = room.run("metrics a.npy b.npy --json").succeeded().json();
    let read = |name: &str| room.read::<f64>(name).into_dimensionality::<Ix2>().unwrap();
    let report = MetricReport::new(&read("a.npy").view(), &read("b.npy").view()).unwrap();
    assert_eq!(printed, serde_json::to_value(&report).unwrap());
    for key in [
        "chamfer",
        "chamfer_squared",
        "mmd2_unbiased",
        "mmd2_biased",
        "bandwidths",
        "sliced_wasserstein",
    ] {
        assert!(!printed[key].is_null(), "{key}");
    }
    assert_eq!(printed["chamfer"], report.chamfer);
    let text = room.run("metrics a.npy b.npy").succeeded().stdout;
    assert!(text.contains(&format!("{:.6e}", report.chamfer)), "{text}");
}

/// Distances that cannot be negative are not printed so: of a sample to itself, whose sums over
/// pairs are rounded in different orders.
#[test]
fn what_cannot_be_negative_is_not() {
    let room = Room::new();
    for (n, d) in [(1, 2), (3, 1), (40, 2), (333, 3), (1000, 7), (5, 40)] {
        let values = (0..n * d).map(|i| (i as f64 * 0.7391).sin() * 3.0 + 1.0).collect();
        room.array::<f64>("a.npy", &[n, d], values);
        let found = room.run("metrics a.npy a.npy --json").succeeded().json();
        for key in ["energy_distance", "chamfer", "chamfer_squared", "sliced_wasserstein"] {
            let value = found[key].as_f64().unwrap();
            assert!((0.0..1e-12).contains(&value), "{key}: {value:e}");
        }
        for value in found["mmd2_biased"].as_array().unwrap() {
            let value = value.as_f64().unwrap();
            assert!((0.0..1e-12).contains(&value), "{value:e}");
        }
        let text = room.run("metrics a.npy a.npy").succeeded().stdout;
        let energy = text.lines().find(|line| line.starts_with("energy")).unwrap();
        assert!(!energy.contains(" -"), "{energy}");
    }
}

#[test]
fn metrics_take_lanes_of_any_shape_and_either_width() {
    let room = Room::new();
    room.array::<f32>("flat.npy", &[3, 4], (0..12).map(|i| i as f32).collect());
    room.array::<f64>("image.npy", &[3, 1, 2, 2], (0..12).map(f64::from).collect());
    let same = room.run("metrics flat.npy image.npy --json").succeeded().json();
    assert_eq!(same["chamfer"], 0.0);
}

#[test]
fn samples_that_cannot_be_compared_are_refused() {
    let room = Room::new();
    room.array::<f64>("two.npy", &[3, 2], vec![0.5; 6]);
    room.array::<f64>("three.npy", &[2, 3], vec![0.5; 6]);
    room.array::<f64>("nan.npy", &[3, 2], vec![0.5, 0.5, f64::NAN, 0.5, 0.5, 0.5]);
    for line in ["metrics two.npy three.npy", "metrics two.npy three.npy --json"] {
        room.run(line).refused(&["2 coordinates", "3"]);
    }
    room.run("metrics two.npy nan.npy").refused(&["NaN", "row 1"]);
    room.run("metrics two.npy none.npy").refused(&["none.npy"]);
    room.run("metrics two.npy").refused(&["B"]);
}

#[test]
fn every_kind_is_listed_with_its_parameters() {
    let room = Room::new();
    for kind in [
        "solvers",
        "processes",
        "spacings",
        "data",
        "measurements",
        "techniques",
        "thresholds",
        "networks",
        "weights",
        "predictions",
        "time-samplings",
        "schedules",
        "metrics",
        "fields",
        "studies",
        "drawings",
        "titles",
        "columns",
        "formats",
    ] {
        let text = room.run(&format!("list {kind}")).succeeded().stdout;
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let listed = room.run(&format!("list {kind} --json")).succeeded().json();
        for entry in listed.as_array().unwrap() {
            assert!(text.contains(entry["name"].as_str().unwrap()), "{entry}");
            assert!(!entry["summary"].as_str().unwrap().is_empty(), "{entry}");
            for parameter in entry["parameters"].as_array().unwrap() {
                let of = |key: &str| parameter[key].as_str();
                let default = of("default").unwrap_or_default();
                assert!(text.contains(&format!("{}={default}", of("key").unwrap())), "{entry}");
                assert!(of("values").is_some() && of("about").is_some(), "{entry}");
            }
        }
    }
    let solvers = room.run("solvers --json").succeeded().json();
    assert_eq!(solvers, room.run("list solvers --json").succeeded().json());
    room.run("list things").refused(&["solvers", "processes"]);
}

/// What is listed is what the options take, and what they say of a name that is none.
#[test]
fn what_is_listed_is_what_options_take() {
    let room = Room::new();
    let names = |kind: &str| -> Vec<String> {
        let listed = room.run(&format!("list {kind} --json")).succeeded().json();
        let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
        listed.as_array().unwrap().iter().map(name).collect()
    };
    let study = "study --field exact:m.json --process vp --solver heun --steps 3 --n 9 --seed 0";
    for name in names("studies") {
        room.run(&format!("study {name} --print")).succeeded();
    }
    room.run(&format!("{study} --draw {} --print", names("drawings").join(","))).succeeded();
    for name in names("titles") {
        let printed = room.run(&format!("{study} --titles {name} --print")).succeeded().stdout;
        assert!(printed.contains(&format!("titles = \"{name}\"")), "{printed}");
    }
    room.run(&format!("{study} --out out")).succeeded();
    for name in names("formats") {
        room.run(&format!("table out/study.json --format {name}")).succeeded();
    }
    let columns = names("columns").join(",").replace("METRIC", "chamfer");
    room.run(&format!("table out/study.json --columns {columns}")).succeeded();
    for (line, kind) in [
        ("study no-study --print", "studies"),
        ("study --draw no-kind --print", "drawings"),
        ("study --titles no-kind --print", "titles"),
        ("table out/study.json --format no-form", "formats"),
        ("table out/study.json --columns no-column", "columns"),
        (
            "sample --process vp --solver heun --steps 2 --n 3 --out o.npy --field no-field",
            "fields",
        ),
    ] {
        let known = names(kind);
        let known = known.iter().map(String::as_str).filter(|name| !name.starts_with("METRIC"));
        room.run(line).refused(&known.collect::<Vec<_>>());
    }
}

/// Samples of one size have an exact Wasserstein distance, which takes its time; a single point
/// has no spread.
#[test]
fn every_metric_is_printed_the_slow_ones_if_asked_for() {
    let room = Room::new();
    let values = |shift: f64| (0..40).map(|i| (f64::from(i) * 0.37).sin() + shift).collect();
    room.array::<f64>("a.npy", &[20, 2], values(0.0));
    room.array::<f64>("b.npy", &[20, 2], values(0.2));
    let usual = room.run("metrics a.npy b.npy").succeeded().stdout;
    let all = room.run("metrics a.npy b.npy --all").succeeded().stdout;
    for name in ["hausdorff", "frechet", "kernel_distance"] {
        assert!(usual.contains(name) && all.contains(name), "{name}: {usual}");
    }
    assert!(!usual.contains("wasserstein_2") && all.contains("wasserstein_2"), "{all}");
    room.array::<f64>("one.npy", &[1, 2], vec![0.5; 2]);
    let alone = room.run("metrics one.npy one.npy --json").succeeded().json();
    assert!(alone["frechet"].is_null() && alone["hausdorff"] == 0.0, "{alone}");
    let alone = room.run("metrics one.npy one.npy").succeeded().stdout;
    let frechet = alone.lines().find(|line| line.starts_with("frechet")).unwrap();
    assert!(frechet.contains("- ("), "{frechet}");
}
