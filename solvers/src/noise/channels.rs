use super::{LaneRng, NoiseError};
use crate::state::{State, StateError};

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

    /// Fills `out` with `scale` times the next normals of every lane.
    pub(super) fn fill<S: State>(
        self,
        rngs: &mut [LaneRng],
        scale: f64,
        out: &mut [S],
    ) -> Result<(), StateError> {
        for state in out {
            match self {
                Channels::PerComponent => state.fill_lanes(|lane, block| {
                    rngs[lane].fill_normal(block);
                    block.iter_mut().for_each(|value| *value *= scale);
                })?,
                Channels::Shared(_) => {
                    // A long lane arrives in several blocks.
                    let (mut drawn_for, mut value) = (usize::MAX, [0.0]);
                    state.fill_lanes(|lane, block| {
                        if lane != drawn_for {
                            rngs[lane].fill_normal(&mut value);
                            drawn_for = lane;
                        }
                        block.fill(value[0] * scale);
                    })?;
                }
            }
        }
        Ok(())
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
