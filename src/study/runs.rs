use driftfield_problems::method::{Solver, catalog};
use driftfield_problems::spacing::Spacing;
use driftfield_problems::spec::SpecError;
use driftfield_solvers::method::Kind;
use driftfield_solvers::number::Number;

use crate::generate::{Budget, Settings};

/// One solver with one budget.
#[derive(Debug, Clone)]
pub struct Run {
    /// The solver: ours by [`Solver::parse`], or one of your own.
    pub solver: Solver,
    /// What it may spend.
    pub budget: Budget,
    /// Where the times of a fixed grid lie; by default what the process says.
    pub spacing: Option<Spacing>,
    /// Noise level of a stochastic solver, 1 by default.
    pub noise_level: Option<f64>,
}

impl Run {
    /// `solver` with this budget.
    pub fn new(solver: &Solver, budget: Budget) -> Self {
        Run { solver: solver.clone(), budget, spacing: None, noise_level: None }
    }

    /// `solver` with so many steps.
    pub fn steps(solver: &Solver, steps: usize) -> Self {
        Run::new(solver, Budget::Steps(steps))
    }

    /// `solver` with so many evaluations.
    pub fn evaluations(solver: &Solver, nfe: u64) -> Self {
        Run::new(solver, Budget::Evaluations(nfe))
    }

    /// `solver` with adaptive steps of this absolute and relative tolerance.
    pub fn adaptive(solver: &Solver, tolerance: f64) -> Self {
        Run::new(solver, Budget::Adaptive { abstol: tolerance, reltol: tolerance, max_nfe: None })
    }

    /// Whether the solver draws noise.
    pub fn stochastic(&self) -> bool {
        self.solver.info().draws_noise
    }

    pub(super) fn settings(&self, seed: u64) -> Settings {
        Settings {
            seed,
            spacing: self.spacing.clone(),
            noise_level: self.noise_level,
            ..Settings::new(self.solver.clone(), self.budget)
        }
    }

    /// Whether both are one solve: evaluations that allow a Runge-Kutta method the same steps make
    /// the same grid, and so do all that a list of times fits in. (Singlestep exponential methods make
    /// another of every number.)
    pub(super) fn is_same(&self, other: &Run) -> bool {
        let listed = |run: &Run| run.spacing.as_ref().and_then(Spacing::own_steps);
        let grid = |run: &Run| match (run.budget, listed(run)) {
            (Budget::Evaluations(_), Some(steps)) => Budget::Steps(steps),
            (Budget::Evaluations(nfe), _) if run.solver.info().kind == Kind::RungeKutta => {
                Budget::Steps(run.solver.info().steps_within(nfe) as usize)
            }
            (budget, _) => budget,
        };
        self.solver.label() == other.solver.label()
            && grid(self) == grid(other)
            && self.spacing == other.spacing
            && self.noise_level == other.noise_level
    }
}

/// A budget in words.
pub(super) fn amount(budget: Budget) -> String {
    match budget {
        Budget::Steps(steps) => format!("{steps} steps"),
        Budget::Evaluations(nfe) => format!("{nfe} evaluations"),
        Budget::Adaptive { abstol, .. } => format!("tolerance {}", Number(abstol)),
    }
}

/// How a group of solvers is asked for: `every adaptive stochastic`.
const EVERY: &str = "every";

/// A solver by its text, or all of a kind: `every`, and any of `deterministic`, `stochastic`,
/// `adaptive`.
pub(super) fn solvers(text: &str) -> Result<Vec<Solver>, SpecError> {
    let mut words = text.split_whitespace();
    if words.next() != Some(EVERY) {
        return Ok(vec![Solver::parse(text)?]);
    }
    let mut all: Vec<Solver> = catalog().defaults().collect();
    for word in words {
        let is_of: fn(&Solver) -> bool = match word {
            "deterministic" => |solver| !solver.info().draws_noise,
            "stochastic" => |solver| solver.info().draws_noise,
            "adaptive" => |solver| solver.info().adaptive(),
            _ => {
                let kinds = ["deterministic", "stochastic", "adaptive"];
                return Err(SpecError::unknown_name("kind of solver", word, kinds, ""));
            }
        };
        all.retain(is_of);
    }
    Ok(all)
}

/// Whether a text asks for all of a kind, so that what does not apply to some of them goes without
/// saying.
pub(super) fn is_every(text: &str) -> bool {
    text.split_whitespace().next() == Some(EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solvers_of_a_kind() {
        let count = |text: &str| solvers(text).unwrap().len();
        assert_eq!(count("every"), catalog().defaults().count());
        assert_eq!(count("every deterministic") + count("every stochastic"), count("every"));
        assert!(count("every adaptive stochastic") >= 2);
        assert_eq!(count("heun"), 1);
        assert!(solvers("every good").is_err() && solvers("heunn").is_err());
        let heun = Solver::parse("heun").unwrap();
        assert!(Run::evaluations(&heun, 11).is_same(&Run::steps(&heun, 5)));
        assert!(!Run::evaluations(&heun, 12).is_same(&Run::steps(&heun, 5)));
    }
}
