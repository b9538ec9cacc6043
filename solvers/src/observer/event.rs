use super::course::Side;

/// Which zero crossings of an event function count, read in the direction of
/// integration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Crossing {
    /// Every one.
    #[default]
    Any,
    /// From negative to zero or positive.
    Rising,
    /// From positive to zero or negative.
    Falling,
}

impl Crossing {
    /// Whether leaving `side` counts.
    pub(super) fn leaves(self, side: Side) -> bool {
        match self {
            Crossing::Any => true,
            Crossing::Rising => side == Side::Below,
            Crossing::Falling => side == Side::Above,
        }
    }
}

type EventFunction<'a, S> = Box<dyn Fn(&S, f64) -> f64 + 'a>;
type Effect<'a, S> = Box<dyn Fn(&mut S, f64) + 'a>;

/// Places inside a step at which an event function is looked at, if nothing else is said: those
/// that divide it into ten.
const PROBES: usize = 9;
/// Probes at most.
const MOST_PROBES: usize = 1 << 20;

/// A scalar function of the state whose zero crossings are located.
///
/// A crossing leads from one side of zero, negative or positive, to the **first point that is not
/// on that side**: where the function becomes zero and stays there (clamped functions, counts,
/// booleans, dead zones) this is the first zero. Hence
///
/// - a zero that the function touches and leaves to the side it came from is no crossing;
/// - a zero that it starts from is none, and leaving a zero to either side is none;
/// - a zero on the end of a step is one crossing, and not another one in the step after.
///
/// Whether an exact zero is a touch is decided by a look beyond it on the same curve, a millionth of
/// the step at first and a twentieth at most, as near as the function is seen to leave zero: a
/// terminating event ends the solve without another step. Where the extension of a step made asks
/// for an evaluation that the budget or the field's domain has no room for, the event is looked at
/// on the ends of that step.
///
/// Crossings are looked for on the method's continuous extension, at the end of every step and at
/// some [probes](Event::probes) within, so that two in one step are both found unless they lie
/// between neighbouring probes. A method without extension looks at the ends of its steps alone,
/// and reports the end of the step in which a side was left.
///
/// A function that returns NaN ends the solve with
/// [`Outcome::EventNan`](crate::Outcome::EventNan).
///
/// ```
/// use driftfield_solvers::observer::Event;
/// use driftfield_solvers::{OdeProblem, SolveOptions, method::Dopri5, solve};
/// let problem = OdeProblem::new(|du: &mut f64, u: &f64, _t: f64| *du = -u, 1.0, (0.0, 2.0));
/// let clamped = Event::new(|u: &f64, _t| (u - 0.5).max(0.0)).terminating();
/// let options = SolveOptions::adaptive(1e-9, 1e-9).event(clamped);
/// let solution = solve(&problem, &Dopri5::new(), options).unwrap();
/// assert!((solution.t_last - 2.0_f64.ln()).abs() < 1e-8);
/// ```
pub struct Event<'a, S> {
    pub(crate) function: EventFunction<'a, S>,
    pub(crate) crossing: Crossing,
    /// The crossing that ends the solve, counted from 1.
    pub(crate) terminates_at: Option<u64>,
    pub(crate) effect: Option<Effect<'a, S>>,
    pub(crate) per_lane: bool,
    pub(crate) probes: usize,
}

impl<'a, S> Event<'a, S> {
    /// Records every zero crossing of `function(u, t)`.
    pub fn new(function: impl Fn(&S, f64) -> f64 + 'a) -> Self {
        Event {
            function: Box::new(function),
            crossing: Crossing::Any,
            terminates_at: None,
            effect: None,
            per_lane: false,
            probes: PROBES,
        }
    }

    /// Records when `condition(u, t)` becomes true.
    pub fn when(condition: impl Fn(&S, f64) -> bool + 'a) -> Self {
        let function = move |u: &S, t: f64| if condition(u, t) { 1.0 } else { -1.0 };
        Event::new(function).crossing(Crossing::Rising)
    }

    /// Watches every lane for itself: the function is given states of one lane. What terminates
    /// ends the lane alone, and the others go on; with steps of the lanes' own there are no other
    /// events.
    ///
    /// ```
    /// use driftfield_solvers::observer::Event;
    /// use driftfield_solvers::{OdeProblem, SolveOptions, method::Tsit5, solve};
    /// use ndarray::{Array2, array};
    /// let fall = |du: &mut Array2<f64>, _u: &Array2<f64>, _t: f64| du.fill(-1.0);
    /// let problem = OdeProblem::new(fall, array![[1.0], [2.0]], (0.0, 9.0));
    /// let ground = Event::new(|u: &Array2<f64>, _t| u[[0, 0]]).per_lane().terminating();
    /// let options = SolveOptions::adaptive(1e-8, 1e-8).event(ground);
    /// let solution = solve(&problem, &Tsit5::new(), options).unwrap();
    /// assert!((solution.lanes[0].t - 1.0).abs() < 1e-9 && (solution.lanes[1].t - 2.0).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn per_lane(mut self) -> Self {
        self.per_lane = true;
        self
    }

    /// Changes the state at every crossing that counts: a bounce, a dose. The step ends there, and
    /// what the method knows of the past is forgotten. Not for events of [single
    /// lanes](Event::per_lane), which are recorded or end their lane: a solve
    /// [refuses](crate::SolveError::LaneEffect) both at once.
    ///
    /// ```
    /// use driftfield_solvers::observer::{Crossing, Event};
    /// use driftfield_solvers::{OdeProblem, SolveOptions, method::Tsit5, solve};
    /// let fall = |du: &mut [f64; 2], u: &[f64; 2], _t: f64| *du = [u[1], -1.0];
    /// let problem = OdeProblem::new(fall, [0.5, 0.0], (0.0, 2.0));
    /// let bounce = Event::new(|u: &[f64; 2], _t| u[0])
    ///     .crossing(Crossing::Falling)
    ///     .affecting(|u, _t| u[1] = -u[1]);
    /// let options = SolveOptions::adaptive(1e-9, 1e-9).event(bounce);
    /// let end = solve(&problem, &Tsit5::new(), options).unwrap().complete().unwrap();
    /// // It is up again where it was dropped.
    /// assert!((end[0] - 0.5).abs() < 1e-7);
    /// ```
    #[must_use]
    pub fn affecting(mut self, effect: impl Fn(&mut S, f64) + 'a) -> Self {
        self.effect = Some(Box::new(effect));
        self
    }

    /// Only crossings of this kind.
    #[must_use]
    pub fn crossing(mut self, crossing: Crossing) -> Self {
        self.crossing = crossing;
        self
    }

    /// Ends the solve at the first crossing.
    #[must_use]
    pub fn terminating(self) -> Self {
        self.terminating_at(1)
    }

    /// Ends the solve at the `n`-th crossing that counts (0 is read as 1).
    #[must_use]
    pub fn terminating_at(mut self, n: u64) -> Self {
        self.terminates_at = Some(n.max(1));
        self
    }

    /// Looks at so many equidistant places within every step, 9 by default, besides its end.
    ///
    /// They cost calls of the function and whatever the method's continuous extension takes:
    /// nothing for most, `f` at the end of the last step for those that share it with the next
    /// step, three evaluations a step more for dop853. With 0 the extension is asked for
    /// only in steps at whose ends the signs differ.
    #[must_use]
    pub fn probes(mut self, probes: usize) -> Self {
        self.probes = probes.min(MOST_PROBES);
        self
    }
}
