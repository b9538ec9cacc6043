use crate::control::{Adaptive, ErrorHistory, GridTimes, NormScratch};
use crate::method::GridPosition;

/// Where the next step comes from.
pub(super) enum Steps {
    Fixed {
        times: GridTimes,
        next: usize,
    },
    /// Every lane has its own.
    OfLanes,
    /// `h` and `end` are on the method's clock, `end` being that of the target.
    Adaptive {
        control: Box<Adaptive>,
        h: f64,
        end: f64,
        order: f64,
        history: ErrorHistory,
        scratch: NormScratch,
    },
}

impl Steps {
    /// Which step of a fixed grid comes next.
    #[inline(always)]
    pub(super) fn grid(&self) -> Option<GridPosition<'_>> {
        match self {
            Steps::Fixed { times, next } => {
                Some(GridPosition { index: next - 1, steps: times.steps(), times })
            }
            _ => None,
        }
    }
}
