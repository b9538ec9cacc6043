use std::sync::Arc;

use super::continuous::{MadeStep, continuous_order};
use super::nodes::Division;
use super::to_data::check_transition;
use super::{Continuous, Knot, Nodes, Transition, Variant};
use crate::field::Counted;
use crate::method::{
    GridPosition, Interpolant, Kind, Method, MethodInfo, Step, StepError, Stepper, Told, move_lanes,
};
use crate::semilinear::{NonlinearPart, SemilinearField};
use crate::state::{State, StateError};

/// The singlestep methods of order 1, 2 and 3 that evaluate their nonlinear part
/// anew at 0, 1 or 2 inner nodes of every step: DPM-Solver-1, -2 and -3 for the
/// noise (Lu et al., *DPM-Solver*, 2022, algorithms 1 and 2), DPM-Solver++1, 2S
/// and 3S for the data (Lu et al., *DPM-Solver++*, 2022, algorithm 1).
///
/// With `w_k` the [`Transition::weight`]s and `r_i` the shares of the inner nodes, order 2
/// is `scale u + w_1 N_0 + c (N_1 - N_0) / r_1`, `c = w_1 / 2` or `w_2` by
/// [`Variant`]; order 3 is `scale u + w_1 N_0 + w_2 (N_2 - N_0) / r_2`, or the
/// whole quadratic through its three values.
///
/// Steps of order 1 are finite to where there is no noise, from there with the noise, and from pure
/// noise with the data; steps with inner nodes are not.
#[derive(Debug, Clone)]
pub struct Singlestep {
    part: NonlinearPart,
    order: usize,
    variant: Variant,
    inner: Variant,
    nodes: Nodes,
    orders: Option<Arc<[usize]>>,
}

impl Singlestep {
    /// Order 1: Euler's method on the clock, and DDIM in either part.
    pub fn first(part: NonlinearPart) -> Self {
        Self::of_order(1, part)
    }

    /// Order 2: one inner node.
    pub fn second(part: NonlinearPart) -> Self {
        Self::of_order(2, part)
    }

    /// Order 3: two inner nodes.
    pub fn third(part: NonlinearPart) -> Self {
        Self::of_order(3, part)
    }

    pub(super) fn of_order(order: usize, part: NonlinearPart) -> Self {
        Singlestep {
            part,
            order,
            variant: Variant::default(),
            inner: Variant::Taylor,
            nodes: Nodes::default(),
            orders: None,
        }
    }

    /// Another treatment of the highest difference.
    #[must_use]
    pub fn variant(mut self, variant: Variant) -> Self {
        self.variant = variant;
        self
    }

    /// Another treatment of the difference in the second inner stage of order 3, which is
    /// [`Variant::Taylor`] in the papers, and [`Variant::DpmSolver`] in the diffusers library. The
    /// order is 3 with either.
    #[must_use]
    pub fn inner_variant(mut self, variant: Variant) -> Self {
        self.inner = variant;
        self
    }

    /// Other inner nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: Nodes) -> Self {
        self.nodes = nodes;
        self
    }

    /// Steps of these orders, one each, on a fixed grid of as many steps; an order
    /// outside 1 to the method's own counts as the nearer of the two, and steps
    /// beyond the list have the method's own.
    #[must_use]
    pub fn orders(mut self, orders: impl Into<Arc<[usize]>>) -> Self {
        self.orders = Some(orders.into());
        self
    }

    /// The orders of the steps that use up `evaluations` evaluations (Lu et al. 2022,
    /// section 3.3, completed at 2 for even and odd numbers as in the published code):
    /// as many of `order` as leave a remainder for the end, which ends `2, 1` where
    /// order 3 would leave none.
    pub fn order_list(order: usize, evaluations: usize) -> Vec<usize> {
        let (whole, rest) = (evaluations / order.max(1), evaluations % order.max(1));
        let mut orders = vec![order; whole];
        match (order, rest) {
            (3, 0) if whole > 0 => {
                orders.pop();
                orders.extend([2, 1]);
            }
            (_, 0) => {}
            (_, rest) => orders.push(rest),
        }
        orders
    }

    pub(super) fn own_order(&self) -> usize {
        self.order
    }

    pub(super) fn part(&self) -> NonlinearPart {
        self.part
    }

    fn step_order(&self, grid: Option<GridPosition>) -> usize {
        let listed = self.orders.as_ref().zip(grid).and_then(|(list, grid)| list.get(grid.index));
        listed.map_or(self.order, |&order| order.clamp(1, self.order))
    }

    fn name(&self) -> &'static str {
        match (self.part, self.order) {
            (NonlinearPart::Noise, 1) => "dpm-solver-1",
            (NonlinearPart::Noise, 2) => "dpm-solver-2s",
            (NonlinearPart::Noise, _) => "dpm-solver-3s",
            (NonlinearPart::Data, 1) => "dpm-solver++1",
            (NonlinearPart::Data, 2) => "dpm-solver++2s",
            (NonlinearPart::Data, _) => "dpm-solver++3s",
        }
    }
}

/// A singlestep method in the midst of a solve: the values of a step, at its start and its inner
/// nodes.
#[derive(Debug)]
pub struct SinglestepStepper<S> {
    method: Singlestep,
    values: Vec<S>,
    stage: S,
    first_is_known: bool,
    /// Share of the first inner node.
    first_share: f64,
    continuous: Continuous<S>,
}

impl<S: State> SinglestepStepper<S> {
    pub(super) fn new(method: Singlestep, initial: &S) -> Self {
        SinglestepStepper {
            values: vec![initial.zeros_like(); method.order],
            stage: initial.zeros_like(),
            first_is_known: false,
            first_share: f64::NAN,
            continuous: Continuous::default(),
            method,
        }
    }

    /// The value at the start of the step, given from outside.
    pub(super) fn set_first(&mut self, value: &S) -> Result<(), StateError> {
        self.first_is_known = true;
        self.values[0].copy_from(value)
    }

    pub(super) fn move_lanes(&mut self, from: &[usize]) -> Result<(), StateError> {
        self.continuous.tell(Told::Lanes(from))?;
        move_lanes(self.values.iter_mut().chain([&mut self.stage]), from)
    }

    /// The step of the next lower order with the values of one just made.
    pub(super) fn lower_order_step<F: SemilinearField<S>>(
        &self,
        field: &Counted<&F>,
        (t, t_next): (f64, f64),
        u: &S,
        out: &mut S,
    ) -> Result<(), StepError> {
        let SinglestepStepper { method, values, first_share, .. } = self;
        let schedule = field.schedule();
        let whole = Transition::new(method.part, &schedule.at(t)?, &schedule.at(t_next)?);
        let w1 = whole.weight(1);
        if method.order == 2 {
            out.linear_combination(0.0, &[(whole.scale, u), (w1, &values[0])])?;
        } else {
            let c = method.variant.first_difference(&whole) / first_share;
            let terms = [(whole.scale, u), (w1 - c, &values[0]), (c, &values[1])];
            out.linear_combination(0.0, &terms)?;
        }
        Ok(())
    }
}

impl<S: State, F: SemilinearField<S>> Method<S, F> for Singlestep {
    type Stepper = SinglestepStepper<S>;

    fn info(&self) -> MethodInfo {
        let order = self.order as u32;
        let own = std::slice::from_ref(&self.order);
        let orders = self.orders.as_deref().unwrap_or(own);
        let (first, last) = (orders.first(), orders.last());
        MethodInfo {
            interpolant_order: continuous_order(order),
            interpolant_evaluations: 1,
            evaluations_to_data: (last == Some(&1)).then_some(1),
            starts_from_data: first == Some(&1) && self.part == NonlinearPart::Noise,
            starts_from_noise: first == Some(&1) && self.part == NonlinearPart::Data,
            ..MethodInfo::one_step(self.name(), Kind::Exponential, order, u64::from(order))
        }
    }

    fn begin(&self, initial: &S) -> Self::Stepper {
        SinglestepStepper::new(self.clone(), initial)
    }
}

impl<S: State, F: SemilinearField<S>> Stepper<S, F> for SinglestepStepper<S> {
    fn step(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        let Step { field, t, t_next, u, next, grid, .. } = step;
        let SinglestepStepper { method, values, stage, first_is_known, first_share, .. } = self;
        let order = method.step_order(grid);
        let ends = (Knot::at_end(field, t)?, Knot::at_end(field, t_next)?);
        let (start, end) = (ends.0.level, ends.1.level);
        let whole = Transition::new(method.part, &start, &end);
        check_transition(&ends.0, &ends.1, &whole, order)?;
        if !*first_is_known {
            field.predict(method.part.into(), &mut values[0], u, t.into())?;
            *first_is_known = true;
        }
        let division = Division { t, t_next, start: &start, end: &end };
        let w1 = whole.weight(1);
        if order == 1 {
            next.linear_combination(0.0, &[(whole.scale, u), (w1, &values[0])])?;
            return Ok(());
        }
        let first = method.nodes.place(field, &division, 1, order)?;
        let part = Transition::new(method.part, &start, &first.level);
        stage.linear_combination(0.0, &[(part.scale, u), (part.weight(1), &values[0])])?;
        field.predict(method.part.into(), &mut values[1], stage, first.t.into())?;
        let r1 = first.share;
        *first_share = r1;
        if order == 2 {
            let c = method.variant.first_difference(&whole) / r1;
            let terms = [(whole.scale, u), (w1 - c, &values[0]), (c, &values[1])];
            next.linear_combination(0.0, &terms)?;
            return Ok(());
        }
        let second = method.nodes.place(field, &division, 2, order)?;
        let part = Transition::new(method.part, &start, &second.level);
        let r2 = second.share;
        let c = r2 / r1 * method.inner.first_difference(&part);
        let terms = [(part.scale, u), (part.weight(1) - c, &values[0]), (c, &values[1])];
        stage.linear_combination(0.0, &terms)?;
        field.predict(method.part.into(), &mut values[2], stage, second.t.into())?;
        let (c1, c2) = method.variant.two_differences(&whole, r1, r2);
        let terms =
            [(whole.scale, u), (w1 - c1 - c2, &values[0]), (c1, &values[1]), (c2, &values[2])];
        next.linear_combination(0.0, &terms)?;
        Ok(())
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Lanes(from) => return self.move_lanes(from),
            Told::Accepted | Told::Corrected | Told::Replaced => self.first_is_known = false,
        }
        self.continuous.tell(told)
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        if self.continuous.is_ready() {
            return Ok(());
        }
        let part = self.method.part;
        let made = MadeStep::of(&step, part)?;
        if made.is_infinite() {
            return Ok(self.continuous.prepare(made, &self.values[0], None)?);
        }
        step.field.predict(part.into(), &mut self.stage, step.next, step.t_next.into())?;
        self.continuous.prepare(made, &self.values[0], Some(&self.stage))?;
        std::mem::swap(&mut self.values[0], &mut self.stage);
        self.first_is_known = true;
        Ok(())
    }

    fn interpolant(&self) -> Option<Interpolant<'_, S>> {
        self.continuous.interpolant()
    }
}
