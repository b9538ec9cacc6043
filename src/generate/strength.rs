//! Generation that starts late, from data to which noise was added (SDEdit; Meng et al. 2022).

use driftfield_problems::method::ChosenMethod;
use driftfield_problems::process::{GaussianPath, SharedPath};
use driftfield_solvers::State;
use driftfield_solvers::method::Method;

use super::plan::{Plan, Steps};
use super::{GenerateError, Settings, Span};

/// A product that rounding has left below a whole number by less is that number.
const ROUNDING: f64 = 1e-9;

impl Plan {
    /// What of it is made with the strength asked for, if one is.
    pub(super) fn of_strength<S: State>(
        mut self,
        settings: &Settings,
        chosen: &ChosenMethod<S>,
        path: &SharedPath,
    ) -> Result<Plan, GenerateError> {
        let Some(strength) = settings.strength else { return Ok(self) };
        if !(strength > 0.0 && strength <= 1.0) {
            return Err(GenerateError::Strength(strength));
        }
        let Span { start, end } = self.span;
        if start < end {
            return Err(GenerateError::StrengthOfEncoding { start, end });
        }
        match &mut self.steps {
            Steps::Grid(times) => {
                let skipped = skipped(times.len() - 1, settings.denoise_final, strength)?;
                if skipped > 0 && chosen.orders.is_some() {
                    return Err(GenerateError::StrengthOfOrders(chosen.method.info().name));
                }
                times.drain(..skipped);
                self.span.start = times[0];
            }
            Steps::Fixed(_) => {}
            Steps::Adaptive { .. } => self.span.start = late(path, self.span, 1.0 - strength)?,
        }
        Ok(self)
    }
}

/// Steps of a grid that are not made: the first ones. The denoising is a step like the others, as it
/// is where a sampler's last sigma is 0.
fn skipped(steps: usize, denoising: bool, strength: f64) -> Result<usize, GenerateError> {
    let all = steps + usize::from(denoising);
    let made = (strength * all as f64 + ROUNDING).floor() as usize;
    match made.min(all) {
        0 => Err(GenerateError::NoStepLeft { strength, steps: all }),
        made => Ok(all - made),
    }
}

/// The time after a share of the way, which has no grid. The default spacing places it, and, where
/// that has no place at the end, as between its last time and the data, up to its own end.
fn late(path: &SharedPath, Span { start, end }: Span, share: f64) -> Result<f64, GenerateError> {
    let spacing = path.default_spacing();
    let laid = !spacing.needs_log_snr() || path.domain().has_log_snr(end);
    let last = if laid { end } else { path.default_span().1 };
    Ok(spacing.time_after(path, (start, last), share)?)
}

#[cfg(test)]
mod tests {
    use driftfield_problems::process;

    use super::*;

    /// As many as diffusers' image-to-image pipelines make: `min(int(n strength), n)` of n.
    #[test]
    fn steps_are_those_of_image_to_image() {
        for (steps, denoising, strength, made) in [
            (50, false, 0.6, 30),
            (49, true, 0.6, 29),
            (50, false, 0.999, 49),
            (50, false, 1.0, 50),
            (10, true, 0.5, 4),
            (3, false, 0.34, 1),
            // In double precision 0.29 times 100 is a little less than 29.
            (100, false, 0.29, 29),
            // The denoising alone.
            (9, true, 0.1, 0),
        ] {
            let found = skipped(steps, denoising, strength).unwrap();
            assert_eq!(steps - found, made, "{strength} of {steps}");
        }
        let refused = skipped(3, false, 0.3).unwrap_err().to_string();
        assert!(refused.contains("at least 1/3"), "{refused}");
    }

    #[test]
    fn the_way_without_a_grid_is_that_of_the_default_spacing() {
        let edm = process::parse("edm").unwrap();
        let times = edm.default_spacing().times(&edm, 80.0, 0.002, 10).unwrap();
        for (share, expected) in [(0.0, times[0]), (0.4, times[4]), (0.9, times[9])] {
            let span = Span { start: 80.0, end: 0.002 };
            let found = late(&edm, span, share).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-12, "{share}: {found} {expected}");
            // The last step, to the data, has no place on it.
            assert_eq!(late(&edm, Span { end: 0.0, ..span }, share).unwrap(), found);
        }
        let vp = process::parse("vp").unwrap();
        let found = late(&vp, Span { start: 1.0, end: 0.0 }, 0.4).unwrap();
        assert!((found - 0.6).abs() < 1e-15);
    }
}
