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
    pub(crate) terminate: bool,
    pub(crate) probes: usize,
}

impl<'a, S> Event<'a, S> {
    /// Records every zero crossing of `function(u, t)`.
    pub fn new(function: impl Fn(&S, f64) -> f64 + 'a) -> Self {
        Event {
            function: Box::new(function),
            crossing: Crossing::Any,
            terminate: false,
            probes: PROBES,
        }
    }

    /// Only crossings of this kind.
    #[must_use]
    pub fn crossing(mut self, crossing: Crossing) -> Self {
        self.crossing = crossing;
        self
    }

    /// Ends the solve at the first crossing.
    #[must_use]
    pub fn terminating(mut self) -> Self {
        self.terminate = true;
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
