use super::NoiseError;
use crate::state::PerLane;

/// How many Brownian motions drive a lane, and how they are laid out in states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Channels {
    /// One for every component (diagonal noise): one state holds them all.
    #[default]
    PerComponent,
    /// This many, each acting on all components of the lane (scalar and general
    /// noise): one state for each, which holds the same value in every component
    /// of a lane.
    Shared(usize),
}

impl Channels {
    /// Number of states that hold an increment.
    pub fn states(self) -> usize {
        match self {
            Channels::PerComponent => 1,
            Channels::Shared(count) => count,
        }
    }

    /// Refuses a list of states that does not hold one increment.
    pub(super) fn check(self, states: usize) -> Result<(), NoiseError> {
        if states == self.states() {
            return Ok(());
        }
        Err(NoiseError::Channels { available: self.states(), asked: states })
    }

    /// Refuses a request for Brownian motions laid out otherwise.
    pub(super) fn matches(self, request: &NoiseRequest) -> Result<(), NoiseError> {
        if self == request.channels {
            return Ok(());
        }
        Err(NoiseError::Layout { available: self, asked: request.channels })
    }

    /// What a lane draws for each of the states.
    pub(super) fn per_lane(self) -> PerLane {
        match self {
            Channels::PerComponent => PerLane::Components,
            Channels::Shared(_) => PerLane::One,
        }
    }
}

/// What a method asks of the Brownian path of its solve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoiseRequest {
    /// The Brownian motions of a lane.
    pub channels: Channels,
    /// Whether space-time Levy areas are needed.
    pub areas: bool,
    /// Whether increments are needed between any two times (adaptive steps), not
    /// only those of a grid.
    pub any_time: bool,
    /// Whether the method divides its steps, at times that a path of the seed's must know
    /// beside the grid and a path given must have on its grid.
    pub inside_steps: bool,
}
