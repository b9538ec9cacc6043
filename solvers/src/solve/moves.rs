//! Lanes that leave the batch, and lanes that change places in it.

use super::Integrator;
use super::roster::{Departure, Roster};
use crate::method::{Method, Stepper, Told};
use crate::noise::{NoNoise, Renumbered};
use crate::observer::Moved;
use crate::problem::Problem;
use crate::state::{State, StateError};

/// The numbers in the whole batch of lanes by their places.
pub(super) fn number_in<S>(roster: &Option<Box<Roster<S>>>) -> impl Fn(usize) -> usize {
    |slot| roster.as_ref().map_or(slot, |roster| roster.numbers[slot])
}

impl<P: Problem, M: Method<P::State, P::Field>> Integrator<'_, P, M> {
    /// The number in the whole batch of the lane at a place.
    pub(super) fn number(&self, slot: usize) -> usize {
        number_in(&self.roster)(slot)
    }

    /// Puts lane `from[i]` into place `i`, for every lane of the batch: of the state, and of
    /// everything that the method, the step control and the events keep of it.
    ///
    /// With [`Moved::Renumbered`] the lanes are the same under other numbers, and each keeps its
    /// noise: on fixed grids and with steps of the lanes' own, what comes of it is the same to the
    /// bit. With [`Moved::Resampled`] the noise stays with the places, so that two copies of one
    /// lane part: what resampling of particles needs.
    ///
    /// # Errors
    ///
    /// A list that has not as many places as the batch, or names a lane that is none; a container
    /// whose lanes cannot be taken apart.
    pub fn move_lanes(&mut self, from: &[usize], moved: Moved) -> Result<(), StateError> {
        let lanes = self.u.lanes();
        if from.len() != lanes {
            return Err(StateError::LaneCoefficients { lanes, found: from.len() });
        }
        if let Some(&lane) = from.iter().find(|&&lane| lane >= lanes) {
            return Err(StateError::NoSuchLane { lane, lanes });
        }
        self.u = self.u.select_lanes(from)?;
        self.follow_move(from, moved)
    }

    /// All but the state follows lanes that were moved.
    pub(super) fn follow_move(&mut self, from: &[usize], moved: Moved) -> Result<(), StateError> {
        if moved == Moved::Renumbered {
            self.renumber_noise(from);
            let u = &self.u;
            self.roster.get_or_insert_with(|| Box::new(Roster::new(u))).renumber(from);
        }
        self.follow(from)
    }

    /// Each lane keeps its noise.
    fn renumber_noise(&mut self, from: &[usize]) {
        if !self.info.draws_noise || self.noise.renumber(from) {
            return;
        }
        let path = std::mem::replace(&mut self.noise, Box::new(NoNoise));
        self.noise = Box::new(Renumbered::new(path, from, self.other.zeros_like()));
    }

    /// Everything but the state and the noise follows lanes that moved.
    fn follow(&mut self, from: &[usize]) -> Result<(), StateError> {
        self.other = self.other.select_lanes(from)?;
        self.scratch = self.u.zeros_like();
        self.stepper.tell(Told::Lanes(from))?;
        if let Some(own) = &mut self.own {
            self.field.move_lanes(from);
            own.move_lanes(from);
        }
        for watched in &mut self.watched {
            watched.move_lanes(from);
        }
        Ok(())
    }

    /// Lets lanes go; the solve is over with the last of them.
    pub(super) fn dismiss(&mut self, leaving: Vec<Departure<P::State>>) -> Result<(), StateError> {
        if leaving.is_empty() {
            return Ok(());
        }
        let u = &self.u;
        let roster = self.roster.get_or_insert_with(|| Box::new(Roster::new(u)));
        let staying = roster.dismiss(leaving, u)?;
        if staying.is_empty() {
            self.outcome = Some(roster.outcome());
            return Ok(());
        }
        self.renumber_noise(&staying);
        self.u = self.u.select_lanes(&staying)?;
        self.follow(&staying)
    }
}
