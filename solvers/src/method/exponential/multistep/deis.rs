use super::quadrature::{GAUSS_2, GAUSS_16, nodes};
use super::{MAX_VALUES, MultistepRule, MultistepStep};
use crate::field::FieldError;
use crate::semilinear::NonlinearPart;

/// DEIS (Zhang & Chen, *Fast Sampling of Diffusion Models with Exponential Integrator*, 2023,
/// eq. 14-15): the polynomial through the last `q + 1` noise predictions, integrated exactly against
/// `drho`, `rho = sigma / alpha`. Order `q + 1`; `q = 0` is DDIM.
///
/// With `s` the variable of the polynomial, which is time (tAB) or `rho` (rhoAB), `s_j` that of the
/// past noise prediction `E_j`, and all in the [notation] of this module:
///
/// - `x_next = alpha_next / alpha x + alpha_next sum_j C_j E_j`, `j = 0 .. q`,
/// - `C_j = int_rho^rho_next prod_(k != j) (s - s_k) / (s_j - s_k) drho`.
///
/// The paper's `Psi` is `alpha_next / alpha`, and its `C_ij` is `alpha_next C_j`. For rhoAB-0 and
/// rhoAB-1, that is
///
/// - `C_0 = rho_next - rho`,
/// - `C_1 = -(rho_next - rho)^2 / (2 (rho - rho_1))`, `C_0 = rho_next - rho - C_1`.
///
/// The published code replaces the integrals by left Riemann sums of 10,000 nodes, which moves
/// its results by up to 2e-2 (tAB) and 7e-5 (rhoAB); here they are exact to rounding.
///
/// Polynomials in `ln rho` (`DEISMultistepScheduler` of diffusers) are no third kind: minus
/// `ln rho` is the clock, so that they are [`DpmSolverM`](super::DpmSolverM) for the noise, in its
/// Taylor variant and with the whole second derivative.
///
/// tAB extrapolates in time: where steps in time grow by a factor, as those of equal log-SNR
/// do on rectified flow near pure noise, its weights are large, and rhoAB is the better choice.
///
/// A last step to where there is no noise left is one like all others: nothing is evaluated there,
/// and `rho` ends at 0.
///
/// [notation]: crate::method::exponential#notation
#[derive(Debug, Clone, Copy)]
pub struct Deis {
    abscissa: Abscissa,
    values: usize,
    name: &'static str,
}

/// The variable in which the noise prediction is a polynomial.
#[derive(Debug, Clone, Copy)]
enum Abscissa {
    /// Time: tAB-DEIS.
    Time,
    /// `rho = sigma / alpha`: rhoAB-DEIS.
    Rho,
}

const MAX_ORDER: usize = 3;
const TAB: [&str; MAX_ORDER + 1] = ["deis-tab0", "deis-tab1", "deis-tab2", "deis-tab3"];
const RHO_AB: [&str; MAX_ORDER + 1] = ["deis-rhoab0", "deis-rhoab1", "deis-rhoab2", "deis-rhoab3"];

impl Deis {
    /// tAB-`q`, polynomials in time, for `q` from 0 to 3, larger numbers counting as 3.
    pub fn tab(q: usize) -> Self {
        let q = q.min(MAX_ORDER);
        Deis { abscissa: Abscissa::Time, values: q + 1, name: TAB[q] }
    }

    /// rhoAB-`q`, polynomials in `rho`, for `q` from 0 to 3, larger numbers counting as 3.
    pub fn rho_ab(q: usize) -> Self {
        let q = q.min(MAX_ORDER);
        Deis { abscissa: Abscissa::Rho, values: q + 1, name: RHO_AB[q] }
    }

    /// The linear multistep method of k-diffusion, of order 1 to 4, other numbers counting as
    /// the nearest of these: rhoAB of one order less under the name it has there (Katherine
    /// Crowson, `sample_lms`, which integrates the same polynomials in `sigma`).
    pub fn lms(order: usize) -> Self {
        Deis { name: "lms", ..Self::rho_ab(order.max(1) - 1) }
    }
}

impl MultistepRule for Deis {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> NonlinearPart {
        NonlinearPart::Noise
    }

    fn values(&self) -> usize {
        self.values
    }

    fn finite_at_data(&self) -> bool {
        true
    }

    fn weights(&self, step: &MultistepStep<'_>, weights: &mut [f64]) -> Result<(), FieldError> {
        let mut points = [0.0; MAX_VALUES];
        for (point, knot) in points.iter_mut().zip(step.knots) {
            *point = match self.abscissa {
                Abscissa::Time => knot.t,
                Abscissa::Rho => knot.level.rho(),
            };
        }
        let points = &points[..weights.len()];
        weights.fill(0.0);
        if points.len() > 1 {
            match self.abscissa {
                Abscissa::Time => integrate_in_time(step, points, weights)?,
                Abscissa::Rho => integrate_in_rho(step, points, weights),
            }
        }
        // The polynomials add up to 1: a constant is integrated without any quadrature.
        weights[0] = rho_length(step) - weights[1..].iter().sum::<f64>();
        weights.iter_mut().for_each(|weight| *weight *= step.end.level.alpha);
        Ok(())
    }
}

/// `rho_end - rho_start = rho_start (e^-h - 1)`, also where the clock starts or ends at infinity.
pub(super) fn rho_length(step: &MultistepStep<'_>) -> f64 {
    if step.knots[0].log_snr() == f64::INFINITY {
        return step.end.level.rho();
    }
    step.knots[0].level.rho() * (-step.whole.h).exp_m1()
}

/// Adds `weight L_j(x)` to the weights of all points but the first.
fn add_lagrange(weights: &mut [f64], points: &[f64], x: f64, weight: f64) {
    for (j, sum) in weights.iter_mut().enumerate().skip(1) {
        let others = points.iter().enumerate().filter(|&(k, _)| k != j);
        let value: f64 = others.map(|(_, point)| (x - point) / (points[j] - point)).product();
        *sum += weight * value;
    }
}

fn integrate_in_rho(step: &MultistepStep<'_>, points: &[f64], weights: &mut [f64]) {
    let (from, to) = (points[0], points[0] + rho_length(step));
    for (rho, weight) in nodes(GAUSS_2, from, to, 1) {
        add_lagrange(weights, points, rho, weight);
    }
}

/// Length of a panel on the clock. The nearest singularity of `t(lambda)` is where
/// `rho^2` crosses the negative axis, `pi / 2` off the real line on every path here; sixteen nodes
/// then err by some 1e-17.
const PANEL: f64 = 2.0;

/// Beyond this on the clock, `rho` is lost in the rounding of its larger end.
const NEGLIGIBLE: f64 = 40.0;

/// In the clock, where `drho = -rho dlambda`: `rho` itself starts like a square root
/// of time at the data, which no polynomial rule in time follows.
fn integrate_in_time(
    step: &MultistepStep<'_>,
    points: &[f64],
    weights: &mut [f64],
) -> Result<(), FieldError> {
    let start = step.knots[0].level;
    let (mut from, mut to) = (start.log_snr, step.end.log_snr());
    if from < to {
        to = to.min(from + NEGLIGIBLE);
    } else {
        from = from.min(to + NEGLIGIBLE);
    }
    let panels = ((to - from).abs() / PANEL).ceil().max(1.0) as usize;
    for (log_snr, weight) in nodes(GAUSS_16, from, to, panels) {
        let rho = start.rho() * (start.log_snr - log_snr).exp();
        add_lagrange(weights, points, (step.time_at_log_snr)(log_snr)?, -rho * weight);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::exponential::{Knot, Transition};
    use crate::semilinear::Level;

    /// VP with rates 0.1 to 20.
    fn decay(t: f64) -> f64 {
        0.25 * t * t * 19.9 + 0.05 * t
    }

    fn knot(t: f64) -> Knot {
        let (alpha, sigma) = ((-decay(t)).exp(), (-(-2.0 * decay(t)).exp_m1()).sqrt());
        Knot { t, level: Level { alpha, sigma, log_snr: (alpha / sigma).ln() } }
    }

    fn time(log_snr: f64) -> f64 {
        let decay = 0.5 * (-2.0 * log_snr).exp().ln_1p();
        2.0 * decay / (0.05 + (0.0025 + 19.9 * decay).sqrt())
    }

    fn weights(rule: Deis, times: &[f64], end: f64) -> Vec<f64> {
        let knots: Vec<Knot> = times.iter().map(|&t| knot(t)).collect();
        let end = knot(end);
        let whole = Transition::new(NonlinearPart::Noise, &knots[0].level, &end.level);
        let time_at_log_snr = |log_snr: f64| Ok(time(log_snr));
        let step = MultistepStep {
            whole,
            end,
            knots: &knots,
            grid: None,
            time_at_log_snr: &time_at_log_snr,
        };
        let mut weights = vec![0.0; times.len()];
        rule.weights(&step, &mut weights).unwrap();
        weights
    }

    /// 30-digit integrals in `sqrt(t)`, down to `t = 0` where the clock ends at infinity.
    #[test]
    fn integrals_in_time_are_exact_to_rounding() {
        #[rustfmt::skip]
        let cases: [(&[f64], f64, &[f64]); 5] = [
            (&[0.6, 0.8, 0.9, 1.0], 0.4,
             &[-4.0493317242929265, 7.729341983600612, -7.868742878816832, 2.389768712474847]),
            (&[0.2, 0.4, 0.6, 0.8], 0.001,
             &[-1.5796293545515232, 1.6524975786085587, -1.0339932207463558, 0.25128852510860916]),
            (&[0.2, 0.4, 0.6, 0.8], 0.0,
             &[-1.621581739147977, 1.7153324824756504, -1.0758674035030982, 0.26175517147531396]),
            (&[1.0], 0.001, &[-152.14811971835917]),
            (&[0.5, 0.4, 0.3, 0.2], 0.50001,
             &[5.236650124363889e-05, -7.85477759339056e-09, 3.927519706372267e-09, -8.727918544695657e-10]),
        ];
        for (times, end, exact) in cases {
            let found = weights(Deis::tab(3), times, end);
            let size = exact.iter().fold(0.0f64, |size, weight| size.max(weight.abs()));
            for (found, exact) in found.iter().zip(exact) {
                let gap = (found - exact).abs();
                // A short step on the clock is known to the rounding of its ends.
                let allowed = 2e-14 * size + 1e-15;
                assert!(gap < allowed, "{times:?} to {end}: {found} {exact}: {gap:e}");
            }
        }
    }

    /// `sum_j w_j rho_j^k = alpha (rho_end^(k + 1) - rho_start^(k + 1)) / (k + 1)`.
    #[test]
    fn integrals_in_rho_are_those_of_the_powers() {
        for end in [0.35, 0.001, 0.0] {
            let times = [0.5, 0.6, 0.63, 0.7];
            let weights = weights(Deis::rho_ab(3), &times, end);
            let rho = |t: f64| knot(t).level.rho();
            for power in 0..4 {
                let sum: f64 = weights.iter().zip(times).map(|(w, t)| w * rho(t).powi(power)).sum();
                let primitive = |t: f64| rho(t).powi(power + 1) / f64::from(power + 1);
                let exact = knot(end).level.alpha * (primitive(end) - primitive(times[0]));
                assert!((sum / exact - 1.0).abs() < 1e-12, "rho^{power}: {sum} {exact}");
            }
        }
    }

    #[test]
    fn orders_out_of_range_are_the_nearest() {
        assert_eq!((Deis::tab(9).name(), Deis::tab(9).values()), ("deis-tab3", 4));
        assert_eq!((Deis::lms(0).name(), Deis::lms(0).values()), ("lms", 1));
        assert_eq!(Deis::lms(9).values(), 4);
    }
}
