//! The samplers that draw noise, through the library and the noise interface that users have.

use driftfield_problems::method::parse;
use driftfield_solvers::method::exponential::{Churn, Churned, RhoRungeKutta};
use driftfield_solvers::method::runge_kutta::EulerTableau;
use driftfield_solvers::method::{BoxedMethod, Method};
use serde_json::Value;

use super::{TOLERANCE, flow};
use crate::common::path;
use crate::common::published::{Ours, Published, numbers, run_method, spec, two_draws_a_step};

/// The solver that adds noise by its steps.
fn solver(settings: &Value) -> String {
    let (name, keys) = match settings["sampler"].as_str().unwrap() {
        "sample_euler_ancestral" => ("euler-ancestral", String::new()),
        "sample_dpm_2_ancestral" => ("dpm-2-ancestral", String::new()),
        "sample_dpmpp_2s_ancestral" => ("dpm-solver++2s-ancestral", String::new()),
        "sample_dpmpp_sde" => ("sde-dpm-solver++2s", String::new()),
        "sample_dpmpp_2m_sde" => {
            let kind =
                settings.get("solver_type").map_or("midpoint", |kind| kind.as_str().unwrap());
            ("sde-dpm-solver++2m", format!(",type={kind},lower_order_final=false"))
        }
        "sample_dpmpp_3m_sde" => {
            ("sde-dpm-solver++3m", ",type=heun,form=reference,lower_order_final=false".to_owned())
        }
        other => panic!("no solver for {other}"),
    };
    let factor = settings.get("s_noise").map_or(1.0, |factor| factor.as_f64().unwrap());
    format!("{name}:eta={},noise={factor}{keys}", settings["eta"])
}

/// The grids end with an appended `sigma = 0`, to which every one of these samplers steps by taking
/// the predicted data: here the grid ends one step earlier and the last state is denoised.
fn noise_by_the_step(file: &Published, recorded: &Value) -> Ours {
    let mut times = numbers(&recorded["times"]);
    assert_eq!(times.pop(), Some(0.0));
    let solver = solver(&recorded["settings"]);
    let noise = match solver.starts_with("sde-dpm-solver++2s") {
        true => two_draws_a_step(&path("edm"), &times, file.normals()),
        false => file.noise(&times),
    };
    let method = parse(&solver).unwrap();
    run_method(&flow(), &(file.initial() * times[0]), &times, &method, Some(noise))
        .denoised(&flow(), times[times.len() - 1])
}

fn churn(settings: &Value) -> Churn {
    let number = |key: &str, default: f64| settings[key].as_f64().unwrap_or(default);
    Churn {
        amount: number("s_churn", 0.0),
        rho_min: number("s_tmin", 0.0),
        rho_max: number("s_tmax", f64::INFINITY),
        noise: number("s_noise", 1.0),
    }
}

fn noise_before_the_step(file: &Published, recorded: &Value) -> Ours {
    let settings = &recorded["settings"];
    let named = |name: &str| {
        let keys = [("churn", "s_churn"), ("tmin", "s_tmin"), ("tmax", "s_tmax")];
        let keys = keys.into_iter().chain([("noise", "s_noise")]);
        let keys: Vec<_> = keys.map(|(key, theirs)| (key, &settings[theirs])).collect();
        parse(&spec(name, &keys)).unwrap()
    };
    let method = match settings["sampler"].as_str().unwrap() {
        "sample_euler" => {
            BoxedMethod::new(Churned::new(RhoRungeKutta::<EulerTableau>::new(), churn(settings)))
        }
        "sample_heun" => named("edm-heun"),
        "sample_dpm_2" => named("dpm-2"),
        other => panic!("no churned {other}"),
    };
    assert!(method.info().draws_noise);
    let times = numbers(&recorded["times"]);
    let noise = Some(file.noise(&times));
    let mut ours = run_method(&flow(), &(file.initial() * times[0]), &times, &method, noise);
    // The code records its states after churn, which are no states of the grid.
    ours.states.drain(..times.len() - 1);
    ours
}

#[test]
fn samplers_that_draw_noise() {
    let file = Published::read("kdiffusion/stochastic_given_noise");
    let churned = |recorded: &Value| recorded["settings"].get("s_churn").is_some();
    assert_eq!(file.runs().iter().filter(|recorded| churned(recorded)).count(), 6);
    file.tally(TOLERANCE, |recorded| {
        if !churned(recorded) {
            return noise_by_the_step(&file, recorded).compare(recorded);
        }
        let mut last = recorded.clone();
        last["states"] = Value::Null;
        noise_before_the_step(&file, recorded).compare(&last)
    });
}
