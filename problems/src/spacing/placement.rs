//! The rules from `i` to the `i`-th time, for spacings between given ends; between two times `i` is
//! no whole number.

use super::{Clock, Spacing, SpacingError};
use crate::process::GaussianPath;

pub(super) type Placement<'a> = Box<dyn Fn(f64) -> f64 + 'a>;

/// The rule of a spacing between two ends; one with ends of its own must be given these.
pub(super) fn placement<'a, P: GaussianPath + ?Sized>(
    spacing: &Spacing,
    path: &'a P,
    (start, end): (f64, f64),
    steps: usize,
) -> Result<Placement<'a>, SpacingError> {
    let share = move |i: f64| i / steps as f64;
    let positive = |key, value: f64, usual| {
        if value > 0.0 && value.is_finite() {
            return Ok(value);
        }
        Err(SpacingError::Parameter { spacing: spacing.clone(), key, usual })
    };
    // ln(sigma / alpha).
    let logs = || [start, end].map(|t| -path.log_snr(t));
    Ok(match *spacing {
        Spacing::Uniform => {
            let h = (end - start) / steps as f64;
            Box::new(move |i| start + i * h)
        }
        Spacing::Quadratic => {
            let (first, last) = (start.sqrt(), end.sqrt());
            Box::new(move |i| (first + share(i) * (last - first)).powi(2))
        }
        Spacing::LogSnr | Spacing::Exponential => {
            let (first, last) = (path.log_snr(start), path.log_snr(end));
            Box::new(move |i| path.time_at_log_snr(first + share(i) * (last - first)))
        }
        Spacing::Karras { rho } => {
            let rho = positive("rho", rho, 7.0)?;
            // (sigma / alpha)^(1/rho) in units of the larger end's, so
            // that no rho, however small, overflows.
            let exponents = logs().map(|log| log / rho);
            let top = exponents[0].max(exponents[1]);
            let [first, last] = exponents.map(|exponent| (exponent - top).exp());
            Box::new(move |i| {
                let root = (first + share(i) * (last - first)).ln() + top;
                path.time_at_log_snr(-rho * root)
            })
        }
        Spacing::PolyExponential { rho } => {
            let rho = positive("rho", rho, 1.0)?;
            let [first, last] = logs();
            let (noise, data) = (first.max(last), first.min(last));
            Box::new(move |i| {
                let ramp = if first == noise { share(steps as f64 - i) } else { share(i) };
                path.time_at_log_snr(-(data + ramp.powf(rho) * (noise - data)))
            })
        }
        Spacing::Cosine => {
            let [first, last] = logs().map(|log| log.exp().atan());
            Box::new(move |i| {
                let angle = first + share(i) * (last - first);
                path.time_at_log_snr(-angle.tan().ln())
            })
        }
        Spacing::FlowShift { shift } => {
            let shift = positive("shift", shift, 3.0)?;
            // The flow time tau has tau / (1 - tau) = sigma / alpha, and a shift by s multiplies
            // these odds by s.
            let [first, last] = logs().map(|log| 1.0 / (1.0 + shift * (-log).exp()));
            Box::new(move |i| {
                let tau = first + share(i) * (last - first);
                path.time_at_log_snr(-(shift * tau / (1.0 - tau)).ln())
            })
        }
        Spacing::Timesteps(timesteps) => {
            listed(spacing, timesteps.times(path, steps)?, (start, end))?
        }
        Spacing::Own(ref rule) => {
            let rule = rule.clone();
            match rule.clock() {
                Clock::Time => Box::new(move |i| rule.place(share(i), start, end)),
                Clock::LogSnr => {
                    let (first, last) = (path.log_snr(start), path.log_snr(end));
                    Box::new(move |i| path.time_at_log_snr(rule.place(share(i), first, last)))
                }
            }
        }
        Spacing::Times(ref times) => listed(spacing, explicit(times, steps)?, (start, end))?,
    })
}

/// The times of an explicit list.
pub(super) fn explicit(times: &[f64], steps: usize) -> Result<Vec<f64>, SpacingError> {
    if times.len() == steps.saturating_add(1) {
        return Ok(times.to_vec());
    }
    Err(SpacingError::Length { times: times.len(), steps })
}

/// A list in the direction asked for.
fn listed<'a>(
    spacing: &Spacing,
    mut times: Vec<f64>,
    (start, end): (f64, f64),
) -> Result<Placement<'a>, SpacingError> {
    let (first, last) = (times[0], times[times.len() - 1]);
    if (start, end) == (last, first) {
        times.reverse();
    } else if (start, end) != (first, last) {
        let spacing = spacing.clone();
        return Err(SpacingError::OwnEnds { spacing, first, last, start, end });
    }
    Ok(Box::new(move |i| times[i as usize]))
}
