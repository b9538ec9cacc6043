use driftfield_solvers::method::StepError;
use driftfield_solvers::method::exponential::NoiseSettingError;
use driftfield_solvers::noise::Noise;
use driftfield_solvers::{Counted, SemilinearField, State, Tolerance};

/// How long a Langevin step `x <- x + delta score + sqrt(2 delta) z` at noise level `sigma` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LangevinRule {
    /// `delta = 2 a^2 (snr <|z|> / <|score|>)^2`, `<..>` the mean over the lanes of the batch
    /// (Song et al. 2021, algorithms 4 and 5). The lanes share their step, so that a lane's
    /// result depends on the batch it is in.
    SignalToNoise,
    /// `delta = 2 a^2 (snr sigma)^2`: the same in expectation far from the data, where the score
    /// is `-z / sigma`, and every lane for itself (the annealed Langevin dynamics of the
    /// published code).
    Annealed,
}

/// The published signal-to-noise ratio.
pub(super) const PUBLISHED_SNR: f64 = 0.16;

/// Repeated Langevin steps at one noise level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LangevinSteps {
    pub rule: LangevinRule,
    pub snr: f64,
    pub count: usize,
}

/// Score, increment, and norms of a solve's Langevin steps.
#[derive(Debug)]
pub(super) struct LangevinScratch<S> {
    score: S,
    increment: S,
    squares: Vec<f64>,
    unit: Tolerance,
}

/// At which level steps are made, and how the rule's `a^2` damps them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub t: f64,
    pub damping: f64,
}

/// An interval of time in equal parts, each of which yields one draw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub t: f64,
    pub t_next: f64,
    pub count: usize,
}

impl Parts {
    /// Where part `k` starts, which is where the one before it ends.
    pub fn at(&self, k: usize) -> f64 {
        if k == self.count {
            return self.t_next;
        }
        self.t + (self.t_next - self.t) * (k as f64 / self.count as f64)
    }
}

impl LangevinSteps {
    pub fn new(rule: LangevinRule, snr: f64, count: usize) -> Result<Self, NoiseSettingError> {
        if !(snr > 0.0 && snr.is_finite()) {
            return Err(NoiseSettingError { name: "snr", value: snr, range: "finite and above 0" });
        }
        if count == 0 {
            return Err(NoiseSettingError { name: "n", value: 0.0, range: "at least 1" });
        }
        Ok(LangevinSteps { rule, snr, count })
    }

    /// Moves `u` by `count` steps at `level`, with the draws of the first `count` parts.
    pub fn run<S: State, F: SemilinearField<S>>(
        &self,
        field: &Counted<&F>,
        level: Level,
        u: &mut S,
        noise: &mut dyn Noise<S>,
        parts: Parts,
        scratch: &mut LangevinScratch<S>,
    ) -> Result<(), StepError> {
        for k in 0..self.count {
            let (from, to) = (parts.at(k), parts.at(k + 1));
            noise.increment(from, to, &mut scratch.increment)?;
            // The increment has variance |to - from|.
            let unit = 1.0 / (to - from).abs().sqrt();
            field.score(&mut scratch.score, u, level.t)?;
            let amplitude = match self.rule {
                LangevinRule::Annealed => self.snr * field.schedule().at_end(level.t)?.sigma,
                LangevinRule::SignalToNoise => self.snr * scratch.noise_to_score(unit)?,
            };
            let delta = 2.0 * level.damping * amplitude * amplitude;
            let draw = (2.0 * delta).sqrt() * unit;
            u.linear_combination(1.0, &[(delta, &scratch.score), (draw, &scratch.increment)])?;
        }
        Ok(())
    }
}

impl<S: State> LangevinScratch<S> {
    pub fn new(initial: &S) -> Self {
        LangevinScratch {
            score: initial.zeros_like(),
            increment: initial.zeros_like(),
            squares: Vec::new(),
            unit: Tolerance::new(1.0, 0.0),
        }
    }

    pub fn states(&mut self) -> [&mut S; 2] {
        [&mut self.score, &mut self.increment]
    }

    /// The mean norm of the normals over that of the score. Where the score vanishes in every
    /// lane there is nothing to follow, and no step is made.
    fn noise_to_score(&mut self, unit: f64) -> Result<f64, StepError> {
        let score = mean_norm(&self.score, &self.unit, &mut self.squares)?;
        let noise = unit * mean_norm(&self.increment, &self.unit, &mut self.squares)?;
        Ok(if score == 0.0 { 0.0 } else { noise / score })
    }
}

/// Mean over the lanes of the Euclidean norm.
fn mean_norm<S: State>(
    state: &S,
    unit: &Tolerance,
    squares: &mut Vec<f64>,
) -> Result<f64, StepError> {
    state.weighted_mean_squares(state, state, unit, squares)?;
    let length = state.lane_len() as f64;
    let sum: f64 = squares.iter().map(|mean| (mean * length).sqrt()).sum();
    Ok(sum / squares.len() as f64)
}
