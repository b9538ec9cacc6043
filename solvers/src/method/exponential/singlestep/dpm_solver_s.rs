use std::sync::Arc;

use super::nodes::{Division, Nodes};
use crate::field::{ByLane, FieldError, Times};
use crate::method::exponential::step::{
    Knot, MadeStep, StepInterpolant, Transition, Variant, check_transition, continuous_order,
};
use crate::method::{
    GridPosition, Interpolant, Kind, LaneSteps, Method, MethodInfo, Step, StepError, Stepper, Told,
    copy_lanes, move_lanes,
};
use crate::semilinear::{NonlinearPart, Schedule, SemilinearField};
use crate::state::{State, StateError};

/// The singlestep methods of order 1, 2 and 3 that evaluate their nonlinear part
/// anew at 0, 1 or 2 inner nodes of every step: DPM-Solver-1, -2 and -3 for the
/// noise (Lu et al., *DPM-Solver*, 2022, algorithms 1 and 2), DPM-Solver++1, 2S
/// and 3S for the data (Lu et al., *DPM-Solver++*, 2022, algorithm 1).
///
/// With nodes `s_i` at `lambda + r_i h` and `N_i` the values there, in the
/// [notation] of this module, for the noise:
///
/// - order 1: `x_next = alpha_next / alpha x - sigma_next (e^h - 1) N_0`;
/// - order 2, `r_1 = 1/2`: `x_1 = alpha_1 / alpha x - sigma_1 (e^(r_1 h) - 1) N_0`,
///   `x_next = alpha_next / alpha x - sigma_next (e^h - 1) (N_0 + (N_1 - N_0) / (2 r_1))`;
/// - order 3, `r_1 = 1/3`, `r_2 = 2/3`: `x_1` as before,
///   `x_2 = alpha_2 / alpha x - sigma_2 (e^(r_2 h) - 1) N_0 -
///   sigma_2 r_2 / r_1 ((e^(r_2 h) - 1) / (r_2 h) - 1) (N_1 - N_0)`,
///   `x_next = alpha_next / alpha x - sigma_next (e^h - 1) N_0 -
///   sigma_next / r_2 ((e^h - 1) / h - 1) (N_2 - N_0)`.
///
/// For the data, with `sigma` and `alpha` exchanged and `h` of the other sign:
///
/// - order 1: `x_next = sigma_next / sigma x + alpha_next (1 - e^-h) N_0`;
/// - order 2: `x_1 = sigma_1 / sigma x + alpha_1 (1 - e^(-r_1 h)) N_0`,
///   `x_next = sigma_next / sigma x + alpha_next (1 - e^-h) (N_0 + (N_1 - N_0) / (2 r_1))`;
/// - order 3: `x_1` as before,
///   `x_2 = sigma_2 / sigma x + alpha_2 (1 - e^(-r_2 h)) N_0 +
///   alpha_2 r_2 / r_1 (1 - (1 - e^(-r_2 h)) / (r_2 h)) (N_1 - N_0)`,
///   `x_next = sigma_next / sigma x + alpha_next (1 - e^-h) N_0 +
///   alpha_next / r_2 (1 - (1 - e^-h) / h) (N_2 - N_0)`.
///
/// That is [`Variant::DpmSolver`]. With [`Variant::Taylor`], `D1_0 = (N_1 - N_0) / r_1` and
/// `D1_1 = (N_2 - N_0) / r_2`, the ends are `w_1 N_0 + w_2 D1_0` at order 2 and
/// `w_1 N_0 + w_2 D1 + w_3 D2` at order 3, with `D1 = (r_2 D1_0 - r_1 D1_1) / (r_2 - r_1)` and
/// `D2 = 2 (D1_1 - D1_0) / (r_2 - r_1)`, after the same factor of `x`.
///
/// Steps of order 1 are finite to where there is no noise, from there with the noise, and from pure
/// noise with the data; steps with inner nodes are not.
///
/// [notation]: crate::method::exponential#notation
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

    pub(crate) fn of_order(order: usize, part: NonlinearPart) -> Self {
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

    pub(crate) fn own_order(&self) -> usize {
        self.order
    }

    pub(crate) fn part(&self) -> NonlinearPart {
        self.part
    }

    /// What a step of order `order` is made of.
    fn rows(
        &self,
        schedule: &dyn Schedule,
        (t, t_next): (f64, f64),
        order: usize,
    ) -> Result<Rows, StepError> {
        let ends = [t, t_next].map(|t| Ok(Knot { t, level: schedule.at_end(t)? }));
        let [from, to]: [Result<Knot, FieldError>; 2] = ends;
        let (from, to) = (from?, to?);
        let (start, end) = (from.level, to.level);
        let whole = Transition::new(self.part, &start, &end);
        check_transition(&from, &to, &whole, order)?;
        let mut rows = Rows::default();
        let w1 = whole.weight(1);
        if order == 1 {
            rows.next = [whole.scale, w1, 0.0, 0.0];
            return Ok(rows);
        }
        let division = Division { t, t_next, start: &start, end: &end };
        let first = self.nodes.place(schedule, &division, 1, order)?;
        let part = Transition::new(self.part, &start, &first.level);
        rows.nodes[0] = first.t;
        rows.stages[0] = [part.scale, part.weight(1), 0.0, 0.0];
        let r1 = first.share;
        if order == 2 {
            let c = self.variant.first_difference(&whole) / r1;
            rows.next = [whole.scale, w1 - c, c, 0.0];
            rows.lower = [whole.scale, w1, 0.0, 0.0];
            return Ok(rows);
        }
        let second = self.nodes.place(schedule, &division, 2, order)?;
        let part = Transition::new(self.part, &start, &second.level);
        let r2 = second.share;
        let c = r2 / r1 * self.inner.first_difference(&part);
        rows.nodes[1] = second.t;
        rows.stages[1] = [part.scale, part.weight(1) - c, c, 0.0];
        let (c1, c2) = self.variant.two_differences(&whole, r1, r2);
        rows.next = [whole.scale, w1 - c1 - c2, c1, c2];
        let c = self.variant.first_difference(&whole) / r1;
        rows.lower = [whole.scale, w1 - c, c, 0.0];
        Ok(rows)
    }

    fn step_order(&self, grid: Option<GridPosition<'_>>) -> usize {
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

/// Weights of the state and of the values `N_0`, `N_1`, `N_2`.
type Row = [f64; 4];

/// A step as weights.
#[derive(Debug, Clone, Copy, Default)]
struct Rows {
    /// Times of the inner nodes, and the states there.
    nodes: [f64; 2],
    stages: [Row; 2],
    /// The state at the end.
    next: Row,
    /// The same of the next lower order.
    lower: Row,
}

/// `out <- row (u, N_0, ..)` with the first `values` of the values.
fn apply<S: State>(out: &mut S, row: &Row, u: &S, values: &[S]) -> Result<(), StateError> {
    let mut terms = [(row[0], u); 4];
    for (term, (&weight, value)) in terms[1..].iter_mut().zip(row[1..].iter().zip(values)) {
        *term = (weight, value);
    }
    out.linear_combination(0.0, &terms[..=values.len()])
}

/// A singlestep method in the midst of a solve: the values of a step, at its start and its inner
/// nodes.
#[derive(Debug)]
pub struct SinglestepStepper<S> {
    method: Singlestep,
    values: Vec<S>,
    stage: S,
    first_is_known: bool,
    /// The step made last.
    rows: Rows,
    continuous: StepInterpolant<S>,
    /// What is known of lanes with steps of their own.
    lanes: Option<Box<OwnSteps>>,
}

/// Lanes with steps of their own.
#[derive(Debug)]
struct OwnSteps {
    /// The lanes whose value at the start of the coming step is known.
    known: Vec<bool>,
    /// The steps made last.
    rows: Vec<Rows>,
}

impl<S: State> SinglestepStepper<S> {
    pub(crate) fn new(method: Singlestep, initial: &S) -> Self {
        SinglestepStepper {
            values: vec![initial.zeros_like(); method.order],
            stage: initial.zeros_like(),
            first_is_known: false,
            rows: Rows::default(),
            continuous: StepInterpolant::default(),
            lanes: None,
            method,
        }
    }

    /// The value at the start of the step, given from outside.
    pub(crate) fn set_first(&mut self, value: &S) -> Result<(), StateError> {
        self.first_is_known = true;
        self.values[0].copy_from(value)
    }

    pub(crate) fn move_lanes(&mut self, from: &[usize]) -> Result<(), StateError> {
        self.continuous.tell(Told::Lanes(from))?;
        if let Some(lanes) = &mut self.lanes {
            lanes.known = from.iter().map(|&lane| lanes.known[lane]).collect();
            lanes.rows.clear();
        }
        move_lanes(self.values.iter_mut().chain([&mut self.stage]), from)
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
        if let Some(lanes) = step.lanes {
            return self.step_lanes(step, lanes);
        }
        let Step { field, t, t_next, u, next, grid, .. } = step;
        let SinglestepStepper { method, values, stage, first_is_known, rows, .. } = self;
        let order = method.step_order(grid);
        *rows = method.rows(&**field.schedule(), (t, t_next), order)?;
        let part = method.part.into();
        if !*first_is_known {
            field.predict(part, &mut values[0], u, t.into())?;
            *first_is_known = true;
        }
        for i in 1..order {
            let (known, rest) = values.split_at_mut(i);
            apply(stage, &rows.stages[i - 1], u, known)?;
            field.predict(part, &mut rest[0], stage, rows.nodes[i - 1].into())?;
        }
        Ok(apply(next, &rows.next, u, &values[..order])?)
    }

    fn tell(&mut self, told: Told<'_>) -> Result<(), StateError> {
        match told {
            Told::Lanes(from) => return self.move_lanes(from),
            Told::AcceptedLanes(accepted) => {
                if let Some(lanes) = &mut self.lanes {
                    accepted.iter().for_each(|&lane| lanes.known[lane] = false);
                }
            }
            Told::Accepted | Told::Corrected | Told::Replaced => {
                self.first_is_known = false;
                if let Some(lanes) = &mut self.lanes {
                    lanes.known.fill(false);
                }
            }
        }
        self.continuous.tell(told)
    }

    fn known(&self, lane: usize) -> u64 {
        self.lanes.as_ref().map_or(0, |lanes| u64::from(lanes.known[lane]))
    }

    fn prepare_interpolant(&mut self, step: Step<'_, S, F>) -> Result<(), StepError> {
        if self.continuous.is_ready() {
            return Ok(());
        }
        let part = self.method.part;
        if let Some(lanes) = step.lanes {
            return self.prepare_lanes(step, lanes);
        }
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

impl<S: State> SinglestepStepper<S> {
    /// The solution of the next lower order with the values of the step just made.
    pub(super) fn lower_order_step(
        &self,
        u: &S,
        out: &mut S,
        lanes: Option<&LaneSteps>,
    ) -> Result<(), StateError> {
        let values = &self.values[..self.method.order - 1];
        match (&self.lanes, lanes) {
            (Some(own), Some(_)) => apply_by_lane(out, &own.rows, |rows| &rows.lower, u, values),
            _ => apply(out, &self.rows.lower, u, values),
        }
    }

    /// The step of lanes that have one each.
    fn step_lanes<F: SemilinearField<S>>(
        &mut self,
        step: Step<'_, S, F>,
        lanes: &LaneSteps,
    ) -> Result<(), StepError> {
        let Step { field, u, next, .. } = step;
        let SinglestepStepper { method, values, stage, lanes: own, .. } = self;
        let none_known = || Box::new(OwnSteps { known: vec![false; u.lanes()], rows: Vec::new() });
        let OwnSteps { known, rows } = &mut **own.get_or_insert_with(none_known);
        rows.clear();
        for step in &lanes.steps {
            rows.push(method.rows(&**field.schedule(), (step.t, step.t_next), method.order)?);
        }
        let part = method.part.into();
        let unknown: Vec<usize> = (0..known.len()).filter(|&lane| !known[lane]).collect();
        if !unknown.is_empty() {
            let some = (unknown.len() < known.len()).then_some(unknown.as_slice());
            let times = ByLane::Each(&lanes.at(0.0)).select(&unknown);
            field.for_lanes(some, (&mut values[0], u), |field, value, u| {
                field.predict(part, value, u, Times::Each(&times))
            })?;
            known.fill(true);
        }
        for i in 1..method.order {
            let (done, rest) = values.split_at_mut(i);
            apply_by_lane(stage, rows, |rows| &rows.stages[i - 1], u, done)?;
            let times: Vec<f64> = rows.iter().map(|rows| rows.nodes[i - 1]).collect();
            field.for_lanes(None, (&mut rest[0], stage), |field, value, u| {
                field.predict(part, value, u, Times::Each(&times))
            })?;
        }
        Ok(apply_by_lane(next, rows, |rows| &rows.next, u, values)?)
    }

    /// The continuous extension of lanes that have a step each, for those it is wanted for.
    fn prepare_lanes<F: SemilinearField<S>>(
        &mut self,
        step: Step<'_, S, F>,
        lanes: &LaneSteps,
    ) -> Result<(), StepError> {
        let wanted = &lanes.interpolated;
        let part = self.method.part;
        let times = ByLane::Each(&lanes.at(1.0)).select(wanted);
        let states = (&mut self.stage, &*step.next);
        step.field.for_lanes(Some(wanted), states, |field, value, u| {
            field.predict(part.into(), value, u, Times::Each(&times))
        })?;
        let (first, last) = (&self.values[0], &self.stage);
        let states = (step.u, &*step.next);
        self.continuous.prepare_lanes(part, step.field.schedule(), lanes, states, (first, last))?;
        copy_lanes(&mut self.values[0], &self.stage, wanted.iter().copied())?;
        if let Some(own) = &mut self.lanes {
            wanted.iter().for_each(|&lane| own.known[lane] = true);
        }
        Ok(())
    }
}

/// [`apply`] with a row of every lane's own.
fn apply_by_lane<S: State>(
    out: &mut S,
    rows: &[Rows],
    row_of: impl Fn(&Rows) -> &Row,
    u: &S,
    values: &[S],
) -> Result<(), StateError> {
    let column = |i: usize| rows.iter().map(|rows| row_of(rows)[i]).collect::<Vec<f64>>();
    let columns: Vec<Vec<f64>> = (0..=values.len()).map(column).collect();
    let states = std::iter::once(u).chain(values);
    let terms: Vec<(&[f64], &S)> = columns.iter().map(Vec::as_slice).zip(states).collect();
    out.combine_lanes(&vec![0.0; rows.len()], &terms)
}
