use super::{History, Singlestep, SinglestepMemory, Transition, Variant};
use crate::method::{GridPosition, Kind, Method, MethodInfo, Step, StepError};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::State;

/// The multistep methods of order 2 and 3, one evaluation a step: DPM-Solver-2M and
/// -3M for the noise, DPM-Solver++(2M) and (3M) for the data (Lu et al.,
/// *DPM-Solver++*, 2022, algorithm 2, and their published code).
///
/// With `w_k` the [`Transition::weight`]s, differences `d_0 = (N_0 - N_1) / r_0`,
/// `d_1 = (N_1 - N_2) / r_1` over the past steps in units of this one, order 2 is
/// `scale u + w_1 N_0 + c d_0`, `c = w_1 / 2` or `w_2` by [`Variant`]; order 3 is
/// `scale u + w_1 N_0 + w_2 (d_0 + r_0 D) + w_3 N''`, `D = (d_0 - d_1) / (r_0 + r_1)`.
///
/// The second derivative of the parabola through the last three values is
/// `N'' = 2 D`. The published code has `D` in its place, which leaves an error of
/// order 2 in the solution: [`ThirdOrder::Reference`] reproduces its numbers,
/// [`ThirdOrder::Corrected`] converges at order 3.
///
/// The orders are those of the steps. By default the first ones are of lower
/// order ([`Start`]), which leaves an error of second order, small where the first
/// steps are easy.
#[derive(Debug, Clone)]
pub struct Multistep {
    part: NonlinearPart,
    order: usize,
    variant: Variant,
    third_order: ThirdOrder,
    start: Start,
    lower_order_final: bool,
    few_steps: usize,
    last_order: usize,
}

/// What 3M takes for the second derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThirdOrder {
    /// The parabola's, order 3.
    #[default]
    Corrected,
    /// Half of it, as in the published code; order 2.
    Reference,
}

/// How a multistep method gets its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// By the methods of lower order, one evaluation each (the published code).
    #[default]
    Lower,
    /// By one singlestep of the method's own order, whose last inner node also
    /// enters the history of order 3: `order - 1` evaluations more, once.
    Matching,
}

/// Grids with fewer steps than this end with lower orders, as in the published
/// code (whose documentation says 15).
const FEW_STEPS: usize = 10;

impl Multistep {
    /// Order 2.
    pub fn second(part: NonlinearPart) -> Self {
        Self::of_order(2, part)
    }

    /// Order 3.
    pub fn third(part: NonlinearPart) -> Self {
        Self::of_order(3, part)
    }

    fn of_order(order: usize, part: NonlinearPart) -> Self {
        Multistep {
            part,
            order,
            variant: Variant::default(),
            third_order: ThirdOrder::default(),
            start: Start::default(),
            lower_order_final: true,
            few_steps: FEW_STEPS,
            last_order: 1,
        }
    }

    /// Another treatment of the highest difference at order 2.
    #[must_use]
    pub fn variant(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// Another second derivative at order 3.
    #[must_use]
    pub fn third_order(mut self, form: ThirdOrder) -> Self {
        self.third_order = form;
        self
    }

    /// Another start.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Whether the last steps of a fixed grid of few steps have lower orders, down to 1.
    #[must_use]
    pub fn lower_order_final(mut self, lower: bool) -> Self {
        self.lower_order_final = lower;
        self
    }

    /// How many steps are few: fewer than 10, if nothing else is said. The diffusers library
    /// takes 15, of a grid in which the denoising of the final state is a step.
    #[must_use]
    pub fn few_steps(mut self, steps: usize) -> Self {
        self.few_steps = steps;
        self
    }

    /// Order to which the last steps come down: 1, if nothing else is said. With 2 the
    /// denoising of the final state takes the place of the step of order 1.
    #[must_use]
    pub fn last_order(mut self, order: usize) -> Self {
        self.last_order = order.max(1);
        self
    }

    fn name(&self) -> &'static str {
        match (self.part, self.order) {
            (NonlinearPart::Noise, 2) => "dpm-solver-2m",
            (NonlinearPart::Noise, _) => "dpm-solver-3m",
            (NonlinearPart::Data, 2) => "dpm-solver++2m",
            (NonlinearPart::Data, _) => "dpm-solver++3m",
        }
    }

    /// The order of this step, given as many values as there are.
    fn step_order(&self, values: usize, grid: Option<GridPosition>) -> usize {
        let left = match grid {
            Some(grid) if self.lower_order_final && grid.steps < self.few_steps => {
                grid.remaining().saturating_add(self.last_order - 1)
            }
            _ => self.order,
        };
        self.order.min(values).min(left)
    }

    /// Weights of the newest three values, those of lower orders being 0.
    fn weights(&self, order: usize, whole: &Transition, past: [f64; 2]) -> [f64; 3] {
        let w1 = whole.weight(1);
        // Past steps in units of this one.
        let [r0, r1] = past.map(|length| length / whole.h);
        match order {
            1 => [w1, 0.0, 0.0],
            2 => {
                let c = self.variant.first_difference(whole) / r0;
                [w1 + c, -c, 0.0]
            }
            _ => {
                let (w2, w3) = (whole.weight(2), whole.weight(3));
                let curvature = match self.third_order {
                    ThirdOrder::Corrected => 2.0 * w3,
                    ThirdOrder::Reference => w3,
                };
                let bend = (w2 * r0 + curvature) / (r0 + r1);
                let (c0, c1) = ((w2 + bend) / r0, bend / r1);
                [w1 + c0, -c0 - c1, c1]
            }
        }
    }
}

/// The values of past steps, and what the start needs.
#[derive(Debug)]
pub struct MultistepMemory<S> {
    history: History<S>,
    starter: Option<SinglestepMemory<S>>,
    starter_used: bool,
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Multistep {
    type Memory = MultistepMemory<S>;

    fn info(&self) -> MethodInfo {
        MethodInfo {
            name: self.name(),
            kind: Kind::Exponential,
            order: match self.third_order {
                ThirdOrder::Corrected => self.order as u32,
                ThirdOrder::Reference => 2,
            },
            embedded_order: None,
            interpolant_order: None,
            strong_order: None,
            weak_order: None,
            evaluations_per_step: 1,
            evaluations_at_start: match self.start {
                Start::Lower => 0,
                Start::Matching => self.order as u64 - 1,
            },
        }
    }

    fn memory(&self, initial: &S) -> Self::Memory {
        MultistepMemory {
            history: History::new(self.order, initial),
            starter: (self.start == Start::Matching)
                .then(|| SinglestepMemory::new(self.order, initial)),
            starter_used: false,
        }
    }

    fn step(&self, step: Step<'_, S, F>, memory: &mut Self::Memory) -> Result<(), StepError> {
        let (start, end) = (step.field.schedule(step.t)?, step.field.schedule(step.t_next)?);
        let MultistepMemory { history, starter, starter_used } = memory;
        history.evaluate_once(start.log_snr, |value| {
            step.field.predict(self.part, value, step.u, step.t)
        })?;
        *starter_used = false;
        if let (Some(starter), 1) = (starter, history.len()) {
            *starter_used = true;
            starter.set_first(history.value(0))?;
            let singlestep = Singlestep::of_order(self.order, self.part).variant(self.variant);
            return singlestep.step(step, starter);
        }
        let order = self.step_order(history.len(), step.grid);
        let whole = Transition::new(self.part, &start, &end);
        let weights = self.weights(order, &whole, [history.step(0), history.step(1)]);
        let values = [0, 1, 2].map(|i| (weights[i], history.value(i.min(order - 1))));
        let mut terms = [(whole.scale, step.u); 4];
        terms[1..].copy_from_slice(&values);
        step.next.linear_combination(0.0, &terms[..=order])?;
        Ok(())
    }

    fn accepted(&self, memory: &mut Self::Memory) {
        let MultistepMemory { history, starter, starter_used } = memory;
        history.keep();
        if let (true, Some(starter), 3) = (*starter_used, starter, self.order) {
            history.insert(starter.last_node_log_snr, starter.last_value());
        }
        *starter_used = false;
    }

    fn modified(&self, memory: &mut Self::Memory) {
        memory.history.clear();
    }
}
