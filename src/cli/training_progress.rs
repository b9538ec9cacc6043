use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use driftfield_networks::train::Progress;
use driftfield_solvers::number::decimals;
use indicatif::{ProgressBar, ProgressStyle};

use super::exit::warn;

/// Between two lines for readers that are no terminal, during the first minute and later.
const OFTEN: Duration = Duration::from_secs(15);
const SELDOM: Duration = Duration::from_secs(60);

/// How far a training is, on stderr: a bar on a terminal, elsewhere a line now and then.
pub(super) struct TrainingProgress {
    bar: ProgressBar,
    lines: Option<Lines>,
    started: Instant,
}

impl TrainingProgress {
    pub(super) fn new(steps: usize, from: usize) -> Self {
        // indicatif draws to stderr, and only if that is a terminal.
        let bar = ProgressBar::new(steps as u64).with_position(from as u64);
        let style = ProgressStyle::with_template(
            "training {bar:40} {pos}/{len} {msg} [{elapsed_precise} < {eta_precise}]",
        );
        let bar = match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        let lines = (!stderr().is_terminal()).then(Lines::default);
        TrainingProgress { bar, lines, started: Instant::now() }
    }

    pub(super) fn show(&mut self, progress: &Progress) {
        self.bar.set_position(progress.step as u64);
        self.bar.set_message(losses(progress));
        if let Some(line) =
            self.lines.as_mut().and_then(|lines| lines.line(progress, self.started.elapsed()))
        {
            warn(line);
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn losses(progress: &Progress) -> String {
    let other = progress
        .validation
        .map_or(String::new(), |loss| format!(", other data {}", decimals(loss, 4)));
    format!("loss {}{other}", decimals(progress.loss, 4))
}

/// Lines now and then: none of a run of seconds, and a last one of every other.
#[derive(Debug, Default)]
struct Lines {
    last: Duration,
}

impl Lines {
    /// The line of this step, if one is due.
    fn line(&mut self, progress: &Progress, elapsed: Duration) -> Option<String> {
        let pause = if self.last < SELDOM { OFTEN } else { SELDOM };
        let Progress { step, steps, .. } = *progress;
        let ends = step == steps && self.last > Duration::ZERO;
        if !ends && elapsed < self.last + pause {
            return None;
        }
        self.last = elapsed;
        let (losses, seconds) = (losses(progress), elapsed.as_secs());
        Some(format!("training: step {step} of {steps}, {losses}, {seconds} s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a run of steps that take `step_time` each.
    fn lines(steps: usize, step_time: Duration) -> Vec<String> {
        let mut lines = Lines::default();
        let progress = |step| Progress {
            step,
            steps,
            loss: 0.25,
            learning_rate: 1e-3,
            validation: (step > 20).then_some(0.5),
        };
        let step = |step: usize| lines.line(&progress(step), step_time * step as u32);
        (1..=steps).filter_map(step).collect()
    }

    #[test]
    fn a_run_of_seconds_is_silent_and_a_long_one_speaks_now_and_then() {
        let second = Duration::from_secs(1);
        assert!(lines(14, second).is_empty());
        assert!(lines(14000, second / 1000).is_empty());
        assert_eq!(
            lines(20, second),
            [
                "training: step 15 of 20, loss 0.2500, 15 s",
                "training: step 20 of 20, loss 0.2500, 20 s"
            ]
        );
        // Four in the first minute, then one a minute.
        assert_eq!(lines(3600, second).len(), 4 + 59);
        assert!(lines(3600, second)[10].contains("other data 0.5000"));
        // Steps may be longer than the pauses.
        assert_eq!(lines(5, 100 * second).len(), 5);
    }
}
