//! `study`.

use driftfield::study::StudyFile;
use serde_json::Value;

use crate::support::Room;

const MEANS: [&str; 4] = ["solver_error", "chamfer", "mmd2", "sliced_wasserstein"];

fn rows(study: &Value) -> &Vec<Value> {
    study["rows"].as_array().unwrap()
}

fn check_row(row: &Value) {
    for key in ["process", "field", "solver", "steps", "nfe", "accepted", "rejected", "seconds"] {
        assert!(row.get(key).is_some(), "{key}: {row}");
    }
    for key in MEANS.into_iter().chain(["seconds"]) {
        let spread = row.get(format!("{key}_std")).unwrap();
        // One seed has no spread.
        let spreads = row[key].is_number() && row["seeds"].as_u64().unwrap() > 1;
        assert_eq!(spread.is_number(), spreads, "{key}: {row}");
        assert!(spreads || spread.is_null(), "{key}: {row}");
    }
    let tolerances = ["abstol", "reltol"].map(|key| row[key].is_number());
    assert_eq!(tolerances, [row["steps"].is_null(); 2], "{row}");
    let stochastic = ["euler-maruyama", "ancestral"].contains(&row["solver"].as_str().unwrap());
    assert_eq!(row["solver_error"].is_null(), stochastic, "{row}");
}

#[test]
fn a_quick_study_writes_tables_pictures_and_a_report() {
    let room = Room::new();
    let ran = room.run("study --quick --process vp --out report").succeeded();
    for part in ["solver error", "Chamfer", "model floor", "sampling floor", "vp, exact field"] {
        assert!(ran.stdout.contains(part), "no {part}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("vp, trained field"));
    let study: Value = serde_json::from_slice(&room.bytes("report/study.json")).unwrap();
    rows(&study).iter().for_each(check_row);
    let fields: Vec<&Value> = rows(&study).iter().map(|row| &row["field"]).collect();
    assert!(fields.contains(&&"exact".into()) && fields.contains(&&"trained".into()));
    assert!(rows(&study).iter().any(|row| row["steps"].is_null()));

    let csv = String::from_utf8(room.bytes("report/study.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), rows(&study).len() + 1);
    for key in MEANS {
        assert!(lines[0].contains(&format!("{key},{key}_std")), "{}", lines[0]);
    }
    for name in [
        "samples-exact",
        "samples-trained",
        "trajectories-vp-exact",
        "chamfer-nfe-vp-exact",
        "solver-error-time-vp-trained",
    ] {
        assert!(room.bytes(&format!("report/{name}.png")).starts_with(b"\x89PNG"), "{name}");
        let svg = String::from_utf8(room.bytes(&format!("report/{name}.svg"))).unwrap();
        assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
    }
    let html = String::from_utf8(room.bytes("report/report.html")).unwrap();
    assert!(html.contains("data:image/png;base64,"));
    for outside in ["src=\"http", "href=\"http", "src='http", "<script src", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
    // Both cases side by side stand open, and their rows lead to pictures that are there.
    assert!(html.contains("<figure id=\"overview-chamfer-nfe\">"));
    assert!(html.contains("<a href=\"#solver-error-nfe-vp-exact\">"));
    for link in html.split("href=\"#").skip(1) {
        let name = link.split('"').next().unwrap();
        assert!(html.contains(&format!("<figure id=\"{name}\">")), "{name}");
    }
}

#[test]
fn json_is_all_that_is_printed_and_nothing_is_written() {
    let room = Room::new();
    let study = room
        .run("study --quick --json --field exact --process vp --process rectified-flow --solver rk4 --solver euler-maruyama --solver ancestral")
        .succeeded()
        .json();
    rows(&study).iter().for_each(check_row);
    for process in ["vp", "rectified-flow"] {
        for solver in ["rk4", "euler-maruyama", "ancestral"] {
            let wanted = |row: &&Value| row["process"] == process && row["solver"] == solver;
            assert_eq!(rows(&study).iter().filter(wanted).count(), 1, "{process} {solver}");
        }
    }
    assert!(rows(&study).iter().all(|row| row["field"] == "exact" && row["steps"] == 10));
    assert_eq!(std::fs::read_dir(room.path("")).unwrap().count(), 1);
}

#[test]
fn the_trained_field_alone() {
    let room = Room::new();
    let line = "study --quick --json --field trained --solver heun --process brownian-bridge";
    let study = room.run(line).succeeded().json();
    assert_eq!(rows(&study).len(), 1);
    check_row(&rows(&study)[0]);
    assert_eq!(rows(&study)[0]["field"], "trained");
    assert_eq!(rows(&study)[0]["nfe"], 20.0);
}

#[test]
fn solver_error_falls_with_the_budget() {
    let room = Room::new();
    let study = room
        .run("study --json --process rectified-flow --field exact:m.json --solver rk4")
        .succeeded()
        .json();
    rows(&study).iter().for_each(check_row);
    let fixed: Vec<(u64, f64)> = rows(&study)
        .iter()
        .filter_map(|row| Some((row["steps"].as_u64()?, row["solver_error"].as_f64()?)))
        .collect();
    assert!(fixed.len() >= 4);
    for pair in fixed.windows(2) {
        assert!(pair[1].0 > pair[0].0 && pair[1].1 < pair[0].1, "{fixed:?}");
    }
    // Fourth order, or nearly: the last halvings gain at least a factor of 6.
    let (first, last) = (fixed[0], fixed[fixed.len() - 1]);
    let order = (first.1 / last.1).ln() / (last.0 as f64 / first.0 as f64).ln();
    assert!(order > 2.6, "{order}: {fixed:?}");
    assert!(rows(&study).iter().all(|row| row["chamfer_std"].as_f64().unwrap() > 0.0));
}

#[test]
fn numbers_that_do_not_exist_are_null() {
    let room = Room::new();
    // Samples of a stochastic solver have no true solution to be compared with.
    room.array::<f64>("point.npy", &[1, 2], vec![0.5, -0.5]);
    let line =
        "study --quick --json --process vp --solver euler-maruyama --field empirical:point.npy:0.1";
    let study = room.run(line).succeeded().json();
    for row in rows(&study) {
        assert!(row["solver_error"].is_null() && row["solver_error_std"].is_null(), "{row}");
        assert!(row["chamfer"].is_number());
        check_row(row);
    }
}

/// A metric that is asked for by name is a column, a key, a floor, a picture and in the report.
#[test]
fn metrics_asked_for_are_measured() {
    let room = Room::new();
    let line =
        "study --quick --process vp --field exact:m.json --solver heun --lanes 200 --out out";
    let line = format!("{line} --metric hausdorff,energy_distance,chamfer");
    let ran = room.run(&line).succeeded();
    let study: Value = serde_json::from_slice(&room.bytes("out/study.json")).unwrap();
    let csv = String::from_utf8(room.bytes("out/study.csv")).unwrap();
    let html = String::from_utf8(room.bytes("out/report.html")).unwrap();
    for metric in ["hausdorff", "energy_distance"] {
        assert!(rows(&study)[0][metric].is_number(), "{study}");
        for floor in ["model", "sampling"] {
            assert!(study["floors"][0][format!("{floor}_{metric}")].is_number(), "{study}");
        }
        assert!(study["legend"][metric].is_string());
        assert!(csv.lines().next().unwrap().contains(&format!("{metric},{metric}_std")), "{csv}");
        assert!(ran.stdout.contains(metric) && html.contains(metric));
        let file = metric.replace('_', "-");
        assert!(room.has(&format!("out/{file}-nfe-vp-exact.svg")));
        assert!(html.contains(&format!("{metric} against NFE")));
    }
    // Named again, it is there once.
    assert_eq!(csv.lines().next().unwrap().matches("chamfer,").count(), 1, "{csv}");
    room.run("study --quick --metric hausdorf").refused(&["hausdorff"]);
    let twice = "study --quick --process vp --process vp --field exact:m.json --solver heun";
    room.run(twice).refused(&["two cases are called `vp, exact field`"]);
}

#[test]
fn fields_of_any_dimension_and_processes_that_differ_by_a_parameter() {
    let room = Room::new();
    room.write("line.json", r#"{"weights": [1], "means": [[1.0]], "stds": [0.3]}"#);
    room.run("study --quick --process vp --solver heun --field exact:line.json --out line")
        .succeeded();
    assert!(room.has("line/report.html") && !room.has("line/samples-exact.png"));
    room.run("study --quick --process vp --process vp:beta_max=15 --solver heun --field exact:m.json --out two")
        .succeeded();
    assert!(room.has("two/chamfer-nfe-vp-exact.png"));
    assert!(room.has("two/chamfer-nfe-vp-beta-max-15-exact.png"));
}

/// The data of a network is found where it was, beside the weights, or where --data says.
/// A shipped file is a study by itself, of what its title says.
#[test]
fn every_shipped_study_names_its_fields_whatever_is_asked_otherwise() {
    let room = Room::new();
    let folder = format!("{}/studies", env!("CARGO_MANIFEST_DIR"));
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        files += 1;
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let fields: &[&str] = match name.split('-').next().unwrap() {
            "cat" => &["exact", "trained"],
            "digits" => {
                &["weights/mnist-rectified-flow.safetensors", "weights/mnist-vp.safetensors"]
            }
            "solvers" => &["exact:studies/three-gaussians.json"],
            other => panic!("{other}: no study that is known"),
        };
        for more in ["", " --solver heun --nfe 10"] {
            let ran = room.run(&format!("study {} --print{more}", path.display())).succeeded();
            let file = StudyFile::parse(&ran.stdout).unwrap();
            for group in file.groups() {
                assert_eq!(group.field.unwrap(), fields, "{name}{more}");
                assert!(group.process.is_some(), "{name}{more}");
            }
        }
    }
    assert_eq!(files, 7);
}

#[test]
fn a_network_of_one_s_own_can_be_studied_from_anywhere() {
    let room = Room::new();
    std::fs::create_dir_all(room.path("here/data")).unwrap();
    let ring = |i: usize| [(i as f64).sin(), (i as f64).cos()];
    room.array::<f64>("here/data/rings.npy", &[50, 2], (0..50).flat_map(ring).collect());
    let line = "train --process vp --data data/rings.npy --out w.safetensors --steps 5";
    let mut command = room.command(line.split(' '));
    assert!(command.current_dir(room.path("here")).output().unwrap().status.success());
    let study = "study --quick --json --solver heun --lanes 20";
    let rows_of = |line: String| {
        let study = room.run(&line).succeeded().json();
        assert_eq!(rows(&study).len(), 1, "{line}");
        rows(&study)[0]["chamfer"].as_f64().unwrap()
    };
    // Beside the weights, under the name of the training.
    let beside = rows_of(format!("{study} --field here/w.safetensors"));
    // Moved, with the data or without.
    std::fs::create_dir(room.path("moved")).unwrap();
    std::fs::rename(room.path("here/w.safetensors"), room.path("moved/w.safetensors")).unwrap();
    let ran = room.run(&format!("{study} --field moved/w.safetensors"));
    ran.refused(&["moved/w.safetensors", "`data/rings.npy`", "moved/data/rings.npy", "--data"]);
    let given = format!("{study} --field moved/w.safetensors --data here/data/rings.npy");
    assert_eq!(rows_of(given), beside);
    std::fs::copy(room.path("here/data/rings.npy"), room.path("moved/rings.npy")).unwrap();
    assert_eq!(rows_of(format!("{study} --field moved/w.safetensors")), beside);
    room.write("moved/rings.npy", "no array");
    let ran = room.run(&format!("{study} --field moved/w.safetensors"));
    ran.refused(&["rings.npy", "the network of `moved/w.safetensors`", "not an .npy file"]);
    // Other data is compared with as asked, of as many components.
    assert_ne!(rows_of(format!("{study} --field moved/w.safetensors --data moons")), beside);
    room.array::<f64>("wide.npy", &[3, 3], vec![0.5; 9]);
    let ran = room.run(&format!("{study} --field moved/w.safetensors --data wide.npy"));
    ran.refused(&["3 component", "2"]);
    room.run(&format!("{study} --data moons")).refused(&["--field"]);
    room.run(&format!("{study} --field moved/w.safetensors --data mons")).refused(&["moons"]);
}

#[test]
fn a_folder_holds_the_pictures_of_its_last_study_and_what_is_the_users() {
    let room = Room::new();
    let line = "study --quick --field exact:m.json --solver heun --out out --lanes 100";
    room.run(&format!("{line} --process vp --process edm")).succeeded();
    let pictures = ["chamfer-nfe-edm-exact", "trajectories-edm-exact", "forward-edm-diffusion"];
    let there = |names: &[&str]| {
        let files = |name: &&str| room.has(&format!("out/{name}.png"));
        names.iter().all(files)
    };
    assert!(there(&pictures) && there(&["chamfer-nfe-vp-exact", "samples-exact"]));
    // The user's own: a picture changed, one of another name, and no picture at all.
    room.write("out/trajectories-edm-exact.png", "retouched");
    room.write("out/mine-edm-exact.png", "mine");
    room.write("out/notes.txt", "mine");
    // What a killed study left of a picture that the next one does not make.
    room.write("out/.driftfield-frechet-nfe-x.png-a1B2c3.part", "half");
    // A refused study changes nothing.
    room.run(&format!("{line} --process nothing")).refused(&["nothing"]);
    assert!(there(&pictures));

    room.run(&format!("{line} --process vp")).succeeded();
    assert!(there(&["chamfer-nfe-vp-exact", "samples-exact", "trajectories-vp-exact"]));
    for name in ["chamfer-nfe-edm-exact", "solver-error-time-edm-exact", "forward-edm-diffusion"] {
        for extension in ["png", "svg"] {
            assert!(!room.has(&format!("out/{name}.{extension}")), "{name}");
        }
    }
    assert!(!room.has("out/trajectories-edm-exact.svg"));
    assert_eq!(room.bytes("out/trajectories-edm-exact.png"), b"retouched");
    assert_eq!(room.bytes("out/mine-edm-exact.png"), b"mine");
    assert!(room.has("out/notes.txt") && room.parts("out").is_empty());
    let study: Value = serde_json::from_slice(&room.bytes("out/study.json")).unwrap();
    let listed = study["pictures"].as_object().unwrap();
    assert!(listed.contains_key("samples-exact.svg") && study["complete"] == true);
    assert!(listed.keys().all(|name| room.has(&format!("out/{name}")) && !name.contains("edm")));
}

/// All but the times of a study.
fn untimed(mut study: Value) -> Value {
    for row in study["rows"].as_array_mut().unwrap() {
        row["seconds"] = Value::Null;
        row["seconds_std"] = Value::Null;
        row["seconds_seeds"] = Value::Null;
    }
    for row in study["rows"].as_array_mut().unwrap() {
        row["session"] = Value::Null;
    }
    study["origin"] = Value::Null;
    study["sessions"] = Value::Null;
    study
}

#[test]
fn jobs_change_the_times_alone() {
    let room = Room::new();
    let with = |jobs: &str| {
        let line = format!("study --quick --json --process vp --process rectified-flow {jobs}");
        untimed(room.run(&line).succeeded().json())
    };
    let one = with("");
    assert_eq!(one, with("--jobs 2"));
    assert_eq!(one, with("--jobs 3"));
    room.run("study --quick --jobs 0").refused(&["--jobs"]);
}

/// Times are the median and the spread of all; the numbers are those of one solve.
#[test]
fn solves_are_timed_more_than_once() {
    let room = Room::new();
    let line = "study --field exact:m.json --process vp --solver heun --solver euler-maruyama --steps 4 \
                --n 20 --seed 0";
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let once = room.run(&format!("{line} --json")).succeeded().json();
    let often = format!("{line} --repeat-timing 3");
    let ran = room.run(&format!("{often} --out out")).succeeded();
    for part in ["time/NFE [us]", "time +-", "median over 3 of every seed"] {
        assert!(ran.stdout.contains(part), "no {part}: {}", ran.stdout);
    }
    let three = study_of(&room, "out");
    assert_eq!((&once["timings"], &three["timings"]), (&1.into(), &3.into()));
    for (one, three) in rows(&once).iter().zip(rows(&three)) {
        assert!(one["seconds_std"].is_null() && three["seconds_std"].as_f64().unwrap() > 0.0);
        assert_eq!(three["seconds_seeds"].as_array().unwrap()[0], three["seconds"]);
    }
    assert!(untimed(once)["rows"] == untimed(three)["rows"], "more than times changed");
    assert!(room.run(&format!("{often} --print")).succeeded().stdout.contains("repeat-timing = 3"));
    room.run(&format!("{line} --repeat-timing 0")).refused(&["--repeat-timing"]);
}

/// What is shipped is meant, whatever lies in the directory that the study is run in.
#[test]
fn files_named_as_a_shipped_network_are_not_the_shipped_network() {
    let room = Room::new();
    let line = "study --quick --json --lanes 8 --process vp --field trained --solver euler";
    let alone = room.run(line).succeeded().json();
    for name in ["cat-vp", "cat-vp.safetensors"] {
        room.write(name, "somebody's own");
    }
    let beside = room.run(line).succeeded().json();
    let errors = |study: &Value| -> Vec<Value> {
        rows(study).iter().map(|row| row["solver_error"].clone()).collect()
    };
    assert_eq!(errors(&alone), errors(&beside));
}

fn study_of(room: &Room, folder: &str) -> Value {
    serde_json::from_slice(&room.bytes(&format!("{folder}/study.json"))).unwrap()
}

/// The study is the product of what is asked for, minus what does not apply.
#[test]
fn every_option_is_a_factor_of_the_product() {
    let room = Room::new();
    room.write("wide.json", r#"{"weights": [1], "means": [[1, 0]], "stds": [0.3]}"#);
    let line = "study --json --field exact:m.json --field exact:wide.json --process vp --process edm \
                --solver heun --solver euler-maruyama --nfe 10,20 --steps 7 --spacing default \
                --spacing uniform --noise-level 0.5,1 --n 40 --seed 4 --tolerance 1e-2";
    let ran = room.run(&line.split_whitespace().collect::<Vec<_>>().join(" "));
    let ran = ran.noted(&["its noise level for heun", "euler-maruyama at tolerance 0.01"]);
    let study = ran.json();
    let of = |solver: &str| rows(&study).iter().filter(|row| row["solver"] == solver).count();
    // Fields, processes, budgets, spacings; and levels, or adaptive steps.
    assert_eq!(of("heun"), 2 * 2 * 3 * 2);
    assert_eq!(of("euler-maruyama"), 2 * 2 * 3 * 2 * 2);
    let keys = ["process", "field", "solver", "steps", "max_nfe", "spacing", "noise_level"];
    let told: std::collections::BTreeSet<String> =
        rows(&study).iter().map(|row| keys.map(|key| row[key].to_string()).join(" ")).collect();
    assert_eq!(told.len(), rows(&study).len());
    let fields: std::collections::BTreeSet<&str> =
        rows(&study).iter().map(|row| row["field"].as_str().unwrap()).collect();
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), ["exact:m.json", "exact:wide.json"]);
    let ten = rows(&study).iter().filter(|row| row["max_nfe"] == 10 && row["solver"] == "heun");
    assert!(ten.clone().count() == 8 && ten.clone().all(|row| row["nfe"] == 10.0));
    // Nothing is left.
    room.run("study --quick --field exact:m.json --process vp --solver heun --nfe 1")
        .refused(&["1 evaluation(s)", "heun"]);
    room.run("study --field exact:m.json --solver heun --tolerance 1e-3 --n 9 --json --process vp")
        .refused(&["heun"]);
}

#[test]
fn a_study_file_says_what_options_say() {
    let room = Room::new();
    let options = "--quick --field exact:m.json --process vp --solver heun --n 60";
    let printed = room.run(&format!("study {options} --print")).succeeded().stdout;
    assert!(printed.contains("solver = [\"heun\"]") && printed.contains("n = 60"), "{printed}");
    room.write("asked.toml", &printed);
    let by_options = untimed(room.run(&format!("study {options} --json")).succeeded().json());
    let by_file = untimed(room.run("study asked.toml --json").succeeded().json());
    assert_eq!(by_options, by_file);
    // Options change what the file says.
    let other = room.run("study asked.toml --json --n 30 --nfe 6").succeeded().json();
    assert_eq!((&other["lanes"], rows(&other).len()), (&30.into(), 1));
    room.write(
        "own.toml",
        "title = \"Two of mine\"\nn = 50\nseed = [3]\ndraw = [\"curves\"]\n\
         [names]\n\"exact:m.json\" = \"my mixture\"\nheun = \"Heun's\"\n\
         [usual]\nfield = [\"exact:m.json\"]\nprocess = [\"vp\", \"rectified-flow\"]\n\
         [[group]]\nsolver = [\"heun\"]\nsteps = [5, 10]\n\
         [[group]]\nprocess = [\"vp\"]\nsolver = [\"ddim\"]\nnfe = [10]\nspacing = [\"uniform\"]",
    );
    room.run("study own.toml --out out").succeeded();
    let study = study_of(&room, "out");
    assert_eq!(rows(&study).len(), 5);
    assert!(rows(&study).iter().all(|row| row["field"] == "my mixture"));
    assert_eq!(rows(&study).iter().filter(|row| row["solver"] == "Heun's").count(), 4);
    let report = String::from_utf8(room.bytes("out/report.html")).unwrap();
    assert!(report.contains("Two of mine") && report.contains("spacing = ["));
    assert!(
        !room.has("out/samples-my-mixture.png") && room.has("out/chamfer-nfe-vp-my-mixture.png")
    );
    // A name of nothing is told of, for it may be misspelt.
    let own = String::from_utf8(room.bytes("own.toml")).unwrap();
    room.write("names.toml", own.replace("heun = \"Heun's\"", "hoin = \"Heun's\""));
    room.run("study names.toml --json")
        .noted(&["`names` has `hoin`, which no field and no solver"]);
    room.write("bad.toml", "n = 5\nseed = [0]\nsolvers = []");
    room.run("study bad.toml").refused(&["bad.toml", "solvers"]);
    room.run("study none.toml").refused(&["none.toml"]);
}

/// Every picture of a study has the width and the letters that were asked for.
#[test]
fn pictures_are_made_for_a_paper_s_column() {
    let room = Room::new();
    let line = "study --quick --field exact:m.json --process vp --process rectified-flow --solver heun \
                --n 20 --steps 3,4,5 --picture-width 321";
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let printed = room.run(&format!("{line} --font-size 8 --print")).succeeded().stdout;
    assert!(printed.contains("picture-width = 321") && printed.contains("font-size = 8.0"));
    room.run(&format!("{line} --font-size 8 --out out")).succeeded();
    for name in [
        "solver-error-nfe-vp-exact",
        "overview-solver-error-nfe",
        "samples-exact",
        "trajectories-vp-exact",
        "forward-vp-diffusion",
    ] {
        let svg = String::from_utf8(room.bytes(&format!("out/{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg width=\"321\""), "{name}: {}", &svg[..200]);
        // 8 points are 10.67 of these pixels: of 14 px as laid out, 421 across.
        assert!(svg.contains("viewBox=\"0 0 1684 "), "{name}: {}", &svg[..200]);
    }
    room.run(&format!("{line} --font-size 2")).refused(&["`font-size` is 2", "4 to 40 points"]);
    let wide = line.replace("--picture-width 321", "--picture-width 100");
    room.run(&wide).refused(&["`picture-width` is 100", "240 to 6000 pixels"]);
    room.run(&format!("{line} --font <b>")).refused(&["`font` is", "name of a family"]);
}

/// Titles in words or none, whatever the width; and none of it begins a stopped study anew.
#[test]
fn titles_and_letters_are_the_user_s() {
    let room = Room::new();
    let line = "study --quick --field exact:m.json --process vp --process rectified-flow --solver heun \
                --n 20 --steps 3,4,5";
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let titles = [
        ("solver-error-nfe-vp-exact", "Solver error against NFE: vp, exact field"),
        ("overview-solver-error-nfe", "Solver error against NFE"),
        ("samples-exact", "20 samples, exact field, heun with 50 steps"),
        ("trajectories-vp-exact", "20 trajectories from noise to data: vp, exact field"),
    ];
    for (options, there) in [
        ("", true),
        ("--titles none", false),
        ("--picture-width 321", false),
        ("--picture-width 321 --titles words", true),
    ] {
        room.run(&format!("{line} {options} --font Lato --out out")).succeeded();
        for (name, title) in titles {
            let svg = String::from_utf8(room.bytes(&format!("out/{name}.svg"))).unwrap();
            let last = title.split(' ').next_back().unwrap();
            assert_eq!(
                svg.contains(title) || there && svg.contains(last),
                there,
                "{options} {name}"
            );
            assert!(svg.contains("font-family=\"Lato, DejaVu Sans"), "{name}");
        }
    }
    let picture = "data cat --n 30 --out o.npy --plot o.svg";
    room.run(&format!("{picture} --titles none --picture-width 321")).succeeded();
    let svg = String::from_utf8(room.bytes("o.svg")).unwrap();
    assert!(svg.starts_with("<svg width=\"321\"") && !svg.contains("30 points"));
    room.run("data cat --n 30 --out o.npy --titles none").refused(&["nothing is drawn"]);
}

/// The table of a study is what its file says, unless the command line says otherwise.
#[test]
fn a_study_file_shapes_its_table() {
    let room = Room::new();
    let options = "--quick --field exact:m.json --process vp --solver heun --n 20 --steps 3,4";
    let shaped = "--columns solver,steps,frechet --sort -steps --group-by field";
    let unknown = room.run(&format!("study {options} {shaped} --out out"));
    unknown.refused(&["unknown column `frechet`"]);
    let shaped = shaped.replace("frechet", "slope");
    let printed = room.run(&format!("study {options} {shaped} --print")).succeeded().stdout;
    for line in ["[table]", "sort = [\"-steps\"]", "group-by = [\"field\"]"] {
        assert!(printed.contains(line), "{printed}");
    }
    room.write("asked.toml", &printed);
    let ran = room.run("study asked.toml --out out").succeeded();
    let at = |text: &str| ran.stdout.find(text).unwrap_or_else(|| panic!("{text}: {ran:?}"));
    assert!(at("slope") < at(" 4 ") && at(" 4 ") < at(" 3 ") && !ran.stdout.contains("Chamfer │"));
    let report = String::from_utf8(room.bytes("out/report.html")).unwrap();
    let head = report.split("<thead>").nth(1).unwrap().split("</thead>").next().unwrap();
    assert!(head.contains("slope") && !head.contains("Chamfer"), "{head}");
    // Another order of the same rows is no other study.
    let mut killed = study_of(&room, "out");
    killed["complete"] = false.into();
    killed["rows"].as_array_mut().unwrap().pop();
    room.write("out/study.json", killed.to_string());
    let ran = room.run("study asked.toml --sort steps --out out").noted(&["1 of 2 rows are there"]);
    let at = |text: &str| ran.stdout.find(text).unwrap_or_else(|| panic!("{text}: {ran:?}"));
    assert!(at(" 3 ") < at(" 4 "), "{ran:?}");
}

/// What a killed study has finished is not made again.
#[test]
fn a_study_goes_on_with_what_is_missing() {
    let room = Room::new();
    let line = "study --field exact:m.json --process vp --process edm --solver heun --steps 4,8 \
                --n 50 --seed 0,1 --out out";
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    room.run(&line).succeeded();
    let whole = study_of(&room, "out");
    assert_eq!(rows(&whole).len(), 4);
    // As if it had been killed after three rows, one of which took long.
    let mut killed = whole.clone();
    killed["complete"] = false.into();
    killed["rows"].as_array_mut().unwrap().pop();
    killed["rows"][0]["seconds"] = 1234.5.into();
    killed["sessions"][0]["machine"] = "abacus".into();
    room.write("out/study.json", killed.to_string());
    let ran = room.run(&line).noted(&["3 of 4 rows are there"]);
    assert_eq!(ran.stderr.matches("driftfield: row: ").count(), 1, "{}", ran.stderr);
    let resumed = study_of(&room, "out");
    assert_eq!(rows(&resumed)[0]["seconds"], 1234.5);
    for key in ["rows", "floors"] {
        assert!(untimed(resumed.clone())[key] == untimed(whole.clone())[key], "{key} changed");
    }
    // Times of two runs are never compared: each row says of which it is, the table says so, and a
    // picture of times is of one.
    let sessions: Vec<&Value> = rows(&resumed).iter().map(|row| &row["session"]).collect();
    assert_eq!(sessions, [0, 0, 0, 1]);
    assert_eq!(resumed["sessions"].as_array().unwrap().len(), 2);
    for words in ["times are of 2 runs", "session 0 made 3 row(s) (", ", abacus, ", "session"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    let html = String::from_utf8(room.bytes("out/report.html")).unwrap();
    assert_eq!(html.matches("of the 1 of 2 row(s) that session 0 made").count(), 2, "{html}");
    assert!(String::from_utf8(room.bytes("out/study.csv")).unwrap().contains(",session,outcome"));
    room.run("study --repeat out/study.json").noted(&["every figure is as before"]);
    // Another study begins anew.
    room.write("out/study.json", killed.to_string());
    room.run(&line.replace("--n 50", "--n 40")).succeeded();
    assert_eq!(study_of(&room, "out")["rows"].as_array().unwrap().len(), 4);
    // And so does one of other points, or other data, under the same names.
    room.array::<f64>("p.npy", &[3, 2], vec![0.0, 1.0, 2.0, 5.0, 4.0, 3.0]);
    for field in ["empirical:p.npy:0.1", "exact:m.json --data p.npy"] {
        let line = format!(
            "study --field {field} --process vp --solver heun --steps 4,8 --n 20 --seed 0 --out {}",
            field.len()
        );
        room.array::<f64>("p.npy", &[3, 2], vec![0.0, 1.0, 2.0, 5.0, 4.0, 3.0]);
        room.run(&line).succeeded();
        let folder = field.len().to_string();
        let mut killed = study_of(&room, &folder);
        killed["complete"] = false.into();
        killed["rows"].as_array_mut().unwrap().pop();
        room.write(&format!("{folder}/study.json"), killed.to_string());
        room.array::<f64>("p.npy", &[3, 2], vec![0.0, 1.0, 2.0, 5.0, 4.0, 2.0]);
        room.run(&line).succeeded();
        room.write(&format!("{folder}/study.json"), killed.to_string());
        room.array::<f64>("p.npy", &[3, 2], vec![0.0, 1.0, 2.0, 5.0, 4.0, 3.0]);
        room.run(&line).noted(&["1 of 2 rows are there"]);
    }
}

/// A file of times is what it holds, not what it is called.
#[test]
fn a_study_that_goes_on_knows_its_times_and_data() {
    let room = Room::new();
    let times = |last: f64| room.array::<f64>("t.npy", &[3], vec![1.0, last, 0.001]);
    let line = "study --field exact:m.json --data p.npy --process vp --solver heun \
                --spacing times:t.npy --steps 2 --n 20 --seed 0 --out out";
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    // Of so many points, one that no lane is compared with.
    let points = |last: f64| {
        let numbers = (0..4000).map(|i| f64::from(i).sin()).chain([0.5, last]);
        room.array::<f64>("p.npy", &[2001, 2], numbers.collect());
    };
    times(0.5);
    points(1.0);
    room.run(&line).succeeded();
    let mut killed = study_of(&room, "out");
    killed["complete"] = false.into();
    let killed = killed.to_string();
    let changes: [&dyn Fn(); 2] = [&|| times(0.6), &|| points(2.0)];
    for change in changes {
        change();
        room.write("out/study.json", &killed);
        // No note that rows are there.
        room.run(&line).succeeded();
        times(0.5);
        points(1.0);
    }
    room.write("out/study.json", &killed);
    room.run(&line).noted(&["1 of 1 rows are there"]);
}

/// A list of times is a row of its own beside those of grids, whatever budgets there are.
#[test]
fn a_list_of_times_is_a_row_beside_ours() {
    let room = Room::new();
    let line = "study --field exact:m.json --process vp --solver heun --n 20 --seed 0 --json \
                --spacing default --spacing times:1/0.5/0.1/0.001";
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let by_steps = room.run(&format!("{line} --steps 2,4,8")).succeeded().json();
    let made = |row: &Value| (row["steps"].as_u64().unwrap(), row["spacing"].is_string());
    let found: Vec<_> = rows(&by_steps).iter().map(made).collect();
    assert_eq!(found, [(2, false), (3, true), (4, false), (8, false)]);
    // One that evaluations do not suffice for is none, and one is enough of the others.
    let by_nfe = room.run(&format!("{line} --nfe 4,8,16")).noted(&["left out: heun"]).json();
    let listed = rows(&by_nfe).iter().filter(|row| made(row).1).count();
    assert_eq!((listed, rows(&by_nfe).len()), (1, 4));
    assert!(rows(&by_nfe).iter().all(|row| row["solver_error"].is_number()));
}

/// A row that reaches its bound is a row with its outcome; the bound is of the study's file, of what is
/// made again, and of what goes on.
#[test]
fn adaptive_rows_have_a_bound() {
    let room = Room::new();
    let line = "study --field exact:m.json --process vp --solver tsit5 --tolerance 1e-1,1e-6 \
                --max-nfe 40 --n 20 --seed 0 --out out";
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let ran = room.run(&line).succeeded();
    assert!(ran.stdout.contains("budget_spent") && ran.stdout.contains("at most NFE"), "{ran:?}");
    let study = study_of(&room, "out");
    let rows = rows(&study);
    assert_eq!(
        (&rows[0]["outcome"], &rows[1]["outcome"]),
        (&"success".into(), &"budget_spent".into())
    );
    assert!(rows.iter().all(|row| row["nfe"].as_f64().unwrap() <= 40.0 && row["max_nfe"] == 40));
    assert!(rows[0]["chamfer"].is_number() && rows[1]["chamfer"].is_null());
    // However small, it is no mistake.
    let least = room.run(&format!("{line} --json").replace(" 40 ", " 1 ")).succeeded().json();
    assert_eq!(least["rows"][0]["outcome"], "budget_spent");
    let printed = room.run(&format!("{line} --print")).succeeded().stdout;
    assert!(printed.contains("max-nfe = 40"), "{printed}");
    room.write("bounded.toml", printed.replace("max-nfe = 40", "max-nfe = 60"));
    let bounded = room.run("study bounded.toml --json").succeeded().json();
    assert_eq!(bounded["rows"][1]["max_nfe"], 60);
    room.run("study --repeat out/study.json").noted(&["every figure is as before"]);
    room.run("study --repeat out/study.json --max-nfe 3").refused(&["--max-nfe"]);
    room.run("study --quick --max-nfe 0").refused(&["--max-nfe"]);
    let mut killed = study.clone();
    killed["complete"] = false.into();
    room.write("out/study.json", killed.to_string());
    room.run(&line).noted(&["2 of 2 rows are there"]);
    // Under another bound they are other rows.
    room.write("out/study.json", killed.to_string());
    room.run(&line.replace(" 40 ", " 50 ")).succeeded();
    let fixed = line.replace("--tolerance 1e-1,1e-6", "--steps 4");
    room.run(&fixed).noted(&["bounds adaptive rows, and the study has none"]);
}

#[test]
fn what_is_there_twice_is_refused() {
    let room = Room::new();
    let line = "study --field exact:m.json --process vp --solver heun --steps 4 --n 20 --seed";
    room.run(&format!("{line} 0,1,0")).refused(&["seed 0 is there twice"]);
    let file = "n = 20\nseed = [0]\n[names]\nheun = \"same\"\nmidpoint = \"same\"\n[[group]]\n\
                field = [\"exact:m.json\"]\nprocess = [\"vp\"]\nsolver = [\"heun\", \"midpoint\"]\nsteps = [2]\n";
    room.write("same.toml", file);
    room.run("study same.toml").refused(&["are called `same`"]);
}

#[test]
fn a_study_is_made_again() {
    let room = Room::new();
    let line = "study --quick --field exact:m.json --process vp --solver heun --n 30 --out out";
    room.run(line).succeeded();
    let origin = &study_of(&room, "out")["origin"];
    assert_eq!(origin["command"].as_array().unwrap()[1], "study");
    for key in ["version", "date", "machine", "threads", "file"] {
        assert!(!origin[key].is_null(), "{key}: {origin}");
    }
    room.run("study --repeat out/study.json").noted(&["every figure is as before"]);
    let mut other = study_of(&room, "out");
    other["rows"][0]["chamfer"] = 0.125.into();
    other["origin"]["version"] = "9.9.9".into();
    room.write("other.json", other.to_string());
    let ran = room.run("study --repeat other.json");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("chamfer was 0.125") && ran.stderr.contains("1 figure"), "{ran:?}");
    assert!(ran.stderr.contains("made by version 9.9.9"), "{ran:?}");
    let trained = "study --quick --json --field cat-vp --solver heun --n 20";
    let study = room.run(trained).succeeded().json();
    assert_eq!(study["origin"]["weights"]["cat-vp"].as_str().unwrap().len(), 16, "{study}");
    other["origin"] = Value::Null;
    room.write("old.json", other.to_string());
    room.run("study --repeat old.json").refused(&["does not say how it was made"]);
    room.run("study --repeat out/study.json --n 5").refused(&["--n"]);
    // Paths are those that were recorded, from wherever it is run.
    std::fs::create_dir(room.path("below")).unwrap();
    let line = ["study", "--repeat", "../out/study.json"];
    let ran = room.command(line).current_dir(room.path("below")).output().unwrap();
    let ran = crate::support::Ran::new("--repeat from below", ran);
    let here = room.path("").canonicalize().unwrap().display().to_string();
    ran.refused(&["m.json", "as they were recorded", here.trim_end_matches('/')]);
    // What is not the paths' fault is not blamed on them.
    let mut other = study_of(&room, "out");
    let file = other["origin"]["file"].as_str().unwrap().replace("heun", "heunn");
    other["origin"]["file"] = file.replace("exact:m.json", "exact").into();
    room.write("other.json", other.to_string());
    let line = ["study", "--repeat", "../other.json"];
    let ran = room.command(line).current_dir(room.path("below")).output().unwrap();
    let ran = crate::support::Ran::new("--repeat of a wrong name from below", ran);
    assert!(!ran.stderr.contains("as they were recorded"), "{ran:?}");
    ran.refused(&["heunn"]);
}

/// A report's folded part of this title.
fn part(html: &str, title: &str) -> String {
    let from = html.split(&format!("<summary>{title}")).nth(1).unwrap_or_else(|| panic!("{title}"));
    from.split("</details>").next().unwrap().to_owned()
}

/// What is asked for by `--draw` is drawn, is in the report and in `study.json`, and nothing else.
#[test]
fn solves_are_drawn_beside_the_true_solution() {
    let room = Room::new();
    let line = "study --field exact:m.json --process vp --solver heun --solver ddim --steps 5,10 \
                --n 30 --seed 3 --out out --draw lanes,error-along,floors";
    room.run(&line.split_whitespace().collect::<Vec<_>>().join(" ")).succeeded();
    let study = study_of(&room, "out");
    let html = String::from_utf8(room.bytes("out/report.html")).unwrap();
    for name in ["lanes-vp-exact", "error-along-vp-exact", "chamfer-n-vp-exact"] {
        assert!(room.bytes(&format!("out/{name}.png")).starts_with(b"\x89PNG"), "{name}");
        assert!(study["pictures"][format!("{name}.pdf")].is_string(), "{name}");
        assert!(html.contains(&format!("<figure id=\"{name}\">")), "{name}");
    }
    assert!(!room.has("out/samples-exact.png") && !room.has("out/chamfer-nfe-vp-exact.png"));
    let lanes = part(&html, "Where solvers part");
    for words in
        ["Of 30 lanes from the noise of seed 3", "nearest to 10 evaluations", "heun 10 NFE"]
    {
        assert!(lanes.contains(words), "{words}: {lanes}");
    }
    assert!(part(&html, "Errors along the solve").contains("over 30 lanes of seed 3"));
    // Its numbers are in the file, and the last of each is that of its row.
    let along = &study["errors_along"][0];
    let solves = along["solves"].as_array().unwrap();
    assert_eq!((solves.len(), &along["lanes"], &along["seed"]), (2, &30.into(), &3.into()));
    for solve in solves {
        let own = |row: &&Value| row["solver"] == solve["solver"] && row["nfe"] == 10.0;
        let row = rows(&study).iter().find(own).unwrap();
        let (t, errors) = (solve["t"].as_array().unwrap(), solve["error"].as_array().unwrap());
        assert_eq!(
            (t.len(), errors.len()),
            (errors.len(), row["steps"].as_u64().unwrap() as usize)
        );
        assert_eq!(errors.last(), Some(&row["solver_error"]));
    }
    room.run("table out/study.json").succeeded();
    // And they are made again with the rest.
    room.run("study --repeat out/study.json").noted(&["every figure is as before"]);
    let mut other = study.clone();
    other["errors_along"][0]["solves"][0]["error"][1] = 0.125.into();
    room.write("other.json", other.to_string());
    let ran = room.run("study --repeat other.json");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(
        ran.stderr.contains("step 2 was 0.125 at t = ") && ran.stderr.contains("1 figure"),
        "{ran:?}"
    );
    // And so are the floors of half of the samples.
    let half = &study["floors"][0]["by_number"][0];
    assert!(half["lanes"] == 15 && half["sampling_chamfer"].is_number(), "{half}");
    assert!(part(&html, "Floors by the number of samples").contains("model floor: "));
    let twice = room.run("study --quick --draw lanes,floors,lanes --print").succeeded().stdout;
    assert!(twice.contains("draw = [\"lanes\", \"floors\"]"), "{twice}");
    room.run("study --quick --draw lane").refused(&["lane", "`lanes`"]);
}

/// Where there is no true solution, or no lane that could be drawn, the report says so.
#[test]
fn it_is_said_why_nothing_is_drawn_beside_the_true_solution() {
    let room = Room::new();
    room.write("line.json", r#"{"weights": [1], "means": [[1.0]], "stds": [0.3]}"#);
    let report = |field: &str, solver: &str| {
        let line = format!("study --quick --process vp --field {field} --solver {solver} --n 20");
        room.run(&format!("{line} --draw lanes,error-along --out out")).succeeded();
        assert!(!room.has("out/lanes-vp-exact.png"));
        String::from_utf8(room.bytes("out/report.html")).unwrap()
    };
    let html = report("exact:line.json", "heun");
    assert!(part(&html, "Where solvers part").contains("points in the plane or images"));
    assert!(room.has("out/error-along-vp-exact.png"));
    let html = report("exact:m.json", "euler-maruyama");
    for title in ["Where solvers part", "Errors along the solve"] {
        assert!(part(&html, title).contains("no solver has an error"), "{title}");
    }
    let few = "study --quick --process vp --field exact:m.json --solver heun --n 12 --draw floors";
    room.run(&format!("{few} --out few")).succeeded();
    let html = String::from_utf8(room.bytes("few/report.html")).unwrap();
    assert!(part(&html, "Floors by the number of samples").contains("too few, for a part has 8"));
    assert!(!room.has("out/error-along-vp-exact.png"));
}
