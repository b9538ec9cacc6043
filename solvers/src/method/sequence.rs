use super::{BoxedMethod, Interpolant, Method, MethodInfo, Step, StepError, Stepper, Told};
use crate::noise::NoiseRequest;
use crate::state::{State, StateError};

/// Another method, with coefficients of its own, at every step of a fixed grid: a method like any
/// other. The last one makes all steps beyond their number.
///
/// What a method keeps from step to step it keeps for its own steps alone, and forgets when it has
/// not made the one before. Orders and costs are those of the least and of the most of them.
///
/// ```
/// use driftfield_solvers::method::{BoxedMethod, Euler, Heun, Rk4, Sequence};
/// use driftfield_solvers::{OdeProblem, SolveOptions, solve};
/// let problem = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 1.0));
/// let methods = vec![BoxedMethod::new(Rk4::new()), BoxedMethod::new(Heun::new())];
/// let method = Sequence::new("rk4-then-heun", methods).unwrap();
/// let solution = solve(&problem, &method, SolveOptions::steps(5)).unwrap();
/// assert_eq!(solution.statistics.nfe, 4 + 4 * 2);
/// ```
pub struct Sequence<S, F> {
    name: &'static str,
    methods: Vec<BoxedMethod<S, F>>,
}

impl<S: State, F: 'static> Sequence<S, F> {
    /// `methods` in the order of the steps; `None` if there is none.
    pub fn new(name: &'static str, methods: Vec<BoxedMethod<S, F>>) -> Option<Self> {
        (!methods.is_empty()).then_some(Sequence { name, methods })
    }
}

/// A sequence of methods in the midst of a solve.
pub struct SequenceStepper<S, F> {
    steppers: Vec<Box<dyn Stepper<S, F>>>,
    /// Whose turn it is, and who made the last step.
    at: usize,
    last: Option<usize>,
}

impl<S: State, F: 'static> Method<S, F> for Sequence<S, F> {
    type Stepper = SequenceStepper<S, F>;

    fn info(&self) -> MethodInfo {
        let infos: Vec<MethodInfo> = self.methods.iter().map(Method::info).collect();
        let most = |of: fn(&MethodInfo) -> u64| infos.iter().map(of).max().unwrap_or(0);
        let last = infos[infos.len() - 1];
        let all = |of: fn(&MethodInfo) -> Option<f64>| {
            infos.iter().map(of).collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::min)
        };
        MethodInfo {
            name: self.name,
            order: infos.iter().map(|info| info.order).min().unwrap_or(0),
            embedded_order: None,
            interpolant_order: infos
                .iter()
                .map(|info| info.interpolant_order)
                .collect::<Option<Vec<u32>>>()
                .and_then(|orders| orders.into_iter().min()),
            interpolant_evaluations: most(|info| info.interpolant_evaluations),
            strong_order: all(|info| info.strong_order),
            weak_order: all(|info| info.weak_order),
            evaluations_per_step: most(|info| info.evaluations_per_step),
            evaluations_at_start: most(|info| info.evaluations_at_start),
            lane_steps: false,
            draws_noise: infos.iter().any(|info| info.draws_noise),
            couples_lanes: infos.iter().any(|info| info.couples_lanes),
            history: 0,
            evaluations_to_data: last.evaluations_to_data,
            starts_from_data: infos[0].starts_from_data,
            starts_from_noise: infos[0].starts_from_noise,
            ..last
        }
    }

    fn noise(&self, field: &F) -> Option<NoiseRequest> {
        let requests = self.methods.iter().filter_map(|method| method.noise(field));
        requests.reduce(|all, one| NoiseRequest {
            areas: all.areas || one.areas,
            inside_steps: all.inside_steps || one.inside_steps,
            ..one
        })
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        let steppers = self.methods.iter().map(|method| method.begin(initial)).collect();
        SequenceStepper { steppers, at: 0, last: None }
    }
}

impl<S: State, F> Stepper<S, F> for SequenceStepper<S, F> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let index = step.grid.map_or(0, |grid| grid.index);
        self.at = index.min(self.steppers.len() - 1);
        if self.last.is_some_and(|last| last != self.at) {
            self.steppers[self.at].tell(Told::Replaced)?;
        }
        self.steppers[self.at].step(step)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Lanes(_) => self.steppers.iter_mut().try_for_each(|stepper| stepper.tell(told)),
            Told::Accepted => {
                self.last = Some(self.at);
                self.steppers[self.at].tell(told)
            }
            _ => self.steppers[self.at].tell(told),
        }
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        self.steppers[self.at].prepare_interpolant(step)
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        self.steppers[self.at].interpolant()
    }
}
