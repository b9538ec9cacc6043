use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

use crate::generate::{Progress, Watch};

/// Parts of a whole bar.
const PARTS: u64 = 10_000;

/// How far a generation is, on stderr, if that is a terminal; else nobody watches it.
pub(super) struct SamplingProgress(Option<ProgressBar>);

impl SamplingProgress {
    pub(super) fn new() -> Self {
        let bar = || {
            let bar = ProgressBar::new(PARTS);
            match ProgressStyle::with_template("{bar:30} {msg} [{elapsed_precise} < {eta_precise}]")
            {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        };
        SamplingProgress(stderr().is_terminal().then(bar))
    }

    /// Who is told.
    pub(super) fn watch(&self) -> Option<Watch> {
        let bar = self.0.clone()?;
        Some(Watch::new(move |progress| {
            bar.set_position((progress.done() * PARTS as f64) as u64);
            bar.set_message(line(progress));
        }))
    }
}

/// However it ends, nothing of the bar stays.
impl Drop for SamplingProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn line(progress: &Progress) -> String {
    let Progress { arrived, moving, lanes, evaluations, step, share } = *progress;
    let way = match step {
        Some((step, steps)) => format!("step {step} of {steps}"),
        None => format!("{:.0} % of the span", 100.0 * share),
    };
    let part = match moving < lanes {
        true => format!(", lanes {arrived} to {} of {lanes}", arrived + moving),
        false => String::new(),
    };
    format!("{way}, {evaluations} evaluations{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_steps_evaluations_and_lanes() {
        let whole = Progress {
            arrived: 0,
            moving: 8,
            lanes: 8,
            evaluations: 5,
            step: Some((3, 20)),
            share: 0.1,
        };
        assert_eq!(line(&whole), "step 3 of 20, 5 evaluations");
        let part = Progress { arrived: 100, moving: 100, lanes: 300, step: None, ..whole };
        assert_eq!(line(&part), "10 % of the span, 5 evaluations, lanes 100 to 200 of 300");
        assert!((part.done() - 110.0 / 300.0).abs() < 1e-15);
    }
}
