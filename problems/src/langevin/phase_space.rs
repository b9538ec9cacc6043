use driftfield_solvers::state::StateError;
use driftfield_solvers::{State, Tolerance};

/// Positions and velocities of the same shape, as one state: lane `i` is lane `i` of the
/// positions followed by that of the velocities.
#[derive(Debug, Clone)]
pub struct PhaseSpace<S> {
    /// Where the lanes are.
    pub position: S,
    /// How they move.
    pub velocity: S,
    /// Room to fill lanes whose halves lie apart.
    lanes: Vec<f64>,
}

impl<S: State> PhaseSpace<S> {
    /// Positions and velocities, which must have one shape.
    pub fn new(position: S, velocity: S) -> Result<Self, StateError> {
        position.zeros_like().copy_from(&velocity)?;
        Ok(PhaseSpace { velocity, ..Self::at_rest(position) })
    }

    /// Positions with velocities of 0.
    pub fn at_rest(position: S) -> Self {
        let velocity = position.zeros_like();
        PhaseSpace { position, velocity, lanes: Vec::new() }
    }
}

impl<S: State> State for PhaseSpace<S> {
    fn lanes(&self) -> usize {
        self.position.lanes()
    }

    fn lane_len(&self) -> usize {
        2 * self.position.lane_len()
    }

    fn lane_reals(&self) -> usize {
        2 * self.position.lane_reals()
    }

    fn zeros_like(&self) -> Self {
        PhaseSpace::at_rest(self.position.zeros_like())
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), StateError> {
        self.position.copy_from(&other.position)?;
        self.velocity.copy_from(&other.velocity)
    }

    fn linear_combination(&mut self, own: f64, terms: &[(f64, &Self)]) -> Result<(), StateError> {
        // Term by term, so that no list is put together; in the same order of sums.
        self.position.linear_combination(own, &[])?;
        self.velocity.linear_combination(own, &[])?;
        for &(factor, term) in terms {
            self.position.linear_combination(1.0, &[(factor, &term.position)])?;
            self.velocity.linear_combination(1.0, &[(factor, &term.velocity)])?;
        }
        Ok(())
    }

    fn stage_sum(
        &mut self,
        base: Option<&Self>,
        h: f64,
        weights: &[f64],
        stages: &[Self],
    ) -> Result<(), StateError> {
        match base {
            Some(base) => self.copy_from(base)?,
            None => self.linear_combination(0.0, &[])?,
        }
        for (&weight, stage) in weights.iter().zip(stages).filter(|(weight, _)| **weight != 0.0) {
            self.linear_combination(1.0, &[(h * weight, stage)])?;
        }
        Ok(())
    }

    fn select_lanes(&self, lanes: &[usize]) -> Result<Self, StateError> {
        let velocity = self.velocity.select_lanes(lanes)?;
        Ok(PhaseSpace { velocity, ..Self::at_rest(self.position.select_lanes(lanes)?) })
    }

    fn assign_lanes(&mut self, other: &Self, pairs: &[(usize, usize)]) -> Result<(), StateError> {
        self.position.assign_lanes(&other.position, pairs)?;
        self.velocity.assign_lanes(&other.velocity, pairs)
    }

    fn combine_lanes(&mut self, own: &[f64], terms: &[(&[f64], &Self)]) -> Result<(), StateError> {
        let positions: Vec<_> = terms.iter().map(|&(c, term)| (c, &term.position)).collect();
        let velocities: Vec<_> = terms.iter().map(|&(c, term)| (c, &term.velocity)).collect();
        self.position.combine_lanes(own, &positions)?;
        self.velocity.combine_lanes(own, &velocities)
    }

    fn add_product(&mut self, a: &Self, b: &Self) -> Result<(), StateError> {
        self.position.add_product(&a.position, &b.position)?;
        self.velocity.add_product(&a.velocity, &b.velocity)
    }

    fn weighted_mean_squares(
        &self,
        before: &Self,
        after: &Self,
        tolerance: &Tolerance,
        mean_squares: &mut Vec<f64>,
    ) -> Result<(), StateError> {
        tolerance.abstol.check_len(self.lane_len())?;
        tolerance.reltol.check_len(self.lane_len())?;
        let half = self.position.lane_len();
        let (first, second) = (tolerance.part(0..half), tolerance.part(half..2 * half));
        let mut of_velocity = Vec::new();
        self.position.weighted_mean_squares(
            &before.position,
            &after.position,
            &first,
            mean_squares,
        )?;
        self.velocity.weighted_mean_squares(
            &before.velocity,
            &after.velocity,
            &second,
            &mut of_velocity,
        )?;
        for (mean, of_velocity) in mean_squares.iter_mut().zip(of_velocity) {
            *mean = 0.5 * (*mean + of_velocity);
        }
        Ok(())
    }

    fn dot_lanes(&self, other: &Self) -> Result<Vec<f64>, StateError> {
        let mut dots = self.position.dot_lanes(&other.position)?;
        let velocities = self.velocity.dot_lanes(&other.velocity)?;
        dots.iter_mut().zip(velocities).for_each(|(dot, velocity)| *dot += velocity);
        Ok(dots)
    }

    fn first_non_finite_lane(&self) -> Result<Option<usize>, StateError> {
        let lanes =
            [self.position.first_non_finite_lane()?, self.velocity.first_non_finite_lane()?];
        Ok(lanes.into_iter().flatten().min())
    }

    fn fill_lanes(&mut self, mut fill: impl FnMut(usize, &mut [f64])) -> Result<(), StateError> {
        let (lanes, half) = (self.lanes(), self.position.lane_reals());
        self.lanes.resize(2 * lanes * half, 0.0);
        for (lane, block) in self.lanes.chunks_mut(2 * half.max(1)).enumerate() {
            fill(lane, block);
        }
        for (part, offset) in [(&mut self.position, 0), (&mut self.velocity, half)] {
            // A long lane arrives in several blocks.
            let (mut current, mut done) = (0, 0);
            let values = &self.lanes;
            part.fill_lanes(|lane, block| {
                if lane != current {
                    (current, done) = (lane, 0);
                }
                let start = 2 * half * lane + offset + done;
                block.copy_from_slice(&values[start..start + block.len()]);
                done += block.len();
            })?;
        }
        Ok(())
    }
}
