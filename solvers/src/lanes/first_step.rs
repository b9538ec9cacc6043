use super::paced::Paced;
use crate::control::{Adaptive, length_of_first_step, length_of_probe};
use crate::field::{FieldError, VectorField};
use crate::state::{State, StateError};

/// The automatic first step of [`solve`](crate::solve()), lane by lane; two evaluations for every
/// lane, the first of which is the first stage of its first step. Returns positive lengths.
pub(super) fn first_lengths<S: State, F: VectorField<S>>(
    paced: &Paced<S, F>,
    adaptive: &Adaptive,
    u: &S,
    (t0, t1): (f64, f64),
    order: f64,
) -> Result<Vec<f64>, FieldError> {
    let direction = (t1 - t0).signum();
    let norms = |value: &S| -> Result<Vec<f64>, StateError> {
        let mut squares = Vec::new();
        value.weighted_mean_squares(u, u, &adaptive.tolerance, &mut squares)?;
        squares.iter_mut().for_each(|square| *square = square.sqrt());
        Ok(squares)
    };
    let slope = paced.probe_start(u, &vec![t0; u.lanes()])?;
    let (d0, d1) = (norms(u)?, norms(&slope)?);
    let probes: Vec<f64> =
        d0.iter().zip(&d1).map(|(&d0, &d1)| length_of_probe(d0, d1).min((t1 - t0).abs())).collect();
    let signed: Vec<f64> = probes.iter().map(|h0| direction * h0).collect();
    let times: Vec<f64> = signed.iter().map(|h0| t0 + h0).collect();
    let ones = vec![1.0; u.lanes()];
    let mut probe = u.clone();
    probe.combine_lanes(&ones, &[(&signed, &slope)])?;
    let mut change = u.zeros_like();
    paced.probe(&mut change, &probe, &times)?;
    change.linear_combination(1.0, &[(-1.0, &slope)])?;
    let d2 = norms(&change)?;
    let lengths = probes.iter().zip(d1.iter().zip(&d2));
    Ok(lengths.map(|(&h0, (&d1, &d2))| length_of_first_step(h0, d1, d2 / h0, order)).collect())
}
