//! Adaptive steps, dense output, an event that ends the solve, and the same
//! loop stepped by hand: a ball thrown upwards that bounces.
//!
//! `cargo run --release --example adaptive_dense_events`

use driftfield::prelude::*;

const GRAVITY: f64 = 9.81;

/// The state is (height, speed).
fn ball(du: &mut [f64; 2], u: &[f64; 2], _t: f64) {
    *du = [u[1], -GRAVITY];
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let problem = OdeProblem::new(ball, [0.0, 10.0], (0.0, 10.0));
    let method = Tsit5::new();

    // The first fall to the ground ends the solve; the top is only recorded.
    let options = SolveOptions::adaptive(1e-9, 1e-9)
        .save(Save::dense())
        .event(Event::new(|u: &[f64; 2], _t| u[0]).crossing(Crossing::Falling).terminating())
        .event(Event::new(|u: &[f64; 2], _t| u[1]));
    let flight = solve(&problem, &method, options)?;
    println!("{}: {}", flight.outcome, flight.statistics);
    for event in &flight.events {
        println!("  event {} at t = {:.6}, u = {:.6?}", event.event, event.t, event.u);
    }
    assert!(matches!(flight.outcome, Outcome::Terminated { event: 0, .. }));
    assert!((flight.t_last - 20.0 / GRAVITY).abs() < 1e-6);

    // Dense output costs no further evaluation with Tsit5.
    for t in [0.5, 1.0, 1.5] {
        let u = flight.interpolate(t)?;
        let exact = 10.0 * t - 0.5 * GRAVITY * t * t;
        println!("  height at t = {t}: {:.6} (exact {exact:.6})", u[0]);
        assert!((u[0] - exact).abs() < 1e-6);
    }

    // The same loop by hand: whenever the ball is below the ground, turn it round.
    let options = SolveOptions::adaptive(1e-9, 1e-9).dtmax(0.01);
    let mut integrator = init(&problem, &method, options)?;
    let mut bounces = 0;
    while integrator.step() == Status::Stepped {
        let [height, speed] = *integrator.u();
        if height <= 0.0 && speed < 0.0 {
            *integrator.u_mut() = [0.0, -0.8 * speed];
            bounces += 1;
        }
    }
    println!("by hand: {bounces} bounces, {}", integrator.statistics());
    assert!(bounces >= 4 && integrator.outcome() == Some(&Outcome::Success));
    Ok(())
}
